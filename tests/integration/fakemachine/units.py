# SPDX-License-Identifier: LGPL-2.1-or-later
KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4096

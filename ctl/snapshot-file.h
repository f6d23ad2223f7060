/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a snapshot says of itself, beside the files that the probe reads. */
#pragma once

#include "ctl.h"

/* Complains unless the directory holds a snapshot that can be used here. */
enum exit_code snapshot_file_check(const char *directory);

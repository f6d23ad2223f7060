/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads the kernel module, and keeps why it cannot be for the daemon, which has no
 * right to load any: below RUN_DIR, as one line.
 */
#pragma once

#include <stddef.h>

#include "sysfs.h"

/*
 * Load MODULE_NAME; where that is impossible, the kernel's own driver instead, if no
 * device would be bound by that alone.  0, or a negative errno of what failed.
 */
int module_load(const struct sysfs *s);

/* In words: why loading it ended with @error, a negative errno, on a kernel @release. */
const char *module_explain(int error, const char *release, char *buf, size_t size);

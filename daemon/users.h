/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "sysfs.h"

/*
 * Whether a process has the device node of @device (dax0.0) open or mapped.
 * When /proc cannot be read, the answer is yes: in doubt it is in use.
 */
bool users_of_node(const struct sysfs *s, const char *device);

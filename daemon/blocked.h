/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in a memory block that cannot be taken offline, as far as the kernel tells.
 */
#pragma once

#include "model.h"
#include "sysfs.h"

/*
 * "memory45 (block 13, node 1, movable zone): 3 of its pages are in use, ...".  Returns
 * @buf.
 */
const char *blocked_describe(const struct sysfs *s, const struct model *m,
                             const struct device *d, size_t block, char *buf, size_t size);

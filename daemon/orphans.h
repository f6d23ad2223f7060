/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is still in use though its device is gone, by the module's books.
 */
#pragma once

#include "sysfs.h"

/* How many blocks there are of a device, and into @buf which. */
uint64_t orphans_of(const struct sysfs *s, const char *device, uint64_t block_size,
                    char *buf, size_t size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is still in use though its device is gone, or has no driver any more.
 */
#pragma once

#include "model.h"
#include "sysfs.h"

/* By the module's books: how many blocks there are of a device, and into @buf which. */
uint64_t orphans_of(const struct sysfs *s, const char *device, uint64_t block_size,
                    char *buf, size_t size);

/*
 * What stays of a driver that has no books, which is the kernel's own: those blocks of @d,
 * as it was, that are online, and belong to no device of @m.
 */
uint64_t orphans_among(const struct sysfs *s, const struct model *m, const struct device *d,
                       char *buf, size_t size);

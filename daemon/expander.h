/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CXL expanders and what of them is in use, by sysfs: cheap enough for every look.
 */
#pragma once

#include "model.h"
#include "sysfs.h"

/* An expander has more decoders; so many regions use it at most. */
#define EXPANDER_REGIONS_MAX 10

struct expander {
        struct memdev dev;
        uint64_t identity;              /* another one under the same name has another */
        uint64_t ram_size;              /* of volatile memory */
        bool enabled;                   /* it has a driver, and an endpoint with decoders */
        bool used;                      /* a decoder of it has memory, or is locked */
        bool locked;                    /* ... by the firmware, until the next boot */
        size_t n_regions;
        char regions[EXPANDER_REGIONS_MAX][24];
};

/* All that there are, for the caller to free. */
int probe_expanders(const struct sysfs *s, struct expander **ret, size_t *ret_n);

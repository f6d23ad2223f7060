/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of "after_online" below RUN_DIR, so that it can be put back after a restart. */
#pragma once

#include "after.h"
#include "sysfs.h"

/* One file that was written. */
struct after_item {
        struct after_item *next;
        enum after_knob knob;
        int node;               /* of AFTER_WEIGHT, else -1 */
        char owner[32];         /* the device that has the say */
        struct after_kept kept;
        bool told;              /* not kept: that it cannot be put back */
};

/* None, if there is nothing that could be read. */
struct after_item *after_items_load(const struct sysfs *s);

int after_items_save(const struct sysfs *s, const struct after_item *items);

struct after_item *after_items_free(struct after_item *items);

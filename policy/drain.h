/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking memory out, and bringing it back: the steps for it, in the order that is fast
 * for the kernel and that the memmaps allow.
 *
 * Everything goes offline before anything is unplugged, as what is only offline comes
 * back easily.  The exception are seeds: the memmaps in a seed go when their blocks are
 * unplugged, and only then can the seed go offline.
 */
#pragma once

#include "plan.h"

/* Why a block stays. */
enum drain_reason {
        DRAIN_SEED,             /* it may hold memmaps of blocks that stay plugged */
        DRAIN_GOING,            /* somebody else is bringing it online or taking it offline */
        _DRAIN_REASON_MAX,
};

struct drain_left {
        size_t block;
        enum drain_reason reason;
};

struct drain {
        struct plan *plan;
        size_t n_left;
        struct drain_left *left;        /* what cannot be taken out */
};

/*
 * The way out for @blocks, a bool for each block of @d: they go offline.  With NULL,
 * all of them do, and are unplugged, and the driver is unbound.  Empty if that is so.
 * Returns 0, or -ENOMEM.
 */
int drain_make(const struct model *m, const struct device *d, const bool *blocks,
               struct drain **ret);

struct drain *drain_free(struct drain *d);

/*
 * The way back to @before, the blocks of @d as they were: whatever was online is
 * online again in the same zone, whatever was plugged is plugged again.  What cannot
 * be had again, as its driver is gone or adds no single block, is left out.
 */
int drain_undo(const struct model *m, const struct device *d, const struct block *before,
               struct plan **ret);

/* Bytes of usable memory that the machine loses by the offlines of @plan. */
uint64_t drain_bytes(const struct model *m, const struct device *d, const struct plan *plan);

const char *drain_reason_to_string(enum drain_reason r);

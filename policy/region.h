/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Of which expanders a CXL region is made, and how.
 *
 * A window of addresses (CXL's root decoder) is itself spread over host bridges: the
 * expander at place i of a region has to be below target i of the window, and again
 * from the first one on.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

/* Capacity is given out in such pieces, of each expander. */
#define REGION_UNIT (256ULL << 20)

struct window {
        unsigned int ways, granularity; /* of its own interleaving */
        uint64_t extent;                /* of addresses that are free, in one piece */
};

/* An expander no part of which is in use. */
struct spare {
        int position;                   /* of the target it is below; -1: not below this window */
        uint64_t size;                  /* of volatile memory */
        struct create_region how;
        bool taken;                     /* not to be looked at */
};

enum region_verdict {
        REGION_POSSIBLE,
        REGION_ELSEWHERE,               /* no expander is below this window */
        REGION_TOO_FEW,                 /* more are needed below the same window */
        REGION_WAYS,                    /* the window goes over more than was asked for */
        REGION_GRANULARITY,             /* the window is interleaved with another one */
        REGION_NO_ROOM,                 /* in the window */
        _REGION_VERDICT_MAX,
};

struct region_plan {
        unsigned int ways, granularity;
        uint64_t size;                  /* of the region; of REGION_NO_ROOM: what it would take */
        size_t members[MEMDEVS_MAX];    /* in their places; of the others: as many as there are */
        size_t n_members;
};

/* A region with the first spare that is not taken, or why there can be none with it. */
enum region_verdict region_plan(const struct window *w, const struct spare *spares, size_t n,
                                struct region_plan *ret);

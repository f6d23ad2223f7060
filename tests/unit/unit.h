/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every test of the core begins with. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide.h"
#include "plan.h"

#define KiB (1024ULL)
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* x86-64 with up to 64 GiB. */
#define BLOCK_SIZE (128 * MiB)
#define MEMMAP_SIZE (2 * MiB)

/*
 * Blocks from two strings of one letter each: where the memmap is, as in the
 * module's map (r, d, s, or . for absent), and the state (k or m: online in that
 * zone, - offline, . absent, x absent and failed, g in between).
 */
static inline struct block block_of(size_t i, char map, char state) {
        return (struct block) {
                .number = 32 + i,
                .placement = map == 'r' ? PLACEMENT_RAM : map == 'd' ? PLACEMENT_DEVICE :
                        map == 's' ? PLACEMENT_SEED : PLACEMENT_NONE,
                .state = state == 'k' || state == 'm' ? BLOCK_ONLINE :
                        state == '-' ? BLOCK_OFFLINE :
                        state == 'g' ? BLOCK_GOING : BLOCK_ABSENT,
                .zone = state == 'k' ? ZONE_KERNEL : state == 'm' ? ZONE_MOVABLE : ZONE_NONE,
                .failed = state == 'x',
        };
}

static inline void fill_blocks(struct block *blocks, const char *map, const char *states) {
        assert_int_equal(strlen(map), strlen(states));
        for (size_t i = 0; map[i]; i++)
                blocks[i] = block_of(i, map[i], states[i]);
}

static inline char letter_of_placement(enum placement p) {
        return ".rds"[p];
}

static inline char letter_of_zone(enum zone z) {
        return ".km"[z];
}

#define assert_size(a, b) assert_int_equal((uint64_t) (a), (uint64_t) (b))

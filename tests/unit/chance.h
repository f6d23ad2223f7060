/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chance that comes out the same for the same seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static uint64_t chance_state;

static inline uint64_t chance(uint64_t n) {
        /* splitmix64 */
        uint64_t z = chance_state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return n ? (z ^ (z >> 31)) % n : 0;
}

static inline bool once_in(uint64_t n) {
        return chance(n) == 0;
}

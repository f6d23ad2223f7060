/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast memory is taken in while the machine is short of it: by the share of time
 * in which some task waited for memory, of the last ten seconds.
 */
#pragma once

#include <stdint.h>

enum pace {
        PACE_FULL,
        PACE_SLOW,              /* with a pause after each block */
        PACE_STOP,              /* not at all for now */
        _PACE_MAX,
};

/* From where on; in 1/100 of a percent.  0: never. */
struct pressure {
        uint64_t slow, stop;
};

/*
 * The pace at the pressure @now, after the pace @last.  A limit that was reached is
 * left only at three quarters of it, so that around it nothing flaps.
 */
enum pace pace_next(const struct pressure *limits, enum pace last, uint64_t now);

const char *pace_to_string(enum pace p);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>

#include "pace.h"

static const char *const pace_words[_PACE_MAX] = {
        [PACE_FULL] = "full",
        [PACE_SLOW] = "slow",
        [PACE_STOP] = "stopped",
};

const char *pace_to_string(enum pace p) {
        return pace_words[p];
}

static bool is_above(uint64_t limit, bool was, uint64_t now) {
        if (limit == 0)
                return false;
        return now >= limit || (was && now * 4 > limit * 3);
}

enum pace pace_next(const struct pressure *limits, enum pace last, uint64_t now) {
        if (is_above(limits->stop, last == PACE_STOP, now))
                return PACE_STOP;
        return is_above(limits->slow, last != PACE_FULL, now) ? PACE_SLOW : PACE_FULL;
}

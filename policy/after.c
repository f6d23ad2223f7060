/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "after.h"

#include <stdio.h>
#include <string.h>

#include "words.h"

/* Documentation/admin-guide/sysctl/kernel.rst, numa_balancing: bits. */
#define TIERING 2

static const char *const knob_words[_AFTER_KNOB_MAX] = {
        [AFTER_DEMOTION] = "demotion",
        [AFTER_BALANCING] = "numa_balancing",
        [AFTER_AUTO_WEIGHTS] = "interleave_auto",
        [AFTER_WEIGHT] = "interleave_weight",
};

static const char *const since_words[_AFTER_KNOB_MAX] = {
        [AFTER_DEMOTION] = "5.15",
        [AFTER_BALANCING] = "5.18",
        [AFTER_AUTO_WEIGHTS] = "6.16",
        [AFTER_WEIGHT] = "6.9",
};

const char *after_knob_to_string(enum after_knob k) {
        return knob_words[k];
}

int after_knob_from_string(const char *s) {
        return word_index(knob_words, _AFTER_KNOB_MAX, s);
}

const char *after_knob_since(enum after_knob k) {
        return since_words[k];
}

bool after_asks(enum after_knob k, const struct after_online *wish) {
        switch (k) {
        case AFTER_DEMOTION:
                return wish->sets_demotion;
        case AFTER_BALANCING:
                return wish->balancing != BALANCING_AS_IS;
        default:
                return wish->weight > 0;
        }
}

/* The kernel prints it as a decimal number. */
static unsigned int mode_of(const char *text) {
        unsigned int mode = 0;

        for (; *text >= '0' && *text <= '9'; text++)
                mode = mode * 10 + (unsigned int) (*text - '0');
        return mode;
}

bool after_wanted(enum after_knob k, const struct after_online *wish, const char *now,
                  char ret[AFTER_TEXT_MAX]) {
        unsigned int mode;

        if (!after_asks(k, wish))
                return false;
        switch (k) {
        case AFTER_DEMOTION:
                snprintf(ret, AFTER_TEXT_MAX, "%s", wish->demotion ? "true" : "false");
                break;
        case AFTER_BALANCING:
                /* What it does between nodes that are equally fast is not our business. */
                mode = wish->balancing == BALANCING_OFF ? 0 : mode_of(now) | TIERING;
                snprintf(ret, AFTER_TEXT_MAX, "%u", mode);
                break;
        case AFTER_AUTO_WEIGHTS:
                snprintf(ret, AFTER_TEXT_MAX, "false");
                break;
        default:
                snprintf(ret, AFTER_TEXT_MAX, "%u", wish->weight);
        }
        return true;
}

const struct after_asker *after_winner(const struct after_asker *askers, size_t n,
                                       enum after_knob k, int node, const char *owner) {
        const struct after_asker *first = NULL;

        for (size_t i = 0; i < n; i++) {
                if (!after_asks(k, askers[i].wish) || (k == AFTER_WEIGHT && askers[i].node != node))
                        continue;
                if (owner && strcmp(askers[i].device, owner) == 0)
                        return &askers[i];
                if (!first)
                        first = &askers[i];
        }
        return first;
}

static bool same(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* Nobody asks any more. */
static enum after_action undo(const struct after_kept *kept, const char *now) {
        if (kept->lost)
                return AFTER_FORGET;
        /* The file of a node goes with its memory, and comes again with it. */
        if (!now)
                return AFTER_NOTHING;
        if (same(now, kept->before))
                return AFTER_FORGET;
        return same(now, kept->set) ? AFTER_PUT_BACK : AFTER_LEAVE;
}

/* Whether it is as we left it; or as it was, if we were killed at it. */
static bool is_ours(const struct after_kept *kept, const char *now) {
        return !kept->lost && (same(now, kept->set) || (kept->begun && same(now, kept->before)));
}

enum after_action after_decide(enum after_knob k, const struct after_online *wish,
                               const struct after_kept *kept, const char *now,
                               char ret[AFTER_TEXT_MAX]) {
        if (!wish)
                return kept ? undo(kept, now) : AFTER_NOTHING;
        if (!now)
                return kept ? AFTER_NOTHING : AFTER_MISSING;
        after_wanted(k, wish, kept && is_ours(kept, now) ? kept->before : now, ret);
        if (!kept)
                return AFTER_SET;
        if (is_ours(kept, now))
                return kept->begun || !same(kept->wanted, ret) ? AFTER_SET : AFTER_NOTHING;
        after_wanted(k, wish, kept->before, ret);
        if (same(kept->wanted, ret))
                return kept->lost ? AFTER_NOTHING : AFTER_NOTICE;
        /* Something else is asked for than what they have changed. */
        after_wanted(k, wish, now, ret);
        return AFTER_SET;
}

struct after_kept after_begin(const struct after_kept *kept, const char *now, const char *wanted) {
        struct after_kept k = { .begun = true };

        snprintf(k.before, sizeof(k.before), "%s", kept && is_ours(kept, now) ? kept->before : now);
        snprintf(k.wanted, sizeof(k.wanted), "%s", wanted);
        snprintf(k.set, sizeof(k.set), "%s", wanted);
        return k;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the policy has set on the machine for memory that is online ("after_online"):
 * which files are to have which values, for whom, and what to put back.
 *
 * What a file had before is remembered with what was set, and put back when nobody asks
 * any more, if it has still the value that was set.  What somebody else wrote stays.
 */
#pragma once

#include "policy.h"

enum after_knob {
        AFTER_DEMOTION,
        AFTER_BALANCING,
        AFTER_AUTO_WEIGHTS,     /* whether the kernel works out weights itself; not if one is set */
        AFTER_WEIGHT,           /* of a node */
        _AFTER_KNOB_MAX,
};

#define AFTER_TEXT_MAX 16

struct after_kept {
        char before[AFTER_TEXT_MAX];
        char wanted[AFTER_TEXT_MAX];
        char set[AFTER_TEXT_MAX];       /* as it was read back */
        bool begun;                     /* not known to be written yet */
        bool lost;                      /* somebody else changed it since */
};

/* A device that asks for something. */
struct after_asker {
        const char *device;
        int node;
        const struct after_online *wish;
};

enum after_action {
        AFTER_NOTHING,
        AFTER_SET,
        AFTER_MISSING,          /* the kernel has no such file */
        AFTER_NOTICE,           /* somebody else changed it: it stays */
        AFTER_PUT_BACK,
        AFTER_LEAVE,            /* not put back, as somebody else changed it */
        AFTER_FORGET,           /* nothing is to be put back */
};

/* Whether the policy says anything of it. */
bool after_asks(enum after_knob k, const struct after_online *wish);

/*
 * What the file is to have by @wish, if it had @now without it.  False: that says nothing
 * of it.
 */
bool after_wanted(enum after_knob k, const struct after_online *wish, const char *now,
                  char ret[AFTER_TEXT_MAX]);

/*
 * Who has the say of several: @owner, if it still asks, else the first one.  NULL: nobody
 * asks.  @node counts for AFTER_WEIGHT only.
 */
const struct after_asker *after_winner(const struct after_asker *askers, size_t n,
                                       enum after_knob k, int node, const char *owner);

/*
 * What to do with a file that has @now (NULL: is not there), of which @kept is remembered
 * (NULL: nothing), for @wish (NULL: of nobody).  @ret: the value, of AFTER_SET.
 */
enum after_action after_decide(enum after_knob k, const struct after_online *wish,
                               const struct after_kept *kept, const char *now,
                               char ret[AFTER_TEXT_MAX]);

/* What to remember before @wanted is written over @now.  @kept may be NULL. */
struct after_kept after_begin(const struct after_kept *kept, const char *now, const char *wanted);

const char *after_knob_to_string(enum after_knob k);
int after_knob_from_string(const char *s);

/* The first Linux that has it. */
const char *after_knob_since(enum after_knob k);

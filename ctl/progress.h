/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far something is: a bar on a terminal, a line now and then elsewhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
        bool quiet;             /* nothing at all */
        bool bar;               /* stderr is a terminal */
        bool shown;             /* there is a bar to be wiped away */
        char state[32];         /* the last one that was told */
        uint64_t tenths;        /* ... and how far it was */
};

void progress_init(struct progress *p, bool quiet);
void progress_show(struct progress *p, const char *device, const char *state,
                   uint64_t done, uint64_t total);

/* Other lines may follow. */
void progress_clear(struct progress *p);

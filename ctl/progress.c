/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 40

void progress_init(struct progress *p, bool quiet) {
        *p = (struct progress) { .quiet = quiet, .bar = isatty(STDERR_FILENO) };
}

static void draw(const char *device, const char *state, uint64_t done, uint64_t total) {
        int full = (int) (done * WIDTH / total);

        fprintf(stderr, "\r\033[K%s: %s [%.*s%*s] %" PRIu64 "/%" PRIu64, device, state, full,
                "########################################", WIDTH - full, "", done, total);
        fflush(stderr);
}

void progress_show(struct progress *p, const char *device, const char *state,
                   uint64_t done, uint64_t total) {
        bool same = strcmp(p->state, state) == 0;
        uint64_t tenths;

        if (p->quiet || total == 0)
                return;
        done = done < total ? done : total;
        tenths = done * 10 / total;
        if (p->bar) {
                draw(device, state, done, total);
                p->shown = true;
        } else if (!same || tenths != p->tenths) {
                printf("%s: %s, %" PRIu64 " of %" PRIu64 " steps\n", device, state, done, total);
                fflush(stdout);
        }
        snprintf(p->state, sizeof(p->state), "%s", state);
        p->tenths = tenths;
}

void progress_clear(struct progress *p) {
        if (!p->shown)
                return;
        fputs("\r\033[K", stderr);
        p->shown = false;
}

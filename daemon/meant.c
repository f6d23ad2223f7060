/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "meant.h"

#include <stdlib.h>

/* Without memory for it, nothing is told. */
static bool make_room(struct record *r, size_t n) {
        if (r->n_meant == n)
                return true;
        meant_forget(r);
        r->meant = calloc(n + 1, sizeof(*r->meant));
        r->n_meant = r->meant ? n : 0;
        return r->meant;
}

void meant_note(struct record *r, const struct device *d, const struct decision *decision) {
        if (decision->settings.action != ACTION_ONLINE || !make_room(r, d->n_blocks))
                return;
        for (size_t i = 0; i < d->n_blocks; i++)
                if (decision->targets[i].wanted && d->blocks[i].state != BLOCK_ONLINE)
                        r->meant[i] = (uint8_t) decision->targets[i].zone;
}

void meant_forget(struct record *r) {
        free(r->meant);
        r->meant = NULL;
        r->n_meant = 0;
}

size_t meant_missed(const struct record *r, const struct device *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->n_blocks && i < r->n_meant; i++)
                n += r->meant[i] != ZONE_NONE && d->blocks[i].state == BLOCK_ONLINE &&
                        d->blocks[i].zone != (enum zone) r->meant[i];
        return n;
}

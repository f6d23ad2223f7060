/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the memory is wanted for, and what that asks of memmaps and zones.
 *
 * A block with its memmap on itself has no 1 GiB that are whole, and its huge pages
 * cannot give back what of the memmap they do not need.  The kernel takes 1 GiB pages
 * from the kernel zone only.  What is to be removed must not have anything in it that
 * cannot be moved: no block in the kernel zone, and so no seeds.
 */
#include "use.h"

bool use_is_whole(const struct use *u) {
        return u->gigantic_pages || u->hvo;
}

void use_lay(struct settings *base, const struct settings *over) {
        const struct use *u = &over->use;

        base->use = *u;
        if (u->gigantic_pages || u->removable)
                base->zone = ZONE_MODE_AUTO;
        if (use_is_whole(u) || u->removable || u->prefer != PREFER_NOTHING)
                base->memmap = MEMMAP_AUTO;
}

void use_apply(struct settings *s) {
        if (s->zone != ZONE_MODE_AUTO)
                return;
        if (s->use.gigantic_pages)
                s->zone = ZONE_MODE_KERNEL;
        else if (s->use.removable)
                s->zone = ZONE_MODE_MOVABLE;
}

enum contradiction use_contradiction(const struct settings *s) {
        const struct use *u = &s->use;

        if ((u->gigantic_pages && s->zone == ZONE_MODE_MOVABLE) ||
            (u->removable && s->zone == ZONE_MODE_KERNEL))
                return CONTRADICTION_USE_ZONE;
        if ((use_is_whole(u) && s->memmap == MEMMAP_DEVICE) ||
            (u->removable && s->memmap == MEMMAP_SEED))
                return CONTRADICTION_USE_MEMMAP;
        if (u->prefer != PREFER_NOTHING && s->memmap != MEMMAP_AUTO)
                return CONTRADICTION_USE_PREFER;
        return CONTRADICTION_NONE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "region.h"

static size_t first_spare(const struct spare *spares, size_t n) {
        size_t i = 0;

        while (i < n && (spares[i].taken || spares[i].position < 0))
                i++;
        return i;
}

static bool is_alike(const struct create_region *a, const struct create_region *b) {
        return a->ways == b->ways && a->granularity == b->granularity;
}

static bool is_member(const struct region_plan *p, size_t i) {
        for (size_t k = 0; k < p->n_members; k++)
                if (p->members[k] == i)
                        return true;
        return false;
}

/* The next one for a place below target @position. */
static bool add_member(const struct spare *spares, size_t n, size_t first, int position,
                       struct region_plan *p) {
        for (size_t i = first; i < n; i++)
                if (!spares[i].taken && spares[i].position == position && !is_member(p, i) &&
                    is_alike(&spares[i].how, &spares[first].how)) {
                        p->members[p->n_members++] = i;
                        return true;
                }
        return false;
}

/* All get the same; what the larger ones have more is not used. */
static uint64_t smallest(const struct spare *spares, const struct region_plan *p) {
        uint64_t size = UINT64_MAX;

        for (size_t k = 0; k < p->n_members; k++)
                if (spares[p->members[k]].size < size)
                        size = spares[p->members[k]].size;
        return size - size % REGION_UNIT;
}

enum region_verdict region_plan(const struct window *w, const struct spare *spares, size_t n,
                                struct region_plan *ret) {
        size_t first = first_spare(spares, n);
        const struct create_region *how;

        memset(ret, 0, sizeof(*ret));
        if (first == n)
                return REGION_ELSEWHERE;
        how = &spares[first].how;
        ret->ways = how->ways ? how->ways : w->ways;
        ret->granularity = how->granularity ? how->granularity : w->granularity;
        ret->members[ret->n_members++] = first;
        if (ret->ways % w->ways != 0 || ret->ways > MEMDEVS_MAX)
                return REGION_WAYS;
        if (w->ways > 1 && ret->granularity != w->granularity)
                return REGION_GRANULARITY;
        ret->n_members = 0;
        for (unsigned int i = 0; i < ret->ways; i++)
                if (!add_member(spares, n, first, (int) (i % w->ways), ret))
                        return REGION_TOO_FEW;
        ret->size = smallest(spares, ret) * ret->ways;
        return ret->size == 0 || ret->size > w->extent ? REGION_NO_ROOM : REGION_POSSIBLE;
}

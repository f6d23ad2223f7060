/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose turn it is, of devices that wait at the same time: what one gets of RAM, those
 * after it do not.  The higher priority comes first, then who came first, then the name.
 */
#include "turns.h"

static int compare(const void *a, const void *b) {
        const struct turn *x = a, *y = b;

        if (x->priority != y->priority)
                return x->priority > y->priority ? -1 : 1;
        if (x->arrival != y->arrival)
                return x->arrival < y->arrival ? -1 : 1;
        /* The model has them in the order of their names, dax2.0 before dax10.0. */
        return x->device < y->device ? -1 : 1;
}

int turn_priority(const struct policy *p, const struct device *d) {
        return p ? policy_resolve(p, policy_match(p, d)).priority : 0;
}

void turns_sort(struct turn *turns, size_t n) {
        if (n > 1)
                qsort(turns, n, sizeof(*turns), compare);
}

const struct turn *turns_ahead(const struct turn *turns, size_t i) {
        for (size_t j = 0; j < i; j++)
                if (turns[j].undecided && turns[j].priority > turns[i].priority)
                        return &turns[j];
        return NULL;
}

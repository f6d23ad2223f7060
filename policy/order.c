/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order.h"

static void reverse(size_t *blocks, size_t n) {
        for (size_t i = 0; i < n / 2; i++) {
                size_t t = blocks[i];

                blocks[i] = blocks[n - 1 - i];
                blocks[n - 1 - i] = t;
        }
}

/* Move blocks[@from] to the end. */
static void to_the_end(size_t *blocks, size_t n, size_t from) {
        size_t t = blocks[from];

        for (size_t i = from; i + 1 < n; i++)
                blocks[i] = blocks[i + 1];
        blocks[n - 1] = t;
}

void order_online(enum order order, bool online_below, size_t *blocks, size_t n) {
        switch (order) {
        case ORDER_DESCENDING:
                reverse(blocks, n);
                break;
        case ORDER_FAST: {
                /* The first block fixes where the zone starts, the one after it
                 * is the gap.  With a start below, the first one is. */
                size_t gap = online_below ? 0 : 1;

                if (gap < n)
                        to_the_end(blocks, n, gap);
                break;
        }
        default:
                break;
        }
}

void order_offline(bool online_below, size_t *blocks, size_t n) {
        size_t gap = online_below ? 0 : 1;

        /* The gap goes first, the others from above. */
        if (gap < n)
                to_the_end(blocks, n, gap);
        reverse(blocks, n);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "budget.h"

/*
 * Of what a seed could hold by its size, so many memmaps fewer are planned: page
 * tables and other allocations of the kernel find their way there as well.
 */
#define SEED_SLACK 2

static uint64_t minus(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

bool budget_has_ram(const struct node *node) {
        return node->has_kernel_zone && node->kernel_total > node->dax_kernel;
}

/* 0: not known. */
static unsigned int distance(const struct node *from, const struct node *to) {
        return from && to->id >= 0 && (size_t) to->id < from->n_distances ?
                from->distances[to->id] : 0;
}

static bool is_poorer(const struct node *n, const struct node *than, struct amount reserve) {
        struct budget a = budget_of(n, reserve), b = budget_of(than, reserve);

        return a.total != b.total ? a.total < b.total : a.headroom < b.headroom;
}

const struct node *budget_payer(const struct model *m, const struct device *d,
                                struct amount reserve) {
        const struct node *from = model_node(m, d->target_node), *best = NULL;

        if (from && budget_has_ram(from))
                return from;
        if (!from || from->n_distances == 0)
                from = model_node(m, d->numa_node);

        for (size_t i = 0; i < m->n_nodes; i++) {
                const struct node *n = &m->nodes[i];
                unsigned int to_best, to_n = distance(from, n);

                if (!budget_has_ram(n))
                        continue;
                to_best = best ? distance(from, best) : 0;
                if (!best)
                        best = n;
                else if (to_n > 0 && to_best > 0 && to_n != to_best)
                        best = to_n < to_best ? n : best;
                else if (is_poorer(n, best, reserve))
                        best = n;
        }
        return best;
}

struct budget budget_of(const struct node *payer, struct amount reserve) {
        struct budget b = {
                .free = payer->kernel_free,
                .reclaimable = payer->kernel_reclaimable,
                .watermark = payer->kernel_watermark,
                .reserve = amount_of(reserve, payer->kernel_total),
                .promised = payer->promised,
        };

        b.headroom = minus(b.free + b.reclaimable, b.watermark + b.promised);
        b.total = minus(b.headroom, b.reserve);
        return b;
}

size_t seed_capacity(uint64_t block_size, uint64_t memmap_size, bool on_itself) {
        return minus(block_size / memmap_size, SEED_SLACK + on_itself);
}

size_t seed_room(const struct node *n, uint64_t memmap_size) {
        uint64_t free = minus(n->kernel_free, n->kernel_watermark);

        /* The kernel would rather go to another node than use smaller pieces:
         * vmemmap_populate_hugepages(), mm/sparse-vmemmap.c. */
        return (free < n->kernel_free_huge ? free : n->kernel_free_huge) / memmap_size;
}

size_t seed_room_planned(const struct node *n, uint64_t memmap_size) {
        return minus(seed_room(n, memmap_size), SEED_SLACK);
}

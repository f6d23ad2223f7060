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

/* Bytes of @node in the kernel zone that came from dax devices. */
static uint64_t dax_kernel_bytes(const struct model *m, int node) {
        uint64_t bytes = 0;

        for (size_t i = 0; i < m->n_devices; i++)
                if (m->devices[i].target_node == node)
                        bytes += device_count(&m->devices[i]).kernel * m->block_size;
        return bytes;
}

bool budget_has_ram(const struct model *m, const struct node *node) {
        return node->has_kernel_zone &&
                node->kernel_total > dax_kernel_bytes(m, node->id);
}

static uint64_t spare(const struct node *n) {
        return minus(n->kernel_free + n->kernel_reclaimable, n->kernel_watermark + n->promised);
}

static bool distance_known(const struct node *from, const struct node *to) {
        return from && to->id >= 0 && (size_t) to->id < from->n_distances;
}

const struct node *budget_payer(const struct model *m, const struct device *d) {
        const struct node *from = model_node(m, d->target_node), *best = NULL;

        if (from && budget_has_ram(m, from))
                return from;
        if (!from || from->n_distances == 0)
                from = model_node(m, d->numa_node);

        for (size_t i = 0; i < m->n_nodes; i++) {
                const struct node *n = &m->nodes[i];

                if (!budget_has_ram(m, n))
                        continue;
                if (!best)
                        best = n;
                else if (distance_known(from, n) && distance_known(from, best) &&
                         from->distances[n->id] != from->distances[best->id]) {
                        if (from->distances[n->id] < from->distances[best->id])
                                best = n;
                } else if (spare(n) < spare(best))
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

        b.total = minus(b.free + b.reclaimable, b.watermark + b.reserve + b.promised);
        return b;
}

size_t seed_capacity(uint64_t block_size, uint64_t memmap_size) {
        return minus(block_size / memmap_size, SEED_SLACK);
}

size_t seed_room(const struct node *n, uint64_t memmap_size) {
        return minus(n->kernel_free, n->kernel_watermark) / memmap_size;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fresh.h"

#include "budget.h"
#include "tally.h"

static uint64_t minus(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

static bool is_in_kernel_zone(const struct block *b) {
        return b->state == BLOCK_ONLINE && b->zone == ZONE_KERNEL;
}

/*
 * Memmaps in RAM.  Of those of the kernel's driver nothing is said: they are there if
 * the kernel cannot put them elsewhere, on the block or into one that came before.
 */
static size_t count_in_ram(const struct model *m, const struct device *d) {
        bool elsewhere = d->holder != HOLDER_KMEM || m->memmap_on_memory;
        size_t present = 0, ram = 0;

        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];

                present += b->state != BLOCK_ABSENT;
                ram += b->state != BLOCK_ABSENT && b->placement == PLACEMENT_RAM;
                elsewhere |= is_in_kernel_zone(b);
        }
        return elsewhere ? ram : present;
}

/* A node whose kernel memory is all of devices has none without them. */
static void empty(struct node *n) {
        n->has_kernel_zone = false;
        n->kernel_total = n->kernel_free = n->kernel_free_huge = 0;
        n->kernel_reclaimable = n->kernel_watermark = 0;
}

static void give_back(struct node *payer, uint64_t bytes) {
        uint64_t room = minus(payer->kernel_total, payer->kernel_free);

        payer->kernel_free += bytes < room ? bytes : room;
}

static void take_block(const struct model *m, struct node *n, const struct block *b) {
        if (b->state == BLOCK_ONLINE)
                n->total = minus(n->total, m->block_size);
        if (!is_in_kernel_zone(b))
                return;
        n->kernel_total = minus(n->kernel_total, m->block_size);
        n->kernel_free = minus(n->kernel_free, m->block_size);
        n->kernel_free_huge = minus(n->kernel_free_huge, m->block_size);
}

static void take_blocks(struct model *m, struct device *d) {
        struct node *n = (struct node *) model_node(m, d->target_node);

        for (size_t i = 0; i < d->n_blocks; i++) {
                if (n)
                        take_block(m, n, &d->blocks[i]);
                d->blocks[i] = (struct block) { .number = d->blocks[i].number };
        }
        d->settled = d->stray_device = d->stray_seed = false;
        if (d->holder == HOLDER_KMEM)
                d->holder = HOLDER_NONE;
}

void model_make_fresh(struct model *m) {
        for (size_t i = 0; i < m->n_nodes; i++)
                if (!budget_has_ram(&m->nodes[i]))
                        empty(&m->nodes[i]);
        for (size_t i = 0; i < m->n_devices; i++) {
                const struct device *d = &m->devices[i];
                const struct node *payer = budget_payer(m, d, (struct amount) {});

                if (payer)
                        give_back((struct node *) payer, count_in_ram(m, d) * d->memmap_size);
        }
        for (size_t i = 0; i < m->n_devices; i++)
                take_blocks(m, &m->devices[i]);
        model_tally(m);
}

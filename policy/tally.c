/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tally.h"

/* Bytes in the kernel zone; a memmap on its own block is not in any zone. */
static uint64_t kernel_bytes(const struct model *m, const struct device *d,
                             struct device_counts c, size_t on_themselves) {
        return c.kernel * m->block_size - on_themselves * d->memmap_size;
}

static size_t kernel_with_altmap(const struct device *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];

                n += b->state == BLOCK_ONLINE && b->zone == ZONE_KERNEL &&
                        b->placement == PLACEMENT_DEVICE;
        }
        return n;
}

void model_tally(struct model *m) {
        m->memmaps = 0;
        for (size_t i = 0; i < m->n_nodes; i++)
                m->nodes[i].dax_kernel = 0;
        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *d = &m->devices[i];
                struct device_counts c = device_count(d);
                struct node *n = (struct node *) model_node(m, d->target_node);

                d->memmaps = (c.ram + c.seed) * d->memmap_size;
                m->memmaps += d->memmaps;
                if (n && c.kernel > 0)
                        n->dax_kernel += kernel_bytes(m, d, c, kernel_with_altmap(d));
        }
}

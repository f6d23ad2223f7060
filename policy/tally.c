/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tally.h"

/* Bytes of @d in the kernel zone; a memmap on its own block is not in any zone. */
static uint64_t kernel_bytes(const struct model *m, const struct device *d) {
        uint64_t bytes = 0;

        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];

                if (b->state == BLOCK_ONLINE && b->zone == ZONE_KERNEL)
                        bytes += m->block_size -
                                (b->placement == PLACEMENT_DEVICE ? d->memmap_size : 0);
        }
        return bytes;
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
                if (n)
                        n->dax_kernel += kernel_bytes(m, d);
        }
}

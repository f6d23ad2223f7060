/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tally.h"

/* A memmap on its own block is not in any zone. */
static uint64_t tally_zones(const struct model *m, struct device *d) {
        uint64_t kernel = 0;

        for (size_t z = 0; z < _ZONE_MAX; z++)
                d->above_lowest[z] = 0;
        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];
                uint64_t *above = &d->above_lowest[b->zone];

                if (b->state != BLOCK_ONLINE)
                        continue;
                if (*above == 0 || b->number < *above)
                        *above = b->number + 1;
                if (b->zone == ZONE_KERNEL)
                        kernel += m->block_size -
                                (b->placement == PLACEMENT_DEVICE ? d->memmap_size : 0);
        }
        return kernel;
}

void model_tally(struct model *m) {
        m->memmaps = 0;
        for (size_t i = 0; i < m->n_nodes; i++)
                m->nodes[i].dax_kernel = 0;
        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *d = &m->devices[i];
                struct device_counts c = device_count(d);
                struct node *n = (struct node *) model_node(m, d->target_node);
                uint64_t kernel = tally_zones(m, d);

                d->memmaps = (c.ram + c.seed) * d->memmap_size;
                m->memmaps += d->memmaps;
                if (n)
                        n->dax_kernel += kernel;
        }
}

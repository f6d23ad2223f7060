/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model.h"
#include "words.h"

static const char *const backing_words[_BACKING_MAX] = {
        [BACKING_UNKNOWN] = "unknown",
        [BACKING_PMEM] = "pmem",
        [BACKING_CXL] = "cxl",
        [BACKING_HMEM] = "hmem",
};

static const char *const health_words[_HEALTH_MAX] = {
        [HEALTH_OK] = "ok",
        [HEALTH_FAILING] = "failing",
};

static const char *const holder_words[_HOLDER_MAX] = {
        [HOLDER_NONE] = "none",
        [HOLDER_MEMMAPD] = "memmapd_kmem",
        [HOLDER_DEVICE_DAX] = "device_dax",
        [HOLDER_KMEM] = "kmem",
        [HOLDER_OTHER] = "other",
};

static const char *const placement_words[_PLACEMENT_MAX] = {
        [PLACEMENT_NONE] = "none",
        [PLACEMENT_RAM] = "ram",
        [PLACEMENT_DEVICE] = "device",
        [PLACEMENT_SEED] = "seed",
};

static const char *const zone_words[_ZONE_MAX] = {
        [ZONE_NONE] = "none",
        [ZONE_KERNEL] = "kernel",
        [ZONE_MOVABLE] = "movable",
};

const char *backing_to_string(enum backing b) {
        return backing_words[b];
}

const char *holder_to_string(enum holder h) {
        return holder_words[h];
}

const char *placement_to_string(enum placement p) {
        return placement_words[p];
}

const char *zone_to_string(enum zone z) {
        return zone_words[z];
}

int backing_from_string(const char *s) {
        return word_index(backing_words, _BACKING_MAX, s);
}

const char *health_to_string(enum health h) {
        return health_words[h];
}

int health_from_string(const char *s) {
        return word_index(health_words, _HEALTH_MAX, s);
}

const struct node *model_node(const struct model *m, int id) {
        for (size_t i = 0; i < m->n_nodes; i++)
                if (m->nodes[i].id == id)
                        return &m->nodes[i];
        return NULL;
}

struct device *model_device(const struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (strcmp(m->devices[i].name, name) == 0)
                        return &m->devices[i];
        return NULL;
}

struct device_counts device_count(const struct device *d) {
        struct device_counts c = {};

        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];

                c.failed += b->failed;
                if (b->state == BLOCK_ABSENT)
                        continue;
                c.plugged++;
                c.ram += b->placement == PLACEMENT_RAM;
                c.device += b->placement == PLACEMENT_DEVICE;
                c.seed += b->placement == PLACEMENT_SEED;
                if (b->state != BLOCK_ONLINE)
                        continue;
                c.online++;
                c.kernel += b->zone == ZONE_KERNEL;
                c.movable += b->zone == ZONE_MOVABLE;
        }
        return c;
}

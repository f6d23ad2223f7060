/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kernel of a few lines that carries out the plans for such a machine. */
#pragma once

#include "drain.h"
#include "simulate.h"
#include "tally.h"

/* The kernel */

static inline struct node *node_of(struct machine *m, int id) {
        return (struct node *) model_node(&m->model, id);
}

/* Once it is online, its distances are known. */
static inline struct node *bring_node_online(struct machine *m, int id, int nearest) {
        struct node *n = node_of(m, id);

        if (n)
                return n;
        n = &m->nodes[m->model.n_nodes];
        *n = (struct node) {
                .id = id, .kernel_watermark = m->devices[0].memmap_size / 2,
                .distances = m->distances[m->model.n_nodes++], .n_distances = NODES_MAX,
        };
        for (size_t i = 0; i < m->n_ram; i++)
                n->distances[i] = (int) i == nearest ? 15 : 20 + (unsigned int) i;
        return n;
}

static inline void assert_floor(const struct machine *m, const struct node *n) {
        assert_true(n->kernel_free + n->kernel_reclaimable >= m->floor[n->id]);
}

/* The node with the RAM that pays for memmaps of @device. */
static inline struct node *payer_of(struct machine *m, size_t device) {
        int target = m->devices[device].target_node;

        return node_of(m, (size_t) target < m->n_ram ? target : m->nearest[device]);
}

static inline enum placement allocate_memmap(struct machine *m, size_t device) {
        struct device *d = &m->devices[device];
        struct node *n = node_of(m, d->target_node);

        if ((size_t) n->id >= m->n_ram && n->has_kernel_zone &&
            n->kernel_free >= n->kernel_watermark + d->memmap_size) {
                n->kernel_free -= d->memmap_size;
                n->kernel_free_huge = n->kernel_free;
                return PLACEMENT_SEED;
        }
        n = payer_of(m, device);
        if (n->kernel_free < d->memmap_size) {
                n->kernel_free += n->kernel_reclaimable;
                n->kernel_reclaimable = 0;
        }
        assert_true(n->kernel_free >= d->memmap_size);
        n->kernel_free -= d->memmap_size;
        assert_floor(m, n);
        return PLACEMENT_RAM;
}

static inline void do_plug(struct machine *m, size_t device, const struct step *s) {
        struct device *d = &m->devices[device];
        struct block *b = &d->blocks[s->block];

        assert_int_equal(b->state, BLOCK_ABSENT);
        assert_false(b->failed);
        bring_node_online(m, d->target_node, m->nearest[device]);
        b->placement = m->altmap[device] ? PLACEMENT_DEVICE : allocate_memmap(m, device);
        b->state = BLOCK_OFFLINE;
        /* What may be in RAM does no harm in a seed. */
        if (!m->interrupted || s->placement != PLACEMENT_RAM)
                assert_int_equal(b->placement, s->placement);
}

/* What a block gives its zone: a memmap on it is in none. */
static inline uint64_t managed_of(const struct machine *m, size_t device, const struct block *b) {
        return m->model.block_size -
                (b->placement == PLACEMENT_DEVICE ? m->devices[device].memmap_size : 0);
}

static inline void do_online(struct machine *m, size_t device, const struct step *s) {
        struct block *b = &m->devices[device].blocks[s->block];
        struct node *n = node_of(m, m->devices[device].target_node);

        assert_int_equal(b->state, BLOCK_OFFLINE);
        b->state = BLOCK_ONLINE;
        b->zone = s->zone;
        if (s->zone != ZONE_KERNEL)
                return;
        n->has_kernel_zone = true;
        n->kernel_total += managed_of(m, device, b);
        n->kernel_free += managed_of(m, device, b);
        n->kernel_free_huge = n->kernel_free;
}

/* What lies in a seed cannot move; it may lie in any that was there before it. */
static inline void assert_no_seed(const struct device *d, size_t block) {
        for (size_t i = 0; i < d->n_blocks; i++)
                if (d->blocks[i].state != BLOCK_ABSENT &&
                    d->blocks[i].placement == PLACEMENT_SEED && i != block)
                        assert_true(d->blocks[i].zone == ZONE_KERNEL && i < block);
}

static inline void do_offline(struct machine *m, size_t device, const struct step *s) {
        struct block *b = &m->devices[device].blocks[s->block];
        struct node *n = node_of(m, m->devices[device].target_node);

        assert_int_equal(b->state, BLOCK_ONLINE);
        b->state = BLOCK_OFFLINE;
        if (b->zone == ZONE_KERNEL) {
                assert_no_seed(&m->devices[device], s->block);
                assert_true(n->kernel_free >= managed_of(m, device, b));
                n->kernel_total -= managed_of(m, device, b);
                n->kernel_free -= managed_of(m, device, b);
                n->kernel_free_huge = n->kernel_free;
        }
        b->zone = ZONE_NONE;
}

static inline void do_unplug(struct machine *m, size_t device, const struct step *s) {
        struct device *d = &m->devices[device];
        struct block *b = &d->blocks[s->block];
        struct node *n = b->placement == PLACEMENT_RAM ? payer_of(m, device) :
                node_of(m, d->target_node);

        assert_int_equal(b->state, BLOCK_OFFLINE);
        if (b->placement != PLACEMENT_DEVICE) {
                n->kernel_free += d->memmap_size;
                n->kernel_free_huge = n->kernel_free;
        }
        b->state = BLOCK_ABSENT;
        b->placement = PLACEMENT_NONE;
}

static inline void do_step(struct machine *m, size_t device, const struct step *s) {
        struct device *d = &m->devices[device];

        assert_true(s->kind == STEP_BIND || s->kind == STEP_PLACE || s->kind == STEP_UNBIND ||
                    s->block < d->n_blocks);
        switch (s->kind) {
        case STEP_BIND:
                d->holder = HOLDER_MEMMAPD;
                d->measured = true;
                break;
        case STEP_PLACE:
                m->altmap[device] = s->placement == PLACEMENT_DEVICE;
                assert_true(!m->altmap[device] || m->model.memmap_on_memory);
                break;
        case STEP_PLUG:
                do_plug(m, device, s);
                break;
        case STEP_ONLINE:
                do_online(m, device, s);
                break;
        case STEP_OFFLINE:
                do_offline(m, device, s);
                break;
        case STEP_UNPLUG:
                do_unplug(m, device, s);
                break;
        case STEP_UNBIND:
                assert_size(device_count(d).plugged, 0);
                d->holder = HOLDER_NONE;
                d->measured = false;
                break;
        default:
                fail_msg("%s", step_to_string(s->kind));
        }
}

/* memmapd */

struct work {
        struct decision *decision;
        struct plan *plan;
};

static inline struct work decide_on(const struct machine *m, size_t device) {
        const struct device *d = &m->devices[device];
        struct work w;

        assert_int_equal(decide(&m->model, &m->policy, d, &w.decision), 0);
        assert_int_equal(plan_make(&m->model, d, w.decision, &w.plan), 0);
        return w;
}

static inline void work_free(struct work w) {
        plan_free(w.plan);
        decision_free(w.decision);
}

/* The first @n steps. */
static inline void carry_out(struct machine *m, const struct plan *p, size_t n) {
        for (size_t i = 0; i < n; i++)
                do_step(m, 0, &p->steps[i]);
        model_tally(&m->model);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drain.h"

#include <errno.h>
#include <stdlib.h>

#include "order.h"

static const char *const reason_words[_DRAIN_REASON_MAX] = {
        [DRAIN_SEED] = "it may hold the memmaps of blocks that stay",
        [DRAIN_GOING] = "somebody else is working on it",
};

const char *drain_reason_to_string(enum drain_reason r) {
        return reason_words[r];
}

struct drain *drain_free(struct drain *d) {
        if (!d)
                return NULL;
        plan_free(d->plan);
        free(d->left);
        free(d);
        return NULL;
}

/* A plan as it grows, with a list to sort blocks in. */
struct builder {
        const struct model *model;
        const struct device *device;
        struct plan *plan;
        size_t *list;
        int placing;                    /* placement in force, -1: not set yet */
        bool *plugged;                  /* for each block: the plan plugs it */
};

/* At most a PLACE and two more steps for each block, and an UNBIND. */
static int builder_new(struct builder *b) {
        size_t n = b->device->n_blocks;

        b->placing = -1;
        b->plan = calloc(1, sizeof(*b->plan));
        if (b->plan)
                b->plan->steps = calloc(3 * n + 1, sizeof(*b->plan->steps));
        b->list = calloc(n + 1, sizeof(*b->list));
        b->plugged = calloc(n + 1, sizeof(*b->plugged));
        return b->plan && b->plan->steps && b->list && b->plugged ? 0 : -ENOMEM;
}

/* All but the plan goes. */
static struct plan *builder_end(struct builder *b) {
        free(b->list);
        free(b->plugged);
        return b->plan;
}

static void add(struct builder *b, struct step s) {
        b->plan->steps[b->plan->n_steps++] = s;
}

/* A block of another device below @number keeps the zone's start where it is. */
static bool online_below(const struct builder *b, enum zone zone, uint64_t number) {
        for (size_t i = 0; i < b->model->n_devices; i++) {
                const struct device *d = &b->model->devices[i];

                if (d->target_node != b->device->target_node)
                        continue;
                for (size_t j = 0; j < d->n_blocks; j++)
                        if (d->blocks[j].state == BLOCK_ONLINE && d->blocks[j].zone == zone &&
                            d->blocks[j].number < number)
                                return true;
        }
        return false;
}

/* Out */

/* Any block in the kernel zone may be the one that holds the memmap of another one. */
static bool has_memmaps_in_seeds(const struct device *d) {
        for (size_t i = 0; i < d->n_blocks; i++)
                if (d->blocks[i].state != BLOCK_ABSENT && d->blocks[i].placement == PLACEMENT_SEED)
                        return true;
        return false;
}

static bool is_asked_for(const bool *blocks, size_t i) {
        return !blocks || blocks[i];
}

static void offline_zone(struct builder *b, const bool *blocks, enum zone zone) {
        const struct block *all = b->device->blocks;
        size_t n = 0;

        for (size_t i = 0; i < b->device->n_blocks; i++)
                if (is_asked_for(blocks, i) && all[i].state == BLOCK_ONLINE && all[i].zone == zone)
                        b->list[n++] = i;
        if (n == 0)
                return;
        order_offline(online_below(b, zone, all[b->list[0]].number), b->list, n);
        for (size_t i = 0; i < n; i++)
                add(b, (struct step) { .kind = STEP_OFFLINE, .block = b->list[i] });
}

/* In the order in which they went offline, and before them those that were. */
static void unplug_what_is_offline(struct builder *b) {
        size_t n = b->plan->n_steps;

        for (size_t i = 0; i < b->device->n_blocks; i++)
                if (b->device->blocks[i].state == BLOCK_OFFLINE)
                        add(b, (struct step) { .kind = STEP_UNPLUG, .block = i });
        for (size_t i = 0; i < n; i++)
                add(b, (struct step) { .kind = STEP_UNPLUG, .block = b->plan->steps[i].block });
}

/*
 * The later a seed came, the higher it is (see plan.c), and its own memmap may be in
 * one that came before.
 */
static void seeds_from_above(struct builder *b) {
        for (size_t i = b->device->n_blocks; i-- > 0;) {
                const struct block *block = &b->device->blocks[i];

                if (block->state != BLOCK_ONLINE || block->zone == ZONE_MOVABLE)
                        continue;
                add(b, (struct step) { .kind = STEP_OFFLINE, .block = i });
                add(b, (struct step) { .kind = STEP_UNPLUG, .block = i });
        }
}

static void build_removal(struct builder *b, bool seeds) {
        offline_zone(b, NULL, ZONE_MOVABLE);
        if (!seeds) {
                offline_zone(b, NULL, ZONE_KERNEL);
                offline_zone(b, NULL, ZONE_NONE);
        }
        /* The kernel's own driver unplugs all there is when it is unbound. */
        if (b->device->holder == HOLDER_MEMMAPD)
                unplug_what_is_offline(b);
        if (seeds)
                seeds_from_above(b);
        add(b, (struct step) { .kind = STEP_UNBIND });
}

static void build_offline(struct builder *b, const bool *blocks, bool seeds) {
        offline_zone(b, blocks, ZONE_MOVABLE);
        if (seeds)
                return;
        offline_zone(b, blocks, ZONE_KERNEL);
        offline_zone(b, blocks, ZONE_NONE);
}

static void find_left(struct drain *out, const struct device *d, const bool *blocks, bool seeds) {
        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];
                struct drain_left left = { .block = i };

                if (!is_asked_for(blocks, i))
                        continue;
                if (b->state == BLOCK_GOING)
                        left.reason = DRAIN_GOING;
                else if (blocks && seeds && b->state == BLOCK_ONLINE && b->zone != ZONE_MOVABLE)
                        left.reason = DRAIN_SEED;
                else
                        continue;
                out->left[out->n_left++] = left;
        }
}

static bool has_driver_of_ours(const struct device *d) {
        return d->holder == HOLDER_MEMMAPD || d->holder == HOLDER_KMEM;
}

int drain_make(const struct model *m, const struct device *d, const bool *blocks,
               struct drain **ret) {
        struct builder b = { .model = m, .device = d };
        struct drain *out = calloc(1, sizeof(*out));
        bool seeds = has_memmaps_in_seeds(d);

        if (out)
                out->left = calloc(d->n_blocks + 1, sizeof(*out->left));
        if (!out || !out->left || builder_new(&b) < 0) {
                plan_free(builder_end(&b));
                drain_free(out);
                return -ENOMEM;
        }
        if (has_driver_of_ours(d)) {
                find_left(out, d, blocks, seeds);
                if (blocks)
                        build_offline(&b, blocks, seeds);
                else
                        build_removal(&b, seeds);
        }
        out->plan = builder_end(&b);
        *ret = out;
        return 0;
}

/* Back */

static bool can_plug(const struct builder *b, size_t i) {
        return b->device->blocks[i].state == BLOCK_ABSENT && b->device->holder == HOLDER_MEMMAPD;
}

static void add_plug(struct builder *b, size_t i, enum placement p) {
        bool on_itself = p == PLACEMENT_DEVICE;

        if (!can_plug(b, i) || b->plugged[i])
                return;
        if (b->placing < 0 || (b->placing == PLACEMENT_DEVICE) != on_itself)
                add(b, (struct step) { .kind = STEP_PLACE, .placement = p });
        b->placing = (int) p;
        b->plugged[i] = true;
        add(b, (struct step) { .kind = STEP_PLUG, .placement = p, .block = i });
}

static void plug_those_in(struct builder *b, const struct block *before, enum placement p) {
        for (size_t i = 0; i < b->device->n_blocks; i++)
                if (before[i].state != BLOCK_ABSENT && before[i].placement == p)
                        add_plug(b, i, p);
}

static bool comes_back(const struct builder *b, const struct block *before, size_t i) {
        const struct block *now = &b->device->blocks[i];

        return before[i].state == BLOCK_ONLINE &&
                (now->state == BLOCK_OFFLINE || can_plug(b, i));
}

static void online_zone(struct builder *b, const struct block *before, enum zone zone,
                        enum order order) {
        size_t n = 0;

        for (size_t i = 0; i < b->device->n_blocks; i++)
                if (comes_back(b, before, i) && (before[i].zone == ZONE_MOVABLE) ==
                    (zone == ZONE_MOVABLE))
                        b->list[n++] = i;
        if (n == 0)
                return;
        order_online(order, online_below(b, zone, before[b->list[0]].number), b->list, n);
        for (size_t i = 0; i < n; i++) {
                add_plug(b, b->list[i], before[b->list[i]].placement);
                add(b, (struct step) { .kind = STEP_ONLINE, .zone = zone, .block = b->list[i] });
        }
}

static void plug_those_offline(struct builder *b, const struct block *before) {
        for (size_t i = 0; i < b->device->n_blocks; i++)
                if (before[i].state == BLOCK_OFFLINE)
                        add_plug(b, i, before[i].placement);
}

static bool in_seeds(const struct block *before, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (before[i].placement == PLACEMENT_SEED)
                        return true;
        return false;
}

static bool has_kernel_zone(const struct device *d) {
        for (size_t i = 0; i < d->n_blocks; i++)
                if (d->blocks[i].zone == ZONE_KERNEL)
                        return true;
        return false;
}

int drain_undo(const struct model *m, const struct device *d, const struct block *before,
               struct plan **ret) {
        struct builder b = { .model = m, .device = d };

        if (builder_new(&b) < 0) {
                plan_free(builder_end(&b));
                return -ENOMEM;
        }
        if (has_driver_of_ours(d)) {
                bool seeds = in_seeds(before, d->n_blocks), draws = seeds && has_kernel_zone(d);

                /*
                 * A block in the kernel zone draws memmaps.  Those that were in RAM come
                 * before there is one; but where there is one still, they would take the
                 * places of those that were in it.
                 */
                if (!draws)
                        plug_those_in(&b, before, PLACEMENT_RAM);
                online_zone(&b, before, ZONE_KERNEL, seeds ? ORDER_ASCENDING : ORDER_FAST);
                if (draws) {
                        plug_those_in(&b, before, PLACEMENT_SEED);
                        plug_those_in(&b, before, PLACEMENT_RAM);
                }
                online_zone(&b, before, ZONE_MOVABLE, ORDER_FAST);
                plug_those_offline(&b, before);
        }
        *ret = builder_end(&b);
        return 0;
}

/*
 * A memmap on its own block is in no zone, so that nothing is lost with it; one in a
 * seed goes with its block.
 */
uint64_t drain_bytes(const struct model *m, const struct device *d, const struct plan *plan) {
        uint64_t bytes = 0;

        for (size_t i = 0; i < plan->n_steps; i++) {
                const struct step *s = &plan->steps[i];

                if (s->kind == STEP_OFFLINE)
                        bytes += m->block_size -
                                (d->blocks[s->block].placement == PLACEMENT_DEVICE ?
                                 d->memmap_size : 0);
                else if (s->kind == STEP_UNPLUG &&
                         d->blocks[s->block].placement == PLACEMENT_SEED)
                        bytes -= bytes < d->memmap_size ? bytes : d->memmap_size;
        }
        return bytes;
}

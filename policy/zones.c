/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of the machine may be movable.
 *
 * The kernel cannot put its own data into ZONE_MOVABLE.  With too much of it for what
 * else there is, the kernel runs out of memory while most of it is free.  So where
 * the policy leaves the zone open, as few blocks as needed go to the kernel zone: the
 * lowest ones, in one piece, as the others may be taken out again only without them.
 *
 * All is counted over the whole machine.  Memmaps in the kernel zone are of no use to
 * anybody else: they are deducted.
 */
#include "maker.h"

/* Memory of the machine, in bytes. */
struct sums {
        uint64_t movable, kernel;
};

static uint64_t minus(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

/* What one block gives: a memmap on it is not for use. */
static uint64_t usable(const struct maker *k, const struct device *d, enum placement p) {
        return k->model->block_size - (p == PLACEMENT_DEVICE ? d->memmap_size : 0);
}

/* What there is, or will be soon, without the device that is decided on. */
static struct sums rest_of_machine(const struct maker *k) {
        struct sums s = {
                .movable = k->model->promised_movable, .kernel = k->model->promised_kernel,
        };

        for (size_t i = 0; i < k->model->n_nodes; i++) {
                const struct node *n = &k->model->nodes[i];

                s.movable += minus(n->total, n->kernel_total);
                s.kernel += n->kernel_total;
        }
        for (size_t i = 0; i < k->device->n_blocks; i++) {
                const struct block *b = &k->device->blocks[i];
                uint64_t bytes = usable(k, k->device, b->placement);

                if (b->state != BLOCK_ONLINE)
                        continue;
                if (b->zone == ZONE_KERNEL)
                        s.kernel = minus(s.kernel, bytes);
                else
                        s.movable = minus(s.movable, bytes);
        }
        /* Memmaps of the others, which are in the kernel zone of some node. */
        s.kernel = minus(s.kernel, k->model->memmaps - k->device->memmaps);
        return s;
}

/* The machine once all is done as decided. */
static struct sums forecast(const struct maker *k, struct sums s) {
        const struct decision *d = k->decision;
        uint64_t memmaps = 0;

        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct target *t = &d->targets[i];
                uint64_t bytes = usable(k, k->device, t->placement);

                if (!t->wanted)
                        continue;
                if (t->zone == ZONE_KERNEL)
                        s.kernel += bytes;
                else
                        s.movable += bytes;
                memmaps += t->placement == PLACEMENT_DEVICE ? 0 : k->device->memmap_size;
        }
        s.kernel = minus(s.kernel, memmaps);
        return s;
}

/* A percent is not worth an overflow. */
static bool is_too_high(struct sums s, uint64_t ratio) {
        return s.movable / 100 > s.kernel / 100 * ratio / 100;
}

static bool may_change_zone(const struct maker *k, size_t i) {
        const struct target *t = &k->decision->targets[i];

        return t->wanted && t->zone == ZONE_MOVABLE && k->device->blocks[i].state != BLOCK_ONLINE;
}

/* The lowest that can still choose, until the ratio holds: each changes both sides. */
static void move_to_kernel_zone(struct maker *k, struct sums s) {
        struct decision *d = k->decision;

        for (size_t i = 0; i < d->n_blocks && is_too_high(s, d->settings.movable_ratio); i++) {
                uint64_t bytes = usable(k, k->device, d->targets[i].placement);

                if (!may_change_zone(k, i))
                        continue;
                d->targets[i].zone = ZONE_KERNEL;
                s.movable = minus(s.movable, bytes);
                s.kernel += bytes;
        }
}

static void count_zones(struct maker *k) {
        size_t kernel = 0, movable = 0;

        for (size_t i = 0; i < k->decision->n_blocks; i++) {
                const struct target *t = &k->decision->targets[i];

                kernel += t->wanted && t->zone == ZONE_KERNEL;
                movable += t->wanted && t->zone == ZONE_MOVABLE;
        }
        reason_add(k, REASON_ZONES, kernel, movable);
}

void choose_zones(struct maker *k) {
        struct sums rest = rest_of_machine(k), then = forecast(k, rest);
        const struct settings *s = &k->decision->settings;

        /* Blocks that stay offline are in no zone. */
        if (s->action != ACTION_ONLINE)
                return;
        if (s->zone == ZONE_MODE_AUTO) {
                move_to_kernel_zone(k, then);
                count_zones(k);
                then = forecast(k, rest);
        }
        reason_add(k, is_too_high(then, s->movable_ratio) ? REASON_RATIO_HIGH : REASON_RATIO,
                   then.movable, then.kernel);
}

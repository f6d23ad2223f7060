/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "order.h"
#include "plan.h"

static const char *const step_words[_STEP_MAX] = {
        [STEP_HAND_BACK] = "hand back",
        [STEP_TAKE_BACK] = "take back",
        [STEP_BIND] = "bind",
        [STEP_PLACE] = "place",
        [STEP_PLUG] = "plug",
        [STEP_ONLINE] = "online",
        [STEP_OFFLINE] = "offline",
        [STEP_UNPLUG] = "unplug",
        [STEP_UNBIND] = "unbind",
};

const char *step_to_string(enum step_kind k) {
        return step_words[k];
}

struct plan *plan_free(struct plan *p) {
        if (!p)
                return NULL;
        free(p->steps);
        free(p);
        return NULL;
}

/* The plan as it grows. */
struct builder {
        const struct model *model;
        const struct device *device;
        const struct decision *decision;
        struct plan *plan;
        bool *plugged;                  /* by the plan so far */
        int placing;                    /* placement in force, -1: not set yet */
        size_t room;                    /* memmaps the seeds can still take */
        size_t *seeds, n_seeds, next_seed;
};

static void add(struct builder *b, struct step s) {
        b->plan->steps[b->plan->n_steps++] = s;
}

/* A memmap in a seed is asked for like one in RAM: the kernel picks the node. */
static bool on_itself(enum placement p) {
        return p == PLACEMENT_DEVICE;
}

/* The kernel's driver adds all blocks at once: their place comes before that. */
static void add_bind(struct builder *b) {
        size_t i = 0;

        while (i + 1 < b->decision->n_blocks && !b->decision->targets[i].wanted)
                i++;
        if (b->decision->backend == BACKEND_NATIVE && b->device->holder != HOLDER_KMEM)
                add(b, (struct step) {
                        .kind = STEP_PLACE, .placement = b->decision->targets[i].placement,
                });
        add(b, (struct step) { .kind = STEP_BIND });
}

static void add_plug(struct builder *b, size_t i) {
        enum placement p = b->decision->targets[i].placement;

        if (b->device->blocks[i].state != BLOCK_ABSENT || b->plugged[i])
                return;
        if (b->placing < 0 || on_itself((enum placement) b->placing) != on_itself(p))
                add(b, (struct step) { .kind = STEP_PLACE, .placement = p });
        b->placing = (int) p;
        add(b, (struct step) { .kind = STEP_PLUG, .placement = p, .block = i });
        b->plugged[i] = true;
        if (p == PLACEMENT_SEED && b->room > 0)
                b->room--;
}

static void add_block(struct builder *b, size_t i) {
        add_plug(b, i);
        if (b->decision->settings.action == ACTION_ONLINE)
                add(b, (struct step) {
                        .kind = STEP_ONLINE,
                        .zone = b->decision->targets[i].zone,
                        .block = i,
                });
}

/*
 * The next seed comes online when the ones before are nearly full, not earlier:
 * the less free kernel memory there is on the device, the less strays into it.
 * The last place but one is for the memmap of the next seed itself.
 */
static void add_seeds(struct builder *b) {
        while (b->room <= 1 && b->next_seed < b->n_seeds) {
                size_t seed = b->seeds[b->next_seed++];

                add_block(b, seed);
                b->room += seed_capacity(b->model->block_size, b->device->memmap_size,
                                         on_itself(b->decision->targets[seed].placement));
        }
}

static bool needs_work(const struct builder *b, size_t i) {
        const struct block *block = &b->device->blocks[i];

        if (!b->decision->targets[i].wanted || block->failed)
                return false;
        return block->state == BLOCK_ABSENT ||
                (block->state == BLOCK_OFFLINE && b->decision->settings.action == ACTION_ONLINE);
}

/* Whether the zone of the node starts below the block @number already. */
static bool online_below(const struct builder *b, enum zone zone, uint64_t number) {
        for (size_t i = 0; i < b->model->n_devices; i++) {
                const struct device *d = &b->model->devices[i];
                uint64_t above = d->above_lowest[zone];

                if (d->target_node == b->device->target_node && above > 0 && above <= number)
                        return true;
        }
        return false;
}

static void add_zone(struct builder *b, enum zone zone, size_t *list) {
        size_t n = 0;

        for (size_t i = 0; i < b->decision->n_blocks; i++)
                if (needs_work(b, i) && !b->decision->targets[i].seed &&
                    b->decision->targets[i].zone == zone)
                        list[n++] = i;
        if (n == 0)
                return;
        order_online(b->decision->settings.order,
                     online_below(b, zone, b->device->blocks[list[0]].number), list, n);
        for (size_t i = 0; i < n; i++) {
                if (b->decision->targets[list[i]].placement == PLACEMENT_SEED)
                        add_seeds(b);
                add_block(b, list[i]);
        }
}

/*
 * Once a block of the node is online in the kernel zone, the kernel puts
 * memmaps there.  So those that shall be in RAM come before.
 */
static void add_ram_first(struct builder *b) {
        for (size_t i = 0; i < b->decision->n_blocks; i++)
                if (needs_work(b, i) && b->decision->targets[i].placement == PLACEMENT_RAM)
                        add_plug(b, i);
}

static bool any_kernel_block(const struct builder *b) {
        for (size_t i = 0; i < b->decision->n_blocks; i++)
                if (needs_work(b, i) && b->decision->targets[i].zone == ZONE_KERNEL)
                        return true;
        return false;
}

static void build(struct builder *b, size_t *list) {
        const struct node *node = model_node(b->model, b->device->target_node);
        for (size_t i = 0; i < b->decision->n_blocks; i++)
                if (b->decision->targets[i].seed && needs_work(b, i))
                        b->seeds[b->n_seeds++] = i;
        if (node && node->has_kernel_zone && !budget_has_ram(node))
                b->room = seed_room_planned(node, b->device->memmap_size);

        if (any_kernel_block(b))
                add_ram_first(b);
        add_zone(b, ZONE_KERNEL, list);
        add_zone(b, ZONE_MOVABLE, list);
        /* A device of nothing but seeds has no other block that asks for them. */
        while (b->next_seed < b->n_seeds)
                add_block(b, b->seeds[b->next_seed++]);
}

/*
 * Even where no more is taken, what is plugged already shall not be left offline:
 * a refusal wants only the blocks that are there.
 */
static bool may_build(const struct decision *decision) {
        return decision->verdict == VERDICT_TAKE || decision->verdict == VERDICT_REFUSE;
}

/*
 * A refusal has no backend where it did not come to that; what the module has
 * plugged is there nevertheless.  What others have bound to the kernel's driver
 * is bound once more, so that it is known to be ours.
 */
static bool is_bound(const struct device *d, const struct decision *decision) {
        if (backend_is_whole(decision->backend))
                return backend_holds(decision->backend, d) && d->adopted;
        return backend_holds(BACKEND_CHUNKED, d);
}

int plan_make(const struct model *m, const struct device *d,
              const struct decision *decision, struct plan **ret) {
        struct builder b = { .model = m, .device = d, .decision = decision, .placing = -1 };
        size_t n = decision->n_blocks, *list = NULL;
        int r = -ENOMEM;

        b.plan = calloc(1, sizeof(*b.plan));
        if (!b.plan)
                return -ENOMEM;
        /* At most a PLACE, a PLUG and an ONLINE for each block. */
        b.plan->steps = calloc(3 * n + 1, sizeof(*b.plan->steps));
        b.plugged = calloc(n + 1, sizeof(*b.plugged));
        b.seeds = calloc(n + 1, sizeof(*b.seeds));
        list = calloc(n + 1, sizeof(*list));
        if (!b.plan->steps || !b.plugged || !b.seeds || !list)
                goto finish;

        if (is_bound(d, decision) && may_build(decision))
                build(&b, list);
        else if (decision->verdict == VERDICT_TAKE)
                add_bind(&b);
        *ret = b.plan;
        b.plan = NULL;
        r = 0;
finish:
        free(list);
        free(b.seeds);
        free(b.plugged);
        plan_free(b.plan);
        return r;
}

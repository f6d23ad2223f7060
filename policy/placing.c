/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "maker.h"
#include "use.h"

static size_t min_size(size_t a, size_t b) {
        return a < b ? a : b;
}

static size_t minus_one(size_t n) {
        return n > 0 ? n - 1 : 0;
}

/* Whether a memmap can be on its own block.  NULL: it can, else why not. */
static const char *no_altmap(const struct maker *k) {
        if (use_is_whole(&k->decision->settings.use))
                return "the policy wants huge pages that such a block cannot hold";
        if (!k->model->memmap_on_memory)
                return k->model->memmap_on_memory_why;
        if (k->decision->backend == BACKEND_PLAIN)
                return "the kernel's driver, kmem, puts all of them into RAM";
        if (k->decision->backend == BACKEND_NATIVE && k->device->stray_device)
                return "the kernel refused it for this device";
        return NULL;
}

/* The lowest @n absent blocks without a placement get @p. */
static void place(struct maker *k, size_t n, enum placement p) {
        for (size_t i = 0; i < k->device->n_blocks && n > 0; i++) {
                struct target *t = &k->decision->targets[i];

                if (!is_coming(k, i) || t->placement != PLACEMENT_NONE)
                        continue;
                t->placement = p;
                n--;
        }
}

/* The highest: seeds are to be the lowest, so that each zone is in one piece. */
static void place_in_ram(struct maker *k, size_t n) {
        k->decision->ram_cost += memmap_bytes(k, n);
        for (size_t i = k->device->n_blocks; i > 0 && n > 0; i--)
                if (is_coming(k, i - 1)) {
                        k->decision->targets[i - 1].placement = PLACEMENT_RAM;
                        n--;
                }
}

/*
 * What RAM may carry for this device in all: what it carries already counts, so
 * that a decision that is made again halfway comes out the same.
 */
static uint64_t allowance(const struct maker *k) {
        return k->decision->budget.total + memmap_bytes(k, k->n_in_ram);
}

/* Whether the seeds that are online take the memmap of a further seed. */
static bool has_room(const struct maker *k, const struct node *target) {
        return target && target->has_kernel_zone && !k->device->stray_seed &&
                seed_room(target, k->device->memmap_size) > 0;
}

/* Whether it was found that the kernel does not do as it is asked. */
bool has_strayed(const struct maker *k) {
        return k->device->stray_device || k->device->stray_seed;
}

/* The reserve is for what goes wrong, but not again and again. */
uint64_t bearable(const struct maker *k) {
        const struct budget *b = &k->decision->budget;

        return has_strayed(k) ? b->total : b->headroom;
}

/*
 * Where the kernel may put a memmap into RAM against orders, the machine must be
 * able to bear one, as that is noticed only afterwards.
 */
static bool can_bear_stray(struct maker *k) {
        uint64_t need = k->decision->ram_cost + k->device->memmap_size;

        if (need <= bearable(k))
                return true;
        reason_add_node(k, REASON_NO_ALLOWANCE, need, bearable(k), k->decision->payer);
        return false;
}

static bool may_become_seed(const struct maker *k, size_t i) {
        return is_coming(k, i) ? k->decision->targets[i].placement == PLACEMENT_NONE :
                k->device->blocks[i].state == BLOCK_OFFLINE;
}

/*
 * Make seeds of the lowest blocks that can be, as many as @hosted memmaps need
 * beyond what there is room for on @target.  The memmap of a seed is in an
 * earlier seed, or on itself where the kernel can; that of the very first has
 * nowhere to go but RAM.
 */
static void make_seeds(struct maker *k, size_t hosted, const struct node *target) {
        bool room_for_seed = has_room(k, target);
        size_t room = room_for_seed ? seed_room_planned(target, k->device->memmap_size) : 0;
        bool altmap = !no_altmap(k);
        struct decision *d = k->decision;

        for (size_t i = 0; i < d->n_blocks && hosted > room; i++) {
                struct target *t = &d->targets[i];

                if (!may_become_seed(k, i))
                        continue;
                if (t->placement == PLACEMENT_NONE && altmap) {
                        t->placement = PLACEMENT_DEVICE;
                        hosted--;
                } else if (t->placement == PLACEMENT_NONE && !room_for_seed) {
                        t->placement = PLACEMENT_RAM;
                        d->ram_cost += k->device->memmap_size;
                        hosted--;
                } else if (t->placement == PLACEMENT_NONE)
                        t->placement = PLACEMENT_SEED;
                t->seed = true;
                t->zone = ZONE_KERNEL;
                room += seed_capacity(k->model->block_size, k->device->memmap_size,
                                      t->placement == PLACEMENT_DEVICE);
                room_for_seed = true;
                d->n_seeds++;
        }
}

static enum verdict take_with_seeds(struct maker *k, size_t n) {
        const struct node *target = model_node(k->model, k->device->target_node);

        if (k->decision->settings.action == ACTION_PLUG)
                return refuse_for(k, REASON_SEEDS_OFFLINE, 0, 0);
        if (target && budget_has_ram(target)) {
                reason_add_node(k, REASON_SEEDS_SHARED, 0, 0, target->id);
                return VERDICT_REFUSE;
        }
        make_seeds(k, n, target);
        if (k->decision->ram_cost > k->decision->budget.total)
                return refuse_for(k, REASON_SEEDS_NO_ROOM, k->device->memmap_size,
                              k->decision->budget.total);
        if (!can_bear_stray(k))
                return VERDICT_REFUSE;
        place(k, n, PLACEMENT_SEED);
        reason_add_node(k, REASON_SEEDS, k->decision->n_seeds, n, k->device->target_node);
        return VERDICT_TAKE;
}

static enum verdict take_on_device(struct maker *k, size_t n) {
        const char *why = no_altmap(k);

        if (why) {
                reason_add_text(k, REASON_NO_DEVICE, why);
                return VERDICT_REFUSE;
        }
        if (k->device->stray_device && !can_bear_stray(k))
                return VERDICT_REFUSE;
        place(k, n, PLACEMENT_DEVICE);
        reason_add(k, REASON_DEVICE, n, 0);
        return VERDICT_TAKE;
}

/* @n memmaps that RAM shall not carry: each on its own block, else in seeds. */
static enum verdict take_off_ram(struct maker *k, size_t n) {
        enum verdict v;

        if (n == 0)
                return VERDICT_TAKE;
        v = take_on_device(k, n);
        if (v == VERDICT_TAKE)
                return v;
        if (k->decision->settings.use.removable)
                reason_add(k, REASON_SEEDS_STAY, 0, 0);
        else if (!k->decision->settings.allow_seeds)
                reason_add(k, REASON_SEEDS_FORBIDDEN, 0, 0);
        else
                v = take_with_seeds(k, n);
        return v;
}

static enum verdict take_all_in_ram(struct maker *k) {
        uint64_t cost = memmap_bytes(k, k->n_wanted);

        if (cost > allowance(k))
                return refuse_for(k, REASON_EXCEEDS, cost, allowance(k));
        reason_add(k, REASON_FITS, cost, allowance(k));
        place_in_ram(k, k->n_absent);
        return VERDICT_TAKE;
}

/* How many of the absent blocks can have their memmap in RAM, when not all can. */
static size_t part_in_ram(const struct maker *k) {
        const struct node *target = model_node(k->model, k->device->target_node);
        size_t n = k->decision->budget.total / k->device->memmap_size;

        if (n >= k->n_absent)
                return k->n_absent;
        /* With seeds online, the kernel would not go to RAM. */
        if (has_room(k, target))
                return 0;
        /* See can_bear_stray(). */
        if (no_altmap(k) || k->device->stray_device)
                n = min_size(n, minus_one(bearable(k) / k->device->memmap_size));
        /* The first seed's memmap is one of those in RAM. */
        return no_altmap(k) ? minus_one(n) : n;
}

static enum verdict take_mixed(struct maker *k) {
        size_t in_ram = part_in_ram(k);

        reason_add(k, REASON_MIXED, in_ram, k->n_absent - in_ram);
        place_in_ram(k, in_ram);
        return take_off_ram(k, k->n_absent - in_ram);
}

/* What was placed on paper, and came to nothing. */
static void start_again(struct maker *k) {
        for (size_t i = 0; i < k->decision->n_blocks; i++) {
                struct target *t = &k->decision->targets[i];

                if (is_coming(k, i))
                        t->placement = PLACEMENT_NONE;
                if (t->seed)
                        t->zone = zone_of_choice(k);
                t->seed = false;
        }
        k->decision->ram_cost = 0;
        k->decision->n_seeds = 0;
}

static enum verdict take_auto(struct maker *k) {
        enum prefer prefer = k->decision->settings.use.prefer;
        uint64_t cost = memmap_bytes(k, k->n_wanted);

        if (prefer == PREFER_CAPACITY) {
                if (take_off_ram(k, k->n_absent) == VERDICT_TAKE)
                        return VERDICT_TAKE;
                start_again(k);
                return take_all_in_ram(k);
        }
        if (cost <= allowance(k))
                return take_all_in_ram(k);
        reason_add(k, REASON_EXCEEDS, cost, allowance(k));
        return prefer == PREFER_LATENCY ? take_mixed(k) : take_off_ram(k, k->n_absent);
}

/* What RAM or the blocks themselves carry, all of them alike. */
static enum verdict place_alike(struct maker *k) {
        uint64_t cost = memmap_bytes(k, k->n_wanted);

        switch (k->decision->settings.memmap) {
        case MEMMAP_RAM:
                return take_all_in_ram(k);
        case MEMMAP_DEVICE:
                return take_on_device(k, k->n_absent);
        case MEMMAP_AUTO:
                if (k->decision->settings.use.prefer == PREFER_CAPACITY)
                        return take_on_device(k, k->n_absent) == VERDICT_TAKE ? VERDICT_TAKE :
                                take_all_in_ram(k);
                if (cost <= allowance(k))
                        return take_all_in_ram(k);
                reason_add(k, REASON_EXCEEDS, cost, allowance(k));
                return take_on_device(k, k->n_absent);
        default:
                reason_add_text(k, REASON_WHOLE,
                                memmap_mode_to_string(k->decision->settings.memmap));
                return VERDICT_REFUSE;
        }
}

enum verdict place_memmaps(struct maker *k) {
        if (backend_is_whole(k->decision->backend))
                return place_alike(k);
        switch (k->decision->settings.memmap) {
        case MEMMAP_RAM:
                return take_all_in_ram(k);
        case MEMMAP_DEVICE:
                return take_on_device(k, k->n_absent);
        case MEMMAP_SEED:
                return take_with_seeds(k, k->n_absent);
        case MEMMAP_MIXED:
                return take_mixed(k);
        default:
                return take_auto(k);
        }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"

/* A decision in the making. */
struct maker {
        const struct model *model;
        const struct device *device;
        struct decision *decision;
        const struct node *payer;
        size_t n_wanted;        /* blocks that are there or shall be */
        size_t n_absent;        /* of these: still to be plugged */
        size_t n_in_ram;        /* of those plugged: memmap in RAM */
};

static void reason_full(struct maker *k, struct reason r, const char *text) {
        struct decision *d = k->decision;

        if (d->n_reasons == REASONS_MAX)
                return;
        if (text)
                snprintf(r.text, sizeof(r.text), "%s", text);
        d->reasons[d->n_reasons++] = r;
}

static void reason(struct maker *k, enum reason_code code, uint64_t a, uint64_t b) {
        reason_full(k, (struct reason) { .code = code, .a = a, .b = b, .node = -1 }, NULL);
}

static void reason_text(struct maker *k, enum reason_code code, const char *text) {
        reason_full(k, (struct reason) { .code = code, .node = -1 }, text);
}

static void reason_node(struct maker *k, enum reason_code code, uint64_t a, uint64_t b, int node) {
        reason_full(k, (struct reason) { .code = code, .a = a, .b = b, .node = node }, NULL);
}

static enum verdict refuse(struct maker *k, enum reason_code code, uint64_t a, uint64_t b) {
        reason(k, code, a, b);
        return VERDICT_REFUSE;
}

static size_t min_size(size_t a, size_t b) {
        return a < b ? a : b;
}

static size_t minus_one(size_t n) {
        return n > 0 ? n - 1 : 0;
}

static bool present(const struct block *b) {
        return b->state != BLOCK_ABSENT;
}

static bool to_be_plugged(const struct block *b) {
        return !present(b) && !b->failed;
}

static size_t count_in_use(const struct device *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->n_blocks; i++)
                n += d->blocks[i].state == BLOCK_ONLINE || d->blocks[i].state == BLOCK_GOING;
        return n;
}

/*
 * A rule that is about persistent memory, or about this very device, means it; one
 * that happens to match it does not.
 */
static bool is_meant(const struct rule *rule) {
        if (!rule)
                return false;
        if (rule->match.given & MATCH_BACKING)
                return true;
        return rule->match.given & MATCH_DEVICE && !strpbrk(rule->match.device, "*?[");
}

/* Whether the device may be touched at all.  VERDICT_TAKE: it may. */
static enum verdict admit(struct maker *k) {
        const struct device *d = k->device;

        if (k->decision->settings.action == ACTION_IGNORE) {
                reason(k, REASON_IGNORED, 0, 0);
                return VERDICT_IGNORE;
        }
        if (d->backing == BACKING_PMEM && !is_meant(k->decision->rule)) {
                reason(k, REASON_PMEM, 0, 0);
                return VERDICT_IGNORE;
        }
        if (d->backing == BACKING_UNKNOWN && !is_meant(k->decision->rule)) {
                reason(k, REASON_UNKNOWN_BACKING, 0, 0);
                return VERDICT_IGNORE;
        }
        if (d->error < 0) {
                reason_full(k, (struct reason) {
                        .code = REASON_UNREADABLE, .a = (uint64_t) -d->error, .node = -1,
                }, strerror(-d->error));
                return VERDICT_REFUSE;
        }
        if (d->holder == HOLDER_OTHER || (d->holder == HOLDER_KMEM && count_in_use(d) > 0)) {
                reason_text(k, REASON_HELD, d->driver);
                return VERDICT_REFUSE;
        }
        if (d->node_open)
                return refuse(k, REASON_NODE_OPEN, 0, 0);
        if (d->target_node < 0)
                return refuse(k, REASON_NO_TARGET_NODE, 0, 0);
        if (!k->model->module_loaded)
                return refuse(k, REASON_NO_MODULE, 0, 0);
        if (d->n_blocks == 0)
                return refuse(k, REASON_TOO_SMALL, d->size, k->model->block_size);
        return VERDICT_TAKE;
}

/* Whether a memmap can be on its own block.  NULL: it can, else why not. */
static const char *no_altmap(const struct maker *k) {
        return k->model->memmap_on_memory ? NULL : k->model->memmap_on_memory_why;
}

static void start_from_what_is_there(struct maker *k) {
        for (size_t i = 0; i < k->device->n_blocks; i++) {
                const struct block *b = &k->device->blocks[i];
                struct target *t = &k->decision->targets[i];

                t->wanted = present(b) || to_be_plugged(b);
                t->placement = b->placement;
                t->zone = b->state == BLOCK_ONLINE ? b->zone : k->decision->settings.zone;
                k->n_wanted += t->wanted;
                k->n_absent += to_be_plugged(b);
                k->n_in_ram += present(b) && b->placement == PLACEMENT_RAM;
        }
}

/* The lowest @n absent blocks without a placement get @p. */
static void place(struct maker *k, size_t n, enum placement p) {
        for (size_t i = 0; i < k->device->n_blocks && n > 0; i++) {
                struct target *t = &k->decision->targets[i];

                if (!to_be_plugged(&k->device->blocks[i]) || t->placement != PLACEMENT_NONE)
                        continue;
                t->placement = p;
                n--;
        }
}

static uint64_t memmap_bytes(const struct maker *k, size_t blocks) {
        return blocks * k->device->memmap_size;
}

/* The highest: seeds are to be the lowest, so that each zone is in one piece. */
static void place_in_ram(struct maker *k, size_t n) {
        k->decision->ram_cost += memmap_bytes(k, n);
        for (size_t i = k->device->n_blocks; i > 0 && n > 0; i--)
                if (to_be_plugged(&k->device->blocks[i - 1])) {
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
static bool has_strayed(const struct maker *k) {
        return k->device->stray_device || k->device->stray_seed;
}

/* The reserve is for what goes wrong, but not again and again. */
static uint64_t bearable(const struct maker *k) {
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
        reason_node(k, REASON_NO_ALLOWANCE, need, bearable(k), k->decision->payer);
        return false;
}

static bool may_become_seed(const struct maker *k, size_t i) {
        const struct block *b = &k->device->blocks[i];

        return to_be_plugged(b) ? k->decision->targets[i].placement == PLACEMENT_NONE :
                b->state == BLOCK_OFFLINE;
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
                return refuse(k, REASON_SEEDS_OFFLINE, 0, 0);
        if (target && budget_has_ram(k->model, target)) {
                reason_node(k, REASON_SEEDS_SHARED, 0, 0, target->id);
                return VERDICT_REFUSE;
        }
        make_seeds(k, n, target);
        if (k->decision->ram_cost > k->decision->budget.total)
                return refuse(k, REASON_SEEDS_NO_ROOM, k->device->memmap_size,
                              k->decision->budget.total);
        if (!can_bear_stray(k))
                return VERDICT_REFUSE;
        place(k, n, PLACEMENT_SEED);
        reason_node(k, REASON_SEEDS, k->decision->n_seeds, n, k->device->target_node);
        return VERDICT_TAKE;
}

static enum verdict take_on_device(struct maker *k, size_t n) {
        const char *why = no_altmap(k);

        if (why) {
                reason_text(k, REASON_NO_DEVICE, why);
                return VERDICT_REFUSE;
        }
        if (k->device->stray_device && !can_bear_stray(k))
                return VERDICT_REFUSE;
        place(k, n, PLACEMENT_DEVICE);
        reason(k, REASON_DEVICE, n, 0);
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
        if (!k->decision->settings.allow_seeds)
                reason(k, REASON_SEEDS_FORBIDDEN, 0, 0);
        else
                v = take_with_seeds(k, n);
        return v;
}

static enum verdict take_all_in_ram(struct maker *k) {
        uint64_t cost = memmap_bytes(k, k->n_wanted);

        if (cost > allowance(k))
                return refuse(k, REASON_EXCEEDS, cost, allowance(k));
        reason(k, REASON_FITS, cost, allowance(k));
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

        reason(k, REASON_MIXED, in_ram, k->n_absent - in_ram);
        place_in_ram(k, in_ram);
        return take_off_ram(k, k->n_absent - in_ram);
}

static enum verdict take_auto(struct maker *k) {
        uint64_t cost = memmap_bytes(k, k->n_wanted);

        if (cost <= allowance(k))
                return take_all_in_ram(k);
        reason(k, REASON_EXCEEDS, cost, allowance(k));
        return take_off_ram(k, k->n_absent);
}

static enum verdict take(struct maker *k) {
        struct decision *d = k->decision;

        reason(k, REASON_COST, k->n_wanted, k->device->memmap_size);
        if (k->n_in_ram > 0)
                reason(k, REASON_SPENT, k->n_in_ram, k->device->memmap_size);
        k->payer = budget_payer(k->model, k->device, d->settings.ram_reserve);
        if (!k->payer)
                return refuse(k, REASON_NO_PAYER, 0, 0);
        d->payer = k->payer->id;
        d->budget = budget_of(k->payer, d->settings.ram_reserve);
        reason_node(k, REASON_BUDGET, d->budget.total, 0, d->payer);
        /* What is there stays, however little RAM has to spare by now. */
        if (k->n_absent == 0)
                return VERDICT_TAKE;

        switch (d->settings.memmap) {
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

static bool given(const struct maker *k, enum reason_code code) {
        for (size_t i = 0; i < k->decision->n_reasons; i++)
                if (k->decision->reasons[i].code == code)
                        return true;
        return false;
}

/* Bytes short of @memmaps more in RAM, which may be more than there ever was. */
static uint64_t missing(const struct maker *k, size_t memmaps, uint64_t reserve) {
        const struct budget *b = &k->decision->budget;
        uint64_t have = b->free + b->reclaimable;
        uint64_t need = memmap_bytes(k, memmaps) + b->watermark + b->promised + reserve;

        return need > have ? need - have : 0;
}

/* How much more RAM would have done, by the way that takes least.  0: none would. */
static uint64_t missing_bytes(const struct maker *k) {
        uint64_t reserve = k->decision->budget.reserve, first, stray;

        if (given(k, REASON_NO_ALLOWANCE) || given(k, REASON_SEEDS_NO_ROOM)) {
                first = missing(k, 1, reserve);
                stray = missing(k, 2, has_strayed(k) ? reserve : 0);
                return first > stray ? first : stray;
        }
        if (given(k, REASON_EXCEEDS) || given(k, REASON_MIXED))
                return missing(k, k->n_wanted - k->n_in_ram, reserve);
        return 0;
}

/* After a refusal: what would have helped. */
static void help(struct maker *k) {
        uint64_t bytes = missing_bytes(k);

        if (bytes > 0)
                reason_node(k, REASON_HELP_BYTES, bytes, 0, k->decision->payer);
        if (given(k, REASON_NO_DEVICE) && !k->model->memmap_on_memory)
                reason(k, REASON_HELP_PARAMETER, 0, 0);
        if (given(k, REASON_SEEDS_FORBIDDEN))
                reason(k, REASON_HELP_SEEDS, 0, 0);
}

/* A refused device stays as it is, whatever had been placed on paper. */
static void forget_placements(struct maker *k) {
        for (size_t i = 0; i < k->decision->n_blocks; i++) {
                const struct block *b = &k->device->blocks[i];

                k->decision->targets[i] = (struct target) {
                        .wanted = present(b),
                        .placement = b->placement,
                        .zone = b->state == BLOCK_ONLINE ? b->zone : k->decision->settings.zone,
                };
        }
        k->decision->ram_cost = 0;
        k->decision->n_seeds = 0;
}

static enum verdict judge(struct maker *k) {
        enum verdict v = admit(k);

        if (v != VERDICT_TAKE)
                return v;
        if (k->device->settled) {
                reason(k, REASON_SETTLED, 0, 0);
                return VERDICT_SETTLED;
        }
        start_from_what_is_there(k);
        v = take(k);
        if (v == VERDICT_REFUSE)
                help(k);
        return v;
}

int decide(const struct model *m, const struct policy *p,
           const struct device *d, struct decision **ret) {
        struct decision *dec = calloc(1, sizeof(*dec));
        struct maker k = { .model = m, .device = d, .decision = dec };

        if (!dec)
                return -ENOMEM;
        dec->payer = -1;
        dec->n_blocks = d->n_blocks;
        dec->targets = calloc(d->n_blocks + 1, sizeof(*dec->targets));
        if (!dec->targets) {
                decision_free(dec);
                return -ENOMEM;
        }
        dec->rule = policy_match(p, d);
        dec->settings = policy_resolve(p, dec->rule);
        if (dec->rule)
                reason_full(&k, (struct reason) {
                        .code = REASON_RULE, .a = (uint64_t) (dec->rule - p->rules), .node = -1,
                }, dec->rule->name);
        else
                reason(&k, REASON_DEFAULTS, 0, 0);

        dec->verdict = judge(&k);
        if (dec->verdict != VERDICT_TAKE)
                forget_placements(&k);
        *ret = dec;
        return 0;
}

struct decision *decision_free(struct decision *d) {
        if (!d)
                return NULL;
        free(d->targets);
        free(d);
        return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maker.h"
#include "use.h"

/* Who has more of them knows what they are about. */
#define UNKNOWN_MAX 3

static void reason_full(struct maker *k, struct reason r, const char *text) {
        struct decision *d = k->decision;

        if (d->n_reasons == REASONS_MAX)
                return;
        if (text)
                snprintf(r.text, sizeof(r.text), "%s", text);
        d->reasons[d->n_reasons++] = r;
}

void reason_add(struct maker *k, enum reason_code code, uint64_t a, uint64_t b) {
        reason_full(k, (struct reason) { .code = code, .a = a, .b = b, .node = -1 }, NULL);
}

void reason_add_text(struct maker *k, enum reason_code code, const char *text) {
        reason_full(k, (struct reason) { .code = code, .node = -1 }, text);
}

void reason_add_node(struct maker *k, enum reason_code code, uint64_t a, uint64_t b, int node) {
        reason_full(k, (struct reason) { .code = code, .a = a, .b = b, .node = node }, NULL);
}

enum verdict refuse_for(struct maker *k, enum reason_code code, uint64_t a, uint64_t b) {
        reason_add(k, code, a, b);
        return VERDICT_REFUSE;
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
        return rule && match_is_meant(&rule->match);
}

/* Whether the device may be touched at all.  VERDICT_TAKE: it may. */
static enum verdict admit(struct maker *k) {
        const struct device *d = k->device;

        if (k->decision->settings.action == ACTION_IGNORE) {
                reason_add(k, REASON_IGNORED, 0, 0);
                return VERDICT_IGNORE;
        }
        if (d->backing == BACKING_PMEM && !is_meant(k->decision->rule)) {
                reason_add(k, REASON_PMEM, 0, 0);
                return VERDICT_IGNORE;
        }
        if (d->backing == BACKING_UNKNOWN && !is_meant(k->decision->rule)) {
                reason_add(k, REASON_UNKNOWN_BACKING, 0, 0);
                return VERDICT_IGNORE;
        }
        if (d->error < 0) {
                reason_full(k, (struct reason) {
                        .code = REASON_UNREADABLE, .a = (uint64_t) -d->error, .node = -1,
                }, strerror(-d->error));
                return VERDICT_REFUSE;
        }
        if (d->holder == HOLDER_OTHER ||
            (d->holder == HOLDER_KMEM && !d->adopted && count_in_use(d) > 0)) {
                reason_add_text(k, REASON_HELD, d->driver);
                return VERDICT_REFUSE;
        }
        if (d->node_open)
                return refuse_for(k, REASON_NODE_OPEN, 0, 0);
        if (d->target_node < 0)
                return refuse_for(k, REASON_NO_TARGET_NODE, 0, 0);
        if (d->n_blocks == 0)
                return refuse_for(k, REASON_TOO_SMALL, d->size, k->model->block_size);
        return VERDICT_TAKE;
}

/* Which driver shall do it. */
static enum verdict choose_backend(struct maker *k) {
        enum backend asked = k->decision->settings.backend, got;
        const char *why = NULL;

        got = backend_choose(k->model, k->device, asked, &why);
        if (got == BACKEND_AUTO) {
                reason_full(k, (struct reason) {
                        .code = REASON_NO_BACKEND, .a = asked, .node = -1,
                }, why);
                return VERDICT_REFUSE;
        }
        k->decision->backend = got;
        reason_full(k, (struct reason) { .code = REASON_BACKEND, .a = got, .node = -1 },
                    asked == BACKEND_AUTO && !k->model->module_loaded ? k->model->module_why : NULL);
        return VERDICT_TAKE;
}

/* What the kernel's driver has not added when it was bound, it never will. */
static bool is_left_out(const struct maker *k, const struct block *b) {
        return backend_is_whole(k->decision->backend) && is_to_be_plugged(b) &&
                backend_holds(k->decision->backend, k->device);
}

enum zone zone_of_choice(const struct maker *k) {
        return k->decision->settings.zone == ZONE_MODE_KERNEL ? ZONE_KERNEL : ZONE_MOVABLE;
}

/* Whole blocks: what is there already, then the lowest of the others. */
static void limit(struct maker *k) {
        struct decision *d = k->decision;
        uint64_t blocks = amount_of(d->settings.max_size, k->device->size) / k->model->block_size;

        d->limit = blocks < d->n_blocks ? (size_t) blocks : d->n_blocks;
        /* A device may be a little larger than its whole blocks. */
        if (d->settings.max_size.percent && d->settings.max_size.value == 100 * 100)
                d->limit = d->n_blocks;
}

static void start_from_what_is_there(struct maker *k) {
        size_t left_out = 0, room;

        for (size_t i = 0; i < k->device->n_blocks; i++)
                k->n_wanted += is_present(&k->device->blocks[i]);
        room = k->decision->limit > k->n_wanted ? k->decision->limit - k->n_wanted : 0;
        for (size_t i = 0; i < k->device->n_blocks; i++) {
                const struct block *b = &k->device->blocks[i];
                struct target *t = &k->decision->targets[i];
                bool coming = is_to_be_plugged(b) && k->n_absent < room;

                if (is_left_out(k, b)) {
                        left_out++;
                        continue;
                }
                t->wanted = is_present(b) || coming;
                t->placement = b->placement;
                t->zone = b->state == BLOCK_ONLINE ? b->zone : zone_of_choice(k);
                k->n_absent += coming;
                k->n_in_ram += is_present(b) && b->placement == PLACEMENT_RAM;
        }
        k->n_wanted += k->n_absent;
        if (left_out > 0)
                reason_add(k, REASON_LEFT_OUT, left_out, 0);
}

/* Whether the limit can be kept to, and leaves anything. */
static enum verdict check_limit(struct maker *k) {
        const struct decision *d = k->decision;

        if (d->limit == d->n_blocks)
                return VERDICT_TAKE;
        if (d->limit == 0)
                return refuse_for(k, REASON_LIMIT_LOW,
                                  amount_of(d->settings.max_size, k->device->size),
                                  k->model->block_size);
        if (backend_is_whole(d->backend) && !backend_holds(d->backend, k->device))
                return refuse_for(k, REASON_LIMIT_WHOLE, 0, 0);
        reason_add(k, REASON_LIMIT, d->limit, d->n_blocks);
        return VERDICT_TAKE;
}

static enum verdict take(struct maker *k) {
        struct decision *d = k->decision;

        reason_add(k, REASON_COST, k->n_wanted, k->device->memmap_size);
        if (k->n_in_ram > 0)
                reason_add(k, REASON_SPENT, k->n_in_ram, k->device->memmap_size);
        k->payer = budget_payer(k->model, k->device, d->settings.ram_reserve);
        if (!k->payer)
                return refuse_for(k, REASON_NO_PAYER, 0, 0);
        d->payer = k->payer->id;
        d->budget = budget_of(k->payer, d->settings.ram_reserve);
        reason_add_node(k, REASON_BUDGET, d->budget.total, 0, d->payer);
        /* What is there stays, however little RAM has to spare by now. */
        return k->n_absent == 0 ? VERDICT_TAKE : place_memmaps(k);
}

/* A refused device stays as it is, whatever had been placed on paper. */
static void forget_placements(struct maker *k) {
        for (size_t i = 0; i < k->decision->n_blocks; i++) {
                const struct block *b = &k->device->blocks[i];

                k->decision->targets[i] = (struct target) {
                        .wanted = is_present(b),
                        .placement = b->placement,
                        .zone = b->state == BLOCK_ONLINE ? b->zone : zone_of_choice(k),
                };
        }
        k->decision->ram_cost = 0;
        k->decision->n_seeds = 0;
}

static void tell_use(struct maker *k) {
        const struct use *u = &k->decision->settings.use;

        if (u->gigantic_pages)
                reason_add(k, REASON_USE_GIGANTIC, 0, 0);
        if (u->hvo)
                reason_add(k, REASON_USE_HVO, 0, 0);
        if (u->removable)
                reason_add(k, REASON_USE_REMOVABLE, 0, 0);
        if (u->prefer != PREFER_NOTHING)
                reason_add(k, u->prefer == PREFER_LATENCY ? REASON_USE_LATENCY : REASON_USE_CAPACITY,
                           0, 0);
}

static enum verdict judge(struct maker *k) {
        enum verdict v = admit(k);

        if (v != VERDICT_TAKE)
                return v;
        if (k->device->settled) {
                reason_add(k, REASON_SETTLED, 0, 0);
                return VERDICT_SETTLED;
        }
        v = choose_backend(k);
        if (v != VERDICT_TAKE)
                return v;
        tell_use(k);
        limit(k);
        start_from_what_is_there(k);
        v = check_limit(k);
        if (v == VERDICT_TAKE)
                v = take(k);
        if (v == VERDICT_REFUSE)
                help(k);
        else
                choose_zones(k);
        return v;
}

/* Rules that might have decided, if more of the device were known. */
static void tell_unknown(struct maker *k, const struct policy *p) {
        size_t n = k->decision->rule ? (size_t) (k->decision->rule - p->rules) : p->n_rules;
        size_t told = 0;

        for (size_t i = 0; i < n && told < UNKNOWN_MAX; i++) {
                const struct rule *r = &p->rules[i];
                unsigned int key = 0;

                if (match_device(&r->match, k->device, &key) != ANSWER_UNKNOWN)
                        continue;
                reason_full(k, (struct reason) {
                        .code = REASON_UNKNOWN_FACT, .a = i, .b = key, .node = -1,
                }, r->name);
                told++;
        }
}

int decide(const struct model *m, const struct policy *p,
           const struct device *d, struct decision **ret) {
        struct decision *dec = calloc(1, sizeof(*dec));
        struct maker k = { .model = m, .device = d, .decision = dec };

        if (!dec)
                return -ENOMEM;
        dec->payer = -1;
        dec->n_blocks = dec->limit = d->n_blocks;
        dec->targets = calloc(d->n_blocks + 1, sizeof(*dec->targets));
        if (!dec->targets) {
                decision_free(dec);
                return -ENOMEM;
        }
        dec->rule = policy_match(p, d);
        dec->settings = policy_resolve(p, dec->rule);
        use_apply(&dec->settings);
        tell_unknown(&k, p);
        if (dec->rule)
                reason_full(&k, (struct reason) {
                        .code = REASON_RULE, .a = (uint64_t) (dec->rule - p->rules), .node = -1,
                }, dec->rule->name);
        else
                reason_add(&k, REASON_DEFAULTS, 0, 0);

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

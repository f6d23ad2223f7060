/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "forecast.h"
#include "fresh.h"
#include "manager.h"
#include "plan.h"
#include "turns.h"

DEFINE_CLEANUP(struct decision *, decision_free)
DEFINE_CLEANUP(struct plan *, plan_free)

/* One device, looked at until there would be nothing more to learn. */
struct outlook {
        struct decision *decision;
        struct plan *plan;
        size_t steps;                   /* of all plans */
};

static void outlook_clear(struct outlook *o) {
        decision_free(o->decision);
        plan_free(o->plan);
}

static int decide_and_plan(const struct model *m, const struct policy *p, const struct device *d,
                           struct outlook *ret) {
        int r;

        ret->decision = decision_free(ret->decision);
        ret->plan = plan_free(ret->plan);
        r = decide(m, p, d, &ret->decision);
        if (r >= 0)
                r = plan_make(m, d, ret->decision, &ret->plan);
        if (r >= 0)
                ret->steps += ret->plan->n_steps;
        return r;
}

static bool ends_with_bind(const struct plan *p) {
        return p->n_steps > 0 && p->steps[p->n_steps - 1].kind == STEP_BIND;
}

/*
 * To bind a device is all that is planned before that is done.  What comes after is
 * planned for the device as it is then: none of its memory there any more.
 */
static int look_beyond_bind(const struct model *m, const struct policy *p,
                            const struct device *d, struct outlook *o) {
        _cleanup_(freep) struct block *blocks = calloc(d->n_blocks + 1, sizeof(*blocks));
        struct device bound = *d;

        if (!blocks)
                return -ENOMEM;
        for (size_t i = 0; i < d->n_blocks; i++)
                blocks[i].number = d->blocks[i].number;
        bound.blocks = blocks;
        bound.holder = HOLDER_MEMMAPD;
        bound.measured = true;
        return decide_and_plan(m, p, &bound, o);
}

/* The kernel's own driver has all blocks then; what is decided, is decided before. */
static void look_beyond_kmem(const struct device *d, struct outlook *o) {
        for (size_t i = 0; i < d->n_blocks; i++)
                o->steps += o->decision->settings.action == ACTION_ONLINE &&
                        o->decision->targets[i].wanted && d->blocks[i].state != BLOCK_ONLINE;
}

static struct json_object *number(uint64_t v) {
        return json_object_new_uint64(v);
}

static bool same(const struct target *a, const struct target *b) {
        return a->wanted == b->wanted && a->seed == b->seed && a->placement == b->placement &&
                a->zone == b->zone;
}

/* Blocks that follow each other and are to become the same. */
static struct json_object *describe_runs(const struct decision *d) {
        struct json_object *list = json_object_new_array();

        for (size_t from = 0, to; d->verdict == VERDICT_TAKE && from < d->n_blocks; from = to + 1) {
                const struct target *t = &d->targets[from];
                struct json_object *o = json_object_new_object();

                for (to = from; to + 1 < d->n_blocks && same(t, &d->targets[to + 1]);)
                        to++;
                json_object_object_add(o, "from", number(from));
                json_object_object_add(o, "to", number(to));
                json_object_object_add(o, "wanted", json_object_new_boolean(t->wanted));
                json_object_object_add(o, "zone", json_object_new_string(zone_to_string(t->zone)));
                json_object_object_add(o, "memmap",
                                       json_object_new_string(placement_to_string(t->placement)));
                json_object_object_add(o, "seed", json_object_new_boolean(t->seed));
                json_object_array_add(list, o);
        }
        return list;
}

static struct json_object *describe_outlook(const struct outlook *o) {
        struct json_object *plan = json_object_new_object();

        json_object_object_add(plan, "steps", number(o->steps));
        json_object_object_add(plan, "ram_cost", number(o->decision->ram_cost));
        json_object_object_add(plan, "seeds", number(o->decision->n_seeds));
        json_object_object_add(plan, "runs", describe_runs(o->decision));
        return plan;
}

static enum device_state state_of(const struct outlook *o) {
        switch (o->decision->verdict) {
        case VERDICT_TAKE:
                if (o->steps > 0)
                        return STATE_PLANNED;
                return o->decision->settings.action == ACTION_PLUG ? STATE_PLUGGED : STATE_ONLINE;
        case VERDICT_IGNORE:
                return STATE_IGNORED;
        default:
                return STATE_REFUSED;
        }
}

static void fill_record(struct record *r, const struct device *d, const struct outlook *o) {
        const struct reason *cause = decision_cause(o->decision);

        snprintf(r->name, sizeof(r->name), "%s", d->name);
        r->state = state_of(o);
        r->decision = describe_decision(o->decision);
        if (cause)
                (void) reason_format(o->decision, cause, r->message, sizeof(r->message));
        else
                snprintf(r->message, sizeof(r->message), "%s",
                         o->steps > 0 ? "Would be taken in." : "Nothing is left to be done.");
}

/* What is decided on later has that much less to spend. */
static void promise(struct model *m, const struct device *device, const struct decision *d) {
        struct node *payer = (struct node *) model_node(m, d->payer);

        if (payer)
                payer->promised += d->ram_cost;
        for (size_t i = 0; d->settings.action == ACTION_ONLINE && i < d->n_blocks; i++) {
                if (!d->targets[i].wanted || device->blocks[i].state == BLOCK_ONLINE)
                        continue;
                if (d->targets[i].zone == ZONE_KERNEL)
                        m->promised_kernel += m->block_size;
                else
                        m->promised_movable += m->block_size;
        }
}

static int look_ahead(struct model *m, const struct policy *p, const struct device *d,
                      struct record *record, struct json_object **ret_plan) {
        _cleanup_(outlook_clear) struct outlook o = {};
        int r;

        r = decide_and_plan(m, p, d, &o);
        if (r >= 0 && ends_with_bind(o.plan)) {
                if (backend_is_whole(o.decision->backend))
                        look_beyond_kmem(d, &o);
                else
                        r = look_beyond_bind(m, p, d, &o);
        }
        if (r < 0)
                return r;
        promise(m, d, o.decision);
        fill_record(record, d, &o);
        *ret_plan = describe_outlook(&o);
        return 0;
}

/* The manager of a daemon that never ran: what describe() reads of one. */
static int describe_all(const struct forecast *f, struct model *m, struct record *records,
                        struct json_object **plans, struct json_object **ret) {
        const struct manager manager = {
                .in_force = (struct policy_files *) f->files, .policy = f->files->policy,
                .dry_run = true, .model = m, .records = records,
        };
        _cleanup_(freep) struct turn *turns = calloc(m->n_devices + 1, sizeof(*turns));
        struct json_object *o, *devices;

        if (!turns)
                return -ENOMEM;
        for (size_t i = 0; i < m->n_devices; i++)
                turns[i] = (struct turn) {
                        .device = &m->devices[i], .record = &records[i],
                        .priority = turn_priority(f->files->policy, &m->devices[i]),
                };
        turns_sort(turns, m->n_devices);
        for (size_t i = 0; i < m->n_devices; i++) {
                size_t at = (size_t) (turns[i].device - m->devices);
                int r = look_ahead(m, f->files->policy, turns[i].device, turns[i].record,
                                   &plans[at]);

                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < m->n_devices; i++) {
                records[i].next = i + 1 < m->n_devices ? &records[i + 1] : NULL;
        }
        o = describe(&manager);
        if (!o)
                return -ENOMEM;
        json_object_object_get_ex(o, "devices", &devices);
        for (size_t i = 0; i < m->n_devices; i++)
                json_object_object_add(json_object_array_get_idx(devices, i), "plan",
                                       json_object_get(plans[i]));
        *ret = o;
        return 0;
}

int forecast(const struct sysfs *s, const struct forecast *f, struct json_object **ret) {
        _cleanup_(model_freep) struct model *m = NULL;
        struct json_object **plans;
        struct record *records;
        int r;

        r = probe(s, &m);
        if (r < 0)
                return r;
        m->module_loaded |= f->module;
        if (f->fresh)
                model_make_fresh(m);
        records = calloc(m->n_devices + 1, sizeof(*records));
        plans = calloc(m->n_devices + 1, sizeof(*plans));
        r = !records || !plans ? -ENOMEM :
                describe_all(f, m, m->n_devices > 0 ? records : NULL, plans, ret);
        for (size_t i = 0; records && plans && i < m->n_devices; i++) {
                json_object_put(records[i].decision);
                json_object_put(plans[i]);
        }
        free(records);
        free(plans);
        return r;
}

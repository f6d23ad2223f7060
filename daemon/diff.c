/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two policies side by side: what Manager.Diff() returns and `memmapctl diff --json`
 * prints.  Documented in memmapctl(1).
 *
 * Both decide over the machine as it is now, device after device, as the manager
 * would: what one device is promised, the next one does not have.
 */
#include <errno.h>
#include <string.h>

#include "diff-settings.h"
#include "names.h"
#include "regions.h"

DEFINE_CLEANUP(struct decision *, decision_free)

struct side {
        const struct policy *policy;            /* NULL: there is none */
        struct node *nodes;                     /* with promises of this side */
        uint64_t *promised;                     /* a node each: to the devices so far */
};

static void side_done(struct side *s) {
        free(s->nodes);
        free(s->promised);
}

static int side_new(struct side *s, const struct policy *p, const struct node *nodes, size_t n) {
        s->policy = p;
        s->nodes = calloc(n + 1, sizeof(*s->nodes));
        s->promised = calloc(n + 1, sizeof(*s->promised));
        if (!s->nodes || !s->promised)
                return -ENOMEM;
        memcpy(s->nodes, nodes, n * sizeof(*nodes));
        return 0;
}

static const struct record *record_of(const struct manager *m, const struct device *d) {
        for (const struct record *r = m->records; r; r = r->next)
                if (strcmp(r->name, d->name) == 0)
                        return r;
        return NULL;
}

/* @model: with the nodes as they are now. */
static int side_decide(struct side *s, const struct manager *m, struct model model,
                       const struct device *d, struct decision **ret) {
        const struct record *r = record_of(m, d);
        int e;

        if (!s->policy)
                return 0;
        model.nodes = s->nodes;
        record_promise_to_others(m, r, &model);
        for (size_t i = 0; i < model.n_nodes; i++)
                model.nodes[i].promised += s->promised[i];
        e = decide(&model, s->policy, d, ret);
        /* One that is being worked on is among the records' promises. */
        if (e < 0 || (*ret)->verdict != VERDICT_TAKE || (r && r->worker))
                return e;
        for (size_t i = 0; i < model.n_nodes; i++)
                if (model.nodes[i].id == (*ret)->payer)
                        s->promised[i] += (*ret)->ram_cost;
        return 0;
}

static bool same_target(const struct target *a, const struct target *b) {
        return a->wanted == b->wanted && a->seed == b->seed && a->placement == b->placement &&
                a->zone == b->zone;
}

static bool same_decision(const struct decision *a, const struct decision *b) {
        if (a->verdict != b->verdict)
                return false;
        if (a->verdict != VERDICT_TAKE)
                return true;
        if (a->settings.action != b->settings.action ||
            a->settings.order != b->settings.order || a->backend != b->backend)
                return false;
        for (size_t i = 0; i < a->n_blocks; i++)
                if (!same_target(&a->targets[i], &b->targets[i]))
                        return false;
        return true;
}

static const char *outcome(const struct device *d, const struct decision *from,
                           const struct decision *to) {
        /* What was taken in once is not taken in, or out, again. */
        if (d->settled)
                return "stays";
        return from && same_decision(from, to) ? "same" : "changes";
}

static struct json_object *count_placements(const struct decision *d) {
        size_t placed[_PLACEMENT_MAX] = {};
        struct json_object *o = json_object_new_object();

        for (size_t i = 0; i < d->n_blocks; i++)
                placed[d->targets[i].placement] += d->targets[i].wanted;
        for (enum placement p = PLACEMENT_RAM; p < _PLACEMENT_MAX; p++)
                json_object_object_add(o, placement_to_string(p),
                                       json_object_new_uint64(placed[p]));
        return o;
}

static struct json_object *describe_side(const struct decision *d) {
        struct json_object *o = d ? describe_decision(d) : NULL;

        if (o)
                json_object_object_add(o, "memmap", count_placements(d));
        return o;
}

/* Without an old policy, all of them are new. */
static struct json_object *describe_settings(const struct record *r, const struct device *d,
                                             const struct side *old, const struct side *new,
                                             const struct decision *from,
                                             const struct decision *to) {
        struct settings before, after;
        struct diff_ask ask = {
                .record = r, .device = d, .old = &before, .new = &after, .decision = to,
                .decides_otherwise = strcmp(outcome(d, from, to), "changes") == 0,
        };

        if (!from)
                return json_object_new_array();
        before = policy_resolve(old->policy, from->rule);
        after = policy_resolve(new->policy, to->rule);
        return diff_settings(&ask);
}

static struct json_object *describe_pair(const struct record *r, const struct device *d,
                                         const struct decision *from, const struct decision *to) {
        struct json_object *o = json_object_new_object();
        enum device_state state = r ? r->state : STATE_UNKNOWN;

        json_object_object_add(o, "name", json_object_new_string(d->name));
        json_object_object_add(o, "state", json_object_new_string(device_state_to_string(state)));
        json_object_object_add(o, "outcome", json_object_new_string(outcome(d, from, to)));
        json_object_object_add(o, "old", describe_side(from));
        json_object_object_add(o, "new", describe_side(to));
        return o;
}

static int compare_all(const struct manager *m, const struct model *model,
                       struct side *from, struct side *to, struct json_object *list) {
        for (size_t i = 0; i < model->n_devices; i++) {
                _cleanup_(decision_freep) struct decision *old = NULL, *new = NULL;
                const struct device *d = &model->devices[i];
                const struct record *rec = record_of(m, d);
                struct json_object *o;
                int r;

                r = side_decide(from, m, *model, d, &old);
                if (r >= 0)
                        r = side_decide(to, m, *model, d, &new);
                if (r < 0)
                        return r;
                o = describe_pair(rec, d, old, new);
                json_object_object_add(o, "settings",
                                       describe_settings(rec, d, from, to, old, new));
                json_object_array_add(list, o);
        }
        return 0;
}

/* Devices send events when they change; how much memory is free has to be asked for. */
static int compare_now(const struct manager *m, const struct policy *p, struct json_object *list) {
        _cleanup_(side_done) struct side from = {}, to = {};
        struct model model = *m->model;
        int r;

        r = probe_nodes(m->sysfs, &model.nodes, &model.n_nodes);
        if (r < 0)
                return r;
        r = side_new(&from, m->policy, model.nodes, model.n_nodes);
        if (r >= 0)
                r = side_new(&to, p, model.nodes, model.n_nodes);
        if (r >= 0)
                r = compare_all(m, &model, &from, &to, list);
        nodes_free(model.nodes, model.n_nodes);
        return r;
}

int diff(const struct manager *m, const struct policy *p, struct json_object **ret) {
        struct json_object *o = json_object_new_object(), *list = json_object_new_array();
        int r;

        json_object_object_add(o, "format", json_object_new_int(DIFF_FORMAT));
        json_object_object_add(o, "devices", list);
        json_object_object_add(o, "expanders", regions_diff(m, p));
        r = compare_now(m, p, list);
        if (r < 0)
                json_object_put(o);
        else
                *ret = o;
        return r;
}

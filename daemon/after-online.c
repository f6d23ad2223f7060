/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "after-online.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "after-state.h"
#include "json-c-util.h"
#include "log.h"
#include "manager.h"
#include "names.h"

struct after {
        struct after_item *items;
};

/* Those who ask, in this look. */
struct asking {
        struct manager *manager;
        struct after_asker *askers;     /* who came first is first */
        struct after_online *wishes;    /* one each */
        struct record **records;        /* one each */
        size_t n;
};

/* A file: that of @knob, and of @node if it is the weight of one. */
struct spot {
        enum after_knob knob;
        int node;
        char path[128];
        char text[AFTER_TEXT_MAX];      /* what it has */
        int error;                      /* negative errno: it cannot be read */
};

/* NULL: it is not there. */
static const char *now_of(const struct spot *s) {
        return s->error < 0 ? NULL : s->text;
}

static const char *const outcome_words[_AFTER_OUTCOME_MAX] = {
        [AFTER_NOT_YET] = "pending",
        [AFTER_IS_SET] = "set",
        [AFTER_IS_MISSING] = "missing",
        [AFTER_HAS_FAILED] = "failed",
        [AFTER_DIFFERS] = "differs",
        [AFTER_WAS_CHANGED] = "changed",
        [AFTER_IS_ANOTHERS] = "another",
};

#define INTERLEAVING "sys/kernel/mm/mempolicy/weighted_interleave"

static void path_of(enum after_knob knob, int node, char *buf, size_t size) {
        static const char *const paths[_AFTER_KNOB_MAX] = {
                [AFTER_DEMOTION] = "sys/kernel/mm/numa/demotion_enabled",
                [AFTER_BALANCING] = "proc/sys/kernel/numa_balancing",
                [AFTER_AUTO_WEIGHTS] = INTERLEAVING "/auto",
        };

        if (knob == AFTER_WEIGHT)
                snprintf(buf, size, INTERLEAVING "/node%d", node);
        else
                snprintf(buf, size, "%s", paths[knob]);
}

static struct spot look_at(const struct manager *m, enum after_knob knob, int node) {
        struct spot s = { .knob = knob, .node = node };

        path_of(knob, node, s.path, sizeof(s.path));
        s.error = sysfs_read(m->sysfs, s.text, sizeof(s.text), "%s", s.path);
        return s;
}

/* Told, if @priority is not negative, unless it was the last thing told of it. */
static void note(struct record *r, const struct spot *s, enum after_outcome outcome, int priority,
                 const char *format, ...) _printf_(5, 6);
static void note(struct record *r, const struct spot *s, enum after_outcome outcome, int priority,
                 const char *format, ...) {
        static const char *const ids[_AFTER_OUTCOME_MAX] = {
                [AFTER_IS_SET] = MESSAGE_AFTER_SET,
                [AFTER_IS_MISSING] = MESSAGE_AFTER_NOT_SET,
                [AFTER_HAS_FAILED] = MESSAGE_AFTER_NOT_SET,
                [AFTER_DIFFERS] = MESSAGE_AFTER_NOT_SET,
                [AFTER_WAS_CHANGED] = MESSAGE_AFTER_CHANGED,
                [AFTER_IS_ANOTHERS] = MESSAGE_AFTER_NOT_SET,
        };
        struct after_note *n = &r->after[s->knob];
        char text[sizeof(n->text)];
        bool same;
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        same = n->outcome == outcome && strcmp(n->text, text) == 0;
        n->outcome = outcome;
        memcpy(n->text, text, sizeof(text));
        if (!same && priority >= 0)
                log_about(priority, (struct log_about) {
                        .message_id = ids[outcome], .device = r->name,
                }, "%s", text);
}

/* Items */

static struct after_item **find(struct after *a, const struct spot *s) {
        struct after_item **at = &a->items;

        while (*at && ((*at)->knob != s->knob || (*at)->node != s->node))
                at = &(*at)->next;
        return at;
}

static int save(const struct manager *m) {
        return after_items_save(m->sysfs, m->after->items);
}

static void drop(const struct manager *m, struct after_item **at) {
        struct after_item *i = *at;

        *at = i->next;
        free(i);
        (void) save(m);
}

/* Doing it */

/* Remembered first: whoever is killed in between knows what it was. */
static int write_it(const struct manager *m, const struct spot *s, const struct after_item *i) {
        int r = save(m);

        return r < 0 ? r : sysfs_write(m->sysfs, i->kept.wanted, "%s", s->path);
}

/* Until that is done, it is only begun, and tried again. */
static int read_back(const struct manager *m, const struct spot *s, struct after_item *i) {
        char got[AFTER_TEXT_MAX];
        int r = sysfs_read(m->sysfs, got, sizeof(got), "%s", s->path);

        if (r < 0)
                return r;
        memcpy(i->kept.set, got, sizeof(got));
        i->kept.begun = false;
        return save(m);
}

static void note_result(struct record *r, const struct spot *s, const struct after_kept *k,
                        bool tell) {
        if (strcmp(k->set, k->wanted) != 0)
                note(r, s, AFTER_DIFFERS, tell ? LOG_WARNING : -1,
                     "/%s is %s, although %s was written to it.", s->path, k->set, k->wanted);
        else if (strcmp(k->set, k->before) == 0)
                note(r, s, AFTER_IS_SET, tell ? LOG_INFO : -1, "/%s is %s, as it was before.",
                     s->path, k->set);
        else
                note(r, s, AFTER_IS_SET, tell ? LOG_NOTICE : -1, "/%s is %s now; it was %s.",
                     s->path, k->set, k->before);
}

static void set(const struct manager *m, struct record *r, const struct spot *s,
                const char *wanted) {
        struct after_item **at = find(m->after, s), *i = *at;
        struct after_kept old = {};
        bool fresh = !i;
        int e;

        if (fresh) {
                i = calloc(1, sizeof(*i));
                if (!i)
                        return;
                i->knob = s->knob;
                i->node = s->node;
                *at = i;
        }
        old = i->kept;
        i->kept = after_begin(fresh ? NULL : &old, s->text, wanted);
        snprintf(i->owner, sizeof(i->owner), "%s", r->name);
        e = write_it(m, s, i);
        if (e < 0) {
                note(r, s, AFTER_HAS_FAILED, LOG_WARNING, "Cannot set /%s to %s: %s.", s->path,
                     wanted, strerror(-e));
                if (fresh) {
                        drop(m, at);
                        return;
                }
                i->kept = old;
                (void) save(m);
                return;
        }
        e = read_back(m, s, i);
        if (e >= 0)
                note_result(r, s, &i->kept, true);
        else
                note(r, s, AFTER_HAS_FAILED, LOG_WARNING, "/%s was set to %s, and cannot be read "
                     "back: %s.", s->path, wanted, strerror(-e));
}

/*
 * A kernel that was told no bandwidths has nothing to work weights out of: it says that it
 * does until a weight is written, and cannot be told to again (mm/mempolicy.c).
 */
static bool is_for_good(const struct spot *s, int error) {
        return s->knob == AFTER_AUTO_WEIGHTS && error == -ENODEV;
}

static void put_back(const struct manager *m, const struct spot *s, struct after_item **at) {
        struct after_item *i = *at;
        char got[AFTER_TEXT_MAX] = "";
        int r;

        r = sysfs_write(m->sysfs, i->kept.before, "%s", s->path);
        if (r >= 0)
                r = sysfs_read(m->sysfs, got, sizeof(got), "%s", s->path);
        if (r >= 0 && strcmp(got, i->kept.before) == 0) {
                log_about(LOG_NOTICE, (struct log_about) {
                        .message_id = MESSAGE_AFTER_PUT_BACK, .device = i->owner,
                }, "/%s is %s again, as it was before: no device asks for %s any more.", s->path,
                          got, i->kept.set);
                drop(m, at);
                return;
        }
        if (is_for_good(s, r)) {
                log_about(LOG_INFO, (struct log_about) {
                        .message_id = MESSAGE_AFTER_NOT_SET, .device = i->owner,
                }, "/%s stays %s: this kernel knows of no bandwidths to work out weights from.",
                          s->path, i->kept.set);
                drop(m, at);
                return;
        }
        if (!i->told)
                log_about(LOG_WARNING, (struct log_about) {
                        .message_id = MESSAGE_AFTER_NOT_SET, .device = i->owner, .error = -r,
                }, "Cannot set /%s back to %s, which it was before: %s.", s->path, i->kept.before,
                          r < 0 ? strerror(-r) : "it was written, and is another value now");
        i->told = true;
}

static void leave(const struct manager *m, const struct spot *s, struct after_item **at) {
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_AFTER_CHANGED, .device = (*at)->owner,
        }, "Somebody else changed /%s: it is %s, not %s. It is not set back to %s.", s->path,
                  s->text, (*at)->kept.set, (*at)->kept.before);
        drop(m, at);
}

/* One file */

static void note_missing(struct record *r, const struct spot *s) {
        /* A kernel that does not work out weights by itself needs not be kept from it. */
        if (s->knob != AFTER_AUTO_WEIGHTS)
                note(r, s, AFTER_IS_MISSING, LOG_WARNING, "This kernel has no /%s, which came with "
                     "Linux %s.", s->path, after_knob_since(s->knob));
}

static void note_lost(struct record *r, const struct spot *s, const struct after_kept *k,
                      int priority) {
        note(r, s, AFTER_WAS_CHANGED, priority, "Somebody else changed /%s from %s to %s. It is "
             "left as it is.", s->path, k->set, s->text);
}

static void notice(const struct manager *m, struct record *r, const struct spot *s,
                   struct after_item *i) {
        i->kept.lost = true;
        (void) save(m);
        note_lost(r, s, &i->kept, LOG_WARNING);
}

static struct record *record_of(const struct asking *a, const struct after_asker *who) {
        return who ? a->records[who - a->askers] : NULL;
}

static void act(const struct asking *a, const struct spot *s, const struct after_asker *who) {
        struct manager *m = a->manager;
        struct after_item **at = find(m->after, s), *i = *at;
        struct record *r = record_of(a, who);
        char wanted[AFTER_TEXT_MAX] = "";

        switch (after_decide(s->knob, who ? who->wish : NULL, i ? &i->kept : NULL, now_of(s),
                             wanted)) {
        case AFTER_SET:
                set(m, r, s, wanted);
                break;
        case AFTER_MISSING:
                note_missing(r, s);
                break;
        case AFTER_NOTICE:
                notice(m, r, s, i);
                break;
        case AFTER_PUT_BACK:
                put_back(m, s, at);
                break;
        case AFTER_LEAVE:
                leave(m, s, at);
                break;
        case AFTER_FORGET:
                drop(m, at);
                break;
        default:
                if (who && i && i->kept.lost)
                        note_lost(r, s, &i->kept, -1);
                else if (who && i)
                        note_result(r, s, &i->kept, false);
        }
}

/* The others that ask for the same file. */
static void tell_others(const struct asking *a, const struct spot *s,
                        const struct after_asker *winner) {
        const struct after_item *i = *find(a->manager->after, s);

        for (size_t k = 0; k < a->n; k++) {
                const struct after_asker *who = &a->askers[k];
                char wanted[AFTER_TEXT_MAX];

                if (who == winner || (s->knob == AFTER_WEIGHT && who->node != s->node) ||
                    !after_wanted(s->knob, who->wish, i ? i->kept.before : "0", wanted))
                        continue;
                if (i && strcmp(wanted, i->kept.wanted) != 0)
                        note(a->records[k], s, AFTER_IS_ANOTHERS, LOG_WARNING, "/%s is not set to "
                             "%s: %s was first, and asks for %s.", s->path, wanted, winner->device,
                             i->kept.wanted);
                else
                        a->records[k]->after[s->knob] = record_of(a, winner)->after[s->knob];
        }
}

/* A kernel that has gone back to working out weights has no use for the old ones. */
static bool is_moot(const struct manager *m, const struct spot *s, const struct after_asker *who) {
        return s->knob == AFTER_WEIGHT && !who &&
                strcmp(look_at(m, AFTER_AUTO_WEIGHTS, -1).text, "true") == 0;
}

/* Also of somebody who has gone since. */
static void take_the_say(const struct manager *m, const struct spot *s,
                         const struct after_asker *who) {
        struct after_item *i = *find(m->after, s);

        if (!i || strcmp(i->owner, who->device) == 0)
                return;
        snprintf(i->owner, sizeof(i->owner), "%s", who->device);
        (void) save(m);
}

static void settle(const struct asking *a, enum after_knob knob, int node) {
        struct manager *m = a->manager;
        struct spot s = look_at(m, knob, node);
        struct after_item **at = find(m->after, &s);
        const struct after_asker *who = after_winner(a->askers, a->n, knob, node,
                                                     *at ? (*at)->owner : NULL);

        if (!who && !*at)
                return;
        if (is_moot(m, &s, who)) {
                drop(m, at);
                return;
        }
        if (s.error >= 0 || s.error == -ENOENT)
                act(a, &s, who);
        else if (who)
                note(record_of(a, who), &s, AFTER_HAS_FAILED, LOG_WARNING, "Cannot read /%s: %s.",
                     s.path, strerror(-s.error));
        if (!who)
                return;
        take_the_say(m, &s, who);
        tell_others(a, &s, who);
}

/* All weights that somebody asks for or that were set. */
static void settle_weights(const struct asking *a) {
        int last = -1;

        for (;;) {
                int next = -1;

                for (size_t i = 0; i < a->n; i++)
                        if (a->askers[i].node > last && (next < 0 || a->askers[i].node < next))
                                next = a->askers[i].node;
                for (const struct after_item *i = a->manager->after->items; i; i = i->next)
                        if (i->node > last && (next < 0 || i->node < next))
                                next = i->node;
                if (next < 0)
                        return;
                settle(a, AFTER_WEIGHT, next);
                last = next;
        }
}

/* Who asks */

/*
 * It has all that it will get, and something of it is online.  While it is on its way in
 * or out, it is as it was.
 */
static bool asks(const struct record *r, const struct device *d) {
        if (r->removed || device_count(d).online == 0)
                return false;
        switch (r->state) {
        case STATE_ONLINE:
                return true;
        case STATE_IGNORED:
        case STATE_REFUSED:
        case STATE_PLUGGED:
        case STATE_ROLLED_BACK:
                return false;
        case STATE_DEGRADED:
                return r->settled;
        default:
                return r->asks;
        }
}

static void add(struct asking *a, struct record *r, const struct device *d) {
        const struct manager *m = a->manager;
        size_t at = a->n;

        while (at > 0 && a->records[at - 1]->arrival > r->arrival) {
                a->records[at] = a->records[at - 1];
                a->askers[at] = a->askers[at - 1];
                a->wishes[at] = a->wishes[at - 1];
                at--;
        }
        a->records[at] = r;
        a->wishes[at] = policy_resolve(m->policy, policy_match(m->policy, d)).after_online;
        a->askers[at] = (struct after_asker) { .device = r->name, .node = d->target_node };
        a->n++;
}

static void gather(struct asking *a) {
        const struct model *model = a->manager->model;

        for (struct record *r = a->manager->records; r; r = r->next) {
                const struct device *d = model_device(model, r->name);

                r->asks = d && asks(r, d);
                if (!r->asks)
                        memset(r->after, 0, sizeof(r->after));
        }
        for (size_t i = 0; i < model->n_devices; i++)
                for (struct record *r = a->manager->records; r; r = r->next)
                        if (r->asks && strcmp(r->name, model->devices[i].name) == 0)
                                add(a, r, &model->devices[i]);
        for (size_t i = 0; i < a->n; i++) {
                a->askers[i].wish = &a->wishes[i];
                for (int k = 0; k < _AFTER_KNOB_MAX; k++)
                        if (!after_asks((enum after_knob) k, &a->wishes[i]))
                                a->records[i]->after[k] = (struct after_note) {};
        }
}

void after_online_look(struct manager *m) {
        _cleanup_(freep) struct after_asker *askers = NULL;
        _cleanup_(freep) struct after_online *wishes = NULL;
        _cleanup_(freep) struct record **records = NULL;
        struct asking a = { .manager = m };

        /* Without a policy nobody knows what is asked for: it stays as it is. */
        if (m->dry_run || !m->policy)
                return;
        if (!m->after) {
                m->after = calloc(1, sizeof(*m->after));
                if (!m->after)
                        return;
                m->after->items = after_items_load(m->sysfs);
        }
        a.askers = askers = calloc(m->model->n_devices + 1, sizeof(*askers));
        a.wishes = wishes = calloc(m->model->n_devices + 1, sizeof(*wishes));
        a.records = records = calloc(m->model->n_devices + 1, sizeof(struct record *));
        if (!askers || !wishes || !records)
                return;
        gather(&a);
        settle(&a, AFTER_DEMOTION, -1);
        settle(&a, AFTER_BALANCING, -1);
        /* Before the weights: a weight that is written ends it, and it overwrites weights. */
        settle(&a, AFTER_AUTO_WEIGHTS, -1);
        settle_weights(&a);
}

struct after *after_free(struct after *a) {
        if (!a)
                return NULL;
        after_items_free(a->items);
        free(a);
        return NULL;
}

/* Telling */

static struct json_object *describe_note(enum after_knob k, const struct after_online *wish,
                                         const struct after_note *n) {
        struct json_object *o = json_object_new_object();
        char value[AFTER_TEXT_MAX];

        if (k == AFTER_BALANCING)
                snprintf(value, sizeof(value), "%s", balancing_to_string(wish->balancing));
        else
                (void) after_wanted(k, wish, "", value);
        json_add_string(o, "setting", after_knob_to_string(k));
        json_add_string(o, "value", value);
        json_add_string(o, "outcome", outcome_words[n->outcome]);
        json_add_string(o, "text", n->text);
        return o;
}

struct json_object *after_online_describe(const struct manager *m, const struct record *r) {
        const struct device *d = m->model ? model_device(m->model, r->name) : NULL;
        struct after_online wish;
        struct json_object *list = NULL;

        if (!m->policy || !d || r->state == STATE_IGNORED || r->state == STATE_REFUSED)
                return NULL;
        wish = policy_resolve(m->policy, policy_match(m->policy, d)).after_online;
        for (int i = 0; i < _AFTER_KNOB_MAX; i++) {
                const struct after_note *n = &r->after[i];
                enum after_knob k = (enum after_knob) i;

                /* Of this one, nobody needs to know where the kernel has it not. */
                if (!after_asks(k, &wish) ||
                    (k == AFTER_AUTO_WEIGHTS && n->outcome == AFTER_NOT_YET))
                        continue;
                list = list ?: json_object_new_array();
                json_object_array_add(list, describe_note(k, &wish, n));
        }
        return list;
}

struct json_object *after_online_describe_all(const struct manager *m) {
        struct json_object *list = json_object_new_array();

        for (const struct after_item *i = m->after ? m->after->items : NULL; i; i = i->next) {
                struct json_object *o = json_object_new_object();
                char path[128] = "/";

                path_of(i->knob, i->node, path + 1, sizeof(path) - 1);
                json_add_string(o, "file", path);
                json_add_string(o, "setting", after_knob_to_string(i->knob));
                json_add_string(o, "device", i->owner);
                json_add_string(o, "value", i->kept.set);
                json_add_string(o, "before", i->kept.before);
                json_object_object_add(o, "changed", json_object_new_boolean(i->kept.lost));
                json_object_array_add(list, o);
        }
        return list;
}

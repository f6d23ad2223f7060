/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Orders as they are carried out, from one look at the device to the next. */
#include "operate.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "blocked.h"
#include "drain.h"
#include "eject.h"
#include "log.h"
#include "names.h"
#include "state.h"

DEFINE_CLEANUP(struct plan *, plan_free)
DEFINE_CLEANUP(struct drain *, drain_free)

/* Plans in a row that brought nothing forward, before it is given up. */
#define MAX_ROUNDS 3
#define ROUND_USEC (500 * 1000ULL)
/* How long somebody else may be at a block. */
#define OTHERS_USEC (5000 * 1000ULL)
#define DEADLINE_ACCURACY_USEC 10000

/* The end */

static const char *what_was_tried(const struct operation *op) {
        return op->kind == OPERATION_REMOVE ? "be removed" :
                op->kind == OPERATION_OFFLINE ? "be taken offline" : "come online";
}

static void log_end(const struct record *r, const struct operation_end *end) {
        static const char *const ids[_RESULT_MAX] = {
                [RESULT_BROUGHT_BACK] = MESSAGE_BROUGHT_BACK,
                [RESULT_INCOMPLETE] = MESSAGE_NOT_BACK,
        };
        bool removed = end->kind == OPERATION_REMOVE && end->result == RESULT_DONE;

        log_about(end->result == RESULT_INCOMPLETE ? LOG_ERR : LOG_NOTICE, (struct log_about) {
                .message_id = removed ? MESSAGE_REMOVED : ids[end->result], .device = r->name,
        }, "%s", end->message);
}

/* Blocks that were taken off by order are like those taken off by hand. */
static void settle(struct record *r) {
        r->settled = true;
        (void) state_settle(r->manager->sysfs, r->name, r->settled_with_failures, r->decision);
}

static void end(struct record *r, const struct device *d, enum operation_result result,
                const char *message) {
        _cleanup_(operation_freep) struct operation *op = steal(&r->op);
        struct operation_end e = { .kind = op->kind, .result = result, .message = message };

        if (op->kind == OPERATION_REMOVE && result == RESULT_DONE) {
                r->removed = true;
                record_renew(r->manager, r);
        } else if (result == RESULT_DONE || result == RESULT_KEPT)
                settle(r);
        if (d) {
                struct device_counts c = device_count(d);

                r->seen_online = c.online;
                r->seen_plugged = c.plugged;
        }
        operate_keep(r);
        log_end(r, &e);
        manager_finish(r->manager, r->name, &e);
        eject_device_ended(r, &e);
}

/* From now on it cannot be finished; the first cause counts. */
void operate_fail(struct record *r, const char *format, ...) {
        struct operation *op = r->op;
        va_list ap;

        if (op->back || op->why[0])
                return;
        va_start(ap, format);
        vsnprintf(op->why, sizeof(op->why), format, ap);
        va_end(ap);
        log_about(LOG_WARNING, (struct log_about) {
                .message_id = MESSAGE_NOT_REMOVED, .device = r->name,
        }, "It cannot %s: %s. %s", what_was_tried(op), op->why, op->keep ?
                  "What is offline by now stays so." : "Bringing back what is offline by now.");
}

/* The worker */

static const struct step *step_in_hand(const struct operation *op) {
        return op->plan && op->at < op->plan->n_steps ? &op->plan->steps[op->at] : NULL;
}

static void fail_at_step(struct record *r, const char *cause) {
        const struct step *s = step_in_hand(r->op);
        const struct device *d = model_device(r->manager->model, r->name);
        char text[320];

        if (!s || !d || s->block >= d->n_blocks || s->kind == STEP_UNBIND)
                operate_fail(r, "%s", cause);
        else
                operate_fail(r, "%s; %s", cause, blocked_describe(r->manager->sysfs, r->manager->model, d,
                                                          s->block, text, sizeof(text)));
}

static void end_round(struct record *r) {
        struct operation *op = r->op;

        r->worker = worker_free(r->worker);
        op->plan = plan_free(op->plan);
        op->rounds = op->progressed ? 0 : op->rounds + 1;
        manager_look_in(r->manager, op->progressed || op->ended ? 0 : ROUND_USEC);
        op->ended = false;
}

/* What the model is to show before the next look. */
static void note_step(struct device *d, const struct step *s, const struct exec_event *e) {
        struct block *b = &d->blocks[s->block < d->n_blocks ? s->block : 0];

        if (s->kind == STEP_OFFLINE || s->kind == STEP_PLUG) {
                b->state = BLOCK_OFFLINE;
                b->zone = ZONE_NONE;
                if (s->kind == STEP_PLUG)
                        b->placement = e->placement;
        } else if (s->kind == STEP_UNPLUG) {
                b->state = BLOCK_ABSENT;
                b->placement = PLACEMENT_NONE;
        } else if (s->kind == STEP_ONLINE) {
                b->state = BLOCK_ONLINE;
                b->zone = s->zone;
        }
}

static void on_step_done(struct record *r, const struct exec_event *e) {
        struct device *d = model_device(r->manager->model, r->name);
        const struct step *s = step_in_hand(r->op);

        if (d && s && d->n_blocks > 0)
                note_step(d, s, e);
        r->op->at++;
        /* A block that is plugged and then does not come online is unplugged again. */
        r->op->progressed |= e->step != STEP_PLACE && e->step != STEP_PLUG;
        record_progress(r);
}

static void on_step_failed(struct record *r, const struct exec_event *e) {
        char cause[160];

        snprintf(cause, sizeof(cause), "%s: %s", e->step == STEP_UNBIND ?
                 "it cannot be unbound from its driver" : e->step == STEP_UNPLUG ?
                 "a block cannot be unplugged" : "a block cannot be taken offline",
                 strerror(e->error));
        fail_at_step(r, cause);
        r->op->at++;
}

static void on_event(void *userdata, const struct exec_event *e) {
        struct record *r = userdata;

        switch (e->kind) {
        case EXEC_STEP_DONE:
                on_step_done(r, e);
                break;
        case EXEC_STEP_FAILED:
                if (r->op->back)
                        log_about(LOG_WARNING, (struct log_about) {
                                .message_id = MESSAGE_STEP_FAILED, .device = r->name,
                                .error = e->error, .step = step_to_string(e->step),
                        }, "Cannot %s block %zu: %s.", step_to_string(e->step), e->block,
                                  strerror(e->error));
                on_step_failed(r, e);
                break;
        case EXEC_DIVERGED:
                operate_fail(r, "%s", e->text);
                break;
        case EXEC_END:
                end_round(r);
                break;
        default:
                break;
        }
}

static bool is_late(const struct record *r) {
        return r->op->deadline_usec && operate_now(r->manager) >= r->op->deadline_usec;
}

static void on_lost(void *userdata, const char *why) {
        struct record *r = userdata;

        if (!r->op->ended)
                fail_at_step(r, why);
        else if (is_late(r))
                fail_at_step(r, "the time that was given for it is over");
        else
                operate_fail(r, "it was cancelled");
        end_round(r);
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        struct record *r = userdata;

        (void) s;
        (void) usec;
        if (!r->op->back && r->worker) {
                r->op->ended = true;
                worker_kill(r->worker);
        }
        return 0;
}

static int start(struct record *r, const struct device *d, struct plan *plan) {
        struct manager *m = r->manager;
        struct operation *op = r->op;
        struct settings settings = m->policy ?
                policy_resolve(m->policy, policy_match(m->policy, d)) : policy_builtin();
        const struct node *payer = budget_payer(m->model, d, settings.ram_reserve);
        struct decision decision = {
                .settings = settings, .payer = payer ? payer->id : -1,
                .backend = d->holder == HOLDER_KMEM ? BACKEND_PLAIN : BACKEND_CHUNKED,
        };
        struct exec_job job = {
                .sysfs = m->sysfs, .model = m->model, .device = d, .decision = &decision,
                .plan = plan, .leave = operate_reserve(m, d), .force = op->force,
        };
        struct worker_handler handler = { .event = on_event, .lost = on_lost, .userdata = r };

        /* What comes back is what the machine is short of: it does not wait for that to end. */
        decision.settings.pressure = (struct pressure) {};
        op->plan = plan;
        op->at = 0;
        op->progressed = false;
        r->done = 0;
        r->total = plan->n_steps;
        return worker_start(m->event, &job, &handler, &r->worker);
}

static void try_start(struct record *r, const struct device *d, struct plan *plan) {
        int e = start(r, d, plan);

        if (e >= 0)
                return;
        log_about(LOG_ERR, (struct log_about) { .device = r->name, .error = -e },
                  "Cannot start a worker: %s. Trying again.", strerror(-e));
        r->op->plan = plan_free(r->op->plan);
        manager_look_in(r->manager, ROUND_USEC);
}

/* The device, as it is now */

static void end_out(struct record *r, const struct device *d, const struct drain *drain) {
        char message[MESSAGE_MAX];
        size_t n = 0;

        for (size_t i = 0; i < d->n_blocks; i++)
                n += r->op->wanted[i].state == BLOCK_ONLINE && d->blocks[i].state != BLOCK_ONLINE;
        if (r->op->kind == OPERATION_REMOVE)
                snprintf(message, sizeof(message), "Removed: all of its memory is taken out, and "
                         "stays out until \"memmapctl online %s\".", r->name);
        else if (drain->n_left > 0)
                snprintf(message, sizeof(message), "%zu blocks went offline; %zu stay, the first "
                         "is block %zu: %s.", n, drain->n_left, drain->left[0].block,
                         drain_reason_to_string(drain->left[0].reason));
        else
                snprintf(message, sizeof(message), "%zu blocks went offline.", n);
        end(r, d, RESULT_DONE, message);
}

/*
 * A worker of a daemon that was killed may take a while to leave the kernel: its block
 * is let be until it has.  Whether to wait for that.
 */
static bool wait_for_others(struct record *r, const struct device *d) {
        struct operation *op = r->op;
        uint64_t now = operate_now(r->manager);
        size_t i = 0;

        while (i < d->n_blocks && (d->blocks[i].state != BLOCK_GOING ||
                                   (op->asked && !op->asked[i])))
                i++;
        if (i == d->n_blocks) {
                op->others_usec = 0;
                return false;
        }
        if (!op->others_usec)
                op->others_usec = now + OTHERS_USEC;
        if (now < op->others_usec) {
                manager_look_in(r->manager, ROUND_USEC);
                return true;
        }
        operate_fail(r, "memory%llu (block %zu) cannot be taken offline: %s",
                     (unsigned long long) d->blocks[i].number, i,
                     drain_reason_to_string(DRAIN_GOING));
        return false;
}

static void go_out(struct record *r, struct device *d) {
        _cleanup_(drain_freep) struct drain *drain = NULL;

        if (drain_make(r->manager->model, d, r->op->asked, &drain) < 0) {
                log_error("Out of memory.");
                manager_look_in(r->manager, ROUND_USEC);
                return;
        }
        if (drain->plan->n_steps == 0) {
                end_out(r, d, drain);
                return;
        }
        record_set_state(r, STATE_LEAVING, r->op->kind == OPERATION_REMOVE ?
                         "Being removed." : "Blocks are being taken offline.");
        try_start(r, d, steal(&drain->plan));
}

static size_t missing(const struct operation *op, const struct device *d) {
        size_t n = 0;

        for (size_t i = 0; i < d->n_blocks && i < op->n_blocks; i++)
                n += op->wanted[i].state == BLOCK_ONLINE && d->blocks[i].state != BLOCK_ONLINE;
        return n;
}

static void end_back(struct record *r, const struct device *d) {
        const struct operation *op = r->op;
        size_t n = missing(op, d);
        char message[MESSAGE_MAX];

        if (n > 0)
                snprintf(message, sizeof(message), "%zu blocks could not be brought online%s%s.",
                         n, op->why[0] ? ", and it could not " : "",
                         op->why[0] ? what_was_tried(op) : "");
        else if (op->kind == OPERATION_ONLINE)
                snprintf(message, sizeof(message), "All that was asked for is online.");
        else
                snprintf(message, sizeof(message), "It could not %s: %s. All is as it was before.",
                         what_was_tried(op), op->why);
        end(r, d, n > 0 ? RESULT_INCOMPLETE : op->kind == OPERATION_ONLINE ? RESULT_DONE :
            RESULT_BROUGHT_BACK, message);
}

static void go_back(struct record *r, struct device *d) {
        _cleanup_(plan_freep) struct plan *plan = NULL;

        if (drain_undo(r->manager->model, d, r->op->wanted, &plan) < 0) {
                log_error("Out of memory.");
                manager_look_in(r->manager, ROUND_USEC);
                return;
        }
        if (plan->n_steps == 0 || r->op->rounds >= MAX_ROUNDS) {
                end_back(r, d);
                return;
        }
        record_set_state(r, STATE_RETURNING, r->op->kind == OPERATION_ONLINE ?
                         "Blocks are being brought online." : "Being brought back: %s.",
                         r->op->why);
        try_start(r, d, steal(&plan));
}

/* It cannot be finished. */
static void turn_back(struct record *r, const struct device *d) {
        struct operation *op = r->op;
        char message[MESSAGE_MAX];

        if (op->keep) {
                snprintf(message, sizeof(message), "It could not %s: %s. What went offline stays "
                         "so.", what_was_tried(op), op->why);
                end(r, d, RESULT_KEPT, message);
                return;
        }
        op->back = true;
        op->rounds = 0;
        op->others_usec = 0;
        operate_keep(r);
}

static void proceed(struct record *r, struct device *d) {
        struct operation *op = r->op;

        if (!op->back && is_late(r))
                operate_fail(r, "the time that was given for it is over");
        if (wait_for_others(r, d))
                return;
        if (!op->back && op->rounds >= MAX_ROUNDS)
                operate_fail(r, "%d attempts in a row brought nothing forward", MAX_ROUNDS);
        if (!op->back && op->why[0])
                turn_back(r, d);
        if (!r->op)
                return;
        if (op->back)
                go_back(r, d);
        else
                go_out(r, d);
}

static void show_held(struct record *r, const struct device *d) {
        struct device_counts c = device_count(d);

        record_set_state(r, STATE_HELD, "%zu of %zu blocks online. The policy does nothing to it "
                         "until \"memmapctl release %s\".", c.online, d->n_blocks, r->name);
}

static void show_removed(struct record *r, const struct device *d) {
        struct device_counts c = device_count(d);

        if (c.plugged > 0)
                record_set_state(r, STATE_REMOVED, "Taken out by an operator; since then, somebody "
                                 "else has added %zu of %zu blocks (driver %s), %zu online. Left "
                                 "as it is.", c.plugged, d->n_blocks, d->driver, c.online);
        else
                record_set_state(r, STATE_REMOVED, "Taken out by an operator; stays out until "
                                 "\"memmapctl online %s\".", r->name);
}

bool operate_consider(struct manager *m, struct record *r, struct device *d) {
        if (m->dry_run)
                return false;
        if (r->op)
                proceed(r, d);
        else if (r->removed)
                show_removed(r, d);
        else if (r->held)
                show_held(r, d);
        return r->op || r->removed || r->held;
}

int operate_arm(struct record *r) {
        if (!r->op->deadline_usec)
                return 0;
        return sd_event_add_time(r->manager->event, &r->op->timer, CLOCK_MONOTONIC,
                                 r->op->deadline_usec, DEADLINE_ACCURACY_USEC, on_deadline, r);
}

void operate_gone(struct record *r) {
        struct operation_end e;

        if (!r->op)
                return;
        e = (struct operation_end) {
                .kind = r->op->kind, .result = RESULT_INCOMPLETE, .message = "The device is gone.",
        };
        manager_finish(r->manager, r->name, &e);
}

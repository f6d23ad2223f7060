/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "auto-online.h"
#include "log.h"
#include "manager.h"
#include "meant.h"
#include "names.h"
#include "orphans.h"
#include "plan.h"
#include "state.h"

DEFINE_CLEANUP(struct decision *, decision_free)
DEFINE_CLEANUP(struct plan *, plan_free)

/* Plans in a row that brought nothing forward, before the device is given up. */
#define MAX_ROUNDS 3
#define ROUND_USEC (500 * 1000ULL)
#define RETRY_USEC (60 * 1000000ULL)

#define MIB (1024.0 * 1024.0)

static uint64_t min_u64(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static uint64_t now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* The causes and what would help, in sentences. */
static void explain_refusal(const struct decision *d, char *buf, size_t size) {
        size_t n = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < d->n_reasons; i++) {
                const struct reason *r = &d->reasons[i];
                char text[320];

                if (!reason_is_cause(r->code) && !reason_is_help(r->code))
                        continue;
                reason_format(d, r, text, sizeof(text));
                n += (size_t) snprintf(buf + n, size - n, "%s%s", n ? " " : "", text);
                if (n >= size)
                        return;
        }
}

static void keep_decision(struct record *r, const struct decision *d) {
        struct json_object *o = describe_decision(d);

        if (!o)
                return;
        json_object_put(r->decision);
        r->decision = o;
}

static void on_hand_back(void *userdata, const struct exec_event *e) {
        struct record *r = userdata;

        if (e->kind != EXEC_END)
                return;
        /* No driver for it may be loaded yet: a later look tries again. */
        r->handed_back = e->error == 0;
        r->worker = worker_free(r->worker);
}

static void on_hand_back_lost(void *userdata, const char *why) {
        struct record *r = userdata;

        (void) why;
        r->worker = worker_free(r->worker);
}

/*
 * New devices are kept from the drivers they would have had until it is decided
 * (drivers_autoprobe is 0).  One that is not ours goes where it would have gone.
 */
static void hand_back(struct manager *m, struct record *r, const struct device *d) {
        struct step step = { .kind = STEP_HAND_BACK };
        struct plan plan = { .n_steps = 1, .steps = &step };
        struct exec_job job = { .sysfs = m->sysfs, .device = d, .plan = &plan };
        struct worker_handler handler = {
                .event = on_hand_back, .lost = on_hand_back_lost, .userdata = r,
        };
        uint64_t autoprobe = 1;

        /* From then on, who takes its driver away means it. */
        r->handed_back |= d->holder != HOLDER_NONE;
        if (r->handed_back || m->dry_run)
                return;
        (void) sysfs_read_u64(m->sysfs, &autoprobe, 10, "sys/bus/dax/drivers_autoprobe");
        if (autoprobe == 0)
                (void) worker_start(m->event, &job, &handler, &r->worker);
}

static void ignore(struct manager *m, struct record *r, const struct device *d,
                   const struct decision *decision) {
        char why[MESSAGE_MAX];

        keep_decision(r, decision);
        explain_refusal(decision, why, sizeof(why));
        record_set_state(r, STATE_IGNORED, "%s", why);
        hand_back(m, r, d);
}

static uint64_t node_total(const struct model *m, int id) {
        const struct node *n = model_node(m, id);

        return n ? n->total : 0;
}

static void log_done(struct manager *m, struct record *r, const struct device *d,
                     struct device_counts c) {
        uint64_t total = node_total(m->model, d->target_node);
        double seconds = r->started_usec ? (double) (now_usec() - r->started_usec) / 1e6 : 0;

        log_about(c.failed || meant_missed(r, d) ? LOG_WARNING : LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_DONE, .device = r->name,
        }, "%s Memmaps: %zu in RAM, %zu on their own blocks, %zu in seeds. Node %d gained %.0f MiB "
                  "in %.1f s.", r->message, c.ram, c.device, c.seed, d->target_node,
                  total > r->started_total ? (double) (total - r->started_total) / MIB : 0, seconds);
}

/* Blocks that "max_size" allows, by the last decision that was more than "settled". */
static size_t allowed(const struct record *r, const struct device *d) {
        struct json_object *limit = NULL;

        if (r->decision)
                (void) json_object_object_get_ex(r->decision, "limit", &limit);
        return limit ? (size_t) min_u64(json_object_get_uint64(limit), d->n_blocks) : d->n_blocks;
}

/* "All 8 blocks" or "4 of 8 blocks, which is all that ..." */
static const char *all_blocks(const struct record *r, const struct device *d, char *buf, size_t size) {
        size_t n = allowed(r, d);

        if (n == d->n_blocks)
                snprintf(buf, size, "All %zu blocks", n);
        else
                snprintf(buf, size, "All %zu of %zu blocks that \"max_size\" allows", n, d->n_blocks);
        return buf;
}

/* " 2 of them ...", or nothing, of what is online. */
static const char *in_other_zones(const struct record *r, const struct device *d, char *buf,
                                  size_t size) {
        size_t n = meant_missed(r, d);

        buf[0] = '\0';
        if (n > 0)
                snprintf(buf, size, " %zu of them %s not in the zone that was decided, as somebody "
                         "else brought %s online.", n, n == 1 ? "is" : "are", n == 1 ? "it" : "them");
        return buf;
}

static void show_outcome(struct record *r, const struct device *d, struct device_counts c,
                         enum action action) {
        size_t n = allowed(r, d);
        char all[96], zones[128];

        r->seen_online = c.online;
        r->seen_plugged = c.plugged;
        if (c.failed)
                record_set_state(r, STATE_DEGRADED, "%zu of %zu blocks online, %zu failed.",
                                 c.online, d->n_blocks, c.failed);
        else if (action == ACTION_PLUG && c.plugged >= n)
                record_set_state(r, STATE_PLUGGED, "%s are plugged, %zu online.",
                                 all_blocks(r, d, all, sizeof(all)), c.online);
        else if (c.online >= n)
                record_set_state(r, STATE_ONLINE, "%s are online: %zu movable, %zu kernel.%s",
                                 all_blocks(r, d, all, sizeof(all)), c.movable, c.kernel,
                                 in_other_zones(r, d, zones, sizeof(zones)));
        else
                record_set_state(r, STATE_DEGRADED, "%zu of %zu blocks online, %zu plugged; the "
                                 "others %s.", c.online, d->n_blocks, c.plugged,
                                 r->settled_with_failures ? "failed or were taken out by hand" :
                                 "were taken out by hand and stay out");
}

/* The machine is as it was decided: nothing is left to do. */
static void finish(struct manager *m, struct record *r, struct device *d,
                   const struct decision *decision) {
        struct device_counts c = device_count(d);
        int e;

        if (failure_handle(r, d, decision, now_usec()))
                return;
        failure_end_run(r);
        show_outcome(r, d, c, decision->settings.action);
        log_done(m, r, d, c);
        r->rounds = 0;
        if (m->dry_run)
                return;
        r->settled_with_failures = c.failed > 0;
        e = state_settle(m->sysfs, r->name, c.failed > 0, r->decision);
        if (e < 0)
                log_about(LOG_WARNING, (struct log_about) { .device = r->name, .error = -e },
                          "Cannot write below %s (%s): after a restart, blocks taken out by hand "
                          "would be taken in again.", RUN_DIR, strerror(-e));
        r->settled = true;
        d->settled = true;
}

/* Its driver was taken away while memory of it was in use: true, and that is said. */
static bool is_orphaned(struct manager *m, struct record *r, const struct device *d) {
        char which[MESSAGE_MAX / 2], before[MESSAGE_MAX];
        uint64_t n;
        bool lost;

        if (d->holder != HOLDER_NONE)
                return false;
        n = orphans_of(m->sysfs, r->name, m->model->block_size, which, sizeof(which));
        lost = n == 0;
        /* The kernel's own driver forgets them. */
        if (n == 0 && r->adopted)
                n = orphans_among(m->sysfs, m->model, d, which, sizeof(which));
        if (n == 0)
                return false;
        memcpy(before, r->message, sizeof(before));
        record_set_state(r, STATE_DEGRADED, "Somebody else unbound its driver while %" PRIu64 " of "
                         "its blocks %s in use: %s. That memory goes on working; %s%s%s.", n,
                         n == 1 ? "was" : "were", which, lost ? "nothing can take it over or out "
                         "before the next boot" : "\"memmapctl apply ", lost ? "" : r->name,
                         lost ? "" : "\" takes it over again");
        if (strcmp(before, r->message) != 0)
                log_about(LOG_ERR, (struct log_about) {
                        .message_id = MESSAGE_ORPHANED, .device = r->name,
                }, "%s", r->message);
        r->seen_online = r->seen_plugged = 0;
        return true;
}

static void look_at_settled(struct manager *m, struct record *r, const struct device *d,
                            const struct decision *decision) {
        struct device_counts c = device_count(d);
        bool known = r->state == STATE_ONLINE || r->state == STATE_PLUGGED ||
                r->state == STATE_DEGRADED;

        if (is_orphaned(m, r, d))
                return;
        if (known && (c.online != r->seen_online || c.plugged != r->seen_plugged))
                log_about(LOG_NOTICE, (struct log_about) {
                        .message_id = MESSAGE_FOREIGN, .device = r->name,
                }, "Somebody else changed it: %zu blocks online (%zu before), %zu plugged "
                          "(%zu before). Left as it is.", c.online, r->seen_online, c.plugged,
                          r->seen_plugged);
        if (r->state == STATE_ROLLED_BACK) {
                r->seen_online = c.online;
                r->seen_plugged = c.plugged;
                return;
        }
        show_outcome(r, d, c, decision->settings.action);
}

static void give_up(struct record *r) {
        r->stuck = true;
        r->retry_usec = now_usec() + RETRY_USEC;
        record_set_state(r, STATE_DEGRADED, "%d attempts in a row brought nothing forward; see the "
                         "journal. Another one follows in a minute.", MAX_ROUNDS);
        log_about(LOG_ERR, (struct log_about) {
                .message_id = MESSAGE_STEP_FAILED, .device = r->name,
        }, "%s", r->message);
}

void take_stop(struct record *r) {
        r->worker = worker_free(r->worker);
        r->measuring = false;
        r->promised = 0;
        memset(r->coming, 0, sizeof(r->coming));
}

static void end_round(struct record *r) {
        take_stop(r);
        timeline_pause(r->timeline, r->manager->sysfs);
        r->adopted = state_adopted(r->manager->sysfs, r->name);
        r->rounds = r->progressed ? 0 : r->rounds + 1;
        if (r->rounds >= MAX_ROUNDS)
                give_up(r);
        /* What failed at once may do better in a while. */
        schedule_in(r->manager->looks, r->progressed ? 0 : (uint64_t) r->rounds * ROUND_USEC);
}

static void on_lost(void *userdata, const char *why) {
        struct record *r = userdata;

        log_about(LOG_ERR, (struct log_about) {
                .message_id = MESSAGE_WORKER_LOST, .device = r->name,
        }, "The worker is lost: %s. Looking at what it left.", why);
        end_round(r);
}

static void on_step_done(struct record *r, struct device *d, const struct exec_event *e) {
        record_progress(r);
        if (e->step != STEP_PLACE)
                r->progressed = true;
        if (e->block >= d->n_blocks || (e->step != STEP_PLUG && e->step != STEP_ONLINE))
                return;
        if (e->step == STEP_PLUG) {
                d->blocks[e->block].state = BLOCK_OFFLINE;
                d->blocks[e->block].placement = e->placement;
                (void) failure_note_added(r, e->block);
                if (e->placement == PLACEMENT_RAM)
                        r->promised -= r->promised < d->memmap_size ? r->promised : d->memmap_size;
                return;
        }
        /* What the kernel's own driver takes in comes as a whole, and offline. */
        if (d->holder == HOLDER_KMEM)
                (void) failure_note_added(r, e->block);
        d->blocks[e->block].state = BLOCK_ONLINE;
        d->blocks[e->block].zone = e->zone;
        r->coming[e->zone] -= min_u64(r->coming[e->zone], r->manager->model->block_size);
        if (r->first_online)
                return;
        r->first_online = true;
        log_about(LOG_INFO, (struct log_about) {
                .message_id = MESSAGE_FIRST_BLOCK, .device = r->name,
        }, "The first block is online after %.0f ms.",
                  (double) (now_usec() - r->started_usec) / 1e3);
}

static void on_step_failed(struct record *r, const struct device *d, const struct exec_event *e) {
        char block[32];

        record_block_name(r, e->block, block, sizeof(block));
        record_progress(r);
        log_about(LOG_WARNING, (struct log_about) {
                .message_id = MESSAGE_STEP_FAILED, .device = r->name, .error = e->error,
                .step = step_to_string(e->step), .block = block,
        }, "Cannot %s %s: %s.", step_to_string(e->step),
                  e->step == STEP_BIND ? "it to its driver" : e->step == STEP_PLACE ?
                  "its memmaps" : block, strerror(e->error));
        /* For want of memory is decided anew, with what there is then. */
        if ((e->step == STEP_PLUG || e->step == STEP_ONLINE) && e->error != ENOMEM)
                (void) record_fail_block(r, d->n_blocks, e->block);
}

static void on_event(void *userdata, const struct exec_event *e) {
        struct record *r = userdata;
        struct device *d = model_device(r->manager->model, r->name);
        char block[32];

        if (!d && e->kind != EXEC_END)
                return;
        timeline_note(r->timeline, r->manager->sysfs, e);
        switch (e->kind) {
        case EXEC_STEP_DONE:
                on_step_done(r, d, e);
                break;
        case EXEC_STEP_RETRIED:
                record_block_name(r, e->block, block, sizeof(block));
                log_about(LOG_INFO, (struct log_about) {
                        .device = r->name, .error = e->error,
                        .step = step_to_string(e->step), .block = block,
                }, "Cannot %s %s yet: %s. Trying again.", step_to_string(e->step), block,
                          strerror(e->error));
                break;
        case EXEC_STEP_FAILED:
                on_step_failed(r, d, e);
                break;
        case EXEC_PACED:
                paced(r, e);
                break;
        case EXEC_DIVERGED:
                log_about(LOG_NOTICE, (struct log_about) {
                        .message_id = MESSAGE_DIVERGED, .device = r->name,
                        .step = step_to_string(e->step),
                }, "Stopped to plan anew: %s.", e->text);
                /* Whoever did it: there is one block less to bring online. */
                r->progressed |= e->step == STEP_ONLINE;
                r->stray_device |= e->stray && e->planned == PLACEMENT_DEVICE;
                r->stray_seed |= e->stray && e->planned == PLACEMENT_SEED;
                break;
        case EXEC_END:
                end_round(r);
                break;
        default:
                break;
        }
}

static void warn_of_zones(const struct record *r, const struct decision *d) {
        char text[320];

        for (size_t i = 0; i < d->n_reasons; i++)
                if (d->reasons[i].code == REASON_RATIO_HIGH)
                        log_about(LOG_WARNING, (struct log_about) {
                                .message_id = MESSAGE_RATIO_HIGH, .device = r->name,
                        }, "%s", reason_format(d, &d->reasons[i], text, sizeof(text)));
}

static void log_decision(const struct record *r, const struct decision *d,
                         const struct device *device) {
        size_t placed[_PLACEMENT_MAX] = {};

        for (size_t i = 0; i < d->n_blocks; i++)
                placed[d->targets[i].placement]++;
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_DECIDED, .device = r->name,
        }, "%s %zu blocks, %.0f MiB of memmap: %zu in RAM, %zu on their own blocks, %zu in seeds; "
                  "zone %s, order %s.", d->settings.action == ACTION_PLUG ? "Plugging" : "Taking in",
                  d->n_blocks, (double) (d->n_blocks * device->memmap_size) / MIB,
                  placed[PLACEMENT_RAM], placed[PLACEMENT_DEVICE], placed[PLACEMENT_SEED],
                  zone_mode_to_string(d->settings.zone), order_to_string(d->settings.order));
        warn_of_zones(r, d);
}

/* What is coming online, for those who are decided on meanwhile. */
static void promise_zones(const struct manager *m, struct record *r, const struct device *d,
                          const struct decision *decision) {
        memset(r->coming, 0, sizeof(r->coming));
        if (decision->settings.action != ACTION_ONLINE)
                return;
        for (size_t i = 0; i < decision->n_blocks; i++)
                if (decision->targets[i].wanted && d->blocks[i].state != BLOCK_ONLINE)
                        r->coming[decision->targets[i].zone] += m->model->block_size;
}

static void start(struct manager *m, struct record *r, const struct device *d,
                  const struct decision *decision, const struct plan *plan) {
        struct exec_job job = {
                .sysfs = m->sysfs, .model = m->model, .device = d,
                .decision = decision, .plan = plan,
        };
        struct worker_handler handler = { .event = on_event, .lost = on_lost, .userdata = r };
        int e;

        if (!r->started_usec) {
                r->started_usec = now_usec();
                r->started_total = node_total(m->model, d->target_node);
                timeline_free(r->timeline);
                r->timeline = timeline_new(r->name);
        }
        timeline_go_on(r->timeline, m->sysfs, d, decision->payer);
        r->done = 0;
        r->total = plan->n_steps;
        r->progressed = false;
        r->pace = PACE_FULL;
        e = worker_start(m->event, &job, &handler, &r->worker);
        if (e < 0) {
                log_about(LOG_ERR, (struct log_about) { .device = r->name, .error = -e },
                          "Cannot start a worker: %s. Trying again.", strerror(-e));
                schedule_in(m->looks, ROUND_USEC);
                return;
        }
        r->measuring = plan->steps[0].kind == STEP_BIND;
        r->payer = decision->payer;
        r->promised = decision->ram_cost;
        meant_note(r, d, decision);
        promise_zones(m, r, d, decision);
        record_set_state(r, STATE_WORKING, "Being taken in.");
}

/*
 * To bind the module only measures, and what is decided after that counts.  With the
 * kernel's own driver all is said and done when it is bound.
 */
static bool is_the_decision(const struct device *d, const struct decision *decision,
                            const struct plan *plan) {
        if (backend_is_whole(decision->backend))
                return !d->adopted;
        return plan->steps[0].kind != STEP_BIND;
}

static void take(struct manager *m, struct record *r, struct device *d,
                 const struct decision *decision) {
        _cleanup_(plan_freep) struct plan *plan = NULL;

        if (plan_make(m->model, d, decision, &plan) < 0) {
                log_error("Out of memory.");
                return;
        }
        if (plan->n_steps == 0) {
                finish(m, r, d, decision);
                return;
        }
        if ((is_the_decision(d, decision, plan) || m->dry_run) && r->state != STATE_PLANNED) {
                keep_decision(r, decision);
                log_decision(r, decision, d);
        }
        if (m->dry_run)
                record_set_state(r, STATE_PLANNED, "Would be taken in.");
        else
                start(m, r, d, decision, plan);
}

static void finish_what_is_plugged(struct manager *m, struct record *r, const struct device *d,
                                   const struct decision *decision) {
        _cleanup_(plan_freep) struct plan *plan = NULL;

        if (m->dry_run || plan_make(m->model, d, decision, &plan) < 0 || plan->n_steps == 0)
                return;
        start(m, r, d, decision, plan);
}

/* Causes that go away without a uevent. */
static bool may_pass(enum reason_code code) {
        return code == REASON_NODE_OPEN || code == REASON_EXCEEDS || code == REASON_NO_ALLOWANCE ||
                code == REASON_SEEDS_NO_ROOM;
}

static void refuse(struct manager *m, struct record *r, const struct device *device,
                   const struct decision *d) {
        bool begun = device->holder == HOLDER_MEMMAPD && device_count(device).plugged > 0;
        const struct reason *cause = decision_cause(d);
        enum reason_code code = cause ? cause->code : REASON_DEFAULTS;
        char why[MESSAGE_MAX];

        keep_decision(r, d);
        explain_refusal(d, why, sizeof(why));
        record_set_state(r, begun ? STATE_DEGRADED : STATE_REFUSED, "%s", why);
        r->may_pass = may_pass(code);
        /* The figures in it change all the time; said once is enough. */
        if (r->cause != code)
                log_about(LOG_WARNING, (struct log_about) {
                        .message_id = MESSAGE_REFUSED, .device = r->name,
                }, "%s %s", begun ? "No more of it is taken in." : "Refused.", why);
        r->cause = code;
        finish_what_is_plugged(m, r, device, d);
}

/*
 * A killed worker is not gone before the kernel is done with what it was at: until then,
 * blocks that are not there are not left out, they are still to come.
 */
static bool is_being_bound(const struct manager *m, const struct record *r,
                           const struct device *d) {
        return d->holder == HOLDER_KMEM && r->adopted && !r->settled &&
                device_count(d).plugged < d->n_blocks && auto_online_is_held(m->sysfs);
}

void take_consider(struct manager *m, struct record *r, struct device *d) {
        _cleanup_(decision_freep) struct decision *decision = NULL;

        if (!m->policy) {
                record_set_state(r, STATE_UNKNOWN, "Nothing is decided without a valid policy: %s",
                                 m->policy_error);
                /* Whatever it would say: this is not what memmapd is for. */
                if (d->backing == BACKING_PMEM)
                        hand_back(m, r, d);
                return;
        }
        if ((r->stuck && now_usec() < r->retry_usec) || failure_is_waiting(r, d, now_usec()))
                return;
        if (is_being_bound(m, r, d)) {
                record_set_state(r, STATE_WORKING, "The kernel's own driver is taking it in.");
                manager_look_in(m, ROUND_USEC);
                return;
        }
        if (r->stuck) {
                r->stuck = false;
                r->rounds = MAX_ROUNDS - 1;
        }
        r->may_pass = false;
        record_promise_to_others(m, r, m->model);
        if (decide(m->model, m->policy, d, &decision) < 0) {
                log_error("Out of memory.");
                return;
        }
        if (!r->decision)
                keep_decision(r, decision);
        switch (decision->verdict) {
        case VERDICT_TAKE:
                r->cause = REASON_RULE;
                take(m, r, d, decision);
                break;
        case VERDICT_IGNORE:
                ignore(m, r, d, decision);
                break;
        case VERDICT_SETTLED:
                look_at_settled(m, r, d, decision);
                break;
        default:
                refuse(m, r, d, decision);
        }
}

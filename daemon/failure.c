/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of a device of which blocks failed: they are tried again as often as
 * the policy says; after that the others are kept or taken out again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "manager.h"
#include "names.h"
#include "plan.h"
#include "state.h"

int failure_note_added(struct record *r, size_t block) {
        size_t *added = reallocarray(r->added, r->n_added + 1, sizeof(*added));

        if (!added)
                return -ENOMEM;
        r->added = added;
        r->added[r->n_added++] = block;
        return 0;
}

void failure_end_run(struct record *r) {
        free(r->added);
        r->added = NULL;
        r->n_added = 0;
}

void failure_forget(struct record *r) {
        free(r->failed);
        r->failed = NULL;
        r->n_failed = 0;
        r->again_usec = 0;
        r->tries = 0;
}

bool failure_is_waiting(struct record *r, struct device *d, uint64_t now) {
        if (r->again_usec == 0)
                return false;
        if (now < r->again_usec) {
                manager_look_in(r->manager, r->again_usec - now);
                return true;
        }
        r->again_usec = 0;
        free(r->failed);
        r->failed = NULL;
        r->n_failed = 0;
        for (size_t i = 0; i < d->n_blocks; i++)
                d->blocks[i].failed = false;
        return false;
}

static void try_later(struct record *r, const struct settings *s, struct device_counts c,
                      uint64_t now) {
        uint64_t delay = retry_delay(&s->retry, r->tries++);

        r->again_usec = now + delay;
        manager_look_in(r->manager, delay);
        record_set_state(r, STATE_DEGRADED, "%zu blocks failed, %zu are online; try %u of %u follows in "
                         "%.4g s.", c.failed, c.online, r->tries, s->retry.times,
                         (double) delay / 1e6);
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_RETRY, .device = r->name,
        }, "%s", r->message);
}

/* Taking out again */

static void end_rollback(struct record *r) {
        int e;

        r->worker = worker_free(r->worker);
        r->rolled_back = r->settled = r->settled_with_failures = true;
        record_set_state(r, STATE_ROLLED_BACK, "%zu blocks failed, and %zu others were taken out again"
                         "%s.", r->n_lost, r->n_back,
                         r->n_back < r->n_added ? "; the rest is in use and stays" : "");
        log_about(LOG_WARNING, (struct log_about) {
                .message_id = MESSAGE_ROLLED_BACK, .device = r->name,
        }, "%s", r->message);
        failure_end_run(r);
        e = state_settle(r->manager->sysfs, r->name, true, r->decision);
        if (e < 0)
                log_about(LOG_WARNING, (struct log_about) { .device = r->name, .error = -e },
                          "Cannot write below %s (%s): after a restart, it would be tried again.",
                          RUN_DIR, strerror(-e));
        manager_look_in(r->manager, 0);
}

static void on_event(void *userdata, const struct exec_event *e) {
        struct record *r = userdata;

        if (e->kind == EXEC_STEP_DONE) {
                r->done++;
                r->n_back += e->step == STEP_TAKE_BACK;
        } else if (e->kind == EXEC_STEP_FAILED && e->step == STEP_UNBIND) {
                /* Of what stays in it, all has been said. */
                r->done++;
        } else if (e->kind == EXEC_STEP_FAILED) {
                char block[32];

                r->done++;
                record_block_name(r, e->block, block, sizeof(block));
                log_about(LOG_WARNING, (struct log_about) {
                        .message_id = MESSAGE_STEP_FAILED, .device = r->name, .error = e->error,
                        .step = step_to_string(e->step), .block = block,
                }, "Cannot %s %s: %s. It stays.", step_to_string(e->step), block,
                          strerror(e->error));
        } else if (e->kind == EXEC_END)
                end_rollback(r);
}

static void on_lost(void *userdata, const char *why) {
        struct record *r = userdata;

        log_about(LOG_ERR, (struct log_about) {
                .message_id = MESSAGE_WORKER_LOST, .device = r->name,
        }, "The worker is lost: %s. What it did not take out stays.", why);
        end_rollback(r);
}

/*
 * The last first, as the memmaps of later ones may be in earlier ones.  From the kernel's
 * own driver they only go offline, until it gives the device back.
 */
static struct plan *plan_back(const struct record *r, const struct device *d,
                              const struct decision *decision) {
        struct plan *p = calloc(1, sizeof(*p));

        if (p)
                p->steps = calloc(r->n_added + 2, sizeof(*p->steps));
        if (!p || !p->steps)
                return plan_free(p);
        for (size_t i = r->n_added; i > 0; i--)
                if (r->added[i - 1] < d->n_blocks &&
                    d->blocks[r->added[i - 1]].state != BLOCK_ABSENT)
                        p->steps[p->n_steps++] = (struct step) {
                                .kind = STEP_TAKE_BACK, .block = r->added[i - 1],
                        };
        if (backend_is_whole(decision->backend))
                p->steps[p->n_steps++] = (struct step) { .kind = STEP_UNBIND };
        return p;
}
DEFINE_CLEANUP(struct plan *, plan_free)

static bool roll_back(struct record *r, const struct device *d, const struct decision *decision,
                      size_t failed) {
        _cleanup_(plan_freep) struct plan *plan = plan_back(r, d, decision);
        struct exec_job job = {
                .sysfs = r->manager->sysfs, .model = r->manager->model, .device = d,
                .decision = decision, .plan = plan,
        };
        struct worker_handler handler = { .event = on_event, .lost = on_lost, .userdata = r };

        if (!plan || worker_start(r->manager->event, &job, &handler, &r->worker) < 0)
                return false;
        r->total = plan->n_steps;
        r->n_added = plan->n_steps - backend_is_whole(decision->backend);
        r->done = r->n_back = 0;
        r->n_lost = failed;
        record_set_state(r, STATE_WORKING, "%zu blocks failed; what was taken in is taken out again.",
                         failed);
        return true;
}

bool failure_handle(struct record *r, const struct device *d, const struct decision *decision,
                    uint64_t now) {
        const struct settings *s = &decision->settings;
        struct device_counts c = device_count(d);

        if (c.failed == 0)
                r->tries = 0;
        if (c.failed == 0 || r->manager->dry_run)
                return false;
        if (r->tries < s->retry.times) {
                try_later(r, s, c, now);
                return true;
        }
        return s->on_failure == ON_FAILURE_ROLLBACK && roll_back(r, d, decision, c.failed);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>

#include "auto-online.h"
#include "eject.h"
#include "log.h"
#include "manager.h"
#include "names.h"
#include "operate.h"
#include "orphans.h"
#include "regions.h"
#include "state.h"
#include "turns.h"

#define REFUSED_DELAY_USEC (60 * 1000000ULL)
#define FAILED_DELAY_USEC (5 * 1000000ULL)

/* Orders that are over */

struct ended {
        struct ended *next;
        char name[32], message[MESSAGE_MAX];
        struct operation_end end;
};

void manager_finish(struct manager *m, const char *name, const struct operation_end *end) {
        struct ended *e = calloc(1, sizeof(*e)), **at = &m->ended;

        manager_look_in(m, 0);
        if (!e) {
                if (m->finished)
                        m->finished(m->userdata, name, end);
                return;
        }
        snprintf(e->name, sizeof(e->name), "%s", name);
        snprintf(e->message, sizeof(e->message), "%s", end->message);
        e->end = *end;
        e->end.message = e->message;
        while (*at)
                at = &(*at)->next;
        *at = e;
}

/* Those that were over before a look, once it is done. */
static void tell_ended(const struct manager *m, struct ended *e) {
        while (e) {
                struct ended *next = e->next;

                if (m->finished)
                        m->finished(m->userdata, e->name, &e->end);
                free(e);
                e = next;
        }
}

/* Devices that are gone */

/* Memory that is in use cannot go with its device; the operator must know of it. */
static void log_gone(const struct manager *m, const struct record *r, const struct device *was) {
        char which[MESSAGE_MAX];
        uint64_t n = orphans_of(m->sysfs, r->name, m->model->block_size, which, sizeof(which));

        if (n == 0 && was)
                n = orphans_among(m->sysfs, m->model, was, which, sizeof(which));
        if (n > 0)
                log_about(LOG_ERR, (struct log_about) {
                        .message_id = MESSAGE_ORPHANED, .device = r->name,
                }, "The device is gone, and %" PRIu64 " of its blocks %s still in use: %s. If the "
                          "memory is gone as well, take it offline now.", n,
                          n == 1 ? "is" : "are", which);
        else
                log_about(LOG_NOTICE, (struct log_about) {
                        .message_id = MESSAGE_GONE, .device = r->name,
                }, "The device is gone.");
        log_anew(r->name);
}

/* Devices that went since @before: their records, and what was kept of them. */
static void forget_gone(struct manager *m, const struct model *before) {
        struct record **at = &m->records;

        while (*at) {
                struct record *r = *at;
                const struct device *d = model_device(m->model, r->name);

                /* It may have gone and another one come between two looks. */
                if (d && d->identity == r->identity) {
                        at = &r->next;
                        continue;
                }
                operate_gone(r);
                log_gone(m, r, before ? model_device(before, r->name) : NULL);
                if (!m->dry_run)
                        state_forget_device(m->sysfs, r->name);
                if (m->goes)
                        m->goes(m->userdata, r);
                *at = r->next;
                record_free(r);
        }
}

/*
 * Memory that is freed and a device node that is closed send no event.  Only
 * where a device waits for such a thing is the daemon ever woken for nothing.
 */
static void look_again_for_the_refused(struct manager *m) {
        for (const struct record *r = m->records; r; r = r->next)
                if (r->may_pass || r->stuck)
                        manager_look_in(m, REFUSED_DELAY_USEC);
}

static void consider(struct manager *m, const struct turn *turns, size_t i) {
        const struct turn *ahead = turns_ahead(turns, i);
        struct record *r = turns[i].record;

        if (r->worker || operate_consider(m, r, turns[i].device))
                return;
        /* It is looked at again when the other one is measured. */
        if (ahead && !r->settled)
                record_set_state(r, STATE_WAITING, "Waits for %s, which has a higher priority.",
                                 ahead->device->name);
        else
                take_consider(m, r, turns[i].device);
}

/* All devices, in the order in which RAM is given to them. */
static int take_turns(struct manager *m) {
        _cleanup_(freep) struct turn *turns = calloc(m->model->n_devices + 1, sizeof(*turns));
        size_t n = m->model->n_devices;

        m->n_looks++;
        for (size_t i = 0; turns && i < n; i++) {
                struct device *d = &m->model->devices[i];
                struct record *r = record_get(m, d);

                if (!r)
                        return -ENOMEM;
                record_overlay(r, d);
                turns[i] = (struct turn) {
                        .device = d, .record = r, .arrival = r->arrival,
                        .priority = turn_priority(m->policy, d),
                };
        }
        if (!turns)
                return -ENOMEM;
        turns_sort(turns, n);
        for (size_t i = 0; i < n; i++) {
                consider(m, turns, i);
                turns[i].undecided = turns[i].record->measuring;
        }
        return 0;
}

static void look(struct manager *m) {
        struct model *model = NULL, *before;
        int r;

        if (!m->dry_run)
                auto_online_recover(m->sysfs);
        r = probe(m->sysfs, &model);
        if (r < 0) {
                log_about(LOG_ERR, (struct log_about) { .error = -r },
                          "Cannot read the machine from sysfs and /proc: %s.", strerror(-r));
                manager_look_in(m, FAILED_DELAY_USEC);
                return;
        }
        before = m->model;
        m->model = model;
        forget_gone(m, before);
        model_free(before);
        if (take_turns(m) < 0) {
                log_error("Out of memory.");
                manager_look_in(m, FAILED_DELAY_USEC);
                return;
        }
        after_online_look(m);
        look_again_for_the_refused(m);
        regions_look(m);
        /* It may be long until the next one; what this one took is not kept for it. */
        (void) malloc_trim(0);
}

void manager_look(struct manager *m) {
        struct ended *ended = steal(&m->ended);

        look(m);
        tell_ended(m, ended);
}

void manager_catch_up(struct manager *m) {
        if (schedule_take(m->looks))
                manager_look(m);
}

static void on_schedule(void *userdata) {
        manager_look(userdata);
}

void manager_look_in(struct manager *m, uint64_t usec) {
        schedule_in(m->looks, usec);
}

int manager_start(struct manager *m) {
        int r;

        r = schedule_new(m->event, on_schedule, m, &m->looks);
        if (r < 0)
                return r;
        r = manager_start_policy(m);
        if (r < 0)
                return r;
        manager_look(m);
        return 0;
}

void manager_stop(struct manager *m) {
        tell_ended(m, steal(&m->ended));
        while (m->records) {
                struct record *r = m->records;

                m->records = r->next;
                record_free(r);
        }
        m->regions = regions_free(m->regions);
        m->ejects = ejects_free(m->ejects);
        m->after = after_free(m->after);
        m->looks = schedule_free(m->looks);
        m->model = model_free(m->model);
        manager_stop_policy(m);
}

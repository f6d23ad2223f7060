/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "manager.h"
#include "meant.h"
#include "operate.h"
#include "state.h"

static const char *const state_words[_STATE_MAX] = {
        [STATE_UNKNOWN] = "unknown",
        [STATE_IGNORED] = "ignored",
        [STATE_REFUSED] = "refused",
        [STATE_PLANNED] = "planned",
        [STATE_WORKING] = "working",
        [STATE_ONLINE] = "online",
        [STATE_PLUGGED] = "plugged",
        [STATE_DEGRADED] = "degraded",
        [STATE_LEAVING] = "leaving",
        [STATE_RETURNING] = "returning",
        [STATE_REMOVED] = "removed",
        [STATE_HELD] = "held",
        [STATE_ROLLED_BACK] = "rolled-back",
        [STATE_WAITING] = "waiting",
};

const char *device_state_to_string(enum device_state s) {
        return state_words[s];
}

struct record *record_get(struct manager *m, const struct device *d) {
        struct record *r;

        for (r = m->records; r; r = r->next)
                if (strcmp(r->name, d->name) == 0)
                        return r;
        r = calloc(1, sizeof(*r));
        if (!r)
                return NULL;
        snprintf(r->name, sizeof(r->name), "%s", d->name);
        r->identity = d->identity;
        r->manager = m;
        r->arrival = m->n_looks;
        r->payer = -1;
        r->settled = state_settled(m->sysfs, d->name, &r->settled_with_failures, &r->decision);
        r->asks = r->settled;
        r->adopted = state_adopted(m->sysfs, d->name);
        operate_recall(r, d);
        r->next = m->records;
        m->records = r;
        if (m->came)
                m->came(m->userdata, r);
        return r;
}

struct record *record_free(struct record *r) {
        if (!r)
                return NULL;
        worker_free(r->worker);
        operation_free(r->op);
        timeline_free(r->timeline);
        json_object_put(r->decision);
        free(r->failed);
        free(r->added);
        free(r->meant);
        free(r);
        return NULL;
}

void record_set_state(struct record *r, enum device_state state, const char *format, ...) {
        char message[MESSAGE_MAX];
        bool same;
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        same = r->state == state && strcmp(r->message, message) == 0;
        r->state = state;
        memcpy(r->message, message, sizeof(message));
        if (!same && r->manager->changed)
                r->manager->changed(r->manager->userdata, r);
}

/* So often at most; a plan may have thousands of steps. */
#define TELL_USEC 100000

void record_progress(struct record *r) {
        const struct manager *m = r->manager;
        uint64_t now;

        r->done++;
        if (!m->progressed || sd_event_now(m->event, CLOCK_MONOTONIC, &now) < 0 ||
            (now < r->told_usec + TELL_USEC && r->done < r->total))
                return;
        r->told_usec = now;
        m->progressed(m->userdata, r);
}

void record_block_name(const struct record *r, size_t i, char *buf, size_t size) {
        const struct device *d = r->manager->model ? model_device(r->manager->model, r->name) : NULL;

        snprintf(buf, size, "memory%" PRIu64, d && i < d->n_blocks ? d->blocks[i].number : 0);
}

int record_fail_block(struct record *r, size_t n_blocks, size_t block) {
        if (!r->failed) {
                r->failed = calloc(n_blocks + 1, sizeof(*r->failed));
                if (!r->failed)
                        return -ENOMEM;
                r->n_failed = n_blocks;
        }
        if (block < r->n_failed)
                r->failed[block] = true;
        return 0;
}

void record_renew(struct manager *m, struct record *r) {
        log_anew(r->name);
        failure_end_run(r);
        failure_forget(r);
        r->stuck = r->settled = r->settled_with_failures = false;
        r->rolled_back = r->handed_back = false;
        r->rounds = 0;
        meant_forget(r);
        /* Its time is that of this taking in, not since the first one. */
        r->started_usec = 0;
        r->first_online = false;
        state_forget(m->sysfs, r->name);
}

void record_overlay(const struct record *r, struct device *d) {
        d->settled = r->settled;
        d->adopted = r->adopted;
        d->stray_device = r->stray_device;
        d->stray_seed = r->stray_seed;
        /* The kernel's own driver leaves what cannot come online where it is. */
        for (size_t i = 0; i < d->n_blocks && i < r->n_failed; i++)
                d->blocks[i].failed = r->failed[i] &&
                        (d->blocks[i].state == BLOCK_ABSENT ||
                         (d->holder == HOLDER_KMEM && d->blocks[i].state == BLOCK_OFFLINE));
}

void record_promise_to_others(const struct manager *m, const struct record *r,
                              struct model *model) {
        model->promised_movable = model->promised_kernel = 0;
        for (const struct record *o = m->records; o; o = o->next)
                if (o != r) {
                        model->promised_movable += o->coming[ZONE_MOVABLE];
                        model->promised_kernel += o->coming[ZONE_KERNEL];
                }
        for (size_t i = 0; i < model->n_nodes; i++) {
                struct node *n = &model->nodes[i];

                n->promised = 0;
                for (const struct record *o = m->records; o; o = o->next)
                        if (o != r && o->payer == n->id)
                                n->promised += o->promised;
        }
}

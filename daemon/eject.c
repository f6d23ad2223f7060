/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "eject-run.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cxl.h"
#include "json-c-util.h"
#include "log.h"
#include "marks.h"
#include "names.h"
#include "orphans.h"
#include "regions.h"

DEFINE_CLEANUP(struct eject *, ejects_free)

struct eject *ejects_free(struct eject *all) {
        while (all) {
                struct eject *next = all->next;

                worker_free(all->worker);
                free(all);
                all = next;
        }
        return NULL;
}

bool eject_is_target(const char *name) {
        const char *digits = strncmp(name, "region", 6) == 0 ? name + 6 :
                strncmp(name, "mem", 3) == 0 ? name + 3 : "";

        return digits[0] && strspn(digits, "0123456789") == strlen(digits) && strlen(name) < 24;
}

static struct record *record_of(const struct manager *m, const char *device) {
        struct record *r = m->records;

        while (r && strcmp(r->name, device) != 0)
                r = r->next;
        return r;
}

static struct eject *order_of(const struct manager *m, const char *device) {
        for (struct eject *e = m->ejects; e; e = e->next)
                for (size_t i = 0; i < e->n_devices; i++)
                        if (strcmp(e->devices[i], device) == 0)
                                return e;
        return NULL;
}

const char *eject_order_of(const struct manager *m, const char *device) {
        const struct eject *e = order_of(m, device);

        return e ? e->name : NULL;
}

/* What is kept of it */

static struct json_object *to_array(const void *names, size_t size, size_t n) {
        struct json_object *o = json_object_new_array();

        for (size_t i = 0; o && i < n; i++)
                json_object_array_add(o, json_object_new_string((const char *) names + i * size));
        return o;
}

static size_t from_array(struct json_object *o, const char *key, void *names, size_t size) {
        struct json_object *a;
        size_t n = 0;

        if (!json_object_object_get_ex(o, key, &a) || !json_object_is_type(a, json_type_array))
                return 0;
        for (; n < json_object_array_length(a) && n < MEMDEVS_MAX; n++)
                snprintf((char *) names + n * size, size, "%s",
                         json_object_get_string(json_object_array_get_idx(a, n)));
        return n;
}

static void keep(const struct eject *e) {
        _cleanup_(json_putp) struct json_object *o = json_object_new_object();
        int r;

        json_object_object_add(o, "regions", to_array(e->regions, sizeof(e->regions[0]),
                                                   e->n_regions));
        json_object_object_add(o, "memdevs", to_array(e->memdevs, sizeof(e->memdevs[0]),
                                                   e->n_memdevs));
        json_object_object_add(o, "devices", to_array(e->devices, sizeof(e->devices[0]),
                                                   e->n_devices));
        json_object_object_add(o, "partners", json_object_new_string(e->partners));
        json_object_object_add(o, "keep", json_object_new_boolean(e->keep));
        r = marks_order(e->manager->sysfs, e->name, o);
        if (r < 0)
                log_about(LOG_WARNING, (struct log_about) { .device = e->name, .error = -r },
                          "Cannot write below %s (%s): after a restart, the operator's orders would be "
                          "forgotten.", RUN_DIR, strerror(-r));
}

/* What was ordered before the daemon was started. */
static void recall(struct manager *m) {
        _cleanup_(json_putp) struct json_object *all = marks_orders(m->sysfs);

        if (!all)
                return;
        json_object_object_foreach(all, name, o) {
                struct eject *e = calloc(1, sizeof(*e));
                struct json_object *v;

                if (!e)
                        return;
                e->manager = m;
                snprintf(e->name, sizeof(e->name), "%s", name);
                e->n_regions = from_array(o, "regions", e->regions, sizeof(e->regions[0]));
                e->n_memdevs = from_array(o, "memdevs", e->memdevs, sizeof(e->memdevs[0]));
                e->n_devices = from_array(o, "devices", e->devices, sizeof(e->devices[0]));
                if (json_object_object_get_ex(o, "partners", &v))
                        snprintf(e->partners, sizeof(e->partners), "%s", json_object_get_string(v));
                e->keep = json_object_object_get_ex(o, "keep", &v) && json_object_get_boolean(v);
                e->next = m->ejects;
                m->ejects = e;
        }
}

/* The end */

static void forget(struct eject *e) {
        struct eject **at = &e->manager->ejects;

        while (*at != e)
                at = &(*at)->next;
        *at = e->next;
        e->next = NULL;
        ejects_free(e);
}

static void finish(struct eject *e, enum operation_result result, const char *format, ...)
        _printf_(3, 4);

static void finish(struct eject *e, enum operation_result result, const char *format, ...) {
        struct manager *m = e->manager;
        char message[MESSAGE_MAX], name[sizeof(e->name)];
        struct operation_end end = {
                .kind = OPERATION_REMOVE, .result = result, .message = message,
        };
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        memcpy(name, e->name, sizeof(name));
        (void) marks_order(m->sysfs, name, NULL);
        forget(e);
        log_about(result == RESULT_DONE ? LOG_NOTICE : LOG_ERR, (struct log_about) {
                .message_id = result == RESULT_DONE ? MESSAGE_EJECTED : MESSAGE_NOT_EJECTED,
                .device = name,
        }, "%s", message);
        manager_finish(m, name, &end);
}

/* Devices that were removed already, and are still there, are taken in again. */
static size_t bring_back(const struct eject *e) {
        size_t n = 0;

        for (size_t i = 0; i < e->n_devices && !e->keep; i++) {
                struct record *r = record_of(e->manager, e->devices[i]);

                if (!r || !r->removed)
                        continue;
                operate_take_in_again(e->manager, r);
                n++;
        }
        return n;
}

/* Nothing of the regions was touched yet. */
static void finish_unremoved(struct eject *e) {
        size_t n = bring_back(e);
        char again[96] = "";

        if (n > 0)
                snprintf(again, sizeof(again), " What was removed of it already is taken in again "
                         "(%zu device%s).", n, n == 1 ? "" : "s");
        finish(e, e->result, "%s Regions and expanders are as they were.%s", e->why, again);
}

static void finish_worked(struct eject *e) {
        const struct manager *m = e->manager;
        char partners[320] = "";

        if (e->failed) {
                size_t n = bring_back(e);

                finish(e, RESULT_INCOMPLETE, "Done: %s. Not done: %s.%s", e->done[0] ? e->done :
                       e->n_devices > 0 ? "its memory was taken out of use" : "nothing", e->left, n > 0 ?
                       " The memory is taken in again." : "");
                return;
        }
        for (size_t i = 0; i < e->n_memdevs; i++)
                (void) marks_remove(m->sysfs, e->memdevs[i]);
        if (e->partners[0])
                snprintf(partners, sizeof(partners), " %s was interleaved with %s, and went as a "
                         "whole; what it had there is free.", e->regions[0], e->partners);
        finish(e, RESULT_DONE, "Removed: %s.%s%s%s%s", e->done[0] ? e->done : "all was gone before",
               e->n_disabled == 1 && !e->left[0] ? " The card can be pulled." :
               e->n_disabled > 0 && !e->left[0] ? " The cards can be pulled." : "",
               partners, e->left[0] ? " Note: " : "", e->left);
}

/* The worker */

static void append(char *buf, size_t size, const char *subject, const char *text) {
        size_t n = strlen(buf);

        snprintf(buf + n, size - n, "%s%s%s%s", n ? "; " : "", subject, subject[0] ? " " : "", text);
}

static void on_event(void *userdata, const struct exec_event *event) {
        struct eject *e = userdata;

        switch (event->kind) {
        case EXEC_STEP_DONE:
                append(e->done, sizeof(e->done), event->subject, event->text);
                e->n_disabled += strncmp(event->subject, "mem", 3) == 0;
                break;
        case EXEC_DIVERGED:
                append(e->left, sizeof(e->left), event->subject, event->text);
                break;
        case EXEC_STEP_FAILED:
                append(e->left, sizeof(e->left), event->subject, event->text);
                e->failed = true;
                break;
        case EXEC_END:
                e->worker = worker_free(e->worker);
                finish_worked(e);
                break;
        default:
                break;
        }
}

static void on_lost(void *userdata, const char *why) {
        struct eject *e = userdata;

        append(e->left, sizeof(e->left), "the worker is lost:", why);
        e->failed = true;
        e->worker = worker_free(e->worker);
        finish_worked(e);
}

static void start(struct eject *e) {
        struct worker_handler handler = { .event = on_event, .lost = on_lost, .userdata = e };
        struct cxl_job job = { .sysfs = e->manager->sysfs, .task = CXL_EJECT };
        int r;

        job.n_regions = e->n_regions;
        memcpy(job.regions, e->regions, sizeof(e->regions));
        job.n_memdevs = e->n_memdevs;
        for (size_t i = 0; i < e->n_memdevs; i++)
                memcpy(job.memdevs[i].name, e->memdevs[i], sizeof(e->memdevs[i]));
        r = worker_start_body(e->manager->event, job.sysfs, cxl_work, &job, &handler, &e->worker);
        if (r < 0) {
                snprintf(e->left, sizeof(e->left), "no worker can be started: %s", strerror(-r));
                e->failed = true;
                finish_worked(e);
        }
}

/* From look to look */

void eject_device_ended(struct record *r, const struct operation_end *end) {
        struct eject *e = order_of(r->manager, r->name);

        if (!e || end->kind != OPERATION_REMOVE || end->result == RESULT_DONE || e->why[0])
                return;
        e->result = end->result;
        snprintf(e->why, sizeof(e->why), "%s: %.400s", r->name, end->message);
}

enum progress { PROGRESS_DONE, PROGRESS_WAITS, PROGRESS_FAILED };

static enum progress progress_of(const struct manager *m, const char *device) {
        const struct device *d = model_device(m->model, device);
        const struct record *r = record_of(m, device);
        char which[64];

        if (!d || !r)
                return orphans_of(m->sysfs, device, m->model->block_size, which, sizeof(which)) > 0 ?
                        PROGRESS_FAILED : PROGRESS_DONE;
        if (r->op)
                return PROGRESS_WAITS;
        return r->removed ? PROGRESS_DONE : PROGRESS_FAILED;
}

/* One cannot be removed: the others need not go on. */
static void stop_others(const struct eject *e) {
        for (size_t i = 0; i < e->n_devices; i++) {
                struct record *r = record_of(e->manager, e->devices[i]);

                if (r && r->op && !r->op->back)
                        operate_stop(r);
        }
}

static void proceed(struct eject *e) {
        size_t n[3] = {};

        for (size_t i = 0; i < e->n_devices; i++)
                n[progress_of(e->manager, e->devices[i])]++;
        if (n[PROGRESS_FAILED] > 0 && !e->why[0]) {
                e->result = RESULT_INCOMPLETE;
                snprintf(e->why, sizeof(e->why), "Not all of its devices could be removed.");
        }
        if (e->why[0])
                stop_others(e);
        if (n[PROGRESS_WAITS] > 0)
                return;
        if (e->why[0])
                finish_unremoved(e);
        else
                start(e);
}

bool eject_look(struct manager *m) {
        if (!m->recalled && !m->dry_run)
                recall(m);
        m->recalled = true;
        for (struct eject *e = m->ejects, *next; e; e = next) {
                next = e->next;
                if (!e->worker)
                        proceed(e);
        }
        return m->ejects;
}

/* Orders */

/* All were found to be fine a moment ago. */
static void begin(struct eject *e, const struct command *command) {
        for (size_t i = 0; i < e->n_devices; i++) {
                struct command own = *command;
                struct refusal why;

                own.device = e->devices[i];
                if (operate(e->manager, &own, &why) >= 0)
                        continue;
                e->result = RESULT_BROUGHT_BACK;
                snprintf(e->why, sizeof(e->why), "%.31s: %.400s.", own.device, why.text);
                return;
        }
}

int eject(struct manager *m, const struct command *command, struct refusal *ret) {
        _cleanup_(ejects_freep) struct eject *e = calloc(1, sizeof(*e));
        int r;

        if (!e)
                return operate_refuse(ret, "Failed", "Out of memory");
        if (command->kind == OPERATION_ONLINE && command->n_blocks == 0)
                return eject_restore(m, command->device, ret);
        if (command->kind != OPERATION_REMOVE)
                return operate_refuse(ret, "Refused", "Blocks are those of a device, such as dax0.0; %s "
                                      "can only be removed as a whole", command->device);
        e->manager = m;
        e->keep = command->keep;
        snprintf(e->name, sizeof(e->name), "%s", command->device);
        manager_look(m);
        r = eject_admit(m, e, command, ret);
        if (r < 0)
                return r;
        keep(e);
        log_anew(e->name);
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_ORDERED, .device = e->name,
        }, "An operator ordered: remove.");
        begin(e, command);
        /* Only now, as each of these looks at the machine. */
        e->next = m->ejects;
        m->ejects = steal(&e);
        manager_look_in(m, 0);
        return 1;
}

int eject_cancel(struct manager *m, const char *name, struct refusal *ret) {
        struct eject *e = m->ejects;

        while (e && strcmp(e->name, name) != 0)
                e = e->next;
        if (!e || e->why[0])
                return operate_refuse(ret, "Refused", "There is nothing to cancel: %s is not being "
                                      "taken out", name);
        if (e->worker)
                return operate_refuse(ret, "Refused", "It is too late: %s is being taken apart", name);
        e->result = RESULT_BROUGHT_BACK;
        snprintf(e->why, sizeof(e->why), "It was cancelled.");
        stop_others(e);
        manager_look_in(m, 0);
        return 0;
}

int eject_restore(struct manager *m, const char *name, struct refusal *ret) {
        uint64_t id;
        int r;

        if (m->dry_run)
                return operate_refuse(ret, "Refused", "memmapd runs with --dry-run");
        if (sysfs_inode(m->sysfs, &id, "sys/bus/cxl/devices/%s/", name) < 0)
                return operate_refuse(ret, "NoDevice", "There is no %s %s", name[0] == 'm' ?
                                      "expander" : "region", name);
        for (const struct eject *e = m->ejects; e; e = e->next)
                if (strcmp(e->name, name) == 0)
                        return operate_refuse(ret, "Busy", "%s is being removed by an order that was "
                                              "given before", name);
        if (!marks_removed(m->sysfs, name)) {
                regions_renew(m);
                return 0;
        }
        r = regions_restore(m, name);
        if (r < 0)
                return operate_refuse(ret, "Busy", "Regions are just being worked on; try again");
        marks_restore(m->sysfs, name);
        return 0;
}

/* Telling */

/* What is waited for, or being done. */
static const char *stage_of(const struct eject *e) {
        return e->worker ? "dismantling" : e->why[0] ? "returning" : "leaving";
}

struct json_object *eject_describe(const struct manager *m) {
        struct json_object *list = json_object_new_array();

        for (const struct eject *e = m->ejects; list && e; e = e->next) {
                struct json_object *o = json_object_new_object();

                json_object_object_add(o, "name", json_object_new_string(e->name));
                json_object_object_add(o, "kind", json_object_new_string(
                        operation_to_string(OPERATION_REMOVE)));
                json_object_object_add(o, "stage", json_object_new_string(stage_of(e)));
                json_object_object_add(o, "devices", to_array(e->devices, sizeof(e->devices[0]),
                                                              e->n_devices));
                json_object_object_add(o, "regions", to_array(e->regions, sizeof(e->regions[0]),
                                                              e->n_regions));
                json_object_object_add(o, "memdevs", to_array(e->memdevs, sizeof(e->memdevs[0]),
                                                              e->n_memdevs));
                json_object_object_add(o, "why", e->why[0] ? json_object_new_string(e->why) : NULL);
                json_object_array_add(list, o);
        }
        return list;
}

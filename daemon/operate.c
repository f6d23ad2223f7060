/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operate.h"

#include <errno.h>
#include <string.h>

#include "eject.h"
#include "json-c-util.h"
#include "log.h"
#include "names.h"
#include "state.h"

uint64_t operate_now(const struct manager *m) {
        uint64_t now = 0;

        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* What is in force, for the next daemon. */
void operate_keep(struct record *r) {
        _cleanup_(json_putp) struct json_object *o = NULL;
        int e;

        if (r->held || r->removed || r->op) {
                o = json_object_new_object();
                json_object_object_add(o, "held", json_object_new_boolean(r->held));
                json_object_object_add(o, "removed", json_object_new_boolean(r->removed));
                json_object_object_add(o, "operation", r->op ? operation_to_json(r->op) : NULL);
        }
        e = state_order(r->manager->sysfs, r->name, o);
        if (e < 0 && e != -ENOENT)
                log_about(LOG_WARNING, (struct log_about) { .device = r->name, .error = -e },
                          "Cannot write below %s (%s): after a restart, the operator's orders "
                          "would be forgotten.", RUN_DIR, strerror(-e));
}

void operate_recall(struct record *r, const struct device *d) {
        _cleanup_(json_putp) struct json_object *o = state_orders(r->manager->sysfs, r->name);
        struct json_object *v;

        if (!o)
                return;
        r->held = json_object_object_get_ex(o, "held", &v) && json_object_get_boolean(v);
        r->removed = json_object_object_get_ex(o, "removed", &v) && json_object_get_boolean(v);
        if (!json_object_object_get_ex(o, "operation", &v) || !v)
                return;
        if (operation_from_json(v, d, &r->op) < 0 || operate_arm(r) < 0) {
                log_about(LOG_ERR, (struct log_about) { .device = r->name },
                          "What was ordered before the restart is forgotten: it cannot be read.");
                r->op = operation_free(r->op);
        }
}

static int find(struct manager *m, const char *name, struct record **ret_record,
                struct device **ret_device, struct refusal *why) {
        manager_look(m);
        for (struct record *r = m->records; r; r = r->next)
                if (strcmp(r->name, name) == 0) {
                        *ret_record = r;
                        *ret_device = model_device(m->model, name);
                        if (*ret_device)
                                return 0;
                }
        return operate_refuse(why, "NoDevice", "There is no device %s", name);
}

int operate_take_in_again(struct manager *m, struct record *r) {
        r->removed = false;
        operate_keep(r);
        record_renew(m, r);
        manager_look_in(m, 0);
        return 0;
}

int operate(struct manager *m, const struct command *command, struct refusal *ret) {
        struct record *r;
        struct device *d;
        int e;

        if (eject_is_target(command->device))
                return eject(m, command, ret);
        e = find(m, command->device, &r, &d, ret);
        if (e < 0)
                return e;
        if (command->kind == OPERATION_ONLINE && command->n_blocks == 0 && r->removed)
                return operate_take_in_again(m, r);
        e = operate_admit(m, r, d, command, &r->op, ret);
        if (e < 0)
                return e;
        if (command->timeout_usec && command->timeout_usec < UINT64_MAX / 2)
                r->op->deadline_usec = operate_now(m) + command->timeout_usec;
        if (operate_arm(r) < 0) {
                r->op = operation_free(r->op);
                return operate_refuse(ret, "Failed", "Cannot set a timer");
        }
        operate_keep(r);
        log_anew(r->name);
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_ORDERED, .device = r->name,
        }, "An operator ordered: %s.", operation_to_string(command->kind));
        manager_look_in(m, 0);
        return 1;
}

void operate_stop(struct record *r) {
        if (r->worker) {
                r->op->ended = true;
                worker_kill(r->worker);
        } else {
                operate_fail(r, "it was cancelled");
                manager_look_in(r->manager, 0);
        }
}

int operate_cancel(struct manager *m, const char *device, struct refusal *ret) {
        struct record *r;
        struct device *d;
        int e;

        if (eject_is_target(device))
                return eject_cancel(m, device, ret);
        e = find(m, device, &r, &d, ret);
        if (e < 0)
                return e;
        if (!r->op || r->op->back)
                return operate_refuse(ret, "Refused", "There is nothing to cancel: %s is not being "
                                      "taken out", device);
        operate_stop(r);
        return 0;
}

int operate_hold(struct manager *m, const char *device, bool hold, struct refusal *ret) {
        struct record *r;
        struct device *d;
        int e;

        e = find(m, device, &r, &d, ret);
        if (e < 0)
                return e;
        if (m->dry_run)
                return operate_refuse(ret, "Refused", "memmapd runs with --dry-run");
        if (hold && r->worker && !r->op)
                take_stop(r);
        r->held = hold;
        operate_keep(r);
        manager_look_in(m, 0);
        return 0;
}

static int apply_one(struct manager *m, struct record *r, struct refusal *ret) {
        if (r->op)
                return operate_refuse(ret, "Busy", "%s is being worked on by an order that was "
                                      "given before", r->name);
        if (r->held)
                return operate_refuse(ret, "Refused", "%s is held; \"memmapctl release %s\" first",
                                      r->name, r->name);
        return r->worker ? 0 : operate_take_in_again(m, r);
}

int operate_apply(struct manager *m, const char *device, struct refusal *ret) {
        struct record *r;
        struct device *d;
        int e;

        if (device && eject_is_target(device))
                return eject_restore(m, device, ret);
        if (device) {
                e = find(m, device, &r, &d, ret);
                return e < 0 ? e : apply_one(m, r, ret);
        }
        manager_look(m);
        for (r = m->records; r; r = r->next)
                if (!r->op && !r->held && !r->removed)
                        (void) apply_one(m, r, ret);
        return 0;
}

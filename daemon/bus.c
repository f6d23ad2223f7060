/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bus.h"
#include "bus-device.h"
#include "bus-operate.h"
#include "forecast.h"
#include "log.h"
#include "names.h"
#include "policy-json.h"
#include "report.h"

static int reply_json(sd_bus_message *message, struct json_object *o) {
        int r = sd_bus_reply_method_return(message, "s", json_object_to_json_string(o));

        json_object_put(o);
        return r;
}

static int method_describe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct json_object *o;

        (void) error;
        manager_catch_up(userdata);
        o = describe(userdata);
        return o ? reply_json(message, o) : -ENOMEM;
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct manager *m = userdata;

        if (manager_reload(m) < 0)
                return sd_bus_error_set(error, BUS_NAME ".Error.PolicyInvalid", m->policy_error);
        manager_catch_up(m);
        return sd_bus_reply_method_return(message, "");
}

/* Texts with their names: one who asks has no file opened for him. */
static int read_texts(sd_bus_message *message, struct policy_files *f, sd_bus_error *error) {
        const char *name, *text;
        size_t total = 0;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "(ss)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "(ss)", &name, &text)) > 0) {
                size_t size = strlen(text);

                total += size;
                if (total > POLICY_SIZE_MAX || f->n_files == DIFF_FILES_MAX ||
                    strlen(name) > DIFF_NAME_MAX)
                        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                                 "The policy is larger than %d KiB, or of more "
                                                 "than %d files, or a name is longer than %d bytes",
                                                 POLICY_SIZE_MAX / 1024, DIFF_FILES_MAX,
                                                 DIFF_NAME_MAX);
                r = policy_files_add_text(f, name, text, size);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = policy_files_finish(f);
        return r;
}

static int refuse_texts(const struct policy_files *f, sd_bus_error *error) {
        const struct policy_finding *first = policy_files_error(f);
        _cleanup_(freep) char *text = policy_error_format(&first->what, first->path);

        return sd_bus_error_set(error, BUS_NAME ".Error.PolicyInvalid", text ?: first->path);
}

static int method_check(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(policy_files_freep) struct policy_files *f = policy_files_new();
        struct json_object *report;
        int r;

        (void) userdata;
        if (!f)
                return -ENOMEM;
        r = read_texts(message, f, error);
        if (r < 0)
                return r;
        report = report_new();
        report_add(report, f);
        return reply_json(message, report);
}

/* Texts that make a policy without a mistake.  @ret: NULL before, to be freed in any case. */
static int read_policy(sd_bus_message *message, struct policy_files **ret, sd_bus_error *error) {
        int r;

        *ret = policy_files_new();
        if (!*ret)
                return -ENOMEM;
        r = read_texts(message, *ret, error);
        return r < 0 || (*ret)->n_errors == 0 ? r : refuse_texts(*ret, error);
}

/* Without a text it is by the policy in force. */
static int method_plan(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        const struct manager *m = userdata;
        struct forecast ask = {};
        struct json_object *o;
        int r;

        r = read_policy(message, &f, error);
        if (r < 0)
                return r;
        ask.files = f->n_files > 0 ? f : m->in_force;
        if (!ask.files)
                return sd_bus_error_set(error, BUS_NAME ".Error.PolicyInvalid", m->policy_error);
        r = forecast(m->sysfs, &ask, &o);
        return r < 0 ? r : reply_json(message, o);
}

static int method_diff(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        const struct manager *m = userdata;
        struct json_object *o;
        int r;

        r = read_policy(message, &f, error);
        if (r < 0)
                return r;
        if (!m->model)
                return sd_bus_error_set(error, SD_BUS_ERROR_FAILED,
                                        "The machine cannot be read from sysfs and /proc");
        r = diff(m, f->policy, &o);
        return r < 0 ? r : reply_json(message, o);
}

static int method_timeline(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const struct manager *m = userdata;
        struct json_object *o;
        const char *device;
        const struct record *rec;
        int r;

        r = sd_bus_message_read(message, "s", &device);
        if (r < 0)
                return r;
        for (rec = m->records; rec && strcmp(rec->name, device) != 0;)
                rec = rec->next;
        if (!rec)
                return sd_bus_error_setf(error, BUS_NAME ".Error.NoDevice",
                                         "There is no device %s", device);
        if (!rec->timeline)
                return sd_bus_error_setf(error, BUS_NAME ".Error.NoTimeline",
                                         "Nothing of %s was taken in since memmapd was started",
                                         device);
        o = timeline_describe(rec->timeline);
        return reply_json(message, o);
}

static int property_version(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *userdata,
                            sd_bus_error *error) {
        (void) bus;
        (void) path;
        (void) interface;
        (void) property;
        (void) userdata;
        (void) error;
        return sd_bus_message_append(reply, "s", VERSION);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                                method_describe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Timeline", SD_BUS_ARGS("s", device), SD_BUS_RESULT("s", json),
                                method_timeline, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Diff", SD_BUS_ARGS("a(ss)", files), SD_BUS_RESULT("s", json),
                                method_diff, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Check", SD_BUS_ARGS("a(ss)", files), SD_BUS_RESULT("s", json),
                                method_check, SD_BUS_VTABLE_UNPRIVILEGED),
        /* For root: it looks at all of the machine, and nothing else is done meanwhile. */
        SD_BUS_METHOD_WITH_ARGS("Plan", SD_BUS_ARGS("a(ss)", files), SD_BUS_RESULT("s", json),
                                method_plan, 0),
        /* Not for everybody: sd-bus wants CAP_SYS_ADMIN of the caller. */
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, 0),
        /* For root and whom polkit lets; see authorize.h. */
        SD_BUS_METHOD_WITH_ARGS("Remove",
                                SD_BUS_ARGS("s", device, "t", timeout_usec, "t", flags),
                                SD_BUS_RESULT("b", begun), bus_remove,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Offline",
                                SD_BUS_ARGS("s", device, "at", blocks, "t", timeout_usec,
                                            "t", flags),
                                SD_BUS_RESULT("b", begun), bus_offline,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Online", SD_BUS_ARGS("s", device, "at", blocks),
                                SD_BUS_RESULT("b", begun), bus_online,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("s", device), SD_BUS_NO_RESULT, bus_cancel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Hold", SD_BUS_ARGS("s", device), SD_BUS_NO_RESULT, bus_hold,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("s", device), SD_BUS_NO_RESULT,
                                bus_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_ARGS("s", device), SD_BUS_NO_RESULT, bus_apply,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Progress", SD_BUS_ARGS("s", device, "s", state, "t", done,
                                                        "t", total), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Finished", SD_BUS_ARGS("s", device, "s", operation, "s", result,
                                                        "s", message), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Changed", SD_BUS_ARGS("s", device, "s", state), 0),
        SD_BUS_SIGNAL_WITH_ARGS("RegionsChanged", SD_BUS_ARGS("s", json), 0),
        SD_BUS_VTABLE_END
};

void bus_regions_changed(sd_bus *bus, const char *json) {
        if (bus)
                (void) sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "RegionsChanged",
                                          "s", json);
}

void bus_device_changed(sd_bus *bus, const struct record *r) {
        if (!bus)
                return;
        (void) sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Changed", "ss",
                                  r->name, device_state_to_string(r->state));
        bus_device_state_changed(bus, r);
}

void bus_device_progressed(sd_bus *bus, const char *name, const struct record *r) {
        if (bus)
                (void) sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Progress", "sstt",
                                          name, device_state_to_string(r->state),
                                          (uint64_t) r->done, (uint64_t) r->total);
}

void bus_operation_finished(sd_bus *bus, const char *name, const struct operation_end *end) {
        if (bus)
                (void) sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Finished", "ssss",
                                          name, operation_to_string(end->kind),
                                          operation_result_to_string(end->result), end->message);
}

static int serve(struct manager *m, sd_bus *bus) {
        int r;

        r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_INTERFACE_MANAGER, manager_vtable, m);
        if (r >= 0)
                r = bus_devices_add(bus, m);
        if (r < 0)
                return r;
        r = sd_bus_request_name(bus, BUS_NAME, 0);
        if (r < 0)
                return r;
        return sd_bus_attach_event(bus, m->event, SD_EVENT_PRIORITY_NORMAL);
}

int bus_new(struct manager *m, sd_bus **ret) {
        sd_bus *bus = NULL;
        int r;

        *ret = NULL;
        r = sd_bus_open_system(&bus);
        if (r < 0) {
                log_warning("No system bus (%s): going on without, memmapctl will not reach us.",
                            strerror(-r));
                return 0;
        }
        r = serve(m, bus);
        if (r == -EEXIST && m->dry_run) {
                log_info("Another memmapd is on the bus; trying this one out without.");
                sd_bus_flush_close_unref(bus);
                return 0;
        }
        if (r < 0) {
                log_error("Cannot be " BUS_NAME " on the system bus: %s%s.", strerror(-r),
                          r == -EEXIST ? "; is another memmapd running?" : "");
                sd_bus_flush_close_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

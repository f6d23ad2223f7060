/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memmapd tells, as it tells it: a line each. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "bus.h"
#include "cxl-status.h"
#include "fields.h"
#include "format.h"
#include "names.h"

struct monitor {
        const struct options *options;
        sd_bus *bus;
        sd_event *event;
};

static const char *now(char buf[static FORMAT_TIME_MAX]) {
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return format_time(buf, (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000);
}

/* Takes @o, and @text is what it says to people. */
static int tell(const struct monitor *m, struct json_object *o, const char *event,
                const char *text) {
        char time[FORMAT_TIME_MAX];

        now(time);
        if (m->options->json == JSON_OFF)
                printf("%s %s\n", time, text);
        else {
                json_object_object_add(o, "event", json_object_new_string(event));
                json_object_object_add(o, "time", json_object_new_string(time));
                /* A line each, whatever was asked for. */
                json_print(o, JSON_SHORT);
        }
        json_object_put(o);
        /* Nobody reads it any more. */
        return fflush(stdout) == 0 ? 0 : sd_event_exit(m->event, EXIT_FAILED);
}

static void add(struct json_object *o, const char *key, const char *value) {
        json_object_object_add(o, key, json_object_new_string(value));
}

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct json_object *o = json_object_new_object();
        const char *device = "", *state = "";
        char text[160];

        (void) error;
        (void) sd_bus_message_read(message, "ss", &device, &state);
        add(o, "device", device);
        add(o, "state", state);
        snprintf(text, sizeof(text), "%s is %s", device, state);
        return tell(userdata, o, "changed", text);
}

static int on_progress(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct json_object *o = json_object_new_object();
        const char *device = "", *state = "";
        uint64_t done = 0, total = 0;
        char text[160];

        (void) error;
        (void) sd_bus_message_read(message, "sstt", &device, &state, &done, &total);
        add(o, "device", device);
        add(o, "state", state);
        json_object_object_add(o, "done", json_object_new_uint64(done));
        json_object_object_add(o, "total", json_object_new_uint64(total));
        snprintf(text, sizeof(text), "%s is %s, %" PRIu64 " of %" PRIu64 " steps", device, state,
                 done, total);
        return tell(userdata, o, "progress", text);
}

static int on_finished(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *device = "", *operation = "", *result = "", *what = "";
        struct json_object *o = json_object_new_object();
        char text[1024];

        (void) error;
        (void) sd_bus_message_read(message, "ssss", &device, &operation, &result, &what);
        add(o, "device", device);
        add(o, "operation", operation);
        add(o, "result", result);
        add(o, "message", what);
        snprintf(text, sizeof(text), "%s: %s: %s: %s", device, operation, result, what);
        return tell(userdata, o, "finished", text);
}

/* For people, a line each. */
static int tell_region(const struct monitor *m, struct json_object *region) {
        const char *message = field_string(region, "message", NULL);
        char subject[CXL_SUBJECT_MAX], text[1024];

        snprintf(text, sizeof(text), "%s: region %s%s%s", cxl_subject(subject, region),
                 field_string(region, "state", "?"), message ? ": " : "", message ?: "");
        return tell(m, json_object_new_object(), "regions", text);
}

static int on_regions(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(json_putp) struct json_object *list = NULL;
        const struct monitor *m = userdata;
        struct json_object *o;
        const char *json = "[]";
        size_t n;
        int r = 0;

        (void) error;
        (void) sd_bus_message_read(message, "s", &json);
        list = json_tokener_parse(json);
        n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        if (n == 0 || m->options->json != JSON_OFF) {
                o = json_object_new_object();
                json_object_object_add(o, "regions", json_object_get(list));
                return tell(m, o, "regions", "no region is on its way");
        }
        for (size_t i = 0; i < n && r >= 0; i++)
                r = tell_region(m, json_object_array_get_idx(list, i));
        return r;
}

static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name, *old, *new;
        bool there;

        (void) error;
        if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0)
                return 0;
        there = *new;
        return tell(userdata, json_object_new_object(), there ? "started" : "ended",
                    there ? "memmapd has started" : "memmapd has ended");
}

static int listen_to(struct monitor *m) {
        static const struct {
                const char *name;
                sd_bus_message_handler_t handler;
        } signals[] = {
                { "Changed", on_changed }, { "Progress", on_progress },
                { "Finished", on_finished }, { "RegionsChanged", on_regions },
        };
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGTERM);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        r = sd_event_new(&m->event);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
        for (size_t i = 0; i < ELEMENTSOF(signals) && r >= 0; i++)
                r = sd_bus_match_signal(m->bus, NULL, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER,
                                        signals[i].name, signals[i].handler, m);
        if (r >= 0)
                r = sd_bus_add_match(m->bus, NULL, "type='signal',sender='org.freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" BUS_NAME "'", on_owner, m);
        return r;
}

/* Those there are now, so that nobody has to ask in between. */
static enum exit_code tell_states(const struct monitor *m) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        struct json_object *devices;
        enum exit_code code = call_describe(&description);

        if (code != EXIT_OK)
                return code;
        devices = field_get(description, "devices", json_type_array);
        for (size_t i = 0; devices && i < json_object_array_length(devices); i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);
                struct json_object *o = json_object_new_object();
                char text[160];

                add(o, "device", field_string(d, "name", ""));
                add(o, "state", field_string(d, "state", ""));
                snprintf(text, sizeof(text), "%s is %s", field_string(d, "name", ""),
                         field_string(d, "state", ""));
                (void) tell(m, o, "state", text);
        }
        return EXIT_OK;
}

enum exit_code verb_monitor(const struct options *o, int argc, char **argv) {
        struct monitor m = { .options = o };
        enum exit_code code;
        int r, e = 0;

        (void) argc, (void) argv;
        code = bus_open(&m.bus);
        if (code != EXIT_OK)
                return code;
        r = listen_to(&m);
        if (r >= 0)
                code = tell_states(&m);
        if (r >= 0 && code == EXIT_OK)
                e = r = sd_event_loop(m.event);
        if (r < 0)
                complain("Cannot listen to memmapd: %s.", strerror(-r));
        (void) sd_bus_detach_event(m.bus);
        sd_bus_flush_close_unref(m.bus);
        sd_event_unref(m.event);
        return r < 0 ? EXIT_FAILED : e > 0 ? (enum exit_code) e : code;
}

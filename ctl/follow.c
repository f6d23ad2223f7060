/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "bus.h"
#include "fields.h"
#include "names.h"
#include "progress.h"

/* Somebody may be asked for a password before there is an answer. */
#define ANSWER_USEC (330 * UINT64_C(1000000))
#define SECOND_THOUGHTS_USEC (3 * UINT64_C(1000000))

/* Version of the JSON that is printed. */
#define FOLLOW_FORMAT 1

struct follow {
        const struct options *options;
        const char *device;
        sd_bus *bus;
        sd_event *event;
        struct progress progress;
        int interrupts;
        bool waiting;           /* the order is accepted */
        enum exit_code code;
};

static int leave(struct follow *f, enum exit_code code) {
        progress_clear(&f->progress);
        f->code = code;
        return sd_event_exit(f->event, 0);
}

/* What comes from the bus */

static int on_progress(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct follow *f = userdata;
        const char *device, *state;
        uint64_t done, total;

        (void) error;
        if (sd_bus_message_read(m, "sstt", &device, &state, &done, &total) >= 0 &&
            strcmp(device, f->device) == 0)
                progress_show(&f->progress, device, state, done, total);
        return 0;
}

static enum exit_code code_of(const char *result) {
        if (strcmp(result, "done") == 0)
                return EXIT_OK;
        return strcmp(result, "incomplete") == 0 ? EXIT_FAILED : EXIT_UNFINISHED;
}

static void print_end(const struct follow *f, const char *operation, const char *result,
                      const char *message) {
        _cleanup_(json_putp) struct json_object *o = NULL;

        if (f->options->json == JSON_OFF) {
                if (code_of(result) == EXIT_OK)
                        printf("%s: %s\n", f->device, message);
                else
                        complain("%s: %s", f->device, message);
                return;
        }
        o = json_object_new_object();
        json_object_object_add(o, "format", json_object_new_int(FOLLOW_FORMAT));
        json_object_object_add(o, "device", json_object_new_string(f->device));
        json_object_object_add(o, "operation", json_object_new_string(operation));
        json_object_object_add(o, "result", json_object_new_string(result));
        json_object_object_add(o, "message", json_object_new_string(message));
        json_print(o, f->options->json);
}

static int on_finished(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *device, *operation, *result, *message;
        struct follow *f = userdata;

        (void) error;
        if (!f->waiting ||
            sd_bus_message_read(m, "ssss", &device, &operation, &result, &message) < 0 ||
            strcmp(device, f->device) != 0)
                return 0;
        progress_clear(&f->progress);
        print_end(f, operation, result, message);
        return leave(f, code_of(result));
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *old, *new;
        struct follow *f = userdata;

        (void) error;
        if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0 || *new || !f->waiting)
                return 0;
        progress_clear(&f->progress);
        complain("memmapd has ended. It goes on with %s when it is started again; see "
                 "\"memmapctl status\".", f->device);
        return leave(f, EXIT_NOT_RUNNING);
}

/* What comes from the keyboard */

static int on_no_second_thoughts(sd_event_source *s, uint64_t usec, void *userdata) {
        struct follow *f = userdata;

        (void) s;
        (void) usec;
        if (f->interrupts > 1)
                return 0;
        progress_clear(&f->progress);
        complain("Not waiting for it; see \"memmapctl status\".");
        return leave(f, EXIT_GOES_ON);
}

static int on_cancelled(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct follow *f = userdata;

        (void) error;
        if (!sd_bus_message_is_method_error(reply, NULL))
                return 0;
        progress_clear(&f->progress);
        complain("%s.", sd_bus_message_get_error(reply)->message);
        return 0;
}

static int cancel(struct follow *f) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        complain("Ending it.");
        r = bus_call_new(f->bus, "Cancel", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", f->device);
        return r < 0 ? r : sd_bus_call_async(f->bus, NULL, m, on_cancelled, f, ANSWER_USEC);
}

static int on_interrupt(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        struct follow *f = userdata;

        (void) s;
        (void) si;
        progress_clear(&f->progress);
        switch (++f->interrupts) {
        case 1:
                complain("memmapd goes on with it. Another Ctrl-C in the next 3 seconds ends it.");
                return sd_event_add_time_relative(f->event, NULL, CLOCK_MONOTONIC,
                                                  SECOND_THOUGHTS_USEC, 0, on_no_second_thoughts, f);
        case 2:
                return cancel(f);
        default:
                complain("Not waiting for it; see \"memmapctl status\".");
                return leave(f, EXIT_GOES_ON);
        }
}

static int listen_to(struct follow *f) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGINT);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        r = sd_event_new(&f->event);
        if (r >= 0)
                r = sd_event_add_signal(f->event, NULL, SIGINT, on_interrupt, f);
        if (r >= 0)
                r = sd_bus_attach_event(f->bus, f->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal(f->bus, NULL, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER,
                                        "Progress", on_progress, f);
        if (r >= 0)
                r = sd_bus_match_signal(f->bus, NULL, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER,
                                        "Finished", on_finished, f);
        if (r >= 0)
                r = sd_bus_add_match(f->bus, NULL, "type='signal',sender='org.freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" BUS_NAME "'", on_owner, f);
        return r;
}

enum exit_code follow_new(const struct options *o, const char *device, struct follow **ret) {
        _cleanup_(follow_freep) struct follow *f = calloc(1, sizeof(*f));
        enum exit_code code;
        int r;

        if (!f) {
                complain("Out of memory.");
                return EXIT_FAILED;
        }
        f->options = o;
        f->device = device;
        progress_init(&f->progress, o->json != JSON_OFF);
        code = bus_open(&f->bus);
        if (code != EXIT_OK)
                return code;
        r = listen_to(f);
        if (r < 0) {
                complain("Cannot listen to memmapd: %s.", strerror(-r));
                return EXIT_FAILED;
        }
        *ret = steal(&f);
        return EXIT_OK;
}

struct follow *follow_free(struct follow *f) {
        if (!f)
                return NULL;
        if (f->bus)
                (void) sd_bus_detach_event(f->bus);
        sd_bus_flush_close_unref(f->bus);
        sd_event_unref(f->event);
        free(f);
        return NULL;
}

sd_bus *follow_bus(struct follow *f) {
        return f->bus;
}

static void print_otherwise(const struct follow *f, const char *text) {
        if (!text)
                return;
        if (f->options->json == JSON_OFF)
                printf("%s: %s\n", f->device, text);
        else
                print_end(f, "apply", "done", text);
}

enum exit_code follow_call(struct follow *f, const char *method, sd_bus_message *m,
                           const char *otherwise) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int begun = 0, r;

        (void) sd_bus_message_set_allow_interactive_authorization(m, true);
        r = sd_bus_call(f->bus, m, ANSWER_USEC, &error, &reply);
        if (r < 0)
                return call_failed(method, &error, r);
        if (sd_bus_message_has_signature(reply, "b"))
                (void) sd_bus_message_read(reply, "b", &begun);
        if (!begun) {
                print_otherwise(f, otherwise);
                return EXIT_OK;
        }
        f->waiting = true;
        r = sd_event_loop(f->event);
        if (r < 0) {
                complain("Cannot wait for memmapd: %s.", strerror(-r));
                return EXIT_FAILED;
        }
        return f->code;
}

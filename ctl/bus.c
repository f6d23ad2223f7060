/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "fields.h"
#include "names.h"

#define CALL_TIMEOUT_USEC (20 * UINT64_C(1000000))

enum exit_code bus_open(sd_bus **ret) {
        int r = sd_bus_open_system(ret);

        if (r >= 0)
                return EXIT_OK;
        if (r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR) {
                complain("There is no system bus to ask on: "
                         "start it (systemctl start dbus), then memmapd.");
                return EXIT_NOT_RUNNING;
        }
        if (r == -EACCES || r == -EPERM)
                complain("No permission to connect to the system bus; try again as root.");
        else
                complain("Cannot connect to the system bus: %s.", strerror(-r));
        return EXIT_FAILED;
}

static bool nobody_owns_the_name(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

static bool is_denied(const sd_bus_error *error, int r) {
        return r == -EACCES || r == -EPERM ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
}

enum exit_code call_failed(const char *method, const sd_bus_error *error, int r) {
        if (nobody_owns_the_name(error)) {
                complain("memmapd is not running: start it with \"systemctl start memmapd\".");
                return EXIT_NOT_RUNNING;
        }
        if (sd_bus_error_has_name(error, BUS_NAME ".Error.PolicyInvalid"))
                complain("The policy is not valid%s: %s", strcmp(method, "Reload") == 0 ?
                         ", the one before it stays in force" : "", error->message);
        else if (sd_bus_error_has_name(error, BUS_NAME ".Error.NoDevice")) {
                complain("%s.", error->message);
                return EXIT_NO_DEVICE;
        } else if (error->name && strncmp(error->name, BUS_NAME ".Error.", 18) == 0)
                complain("%s.", error->message);
        else if (sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD))
                complain("memmapd has no %s: it is older than this memmapctl, restart it.", method);
        else if (is_denied(error, r))
                complain("No permission to call %s of memmapd; try again as root.", method);
        else if (r == -ETIMEDOUT || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                complain("memmapd did not answer; see \"journalctl -u memmapd\".");
        else
                complain("%s of memmapd failed: %s.", method,
                         error->message ? error->message : strerror(-r));
        return EXIT_FAILED;
}

/* The texts, each with its name: memmapd opens nothing for those who ask. */
static int append_files(sd_bus_message *m, const struct policy_files *files) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; i < files->n_files && r >= 0; i++)
                if (files->files[i].text)
                        r = sd_bus_message_append(m, "(ss)", files->files[i].path,
                                                  files->files[i].text);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_call_new(sd_bus *bus, const char *method, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, BUS_PATH,
                                           BUS_INTERFACE_MANAGER, method);
        /* Nobody is to wait for a daemon that somebody chose not to start. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0)
                *ret = steal(&m);
        return r;
}

/* @device, @files: the argument of the method, or NULL. */
static int call_new(sd_bus *bus, const char *method, const char *device,
                    const struct policy_files *files, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_call_new(bus, method, &m);
        if (r >= 0 && device)
                r = sd_bus_message_append(m, "s", device);
        if (r >= 0 && files)
                r = append_files(m, files);
        if (r >= 0)
                *ret = steal(&m);
        return r;
}

static enum exit_code manager_call(sd_bus *bus, const char *method, const char *device,
                                   const struct policy_files *files, sd_bus_message **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = call_new(bus, method, device, files, &m);
        if (r >= 0)
                r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, &error, ret);
        return r < 0 ? call_failed(method, &error, r) : EXIT_OK;
}

static enum exit_code parse(const char *text, int known_format, struct json_object **ret) {
        _cleanup_(json_putp) struct json_object *o = json_tokener_parse(text);
        int64_t format;

        if (!json_object_is_type(o, json_type_object)) {
                complain("memmapd sent something that is not a JSON object.");
                return EXIT_FAILED;
        }
        format = field_int(o, "format", -1);
        if (format != known_format) {
                complain("memmapd answers in format %" PRId64 ", this memmapctl knows %d: "
                         "they are of different versions, restart memmapd.", format, known_format);
                return EXIT_FAILED;
        }
        *ret = json_object_get(o);
        return EXIT_OK;
}

static enum exit_code ask(const char *method, const char *device,
                          const struct policy_files *files, int format,
                          struct json_object **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        enum exit_code code;
        const char *text;
        int r;

        code = bus_open(&bus);
        if (code != EXIT_OK)
                return code;
        code = manager_call(bus, method, device, files, &reply);
        if (code != EXIT_OK)
                return code;
        r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return call_failed(method, &SD_BUS_ERROR_NULL, r);
        return parse(text, format, ret);
}

bool memmapd_runs(void) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        return sd_bus_open_system(&bus) >= 0 &&
                sd_bus_get_name_creds(bus, BUS_NAME, 0, NULL) >= 0;
}

enum exit_code call_describe(struct json_object **ret) {
        return ask("Describe", NULL, NULL, DESCRIBE_FORMAT, ret);
}

enum exit_code call_timeline(const char *device, struct json_object **ret) {
        return ask("Timeline", device, NULL, TIMELINE_FORMAT, ret);
}

enum exit_code call_diff(const struct policy_files *files, struct json_object **ret) {
        return ask("Diff", NULL, files, DIFF_FORMAT, ret);
}

enum exit_code call_reload(void) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        enum exit_code code;

        code = bus_open(&bus);
        return code == EXIT_OK ? manager_call(bus, "Reload", NULL, NULL, &reply) : code;
}

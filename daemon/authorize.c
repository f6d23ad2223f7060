/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "authorize.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>

#include "names.h"
#include "util.h"

/* Somebody may have to find his password first. */
#define PATIENCE_USEC (300 * 1000000ULL)

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ALLOW_INTERACTION 1U

/* A message that waits for polkit's answer. */
struct pending {
        sd_bus_message *message;
        sd_bus_message_handler_t act;
        void *userdata;
};

static void pending_free(void *userdata) {
        struct pending *p = userdata;

        sd_bus_message_unref(p->message);
        free(p);
}

static int deny(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                "Only root may do this, and whom polkit lets");
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *unused) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        struct pending *p = userdata;
        int yes = 0, r;

        (void) unused;
        if (!sd_bus_message_is_method_error(reply, NULL) &&
            sd_bus_message_enter_container(reply, 'r', "bba{ss}") > 0)
                (void) sd_bus_message_read(reply, "b", &yes);
        r = yes ? p->act(p->message, p->userdata, &error) : deny(&error);
        if (r < 0 || sd_bus_error_is_set(&error))
                (void) sd_bus_reply_method_errno(p->message, r, &error);
        return 1;
}

static int ask(sd_bus_message *message, const char *action, struct pending *p) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus *bus = sd_bus_message_get_bus(message);
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                           "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(message), action, 0,
                                          sd_bus_message_get_allow_interactive_authorization(message) > 0 ?
                                          POLKIT_ALLOW_INTERACTION : 0U, "");
        if (r >= 0)
                r = sd_bus_call_async(bus, &slot, m, on_answer, p, PATIENCE_USEC);
        if (r < 0)
                return r;
        /* From here on, what is pending goes with the call. */
        (void) sd_bus_slot_set_destroy_callback(slot, pending_free);
        r = sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
        return r < 0 ? r : 1;
}

int authorize(sd_bus_message *message, const char *action, sd_bus_message_handler_t act,
              void *userdata, sd_bus_error *error) {
        struct pending *p;
        int r;

        if (sd_bus_query_sender_privilege(message, CAP_SYS_ADMIN) > 0)
                return act(message, userdata, error);
        p = malloc(sizeof(*p));
        if (!p)
                return -ENOMEM;
        *p = (struct pending) { sd_bus_message_ref(message), act, userdata };
        r = ask(message, action, p);
        if (r < 0)
                pending_free(p);
        return r;
}

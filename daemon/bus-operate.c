/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-operate.h"

#include <errno.h>

#include "authorize.h"
#include "names.h"
#include "operate.h"

static int refuse(const struct refusal *why, sd_bus_error *error) {
        char name[64];

        snprintf(name, sizeof(name), BUS_NAME ".Error.%s", why->name);
        return sd_bus_error_set(error, name, why->text);
}

static int give(sd_bus_message *message, struct manager *m, struct command *command,
                uint64_t flags, sd_bus_error *error) {
        struct refusal why;
        int r;

        if (flags & ~(uint64_t) (OPERATE_KEEP | OPERATE_FORCE))
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Unknown flags");
        command->keep = flags & OPERATE_KEEP;
        command->force = flags & OPERATE_FORCE;
        r = operate(m, command, &why);
        if (r < 0)
                return refuse(&why, error);
        manager_catch_up(m);
        return sd_bus_reply_method_return(message, "b", r > 0);
}

static int act_remove(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct command command = { .kind = OPERATION_REMOVE };
        uint64_t flags;
        int r;

        r = sd_bus_message_read(message, "stt", &command.device, &command.timeout_usec, &flags);
        return r < 0 ? r : give(message, userdata, &command, flags, error);
}

static int read_blocks(sd_bus_message *message, struct command *command) {
        const void *blocks;
        size_t size;
        int r;

        r = sd_bus_message_read(message, "s", &command->device);
        if (r >= 0)
                r = sd_bus_message_read_array(message, 't', &blocks, &size);
        if (r < 0)
                return r;
        command->blocks = blocks;
        command->n_blocks = size / sizeof(*command->blocks);
        return 0;
}

static int act_offline(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct command command = { .kind = OPERATION_OFFLINE };
        uint64_t flags;
        int r;

        r = read_blocks(message, &command);
        if (r >= 0)
                r = sd_bus_message_read(message, "tt", &command.timeout_usec, &flags);
        return r < 0 ? r : give(message, userdata, &command, flags, error);
}

static int act_online(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct command command = { .kind = OPERATION_ONLINE };
        int r;

        r = read_blocks(message, &command);
        return r < 0 ? r : give(message, userdata, &command, 0, error);
}

static int reply(sd_bus_message *message, struct manager *m, int r, const struct refusal *why,
                 sd_bus_error *error) {
        if (r < 0)
                return refuse(why, error);
        manager_catch_up(m);
        return sd_bus_reply_method_return(message, "");
}

static int act_cancel(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct refusal why;
        const char *device;
        int r;

        r = sd_bus_message_read(message, "s", &device);
        return r < 0 ? r : reply(message, userdata, operate_cancel(userdata, device, &why),
                                 &why, error);
}

static int hold(sd_bus_message *message, struct manager *m, bool on, sd_bus_error *error) {
        struct refusal why;
        const char *device;
        int r;

        r = sd_bus_message_read(message, "s", &device);
        return r < 0 ? r : reply(message, m, operate_hold(m, device, on, &why), &why, error);
}

static int act_hold(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return hold(message, userdata, true, error);
}

static int act_release(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return hold(message, userdata, false, error);
}

static int act_apply(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct refusal why;
        const char *device;
        int r;

        r = sd_bus_message_read(message, "s", &device);
        return r < 0 ? r : reply(message, userdata, operate_apply(userdata, device[0] ? device :
                                                                  NULL, &why), &why, error);
}

int bus_remove(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_remove, userdata, error);
}

int bus_offline(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_offline, userdata, error);
}

int bus_online(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_online, userdata, error);
}

int bus_cancel(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_cancel, userdata, error);
}

int bus_hold(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_hold, userdata, error);
}

int bus_release(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_release, userdata, error);
}

int bus_apply(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize(message, POLKIT_ACTION_OPERATE, act_apply, userdata, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs by which an operator gives orders. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "bus.h"
#include "follow.h"
#include "names.h"

#define DEADLINE_DEFAULT_USEC (600 * UINT64_C(1000000))

static enum exit_code cannot_send(int r) {
        complain("Cannot call memmapd: %s.", strerror(-r));
        return EXIT_FAILED;
}

static uint64_t flags_of(const struct options *o) {
        return (o->keep ? OPERATE_KEEP : 0) | (o->force ? OPERATE_FORCE : 0);
}

static int deadline_of(const struct options *o, uint64_t *ret) {
        *ret = DEADLINE_DEFAULT_USEC;
        if (!o->deadline || parse_time(o->deadline, ret) >= 0)
                return 0;
        complain("--deadline takes a time such as 90s, 10min or 0, not \"%s\".", o->deadline);
        return -1;
}

enum exit_code verb_remove(const struct options *o, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(follow_freep) struct follow *f = NULL;
        enum exit_code code;
        uint64_t deadline;
        int r;

        (void) argc;
        if (deadline_of(o, &deadline) < 0)
                return EXIT_USAGE;
        code = follow_new(o, argv[0], &f);
        if (code != EXIT_OK)
                return code;
        r = bus_call_new(follow_bus(f), "Remove", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "stt", argv[0], deadline, flags_of(o));
        return r < 0 ? cannot_send(r) : follow_call(f, "Remove", m, NULL);
}

/* @n: how many there are; 0 stands for all. */
static int append_blocks(sd_bus_message *m, const char *device, const uint64_t *blocks, size_t n) {
        int r = sd_bus_message_append(m, "s", device);

        return r < 0 ? r : sd_bus_message_append_array(m, 't', blocks, n * sizeof(*blocks));
}

static int blocks_of(int argc, char **argv, uint64_t **ret, size_t *n) {
        for (int i = 1; i < argc; i++)
                if (parse_blocks(argv[i], ret, n) < 0) {
                        complain("\"%s\" is neither a block of a device, such as 3, nor several, "
                                 "such as 5-7; see \"memmapctl explain\".", argv[i]);
                        return -1;
                }
        return 0;
}

enum exit_code verb_offline(const struct options *o, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(follow_freep) struct follow *f = NULL;
        _cleanup_(freep) uint64_t *blocks = NULL;
        enum exit_code code;
        uint64_t deadline;
        size_t n = 0;
        int r;

        if (deadline_of(o, &deadline) < 0 || blocks_of(argc, argv, &blocks, &n) < 0)
                return EXIT_USAGE;
        code = follow_new(o, argv[0], &f);
        if (code != EXIT_OK)
                return code;
        r = bus_call_new(follow_bus(f), "Offline", &m);
        if (r >= 0)
                r = append_blocks(m, argv[0], blocks, n);
        if (r >= 0)
                r = sd_bus_message_append(m, "tt", deadline, flags_of(o));
        return r < 0 ? cannot_send(r) : follow_call(f, "Offline", m, NULL);
}

enum exit_code verb_online(const struct options *o, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(follow_freep) struct follow *f = NULL;
        _cleanup_(freep) uint64_t *blocks = NULL;
        enum exit_code code;
        size_t n = 0;
        int r;

        if (blocks_of(argc, argv, &blocks, &n) < 0)
                return EXIT_USAGE;
        code = follow_new(o, argv[0], &f);
        if (code != EXIT_OK)
                return code;
        r = bus_call_new(follow_bus(f), "Online", &m);
        if (r >= 0)
                r = append_blocks(m, argv[0], blocks, n);
        return r < 0 ? cannot_send(r) :
                follow_call(f, "Online", m, "Taken in again, as the policy decides; see "
                            "\"memmapctl status\".");
}

/* Silent when it went well. */
static enum exit_code call_with(const struct options *o, const char *method, const char *device) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(follow_freep) struct follow *f = NULL;
        enum exit_code code;
        int r;

        code = follow_new(o, device, &f);
        if (code != EXIT_OK)
                return code;
        r = bus_call_new(follow_bus(f), method, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", device);
        return r < 0 ? cannot_send(r) : follow_call(f, method, m, NULL);
}

enum exit_code verb_hold(const struct options *o, int argc, char **argv) {
        (void) argc;
        return call_with(o, "Hold", argv[0]);
}

enum exit_code verb_release(const struct options *o, int argc, char **argv) {
        (void) argc;
        return call_with(o, "Release", argv[0]);
}

enum exit_code verb_apply(const struct options *o, int argc, char **argv) {
        return call_with(o, "Apply", argc > 0 ? argv[0] : "");
}

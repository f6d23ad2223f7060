/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "policy-fields.h"
#include "policy-json.h"
#include "text.h"

static int decode_amount(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                enum amount_kind kind, struct amount *ret) {
        const char *remedy = amount_remedy(kind), *s, *problem;
        char quoted[QUOTE_SIZE];
        int64_t bytes;

        switch (json_object_get_type(value)) {
        case json_type_int:
                bytes = json_object_get_int64(value);
                if (bytes < 0)
                        return refuse(d, path, JSON_VALUE, "%lld is negative; %s",
                                      (long long) bytes, remedy);
                *ret = (struct amount) { .value = (uint64_t) bytes };
                return 0;
        case json_type_double:
                return refuse(d, path, JSON_VALUE, "%s is not an integer; %s",
                              quote(json_object_get_string(value), quoted), remedy);
        case json_type_string:
                s = json_object_get_string(value);
                problem = amount_parse(s, kind, ret);
                if (problem)
                        return refuse(d, path, JSON_VALUE, "\"%s\" %s; %s",
                                      quote(s, quoted), problem, remedy);
                return 0;
        default:
                return refuse_type(d, path, value, "a size", remedy);
        }
}

static int decode_bytes(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                uint64_t *ret) {
        struct amount a = {};
        int r;

        r = decode_amount(d, path, value, AMOUNT_BYTES, &a);
        if (r < 0)
                return r;
        *ret = a.value;
        return 0;
}

/* Settings */

static int decode_action(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "online", "plug", "ignore", NULL };
        struct settings *s = target;
        int r;

        r = decode_word(d, path, value, words, action_from_string);
        if (r < 0)
                return r;
        s->action = (enum action) r;
        return 0;
}

static int decode_memmap(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "auto", "ram", "device", "seed", "mixed", NULL };
        struct settings *s = target;
        int r;

        r = decode_word(d, path, value, words, memmap_mode_from_string);
        if (r < 0)
                return r;
        s->memmap = (enum memmap_mode) r;
        return 0;
}

static int decode_ram_reserve(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;

        return decode_amount(d, path, value, AMOUNT_BYTES_OR_SHARE, &s->ram_reserve);
}

static int decode_zone(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "auto", "movable", "kernel", NULL };
        struct settings *s = target;
        int r;

        r = decode_word(d, path, value, words, zone_mode_from_string);
        if (r < 0)
                return r;
        s->zone = (enum zone_mode) r;
        return 0;
}

/* In 1/100, as it is kept.  More than that nobody can tell from infinite. */
static int decode_movable_ratio(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char remedy[] = "write a number from 0 to 1000, such as 3 or 2.5";
        struct settings *s = target;
        double ratio = json_object_get_double(value);

        if (!json_object_is_type(value, json_type_int) &&
            !json_object_is_type(value, json_type_double))
                return refuse_type(d, path, value, "a number", remedy);
        if (!(ratio >= 0 && ratio <= 1000))
                return refuse(d, path, JSON_VALUE, "%g is out of range; %s", ratio, remedy);
        s->movable_ratio = (uint64_t) (ratio * 100 + 0.5);
        return 0;
}

static int decode_order(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "fast", "ascending", "descending", NULL };
        struct settings *s = target;
        int r;

        r = decode_word(d, path, value, words, order_from_string);
        if (r < 0)
                return r;
        s->order = (enum order) r;
        return 0;
}

static int decode_allow_seeds(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;

        return decode_bool(d, path, value, &s->allow_seeds);
}

static int decode_backend(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "auto", "chunked", "native", "plain", NULL };
        struct settings *s = target;
        int r;

        r = decode_word(d, path, value, words, backend_from_string);
        if (r < 0)
                return r;
        s->backend = (enum backend) r;
        return 0;
}

const struct field settings_fields[] = {
        { "action", decode_action, SETTING_ACTION },
        { "memmap", decode_memmap, SETTING_MEMMAP },
        { "ram_reserve", decode_ram_reserve, SETTING_RAM_RESERVE },
        { "zone", decode_zone, SETTING_ZONE },
        { "movable_ratio", decode_movable_ratio, SETTING_MOVABLE_RATIO },
        { "order", decode_order, SETTING_ORDER },
        { "allow_seeds", decode_allow_seeds, SETTING_ALLOW_SEEDS },
        { "backend", decode_backend, SETTING_BACKEND },
        {},
};

/* Match */

static int decode_backing(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "pmem", "cxl", "hmem", NULL };
        struct match *m = target;
        int r;

        r = decode_word(d, path, value, words, backing_from_string);
        if (r < 0)
                return r;
        m->backing = (enum backing) r;
        return 0;
}

static int decode_device(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;
        const char *s = NULL;
        int r;

        r = decode_nonempty(d, path, value,
                            "write a name or a shell pattern, such as \"dax0.*\"", &s);
        if (r < 0)
                return r;
        m->device = strdup(s);
        return m->device ? 0 : -ENOMEM;
}

static int decode_target_node(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        char expected[64];
        struct match *m = target;
        int64_t node = -1;
        int r;

        snprintf(expected, sizeof(expected), "an integer from 0 to %d", POLICY_NODE_MAX);
        r = decode_integer(d, path, value, expected, 0, POLICY_NODE_MAX, &node);
        if (r < 0)
                return r;
        m->target_node = (int) node;
        return 0;
}

static int decode_min_size(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_bytes(d, path, value, &m->min_size);
}

static int decode_max_size(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_bytes(d, path, value, &m->max_size);
}

const struct field match_fields[] = {
        { "backing", decode_backing, MATCH_BACKING },
        { "device", decode_device, MATCH_DEVICE },
        { "target_node", decode_target_node, MATCH_TARGET_NODE },
        { "min_size", decode_min_size, MATCH_MIN_SIZE },
        { "max_size", decode_max_size, MATCH_MAX_SIZE },
        {},
};

/* Whatever is not for us */

int decode_ignored(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        const char *s = NULL;

        (void) target;
        return decode_string(d, path, value, "write any text in double quotes", &s);
}

const struct field common_fields[] = {
        { "comment", decode_ignored },
        {},
};

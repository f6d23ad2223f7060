/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "policy-fields.h"
#include "policy-json.h"
#include "text.h"

int decode_amount(
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

int decode_bytes(
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

static int decode_limit(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;

        return decode_amount(d, path, value, AMOUNT_BYTES_OR_SHARE, &s->max_size);
}

static int decode_on_failure(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "keep", "rollback", NULL };
        struct settings *s = target;
        int r;

        r = decode_word(d, path, value, words, on_failure_from_string);
        if (r < 0)
                return r;
        s->on_failure = (enum on_failure) r;
        return 0;
}

static int decode_priority(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        int64_t priority = 0;
        int r;

        r = decode_integer(d, path, value, "an integer from -1000 to 1000", -1000, 1000, &priority);
        if (r >= 0)
                s->priority = (int) priority;
        return r;
}

static int decode_times(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct retry *retry = target;
        int64_t times = 0;
        int r;

        r = decode_integer(d, path, value, "an integer from 0 to 1000", 0, 1000, &times);
        if (r >= 0)
                retry->times = (unsigned int) times;
        return r;
}

/* "5s": an integer and a unit, so that nobody has to guess which. */
static int decode_duration(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                uint64_t *ret_usec) {
        static const char remedy[] = "write a string such as \"500ms\", \"5s\", \"5min\" or \"1h\"";
        char quoted[QUOTE_SIZE];
        const char *s = NULL, *problem;
        int r;

        r = decode_string(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        problem = duration_parse(s, ret_usec);
        if (problem)
                return refuse(d, path, JSON_VALUE, "\"%s\" %s; %s", quote(s, quoted), problem, remedy);
        return 0;
}

static int decode_delay(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct retry *retry = target;

        return decode_duration(d, path, value, &retry->delay_usec);
}

static int decode_max_delay(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct retry *retry = target;

        return decode_duration(d, path, value, &retry->max_delay_usec);
}

static const struct field retry_fields[] = {
        { "times", decode_times },
        { "delay", decode_delay },
        { "max_delay", decode_max_delay },
        {},
};

static int decode_retry(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        const struct section sections[] = { { retry_fields, &s->retry }, { common_fields }, {} };
        struct json_path at = { .parent = path, .key = "delay" };
        int r;

        s->retry = policy_builtin().retry;
        r = decode_object(d, path, value, "write { \"times\": 3 }", sections);
        if (r >= 0)
                r = require_key(d, path, value, "times", "say how often");
        if (r < 0)
                return r;
        if (s->retry.delay_usec > s->retry.max_delay_usec)
                return refuse(d, json_object_object_get_ex(value, "delay", NULL) ? &at : path,
                              JSON_VALUE, "delay is longer than max_delay, which is \"5min\" unless "
                              "given; exchange them or drop one");
        return 0;
}

static int decode_share(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                uint64_t *ret) {
        static const char remedy[] = "write a share of time such as \"10%\"";
        char quoted[QUOTE_SIZE];
        struct amount a = {};
        const char *s = NULL, *problem;
        int r;

        r = decode_string(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        problem = amount_parse(s, AMOUNT_BYTES_OR_SHARE, &a);
        if (problem || !a.percent || a.value == 0)
                return refuse(d, path, JSON_VALUE, "\"%s\" %s; %s", quote(s, quoted),
                              problem ?: a.percent ? "would always hold" : "is no share", remedy);
        *ret = a.value;
        return 0;
}

static int decode_slow(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct pressure *p = target;

        return decode_share(d, path, value, &p->slow);
}

static int decode_stop(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct pressure *p = target;

        return decode_share(d, path, value, &p->stop);
}

static const struct field pressure_fields[] = {
        { "slow", decode_slow },
        { "stop", decode_stop },
        {},
};

static int decode_pressure(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        const struct section sections[] = {
                { pressure_fields, &s->pressure }, { common_fields }, {},
        };
        struct json_path at = { .parent = path, .key = "slow" };
        int r;

        r = decode_object(d, path, value, "write { \"slow\": \"10%\", \"stop\": \"40%\" }, or {} for "
                          "full pace at all times", sections);
        if (r < 0)
                return r;
        if (s->pressure.stop > 0 && s->pressure.slow > s->pressure.stop)
                return refuse(d, &at, JSON_VALUE, "slow is more than stop, so that it would never "
                              "hold; exchange them or drop one");
        return 0;
}

/* What the memory is for */

static int decode_gigantic_pages(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct use *u = target;

        return decode_bool(d, path, value, &u->gigantic_pages);
}

static int decode_hvo(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct use *u = target;

        return decode_bool(d, path, value, &u->hvo);
}

static int decode_removable(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct use *u = target;

        return decode_bool(d, path, value, &u->removable);
}

static int decode_prefer(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "latency", "capacity", NULL };
        struct use *u = target;
        int r;

        r = decode_word(d, path, value, words, prefer_from_string);
        if (r < 0)
                return r;
        u->prefer = (enum prefer) r;
        return 0;
}

static const struct field use_fields[] = {
        { "gigantic_pages", decode_gigantic_pages },
        { "hvo", decode_hvo },
        { "removable", decode_removable },
        { "prefer", decode_prefer },
        {},
};

static int decode_use(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        const struct section sections[] = { { use_fields, &s->use }, { common_fields }, {} };
        struct json_path at = { .parent = path, .key = "removable" };
        int r;

        r = decode_object(d, path, value, "write { \"gigantic_pages\": true }, or {} for no use in "
                          "particular", sections);
        if (r < 0)
                return r;
        if (s->use.gigantic_pages && s->use.removable)
                return refuse(d, &at, JSON_VALUE, "1 GiB pages need the kernel zone, from which memory "
                              "cannot be removed; drop this or \"gigantic_pages\"");
        return 0;
}

/* Regions */

static int decode_ways(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char remedy[] = "1, 2, 3, 4, 6, 8, 12 or 16, as CXL has no others";
        struct create_region *c = target;
        int64_t ways = 0;
        int r;

        r = decode_integer(d, path, value, remedy, 1, MEMDEVS_MAX, &ways);
        if (r < 0)
                return r;
        /* A power of two, and three times one. */
        if ((ways & (ways - 1)) != 0 && (ways % 3 != 0 || (ways / 3 & (ways / 3 - 1)) != 0))
                return refuse(d, path, JSON_VALUE, "%lld expanders cannot make one region; write %s",
                              (long long) ways, remedy);
        c->ways = (unsigned int) ways;
        return 0;
}

static int decode_granularity(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char remedy[] = "a power of 2 from 256 to 16384";
        struct create_region *c = target;
        int64_t bytes = 0;
        int r;

        r = decode_integer(d, path, value, remedy, 256, 16384, &bytes);
        if (r < 0)
                return r;
        if ((bytes & (bytes - 1)) != 0)
                return refuse(d, path, JSON_VALUE, "%lld is no power of 2; write %s",
                              (long long) bytes, remedy);
        c->granularity = (unsigned int) bytes;
        return 0;
}

static const struct field region_fields[] = {
        { "ways", decode_ways },
        { "granularity", decode_granularity },
        {},
};

static int decode_create_region(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        const struct section sections[] = {
                { region_fields, &s->create_region }, { common_fields }, {},
        };

        if (json_object_is_type(value, json_type_boolean))
                return decode_bool(d, path, value, &s->create_region.create);
        s->create_region.create = true;
        return decode_object(d, path, value, "write true, false or { \"ways\": 2 }", sections);
}

/* For memory that is online */

static int decode_demotion(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct after_online *a = target;

        a->sets_demotion = true;
        return decode_bool(d, path, value, &a->demotion);
}

static int decode_weight(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct after_online *a = target;
        int64_t weight = 0;
        int r;

        r = decode_integer(d, path, value, "an integer from 1 to 255", 1, 255, &weight);
        if (r >= 0)
                a->weight = (unsigned int) weight;
        return r;
}

static int decode_balancing(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "off", "tiering", NULL };
        struct after_online *a = target;
        int r;

        r = decode_word(d, path, value, words, balancing_from_string);
        if (r < 0)
                return r;
        a->balancing = (enum balancing) r;
        return 0;
}

static const struct field after_fields[] = {
        { "demotion", decode_demotion },
        { "interleave_weight", decode_weight },
        { "numa_balancing", decode_balancing },
        {},
};

static int decode_after_online(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        const struct section sections[] = {
                { after_fields, &s->after_online }, { common_fields }, {},
        };

        return decode_object(d, path, value, "write { \"demotion\": true }, or {} to leave the "
                             "machine as it is", sections);
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
        { "max_size", decode_limit, SETTING_MAX_SIZE },
        { "on_failure", decode_on_failure, SETTING_ON_FAILURE },
        { "retry", decode_retry, SETTING_RETRY },
        { "priority", decode_priority, SETTING_PRIORITY },
        { "pressure", decode_pressure, SETTING_PRESSURE },
        { "use", decode_use, SETTING_USE },
        { "create_region", decode_create_region, SETTING_CREATE_REGION },
        { "after_online", decode_after_online, SETTING_AFTER_ONLINE },
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings-json.h"

#include <inttypes.h>

#include "json-c-util.h"

static void add_bool(struct json_object *o, const char *key, bool v) {
        json_object_object_add(o, key, json_object_new_boolean(v));
}

static void add_number(struct json_object *o, const char *key, uint64_t v) {
        json_object_object_add(o, key, json_object_new_uint64(v));
}

/* With up to two decimals, of 1/100. */
static void format_hundredths(char *buf, size_t size, uint64_t v, const char *unit) {
        unsigned int rest = (unsigned int) (v % 100);

        if (rest == 0)
                snprintf(buf, size, "%" PRIu64 "%s", v / 100, unit);
        else if (rest % 10 == 0)
                snprintf(buf, size, "%" PRIu64 ".%u%s", v / 100, rest / 10, unit);
        else
                snprintf(buf, size, "%" PRIu64 ".%02u%s", v / 100, rest, unit);
}

static void add_share(struct json_object *o, const char *key, uint64_t v) {
        char text[32];

        format_hundredths(text, sizeof(text), v, "%");
        json_add_string(o, key, text);
}

/* In the largest unit of which it is a whole number. */
static void add_bytes(struct json_object *o, const char *key, uint64_t v) {
        static const char units[] = "TGMK";
        char text[32];

        for (unsigned int i = 0; units[i]; i++) {
                uint64_t unit = 1ULL << (10 * (4 - i));

                if (v == 0 || v % unit != 0)
                        continue;
                snprintf(text, sizeof(text), "%" PRIu64 "%c", v / unit, units[i]);
                json_add_string(o, key, text);
                return;
        }
        add_number(o, key, v);
}

static void add_amount(struct json_object *o, const char *key, struct amount a) {
        if (a.percent)
                add_share(o, key, a.value);
        else
                add_bytes(o, key, a.value);
}

static void add_duration(struct json_object *o, const char *key, uint64_t usec) {
        static const struct {
                uint64_t usec;
                const char *unit;
        } units[] = { { 60 * 1000000ULL, "min" }, { 1000000, "s" }, { 1000, "ms" } };
        char text[32];
        size_t i = 0;

        while (i < ELEMENTSOF(units) - 1 && usec % units[i].usec != 0)
                i++;
        snprintf(text, sizeof(text), "%" PRIu64 "%s", usec / units[i].usec, units[i].unit);
        json_add_string(o, key, text);
}

static struct json_object *ratio_to_json(uint64_t v) {
        char text[32];

        format_hundredths(text, sizeof(text), v, "");
        return v % 100 == 0 ? json_object_new_uint64(v / 100) :
                json_object_new_double_s((double) v / 100, text);
}

static struct json_object *retry_to_json(const struct retry *r) {
        struct json_object *o = json_object_new_object();

        add_number(o, "times", r->times);
        add_duration(o, "delay", r->delay_usec);
        add_duration(o, "max_delay", r->max_delay_usec);
        return o;
}

static struct json_object *pressure_to_json(const struct pressure *p) {
        struct json_object *o = json_object_new_object();

        if (p->slow)
                add_share(o, "slow", p->slow);
        if (p->stop)
                add_share(o, "stop", p->stop);
        return o;
}

static struct json_object *use_to_json(const struct use *u) {
        struct json_object *o = json_object_new_object();

        if (u->gigantic_pages)
                add_bool(o, "gigantic_pages", true);
        if (u->hvo)
                add_bool(o, "hvo", true);
        if (u->removable)
                add_bool(o, "removable", true);
        if (u->prefer != PREFER_NOTHING)
                json_add_string(o, "prefer", prefer_to_string(u->prefer));
        return o;
}

static struct json_object *region_to_json(const struct create_region *c) {
        struct json_object *o;

        if (!c->create || (!c->ways && !c->granularity))
                return json_object_new_boolean(c->create);
        o = json_object_new_object();
        if (c->ways)
                add_number(o, "ways", c->ways);
        if (c->granularity)
                add_number(o, "granularity", c->granularity);
        return o;
}

static struct json_object *after_to_json(const struct after_online *a) {
        struct json_object *o = json_object_new_object();

        if (a->sets_demotion)
                add_bool(o, "demotion", a->demotion);
        if (a->weight)
                add_number(o, "interleave_weight", a->weight);
        if (a->balancing != BALANCING_AS_IS)
                json_add_string(o, "numa_balancing", balancing_to_string(a->balancing));
        return o;
}

struct json_object *settings_to_json(const struct settings *s) {
        struct json_object *o = json_object_new_object();

        json_add_string(o, "action", action_to_string(s->action));
        json_add_string(o, "memmap", memmap_mode_to_string(s->memmap));
        add_amount(o, "ram_reserve", s->ram_reserve);
        json_add_string(o, "zone", zone_mode_to_string(s->zone));
        json_object_object_add(o, "movable_ratio", ratio_to_json(s->movable_ratio));
        json_add_string(o, "order", order_to_string(s->order));
        add_bool(o, "allow_seeds", s->allow_seeds);
        json_add_string(o, "backend", backend_to_string(s->backend));
        add_amount(o, "max_size", s->max_size);
        json_add_string(o, "on_failure", on_failure_to_string(s->on_failure));
        json_object_object_add(o, "retry", retry_to_json(&s->retry));
        json_object_object_add(o, "priority", json_object_new_int(s->priority));
        json_object_object_add(o, "pressure", pressure_to_json(&s->pressure));
        json_object_object_add(o, "use", use_to_json(&s->use));
        json_object_object_add(o, "create_region", region_to_json(&s->create_region));
        json_object_object_add(o, "after_online", after_to_json(&s->after_online));
        return o;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "use.h"
#include "words.h"

/* What the kernel takes where it decides: auto_movable_ratio, mm/memory_hotplug.c. */
#define MOVABLE_RATIO_DEFAULT 300

static const char *const action_words[_ACTION_MAX] = {
        [ACTION_ONLINE] = "online",
        [ACTION_PLUG] = "plug",
        [ACTION_IGNORE] = "ignore",
};

static const char *const memmap_mode_words[_MEMMAP_MODE_MAX] = {
        [MEMMAP_AUTO] = "auto",
        [MEMMAP_RAM] = "ram",
        [MEMMAP_DEVICE] = "device",
        [MEMMAP_SEED] = "seed",
        [MEMMAP_MIXED] = "mixed",
};

static const char *const zone_mode_words[_ZONE_MODE_MAX] = {
        [ZONE_MODE_AUTO] = "auto",
        [ZONE_MODE_MOVABLE] = "movable",
        [ZONE_MODE_KERNEL] = "kernel",
};

static const char *const on_failure_words[_ON_FAILURE_MAX] = {
        [ON_FAILURE_KEEP] = "keep",
        [ON_FAILURE_ROLLBACK] = "rollback",
};

static const char *const prefer_words[_PREFER_MAX] = {
        [PREFER_NOTHING] = "nothing",
        [PREFER_LATENCY] = "latency",
        [PREFER_CAPACITY] = "capacity",
};

static const char *const balancing_words[_BALANCING_MAX] = {
        [BALANCING_AS_IS] = "as-is",
        [BALANCING_OFF] = "off",
        [BALANCING_TIERING] = "tiering",
};

static const char *const order_words[_ORDER_MAX] = {
        [ORDER_FAST] = "fast",
        [ORDER_ASCENDING] = "ascending",
        [ORDER_DESCENDING] = "descending",
};

const char *action_to_string(enum action a) {
        return action_words[a];
}

const char *memmap_mode_to_string(enum memmap_mode m) {
        return memmap_mode_words[m];
}

const char *order_to_string(enum order o) {
        return order_words[o];
}

const char *prefer_to_string(enum prefer p) {
        return prefer_words[p];
}

int prefer_from_string(const char *s) {
        return word_index(prefer_words, _PREFER_MAX, s);
}

const char *on_failure_to_string(enum on_failure f) {
        return on_failure_words[f];
}

int on_failure_from_string(const char *s) {
        return word_index(on_failure_words, _ON_FAILURE_MAX, s);
}

const char *zone_mode_to_string(enum zone_mode z) {
        return zone_mode_words[z];
}

int zone_mode_from_string(const char *s) {
        return word_index(zone_mode_words, _ZONE_MODE_MAX, s);
}

const char *balancing_to_string(enum balancing b) {
        return balancing_words[b];
}

int balancing_from_string(const char *s) {
        return word_index(balancing_words, _BALANCING_MAX, s);
}

int action_from_string(const char *s) {
        return word_index(action_words, _ACTION_MAX, s);
}

int memmap_mode_from_string(const char *s) {
        return word_index(memmap_mode_words, _MEMMAP_MODE_MAX, s);
}

int order_from_string(const char *s) {
        return word_index(order_words, _ORDER_MAX, s);
}

struct settings policy_builtin(void) {
        return (struct settings) {
                .action = ACTION_ONLINE,
                .memmap = MEMMAP_AUTO,
                .ram_reserve = { .percent = true, .value = 10 * 100 },
                .zone = ZONE_MODE_AUTO,
                .movable_ratio = MOVABLE_RATIO_DEFAULT,
                .order = ORDER_FAST,
                .allow_seeds = true,
                .max_size = { .percent = true, .value = 100 * 100 },
                .retry = { .delay_usec = 5 * 1000000ULL, .max_delay_usec = 300 * 1000000ULL },
        };
}

void settings_override(struct settings *base, const struct settings *over) {
        if (over->given & SETTING_USE)
                use_lay(base, over);
        if (over->given & SETTING_ACTION)
                base->action = over->action;
        if (over->given & SETTING_MEMMAP)
                base->memmap = over->memmap;
        if (over->given & SETTING_RAM_RESERVE)
                base->ram_reserve = over->ram_reserve;
        if (over->given & SETTING_ZONE)
                base->zone = over->zone;
        if (over->given & SETTING_MOVABLE_RATIO)
                base->movable_ratio = over->movable_ratio;
        if (over->given & SETTING_ORDER)
                base->order = over->order;
        if (over->given & SETTING_ALLOW_SEEDS)
                base->allow_seeds = over->allow_seeds;
        if (over->given & SETTING_BACKEND)
                base->backend = over->backend;
        if (over->given & SETTING_MAX_SIZE)
                base->max_size = over->max_size;
        if (over->given & SETTING_ON_FAILURE)
                base->on_failure = over->on_failure;
        if (over->given & SETTING_RETRY)
                base->retry = over->retry;
        if (over->given & SETTING_PRESSURE)
                base->pressure = over->pressure;
        if (over->given & SETTING_PRIORITY)
                base->priority = over->priority;
        if (over->given & SETTING_CREATE_REGION)
                base->create_region = over->create_region;
        if (over->given & SETTING_AFTER_ONLINE)
                base->after_online = over->after_online;
        base->given |= over->given;
}

struct settings policy_resolve(const struct policy *p, const struct rule *rule) {
        struct settings s = policy_builtin();

        settings_override(&s, &p->defaults);
        if (rule)
                settings_override(&s, &rule->settings);
        return s;
}

int policy_stack(struct policy *base, struct policy *over) {
        size_t n = over->n_rules + base->n_rules;
        struct rule *rules = NULL;

        if (over->n_rules > 0) {
                rules = calloc(n, sizeof(*rules));
                if (!rules)
                        return -ENOMEM;
                memcpy(rules, over->rules, over->n_rules * sizeof(*rules));
                if (base->n_rules > 0)
                        memcpy(rules + over->n_rules, base->rules, base->n_rules * sizeof(*rules));
                free(base->rules);
                base->rules = rules;
                base->n_rules = n;
                free(over->rules);
                over->rules = NULL;
                over->n_rules = 0;
        }
        settings_override(&base->defaults, &over->defaults);
        return 0;
}

const struct rule *policy_match(const struct policy *p, const struct device *d) {
        for (size_t i = 0; i < p->n_rules; i++)
                if (match_device(&p->rules[i].match, d, NULL) == ANSWER_YES)
                        return &p->rules[i];
        return NULL;
}

uint64_t retry_delay(const struct retry *r, unsigned int done) {
        uint64_t delay = r->delay_usec;

        while (done-- > 0 && delay < r->max_delay_usec)
                delay *= 2;
        return delay < r->max_delay_usec ? delay : r->max_delay_usec;
}

uint64_t amount_of(struct amount a, uint64_t whole) {
        if (!a.percent)
                return a.value;
        return whole / 10000 * a.value + whole % 10000 * a.value / 10000;
}

struct policy *policy_free(struct policy *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_rules; i++) {
                free(p->rules[i].name);
                free(p->rules[i].file);
                match_clear(&p->rules[i].match);
        }
        free(p->rules);
        free(p);
        return NULL;
}

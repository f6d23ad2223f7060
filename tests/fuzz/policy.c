/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy file: what is accepted is in order, and of what is not it is said why. */
#include <errno.h>

#include "fuzz.h"
#include "policy-json.h"
#include "text.h"

static void check_amount(const struct amount *a) {
        MUST(a->value <= (a->percent ? 100 * 100 : INT64_MAX));
}

static void check_settings(const struct settings *s) {
        if (s->given & SETTING_ACTION)
                MUST(s->action < _ACTION_MAX);
        if (s->given & SETTING_MEMMAP)
                MUST(s->memmap < _MEMMAP_MODE_MAX);
        if (s->given & SETTING_RAM_RESERVE)
                check_amount(&s->ram_reserve);
        if (s->given & SETTING_ZONE)
                MUST(s->zone < _ZONE_MODE_MAX);
        if (s->given & SETTING_MOVABLE_RATIO)
                MUST(s->movable_ratio <= 1000 * 100);
        if (s->given & SETTING_BACKEND)
                MUST(s->backend < _BACKEND_MAX);
        if (s->given & SETTING_MAX_SIZE)
                check_amount(&s->max_size);
        if (s->given & SETTING_ON_FAILURE)
                MUST(s->on_failure < _ON_FAILURE_MAX);
        if (s->given & SETTING_RETRY)
                MUST(s->retry.times <= 1000 && s->retry.delay_usec > 0 &&
                     s->retry.delay_usec <= s->retry.max_delay_usec);
        if (s->given & SETTING_PRESSURE)
                MUST(s->pressure.stop <= 10000 && s->pressure.slow <= (s->pressure.stop ?: 10000));
        if (s->given & SETTING_USE)
                MUST(s->use.prefer < _PREFER_MAX && !(s->use.gigantic_pages && s->use.removable));
        if (s->given & SETTING_PRIORITY)
                MUST(s->priority >= -1000 && s->priority <= 1000);
        if (s->given & SETTING_ORDER)
                MUST(s->order < _ORDER_MAX);
}

static void check_match(const struct match *m) {
        if (m->given & MATCH_BACKING)
                MUST(m->backing < _BACKING_MAX);
        if (m->given & MATCH_DEVICE)
                MUST(m->device && *m->device);
        else
                MUST(!m->device);
        MUST(!(m->given & MATCH_UUID) || strlen(m->uuid) == 36);
        MUST(!(m->given & (MATCH_VENDOR | MATCH_PRODUCT)) ||
             (m->vendor <= UINT16_MAX && m->product <= UINT16_MAX));
        MUST(!(m->given & MATCH_ALL) == (m->n_all == 0) && !(m->given & MATCH_ANY) == (m->n_any == 0));
        MUST(!(m->given & MATCH_NOT) == !m->not);
        for (size_t i = 0; i < m->n_all; i++)
                check_match(&m->all[i]);
        for (size_t i = 0; i < m->n_any; i++)
                check_match(&m->any[i]);
        if (m->not)
                check_match(m->not);
        if (m->given & MATCH_TARGET_NODE)
                MUST(m->target_node >= 0 && m->target_node <= POLICY_NODE_MAX);
        if (m->given & MATCH_MIN_SIZE && m->given & MATCH_MAX_SIZE)
                MUST(m->min_size <= m->max_size);
}

static void check_rules(const struct policy *p) {
        for (size_t i = 0; i < p->n_rules; i++) {
                const char *name = p->rules[i].name;

                MUST(name && *name && strlen(name) <= POLICY_NAME_MAX);
                MUST(text_printable(name));
                for (size_t j = 0; j < i; j++)
                        MUST(strcmp(name, p->rules[j].name) != 0);
                check_match(&p->rules[i].match);
                check_settings(&p->rules[i].settings);
        }
}

/* Deciding by it never fails. */
static void check_use(const struct policy *p) {
        static const struct device d = { .name = "dax0.0", .size = 1 << 30, .target_node = 1 };
        const struct rule *rule = policy_match(p, &d);
        struct settings s = policy_resolve(p, rule);

        MUST(!rule || (rule >= p->rules && rule < p->rules + p->n_rules));
        s.given = ~0u;
        check_settings(&s);
}

static void check_error(const struct policy_error *e, const char *text, size_t size) {
        int lines = 1;

        for (size_t i = 0; i < size; i++)
                lines += text[i] == '\n';
        MUST(strnlen(e->message, sizeof(e->message)) < sizeof(e->message));
        MUST(strnlen(e->pointer, sizeof(e->pointer)) < sizeof(e->pointer));
        MUST(e->message[0] && text_printable(e->message) && text_printable(e->pointer));
        MUST(e->line >= 0 && e->line <= lines && e->column >= 0);
        MUST((e->line == 0) == (e->column == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct policy *p = NULL;
        struct policy_error error = {};
        /* Exactly as large as it is, so that a look beyond its end is seen. */
        char *text = malloc(size ?: 1);
        int r;

        MUST(text);
        if (size > 0)
                memcpy(text, data, size);
        r = policy_decode(text, size, &p, &error);
        if (r >= 0) {
                check_settings(&p->defaults);
                check_rules(p);
                check_use(p);
                policy_free(p);
        } else {
                MUST(r == -EINVAL && !p);
                check_error(&error, text, size);
                /* Who does not ask why gets the same answer. */
                MUST(policy_decode(text, size, &p, NULL) == r && !p);
        }
        free(text);
        return 0;
}

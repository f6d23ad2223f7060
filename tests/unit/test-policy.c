/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "policy.h"

static const struct device cxl = {
        .name = "dax0.0", .backing = BACKING_CXL, .target_node = 2, .size = 8 * GiB,
};

static bool matches(struct match match) {
        struct rule rule = { .name = (char *) "rule", .match = match };
        const struct policy p = { .n_rules = 1, .rules = &rule };

        return policy_match(&p, &cxl) == &rule;
}

static void rule_without_conditions_matches_all(void **state) {
        (void) state;
        assert_true(matches((struct match) {}));
        /* What is not given does not count, whatever the field holds. */
        assert_true(matches((struct match) {
                .backing = BACKING_PMEM, .device = (char *) "dax9.9", .target_node = 7,
                .min_size = UINT64_MAX, .max_size = 1,
        }));
}

static void each_condition_matches_by_itself(void **state) {
        (void) state;
        assert_true(matches((struct match) { MATCH_BACKING, .backing = BACKING_CXL }));
        assert_false(matches((struct match) { MATCH_BACKING, .backing = BACKING_HMEM }));
        assert_true(matches((struct match) { MATCH_TARGET_NODE, .target_node = 2 }));
        assert_false(matches((struct match) { MATCH_TARGET_NODE, .target_node = 0 }));
}

static void device_is_a_shell_pattern(void **state) {
        static const struct {
                const char *pattern;
                bool match;
        } cases[] = {
                { "dax0.0", true }, { "dax0.*", true }, { "dax[0-3].?", true }, { "*", true },
                { "dax0", false }, { "dax0?0.", false }, { "dax1.*", false }, { "", false },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++)
                assert_int_equal(matches((struct match) {
                        MATCH_DEVICE, .device = (char *) cases[i].pattern,
                }), cases[i].match);
}

static void size_bounds_are_inclusive(void **state) {
        (void) state;
        assert_true(matches((struct match) { MATCH_MIN_SIZE, .min_size = 8 * GiB }));
        assert_false(matches((struct match) { MATCH_MIN_SIZE, .min_size = 8 * GiB + 1 }));
        assert_true(matches((struct match) { MATCH_MAX_SIZE, .max_size = 8 * GiB }));
        assert_false(matches((struct match) { MATCH_MAX_SIZE, .max_size = 8 * GiB - 1 }));
        assert_true(matches((struct match) {
                MATCH_MIN_SIZE | MATCH_MAX_SIZE, .min_size = 8 * GiB, .max_size = 8 * GiB,
        }));
}

static void all_conditions_must_hold(void **state) {
        (void) state;
        assert_true(matches((struct match) {
                MATCH_BACKING | MATCH_TARGET_NODE | MATCH_DEVICE,
                .backing = BACKING_CXL, .target_node = 2, .device = (char *) "dax*",
        }));
        assert_false(matches((struct match) {
                MATCH_BACKING | MATCH_TARGET_NODE | MATCH_DEVICE,
                .backing = BACKING_CXL, .target_node = 2, .device = (char *) "dax1*",
        }));
}

static void first_rule_that_matches_wins(void **state) {
        struct rule rules[] = {
                { .match = { MATCH_BACKING, .backing = BACKING_PMEM } },
                { .match = { MATCH_BACKING, .backing = BACKING_CXL } },
                {},
        };
        const struct policy p = { .n_rules = 3, .rules = rules };

        (void) state;
        assert_ptr_equal(policy_match(&p, &cxl), &rules[1]);
        rules[1].match.backing = BACKING_HMEM;
        assert_ptr_equal(policy_match(&p, &cxl), &rules[2]);
        rules[2] = rules[0];
        assert_null(policy_match(&p, &cxl));
        assert_null(policy_match(&(struct policy) {}, &cxl));
}

static void assert_settings(struct settings a, struct settings b) {
        assert_int_equal(a.action, b.action);
        assert_int_equal(a.memmap, b.memmap);
        assert_int_equal(a.ram_reserve.percent, b.ram_reserve.percent);
        assert_size(a.ram_reserve.value, b.ram_reserve.value);
        assert_int_equal(a.zone, b.zone);
        assert_size(a.movable_ratio, b.movable_ratio);
        assert_int_equal(a.order, b.order);
        assert_int_equal(a.allow_seeds, b.allow_seeds);
        assert_int_equal(a.backend, b.backend);
        assert_int_equal(a.max_size.percent, b.max_size.percent);
        assert_size(a.max_size.value, b.max_size.value);
        assert_int_equal(a.on_failure, b.on_failure);
        assert_int_equal(a.retry.times, b.retry.times);
        assert_size(a.retry.delay_usec, b.retry.delay_usec);
        assert_size(a.retry.max_delay_usec, b.retry.max_delay_usec);
        assert_int_equal(a.priority, b.priority);
        assert_size(a.pressure.slow, b.pressure.slow);
        assert_size(a.pressure.stop, b.pressure.stop);
        assert_int_equal(a.create_region.create, b.create_region.create);
        assert_int_equal(a.create_region.ways, b.create_region.ways);
        assert_int_equal(a.create_region.granularity, b.create_region.granularity);
        assert_int_equal(a.after_online.sets_demotion, b.after_online.sets_demotion);
        assert_int_equal(a.after_online.demotion, b.after_online.demotion);
        assert_int_equal(a.after_online.weight, b.after_online.weight);
        assert_int_equal(a.after_online.balancing, b.after_online.balancing);
}

static void builtin_is_what_the_manual_says(void **state) {
        (void) state;
        assert_settings(policy_resolve(&(struct policy) {}, NULL), (struct settings) {
                .action = ACTION_ONLINE, .memmap = MEMMAP_AUTO,
                .ram_reserve = { .percent = true, .value = 1000 },
                .zone = ZONE_MODE_AUTO, .movable_ratio = 300, .order = ORDER_FAST,
                .allow_seeds = true, .max_size = { .percent = true, .value = 10000 },
                .retry = { .delay_usec = 5000000, .max_delay_usec = 300000000 },
        });
}

#define ALL (SETTING_ACTION | SETTING_MEMMAP | SETTING_RAM_RESERVE | SETTING_ZONE |     \
             SETTING_ORDER | SETTING_ALLOW_SEEDS | SETTING_BACKEND |     \
             SETTING_MOVABLE_RATIO | SETTING_MAX_SIZE | SETTING_ON_FAILURE | SETTING_RETRY | \
             SETTING_PRIORITY | SETTING_PRESSURE | SETTING_CREATE_REGION | SETTING_AFTER_ONLINE)

static const struct settings other = {
        .action = ACTION_PLUG, .memmap = MEMMAP_MIXED, .ram_reserve = { .value = 5 },
        .zone = ZONE_MODE_KERNEL, .movable_ratio = 7, .order = ORDER_DESCENDING, .allow_seeds = false,
        .backend = BACKEND_NATIVE, .max_size = { .value = 9 }, .on_failure = ON_FAILURE_ROLLBACK,
        .retry = { .times = 3, .delay_usec = 7, .max_delay_usec = 8 }, .priority = -4,
        .pressure = { .slow = 5, .stop = 6 },
        .create_region = { .create = true, .ways = 2, .granularity = 512 },
        .after_online = {
                .sets_demotion = true, .demotion = true, .weight = 4,
                .balancing = BALANCING_TIERING,
        },
};

static void defaults_override_builtin(void **state) {
        struct policy p = { .defaults = other };

        (void) state;
        /* Not those that are not given. */
        assert_settings(policy_resolve(&p, NULL), policy_builtin());
        p.defaults.given = ALL;
        assert_settings(policy_resolve(&p, NULL), other);
        assert_settings(policy_resolve(&p, &(struct rule) {}), other);
}

static void rule_overrides_defaults_one_by_one(void **state) {
        struct settings back = policy_builtin();
        const struct policy p = { .defaults = other };
        struct policy given = p;

        (void) state;
        given.defaults.given = ALL;
        for (unsigned int bit = 1; bit <= ALL; bit <<= 1) {
                struct rule rule = { .settings = back };
                struct settings expected = other, s;

                if (!(bit & ALL))
                        continue;
                rule.settings.given = bit;
                expected.action = bit == SETTING_ACTION ? back.action : expected.action;
                expected.memmap = bit == SETTING_MEMMAP ? back.memmap : expected.memmap;
                expected.zone = bit == SETTING_ZONE ? back.zone : expected.zone;
                expected.order = bit == SETTING_ORDER ? back.order : expected.order;
                expected.allow_seeds = bit == SETTING_ALLOW_SEEDS;
                expected.backend = bit == SETTING_BACKEND ? back.backend : expected.backend;
                if (bit == SETTING_MOVABLE_RATIO)
                        expected.movable_ratio = back.movable_ratio;
                if (bit == SETTING_MAX_SIZE)
                        expected.max_size = back.max_size;
                if (bit == SETTING_PRESSURE)
                        expected.pressure = back.pressure;
                if (bit == SETTING_CREATE_REGION)
                        expected.create_region = back.create_region;
                if (bit == SETTING_AFTER_ONLINE)
                        expected.after_online = back.after_online;
                if (bit == SETTING_RETRY)
                        expected.retry = back.retry;
                expected.on_failure = bit == SETTING_ON_FAILURE ? back.on_failure : expected.on_failure;
                expected.priority = bit == SETTING_PRIORITY ? back.priority : expected.priority;
                if (bit == SETTING_RAM_RESERVE)
                        expected.ram_reserve = back.ram_reserve;
                s = policy_resolve(&given, &rule);
                assert_settings(s, expected);
                assert_int_equal(s.given, ALL);
        }
}

static void amounts(void **state) {
        (void) state;
        assert_size(amount_of((struct amount) { .value = 7 }, 5), 7);
        assert_size(amount_of((struct amount) { .percent = true, .value = 1000 }, 1234), 123);
        assert_size(amount_of((struct amount) { .percent = true, .value = 1 }, 20000), 2);
        assert_size(amount_of((struct amount) { .percent = true, .value = 9999 }, 9999), 9998);
        assert_size(amount_of((struct amount) { .percent = true, .value = 0 }, 77), 0);
        /* In the middle of the sum nothing overflows. */
        assert_size(amount_of((struct amount) { .percent = true, .value = 10000 }, UINT64_MAX),
                    UINT64_MAX);
        assert_size(amount_of((struct amount) { .percent = true, .value = 5000 }, UINT64_MAX),
                    UINT64_MAX / 2);
}

static void each_try_waits_longer(void **state) {
        const struct retry r = { .times = 5, .delay_usec = 5, .max_delay_usec = 22 };

        (void) state;
        assert_size(retry_delay(&r, 0), 5);
        assert_size(retry_delay(&r, 1), 10);
        assert_size(retry_delay(&r, 2), 20);
        assert_size(retry_delay(&r, 3), 22);
        assert_size(retry_delay(&r, 1000), 22);
}

/* Each value of an enum has a word, and the word leads back to it. */
#define CHECK_WORDS(type, max)                                                          \
        do {                                                                            \
                for (int i_ = 0; i_ < (int) (max); i_++)                                \
                        assert_int_equal(type##_from_string(type##_to_string(i_)), i_); \
                assert_int_equal(type##_from_string("no such word"), -1);               \
                assert_int_equal(type##_from_string(""), -1);                           \
        } while (false)

static void words_lead_back(void **state) {
        (void) state;
        CHECK_WORDS(action, _ACTION_MAX);
        CHECK_WORDS(memmap_mode, _MEMMAP_MODE_MAX);
        CHECK_WORDS(order, _ORDER_MAX);
        CHECK_WORDS(prefer, _PREFER_MAX);
        CHECK_WORDS(on_failure, _ON_FAILURE_MAX);
        CHECK_WORDS(backing, _BACKING_MAX);
        CHECK_WORDS(health, _HEALTH_MAX);
        CHECK_WORDS(zone_mode, _ZONE_MODE_MAX);
        CHECK_WORDS(backend, _BACKEND_MAX);
}

static void others_have_words(void **state) {
        (void) state;
        for (int i = 0; i < _HOLDER_MAX; i++)
                assert_non_null(holder_to_string(i));
        for (int i = 0; i < _PLACEMENT_MAX; i++)
                assert_non_null(placement_to_string(i));
        for (int i = 0; i < _VERDICT_MAX; i++)
                assert_non_null(verdict_to_string(i));
        for (int i = 0; i < _STEP_MAX; i++)
                assert_non_null(step_to_string(i));
}

static void found_by_name(void **state) {
        struct device devices[] = { { .name = "dax0.0" }, { .name = "dax0.1" } };
        struct node nodes[] = { { .id = 4 }, { .id = 2 } };
        struct model m = {
                .n_devices = 2, .devices = devices, .n_nodes = 2, .nodes = nodes,
        };

        (void) state;
        assert_ptr_equal(model_device(&m, "dax0.1"), &devices[1]);
        assert_null(model_device(&m, "dax0"));
        assert_ptr_equal(model_node(&m, 2), &nodes[1]);
        assert_null(model_node(&m, 0));
        assert_null(model_node(&m, -1));
}

static void counted(void **state) {
        struct block blocks[10];
        struct device d = { .n_blocks = 10, .blocks = blocks };
        struct device_counts c;

        (void) state;
        fill_blocks(blocks, "rrdsssd...", "kmm-kmg.xx");
        c = device_count(&d);
        assert_size(c.plugged, 7);
        assert_size(c.online, 5);
        assert_size(c.failed, 2);
        assert_size(c.ram, 2);
        assert_size(c.device, 2);
        assert_size(c.seed, 3);
        assert_size(c.kernel, 2);
        assert_size(c.movable, 3);
}

static void freed_as_a_whole(void **state) {
        struct policy *p = calloc(1, sizeof(*p));

        (void) state;
        p->n_rules = 2;
        p->rules = calloc(2, sizeof(*p->rules));
        p->rules[0].name = strdup("one");
        p->rules[1].match.device = strdup("dax*");
        p->rules[1].file = strdup("policy.json");
        assert_null(policy_free(p));
        assert_null(policy_free(NULL));
}

static struct policy *with_rules(const char *const *names, size_t n) {
        struct policy *p = calloc(1, sizeof(*p));

        p->n_rules = n;
        p->rules = n > 0 ? calloc(n, sizeof(*p->rules)) : NULL;
        for (size_t i = 0; i < n; i++)
                p->rules[i].name = strdup(names[i]);
        return p;
}

static void rules_of_the_upper_one_come_first(void **state) {
        struct policy *base = with_rules((const char *const[]) { "a", "b" }, 2);
        struct policy *over = with_rules((const char *const[]) { "c", "d" }, 2);
        static const char *const expected[] = { "c", "d", "a", "b" };

        (void) state;
        assert_int_equal(policy_stack(base, over), 0);
        assert_int_equal(over->n_rules, 0);
        assert_null(policy_free(over));
        assert_int_equal(base->n_rules, COUNT(expected));
        for (size_t i = 0; i < COUNT(expected); i++)
                assert_string_equal(base->rules[i].name, expected[i]);
        assert_null(policy_free(base));
}

static void either_may_have_no_rules(void **state) {
        struct policy *base = with_rules(NULL, 0), *none = with_rules(NULL, 0);
        struct policy *over = with_rules((const char *const[]) { "a" }, 1);

        (void) state;
        assert_int_equal(policy_stack(base, none), 0);
        assert_int_equal(base->n_rules, 0);
        assert_int_equal(policy_stack(base, over), 0);
        assert_int_equal(base->n_rules, 1);
        assert_int_equal(policy_stack(base, none), 0);
        assert_int_equal(base->n_rules, 1);
        assert_string_equal(base->rules[0].name, "a");
        policy_free(none);
        policy_free(over);
        policy_free(base);
}

static void defaults_are_laid_key_by_key(void **state) {
        struct policy base = { .defaults = {
                .given = SETTING_MEMMAP | SETTING_ZONE,
                .memmap = MEMMAP_RAM, .zone = ZONE_MODE_KERNEL, .action = ACTION_PLUG,
        } }, over = { .defaults = {
                .given = SETTING_ORDER | SETTING_ZONE,
                .order = ORDER_DESCENDING, .zone = ZONE_MODE_MOVABLE, .memmap = MEMMAP_SEED,
        } };

        (void) state;
        assert_int_equal(policy_stack(&base, &over), 0);
        assert_int_equal(base.defaults.given, SETTING_MEMMAP | SETTING_ZONE | SETTING_ORDER);
        assert_int_equal(base.defaults.memmap, MEMMAP_RAM);
        assert_int_equal(base.defaults.zone, ZONE_MODE_MOVABLE);
        assert_int_equal(base.defaults.order, ORDER_DESCENDING);
        /* Nobody gave it. */
        assert_int_equal(policy_resolve(&base, NULL).action, ACTION_ONLINE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rule_without_conditions_matches_all),
                cmocka_unit_test(each_condition_matches_by_itself),
                cmocka_unit_test(device_is_a_shell_pattern),
                cmocka_unit_test(size_bounds_are_inclusive),
                cmocka_unit_test(all_conditions_must_hold),
                cmocka_unit_test(first_rule_that_matches_wins),
                cmocka_unit_test(builtin_is_what_the_manual_says),
                cmocka_unit_test(defaults_override_builtin),
                cmocka_unit_test(rule_overrides_defaults_one_by_one),
                cmocka_unit_test(amounts),
                cmocka_unit_test(each_try_waits_longer),
                cmocka_unit_test(words_lead_back),
                cmocka_unit_test(others_have_words),
                cmocka_unit_test(found_by_name),
                cmocka_unit_test(counted),
                cmocka_unit_test(freed_as_a_whole),
                cmocka_unit_test(rules_of_the_upper_one_come_first),
                cmocka_unit_test(either_may_have_no_rules),
                cmocka_unit_test(defaults_are_laid_key_by_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "lint.h"

#define SEED .given = SETTING_MEMMAP, .memmap = MEMMAP_SEED
#define PLUG .given = SETTING_ACTION, .action = ACTION_PLUG
#define FORBID .given = SETTING_ALLOW_SEEDS, .allow_seeds = false

static const struct settings nothing = {};

static void settings_contradict_themselves(void **state) {
        (void) state;
        assert_int_equal(lint_settings(&nothing, &(struct settings) {
                .given = SETTING_MEMMAP | SETTING_ACTION, .memmap = MEMMAP_SEED,
                .action = ACTION_PLUG,
        }), CONTRADICTION_OFFLINE);
        assert_int_equal(lint_settings(&nothing, &(struct settings) {
                .given = SETTING_MEMMAP | SETTING_ALLOW_SEEDS, .memmap = MEMMAP_SEED,
        }), CONTRADICTION_FORBIDDEN);
}

static void a_backend_that_cannot_do_it(void **state) {
        static const struct {
                enum backend backend;
                enum memmap_mode memmap;
                bool wrong;
        } rows[] = {
                { BACKEND_AUTO, MEMMAP_SEED }, { BACKEND_CHUNKED, MEMMAP_SEED },
                { BACKEND_CHUNKED, MEMMAP_MIXED }, { BACKEND_NATIVE, MEMMAP_AUTO },
                { BACKEND_NATIVE, MEMMAP_RAM }, { BACKEND_NATIVE, MEMMAP_DEVICE },
                { BACKEND_PLAIN, MEMMAP_AUTO }, { BACKEND_PLAIN, MEMMAP_RAM },
                { BACKEND_NATIVE, MEMMAP_SEED, true }, { BACKEND_NATIVE, MEMMAP_MIXED, true },
                { BACKEND_PLAIN, MEMMAP_SEED, true }, { BACKEND_PLAIN, MEMMAP_MIXED, true },
                { BACKEND_PLAIN, MEMMAP_DEVICE, true },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct settings backend = {
                        .given = SETTING_BACKEND, .backend = rows[i].backend,
                };
                const struct settings memmap = {
                        .given = SETTING_MEMMAP, .memmap = rows[i].memmap,
                };
                enum contradiction c = rows[i].wrong ? CONTRADICTION_BACKEND : CONTRADICTION_NONE;

                assert_int_equal(lint_settings(&backend, &memmap), c);
                assert_int_equal(lint_settings(&memmap, &backend), c);
        }
}

static void a_backend_that_takes_all_or_nothing(void **state) {
        const struct settings limit = { .given = SETTING_MAX_SIZE };

        (void) state;
        for (int b = 0; b < _BACKEND_MAX; b++) {
                const struct settings backend = { .given = SETTING_BACKEND, .backend = b };
                enum contradiction c = b == BACKEND_NATIVE || b == BACKEND_PLAIN ?
                        CONTRADICTION_LIMIT : CONTRADICTION_NONE;
                struct settings both = backend;

                settings_override(&both, &limit);
                assert_int_equal(lint_settings(&backend, &limit), c);
                assert_int_equal(lint_settings(&limit, &backend), c);
                assert_int_equal(lint_settings(&nothing, &both), c);
                assert_int_equal(lint_settings(&both, &nothing), CONTRADICTION_NONE);
                assert_int_equal(lint_settings(&nothing, &backend), CONTRADICTION_NONE);
        }
}

/* It is said of what brought it about. */
static void a_wrong_backend_is_not_blamed_again(void **state) {
        const struct settings below = {
                .given = SETTING_BACKEND | SETTING_MEMMAP, .backend = BACKEND_NATIVE,
                .memmap = MEMMAP_MIXED,
        };

        (void) state;
        assert_int_equal(lint_settings(&below, &nothing), CONTRADICTION_NONE);
}

static void each_alone_is_right(void **state) {
        const struct settings seed = { SEED }, plug = { PLUG }, forbid = { FORBID };

        (void) state;
        assert_int_equal(lint_settings(&nothing, &nothing), CONTRADICTION_NONE);
        assert_int_equal(lint_settings(&nothing, &seed), CONTRADICTION_NONE);
        assert_int_equal(lint_settings(&nothing, &plug), CONTRADICTION_NONE);
        assert_int_equal(lint_settings(&nothing, &forbid), CONTRADICTION_NONE);
        assert_int_equal(lint_settings(&nothing, &(struct settings) {
                .given = SETTING_MEMMAP | SETTING_ALLOW_SEEDS, .memmap = MEMMAP_SEED,
                .allow_seeds = true,
        }), CONTRADICTION_NONE);
        /* Seeds that may be made if need be are another thing. */
        assert_int_equal(lint_settings(&nothing, &(struct settings) {
                .given = SETTING_MEMMAP | SETTING_ACTION, .memmap = MEMMAP_MIXED,
                .action = ACTION_PLUG,
        }), CONTRADICTION_NONE);
}

static void settings_contradict_what_is_below(void **state) {
        const struct settings seed = { SEED }, plug = { PLUG }, forbid = { FORBID };

        (void) state;
        assert_int_equal(lint_settings(&plug, &seed), CONTRADICTION_OFFLINE);
        assert_int_equal(lint_settings(&seed, &plug), CONTRADICTION_OFFLINE);
        assert_int_equal(lint_settings(&seed, &forbid), CONTRADICTION_FORBIDDEN);
        /* An exception: no seeds in general, but here. */
        assert_int_equal(lint_settings(&forbid, &seed), CONTRADICTION_NONE);
}

static void what_is_below_is_not_blamed_again(void **state) {
        const struct settings below = {
                .given = SETTING_MEMMAP | SETTING_ACTION | SETTING_ALLOW_SEEDS,
                .memmap = MEMMAP_SEED, .action = ACTION_PLUG,
        };

        (void) state;
        assert_int_equal(lint_settings(&below, &nothing), CONTRADICTION_NONE);
        assert_int_equal(lint_settings(&below, &(struct settings) {
                .given = SETTING_ZONE, .zone = ZONE_MODE_KERNEL,
        }), CONTRADICTION_NONE);
}

/* What only the general one asks for, not every device of the special one has. */
static void nothing_given_is_everything(void **state) {
        const struct match anything = {};

        (void) state;
        assert_false(lint_covers(&(struct match) { MATCH_DEVICE, .device = (char *) "dax1*" },
                                 &anything));
        assert_true(lint_covers(&(struct match) { MATCH_DEVICE, .device = (char *) "*" },
                                &anything));
        assert_false(lint_covers(&(struct match) { MATCH_MIN_SIZE, .min_size = 1 }, &anything));
        assert_true(lint_covers(&(struct match) { MATCH_MIN_SIZE }, &anything));
        assert_false(lint_covers(&(struct match) { MATCH_MAX_SIZE, .max_size = 1 }, &anything));
        assert_true(lint_covers(&(struct match) { MATCH_MAX_SIZE, .max_size = UINT64_MAX },
                                &anything));
}

static bool names_cover(const char *general, const char *special) {
        return lint_covers(&(struct match) { MATCH_DEVICE, .device = (char *) general },
                           &(struct match) { MATCH_DEVICE, .device = (char *) special });
}

static void patterns(void **state) {
        (void) state;
        assert_true(names_cover("dax0.0", "dax0.0"));
        assert_true(names_cover("dax[01].*", "dax[01].*"));
        assert_true(names_cover("dax*", "dax0.0"));
        assert_true(names_cover("dax*", "dax0.*"));
        assert_true(names_cover("dax*", "dax[0-3].0"));
        assert_true(names_cover("*", "?"));
        assert_true(names_cover("dax?.0", "dax7.0"));
        assert_false(names_cover("dax0.0", "dax0.*"));
        assert_false(names_cover("dax1*", "dax*"));
        assert_false(names_cover("dax1.*", "dax0.0"));
        assert_false(names_cover("dax0.*", "dax1.*"));
        /* It does, but that is for somebody else to find out. */
        assert_false(names_cover("*.0", "dax?.0"));
        assert_false(names_cover("dax*.0", "dax*0.0"));
        /* A backslash makes a star an ordinary character. */
        assert_false(names_cover("dax\\*", "dax0.0"));
        assert_false(names_cover("dax\\*", "dax0.*"));
}

static void one_condition(void **state) {
        const struct match all = {}, node = { MATCH_TARGET_NODE, .target_node = 2 },
                cxl = { MATCH_BACKING, .backing = BACKING_CXL },
                any = { MATCH_DEVICE, .device = (char *) "*" },
                large = { MATCH_MIN_SIZE, .min_size = 8 * GiB },
                small = { MATCH_MAX_SIZE, .max_size = 8 * GiB },
                one[] = { node, cxl, any, large, small };

        (void) state;
        assert_true(lint_covers(&all, &all));
        assert_true(lint_covers(&any, &all));
        for (size_t i = 0; i < COUNT(one); i++) {
                assert_true(lint_covers(&all, &one[i]));
                assert_true(lint_covers(&one[i], &one[i]));
                assert_int_equal(lint_covers(&one[i], &all), one[i].given == MATCH_DEVICE);
        }
        assert_false(lint_covers(&node, &(struct match) { MATCH_TARGET_NODE, .target_node = 3 }));
        assert_false(lint_covers(&cxl, &(struct match) { MATCH_BACKING, .backing = BACKING_PMEM }));
        assert_false(lint_covers(&cxl, &node));
        assert_false(lint_covers(&large, &small));
}

static void sizes(void **state) {
        const struct match between = {
                MATCH_MIN_SIZE | MATCH_MAX_SIZE, .min_size = 2 * GiB, .max_size = 8 * GiB,
        };

        (void) state;
        assert_true(lint_covers(&between, &(struct match) {
                MATCH_MIN_SIZE | MATCH_MAX_SIZE, .min_size = 2 * GiB, .max_size = 8 * GiB,
        }));
        assert_false(lint_covers(&between, &(struct match) {
                MATCH_MIN_SIZE | MATCH_MAX_SIZE, .min_size = 2 * GiB - 1, .max_size = 8 * GiB,
        }));
        assert_false(lint_covers(&between, &(struct match) {
                MATCH_MIN_SIZE | MATCH_MAX_SIZE, .min_size = 2 * GiB, .max_size = 8 * GiB + 1,
        }));
        assert_false(lint_covers(&between, &(struct match) {
                MATCH_MAX_SIZE, .max_size = 4 * GiB,
        }));
        assert_true(lint_covers(&(struct match) { MATCH_MIN_SIZE }, &(struct match) {}));
}

static void more_conditions_match_less(void **state) {
        const struct match cxl = { MATCH_BACKING, .backing = BACKING_CXL }, cxl_of_2 = {
                MATCH_BACKING | MATCH_TARGET_NODE, .backing = BACKING_CXL, .target_node = 2,
        };

        (void) state;
        assert_true(lint_covers(&cxl, &cxl_of_2));
        assert_false(lint_covers(&cxl_of_2, &cxl));
}

static void shadows(void **state) {
        struct rule rules[] = {
                { .match = { MATCH_BACKING, .backing = BACKING_CXL } },
                { .match = { MATCH_TARGET_NODE, .target_node = 2 } },
                { .match = { MATCH_BACKING | MATCH_TARGET_NODE, .backing = BACKING_CXL,
                             .target_node = 2 } },
                {},
                { .match = { MATCH_BACKING, .backing = BACKING_PMEM } },
        };
        const struct policy p = { .n_rules = COUNT(rules), .rules = rules };

        (void) state;
        assert_null(lint_shadow(&p, 0));
        assert_null(lint_shadow(&p, 1));
        assert_ptr_equal(lint_shadow(&p, 2), &rules[0]);
        assert_null(lint_shadow(&p, 3));
        assert_ptr_equal(lint_shadow(&p, 4), &rules[3]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(settings_contradict_themselves),
                cmocka_unit_test(a_backend_that_cannot_do_it),
                cmocka_unit_test(a_backend_that_takes_all_or_nothing),
                cmocka_unit_test(a_wrong_backend_is_not_blamed_again),
                cmocka_unit_test(each_alone_is_right),
                cmocka_unit_test(nothing_given_is_everything),
                cmocka_unit_test(settings_contradict_what_is_below),
                cmocka_unit_test(what_is_below_is_not_blamed_again),
                cmocka_unit_test(patterns),
                cmocka_unit_test(one_condition),
                cmocka_unit_test(sizes),
                cmocka_unit_test(more_conditions_match_less),
                cmocka_unit_test(shadows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the decoder of policy files accepts.  The corpus of whole files in POLICY_CORPUS
 * is judged by the schema as well, see check.py there.
 */
#include <dirent.h>

#include "policy-file.h"
#include "policy-unit.h"

static void test_minimal(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode("{\"version\":1}");

        (void) state;
        assert_int_equal(p->defaults.given, 0);
        assert_int_equal(p->n_rules, 0);
}

static void test_text_without_end(void **state) {
        const char text[] = "{\"version\":1}garbage";
        struct policy *p = NULL;

        (void) state;
        assert_int_equal(policy_decode(text, strlen("{\"version\":1}"), &p, NULL), 0);
        assert_null(policy_free(p));
}

static void test_empty_objects(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        "{ \"rules\": [], \"defaults\": {}, \"version\": 1 }\n");

        (void) state;
        assert_int_equal(p->defaults.given, 0);
        assert_int_equal(p->n_rules, 0);
}

static void test_all_settings(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        DEFAULTS("\"action\": \"plug\", \"memmap\": \"device\","
                                 "\"ram_reserve\": \"2.5%\", \"zone\": \"kernel\","
                                 "\"movable_ratio\": 2.5, \"order\": \"descending\","
                                 "\"allow_seeds\": false, \"backend\": \"native\""));
        const struct settings *s = &p->defaults;

        (void) state;
        assert_int_equal(s->given,
                         SETTING_ACTION | SETTING_MEMMAP | SETTING_RAM_RESERVE |
                         SETTING_ZONE | SETTING_ORDER | SETTING_ALLOW_SEEDS |
                         SETTING_BACKEND | SETTING_MOVABLE_RATIO);
        assert_int_equal(s->action, ACTION_PLUG);
        assert_int_equal(s->memmap, MEMMAP_DEVICE);
        assert_true(s->ram_reserve.percent);
        assert_int_equal(s->ram_reserve.value, 250);
        assert_int_equal(s->zone, ZONE_MODE_KERNEL);
        assert_int_equal(s->movable_ratio, 250);
        assert_int_equal(s->order, ORDER_DESCENDING);
        assert_false(s->allow_seeds);
        assert_int_equal(s->backend, BACKEND_NATIVE);
}

static void test_given_alone(void **state) {
        static const struct {
                const char *text;
                unsigned int given;
        } settings[] = {
                { DEFAULTS("\"action\": \"online\""), SETTING_ACTION },
                { DEFAULTS("\"memmap\": \"auto\""), SETTING_MEMMAP },
                { DEFAULTS("\"ram_reserve\": 0"), SETTING_RAM_RESERVE },
                { DEFAULTS("\"zone\": \"movable\""), SETTING_ZONE },
                { DEFAULTS("\"movable_ratio\": 3"), SETTING_MOVABLE_RATIO },
                { DEFAULTS("\"order\": \"fast\""), SETTING_ORDER },
                { DEFAULTS("\"allow_seeds\": true"), SETTING_ALLOW_SEEDS },
                { DEFAULTS("\"backend\": \"auto\""), SETTING_BACKEND },
        }, matches[] = {
                { MATCH(""), 0 },
                { MATCH("\"backing\": \"cxl\""), MATCH_BACKING },
                { MATCH("\"device\": \"dax0.0\""), MATCH_DEVICE },
                { MATCH("\"target_node\": 0"), MATCH_TARGET_NODE },
                { MATCH("\"min_size\": 0"), MATCH_MIN_SIZE },
                { MATCH("\"max_size\": 0"), MATCH_MAX_SIZE },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                _cleanup_(policy_freep) struct policy *p = decode(settings[i].text);

                assert_int_equal(p->defaults.given, settings[i].given);
        }
        for (size_t i = 0; i < ELEMENTSOF(matches); i++) {
                _cleanup_(policy_freep) struct policy *p = decode(matches[i].text);

                assert_int_equal(p->n_rules, 1);
                assert_int_equal(p->rules[0].match.given, matches[i].given);
                assert_int_equal(p->rules[0].settings.given, 0);
        }
}

static void test_limits(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        DEFAULTS("\"max_size\": \"12.5%\", \"on_failure\": \"rollback\", \"priority\": -7,"
                                 "\"retry\": { \"times\": 3, \"delay\": \"500ms\", \"max_delay\": \"2h\" },"
                                 "\"pressure\": { \"slow\": \"0.5%\", \"stop\": \"40%\" },"
                                 "\"use\": { \"hvo\": true, \"removable\": true, "
                                 "\"prefer\": \"capacity\" }"));
        const struct settings *s = &p->defaults;

        (void) state;
        assert_int_equal(s->given, SETTING_MAX_SIZE | SETTING_ON_FAILURE | SETTING_PRIORITY |
                         SETTING_RETRY | SETTING_PRESSURE | SETTING_USE);
        assert_true(s->max_size.percent);
        assert_int_equal(s->max_size.value, 1250);
        assert_int_equal(s->on_failure, ON_FAILURE_ROLLBACK);
        assert_int_equal(s->priority, -7);
        assert_int_equal(s->retry.times, 3);
        assert_int_equal(s->retry.delay_usec, 500 * 1000);
        assert_int_equal(s->retry.max_delay_usec, 7200 * UINT64_C(1000000));
        assert_int_equal(s->pressure.slow, 50);
        assert_int_equal(s->pressure.stop, 4000);
        assert_true(s->use.hvo && s->use.removable && !s->use.gigantic_pages);
        assert_int_equal(s->use.prefer, PREFER_CAPACITY);
}

static void test_create_region(void **state) {
        static const struct {
                const char *text;
                bool create;
                unsigned int ways, granularity;
        } cases[] = {
                { DEFAULTS("\"create_region\": true"), true, 0, 0 },
                { DEFAULTS("\"create_region\": false"), false, 0, 0 },
                { DEFAULTS("\"create_region\": {}"), true, 0, 0 },
                { DEFAULTS("\"create_region\": { \"ways\": 12 }"), true, 12, 0 },
                { DEFAULTS("\"create_region\": { \"ways\": 1, \"granularity\": 4096 }"), true, 1, 4096 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(policy_freep) struct policy *p = decode(cases[i].text);

                assert_int_equal(p->defaults.given, SETTING_CREATE_REGION);
                assert_true(p->defaults.create_region.create == cases[i].create);
                assert_int_equal(p->defaults.create_region.ways, cases[i].ways);
                assert_int_equal(p->defaults.create_region.granularity, cases[i].granularity);
        }
}

static void test_after_online(void **state) {
        static const struct {
                const char *text;
                struct after_online after;
        } cases[] = {
                { DEFAULTS("\"after_online\": {}"), {} },
                { DEFAULTS("\"after_online\": { \"demotion\": false }"), { .sets_demotion = true } },
                { DEFAULTS("\"after_online\": { \"interleave_weight\": 255 }"), { .weight = 255 } },
                { DEFAULTS("\"after_online\": { \"numa_balancing\": \"off\" }"),
                  { .balancing = BALANCING_OFF } },
                { DEFAULTS("\"after_online\": { \"demotion\": true, \"interleave_weight\": 1, "
                           "\"numa_balancing\": \"tiering\", \"comment\": \"why\" }"),
                  { .sets_demotion = true, .demotion = true, .weight = 1,
                    .balancing = BALANCING_TIERING } },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(policy_freep) struct policy *p = decode(cases[i].text);
                const struct after_online *a = &p->defaults.after_online, *e = &cases[i].after;

                assert_int_equal(p->defaults.given, SETTING_AFTER_ONLINE);
                assert_true(a->sets_demotion == e->sets_demotion && a->demotion == e->demotion);
                assert_int_equal(a->weight, e->weight);
                assert_int_equal(a->balancing, e->balancing);
        }
}

static void test_retry_left_open(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(DEFAULTS("\"retry\": { \"times\": 1 }"));

        (void) state;
        assert_int_equal(p->defaults.retry.delay_usec, 5 * 1000000);
        assert_int_equal(p->defaults.retry.max_delay_usec, 300 * 1000000);
}

static void test_facts(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        MATCH("\"region\": \"region*\", \"memdev\": \"mem0\","
                              "\"uuid\": \"0f5b1e1c-31b7-4c6a-9d3c-7a2d5f0b8e44\","
                              "\"serial\": \"0xFFFFFFFFFFFFFFFe\", \"vendor_id\": \"0x8086\","
                              "\"device_id\": 7, \"qos_class\": 3, \"health\": \"failing\","
                              "\"decoder\": \"decoder0.?\", \"firmware\": \"1.2*\","
                              "\"expander_node\": 1023"));
        const struct match *m = &p->rules[0].match;

        (void) state;
        assert_int_equal(m->given, MATCH_REGION | MATCH_MEMDEV | MATCH_UUID | MATCH_SERIAL |
                         MATCH_VENDOR | MATCH_PRODUCT | MATCH_QOS_CLASS | MATCH_HEALTH |
                         MATCH_DECODER | MATCH_FIRMWARE | MATCH_EXPANDER_NODE);
        assert_string_equal(m->region, "region*");
        assert_string_equal(m->memdev, "mem0");
        assert_string_equal(m->uuid, "0f5b1e1c-31b7-4c6a-9d3c-7a2d5f0b8e44");
        assert_true(m->serial == UINT64_MAX - 1);
        assert_int_equal(m->vendor, 0x8086);
        assert_int_equal(m->product, 7);
        assert_int_equal(m->qos_class, 3);
        assert_int_equal(m->health, HEALTH_FAILING);
        assert_string_equal(m->decoder, "decoder0.?");
        assert_string_equal(m->firmware, "1.2*");
        assert_int_equal(m->expander_node, 1023);
}

static void test_combined(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        MATCH("\"all\": [ { \"serial\": 1 }, { \"not\": { \"serial\": 2 } } ],"
                              "\"any\": [ { \"any\": [ { \"serial\": 3 } ] } ], \"not\": {}"));
        const struct match *m = &p->rules[0].match;

        (void) state;
        assert_int_equal(m->given, MATCH_ALL | MATCH_ANY | MATCH_NOT);
        assert_int_equal(m->n_all, 2);
        assert_int_equal(m->all[0].serial, 1);
        assert_int_equal(m->all[1].not->serial, 2);
        assert_int_equal(m->n_any, 1);
        assert_int_equal(m->any[0].any[0].serial, 3);
        assert_int_equal(m->not->given, 0);
}

static void test_rules(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        RULES("{ \"name\": \"first\","
                              "  \"match\": { \"backing\": \"hmem\", \"device\": \"dax0.*\","
                              "               \"target_node\": 1023, \"min_size\": \"1G\","
                              "               \"max_size\": \"4GiB\" } },"
                              "{ \"memmap\": \"ram\", \"match\": {}, \"name\": \"zw\\u00f6lf\" }"));
        const struct match *m = &p->rules[0].match;

        (void) state;
        assert_int_equal(p->n_rules, 2);

        assert_string_equal(p->rules[0].name, "first");
        assert_int_equal(m->given,
                         MATCH_BACKING | MATCH_DEVICE | MATCH_TARGET_NODE |
                         MATCH_MIN_SIZE | MATCH_MAX_SIZE);
        assert_int_equal(m->backing, BACKING_HMEM);
        assert_string_equal(m->device, "dax0.*");
        assert_int_equal(m->target_node, 1023);
        assert_int_equal(m->min_size, UINT64_C(1) << 30);
        assert_int_equal(m->max_size, UINT64_C(4) << 30);
        assert_int_equal(p->rules[0].settings.given, 0);

        assert_string_equal(p->rules[1].name, "zw\xc3\xb6lf");
        assert_int_equal(p->rules[1].match.given, 0);
        assert_null(p->rules[1].match.device);
        assert_int_equal(p->rules[1].settings.given, SETTING_MEMMAP);
        assert_int_equal(p->rules[1].settings.memmap, MEMMAP_RAM);
}

static void test_words(void **state) {
        (void) state;
#define WORD(key, member, word, expected)                                               \
        do {                                                                            \
                _cleanup_(policy_freep) struct policy *p =                              \
                        decode(DEFAULTS("\"" key "\": \"" word "\""));                  \
                                                                                        \
                assert_int_equal(p->defaults.member, expected);                         \
        } while (0)
        WORD("action", action, "online", ACTION_ONLINE);
        WORD("action", action, "plug", ACTION_PLUG);
        WORD("action", action, "ignore", ACTION_IGNORE);
        WORD("memmap", memmap, "auto", MEMMAP_AUTO);
        WORD("memmap", memmap, "ram", MEMMAP_RAM);
        WORD("memmap", memmap, "device", MEMMAP_DEVICE);
        WORD("memmap", memmap, "seed", MEMMAP_SEED);
        WORD("memmap", memmap, "mixed", MEMMAP_MIXED);
        WORD("zone", zone, "auto", ZONE_MODE_AUTO);
        WORD("zone", zone, "movable", ZONE_MODE_MOVABLE);
        WORD("zone", zone, "kernel", ZONE_MODE_KERNEL);
        WORD("backend", backend, "auto", BACKEND_AUTO);
        WORD("backend", backend, "chunked", BACKEND_CHUNKED);
        WORD("backend", backend, "native", BACKEND_NATIVE);
        WORD("backend", backend, "plain", BACKEND_PLAIN);
        WORD("order", order, "fast", ORDER_FAST);
        WORD("order", order, "ascending", ORDER_ASCENDING);
        WORD("order", order, "descending", ORDER_DESCENDING);
#undef WORD
}

static void test_backing_words(void **state) {
        static const struct {
                const char *text;
                enum backing backing;
        } cases[] = {
                { MATCH("\"backing\": \"pmem\""), BACKING_PMEM },
                { MATCH("\"backing\": \"cxl\""), BACKING_CXL },
                { MATCH("\"backing\": \"hmem\""), BACKING_HMEM },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(policy_freep) struct policy *p = decode(cases[i].text);

                assert_int_equal(p->rules[0].match.backing, cases[i].backing);
        }
}

static void test_amounts(void **state) {
        static const struct {
                const char *json;
                bool percent;
                uint64_t value;
        } cases[] = {
                { "0", false, 0 },
                { "-0", false, 0 },
                { "12345", false, 12345 },
                { "9223372036854775807", false, INT64_MAX },
                { "\"0K\"", false, 0 },
                { "\"1K\"", false, 1024 },
                { "\"1KiB\"", false, 1024 },
                { "\"3M\"", false, UINT64_C(3) << 20 },
                { "\"3MiB\"", false, UINT64_C(3) << 20 },
                { "\"10G\"", false, UINT64_C(10) << 30 },
                { "\"10GiB\"", false, UINT64_C(10) << 30 },
                { "\"2T\"", false, UINT64_C(2) << 40 },
                { "\"2TiB\"", false, UINT64_C(2) << 40 },
                { "\"8388607T\"", false, UINT64_C(8388607) << 40 },
                { "\"9007199254740991K\"", false, UINT64_C(9007199254740991) << 10 },
                { "\"0%\"", true, 0 },
                { "\"0.01%\"", true, 1 },
                { "\"0.5%\"", true, 50 },
                { "\"2.5%\"", true, 250 },
                { "\"2.05%\"", true, 205 },
                { "\"10%\"", true, 1000 },
                { "\"99.99%\"", true, 9999 },
                { "\"100%\"", true, 10000 },
                { "\"100.00%\"", true, 10000 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(policy_freep) struct policy *p = NULL;
                char text[128];

                snprintf(text, sizeof(text), DEFAULTS("\"ram_reserve\": %s"), cases[i].json);
                p = decode(text);
                assert_int_equal(p->defaults.ram_reserve.percent, cases[i].percent);
                assert_int_equal(p->defaults.ram_reserve.value, cases[i].value);
        }
}

static void test_comments(void **state) {
        _cleanup_(policy_freep) struct policy *p = decode(
                        "{ \"$schema\": \"x\", \"comment\": \"\", \"version\": 1,"
                        "  \"defaults\": { \"comment\": \"x\" },"
                        "  \"rules\": [ { \"comment\": \"x\", \"name\": \"n\","
                        "                 \"match\": { \"comment\": \"x\" } } ] }");

        (void) state;
        assert_int_equal(p->defaults.given, 0);
        assert_int_equal(p->rules[0].match.given, 0);
}

static void test_longest_name(void **state) {
        _cleanup_(policy_freep) struct policy *p = NULL;
        char text[256], name[101];

        (void) state;
        memset(name, 'x', 100);
        name[100] = '\0';
        snprintf(text, sizeof(text), RULES("{ \"name\": \"%s\", \"match\": {} }"), name);
        p = decode(text);
        assert_string_equal(p->rules[0].name, name);
}

/* The vendor's default says no more than what is built in, but for its rule. */
static void test_vendor_default(void **state) {
        _cleanup_(policy_freep) struct policy *p = NULL;
        struct policy_error error = {};
        struct settings builtin = policy_builtin(), s;
        int r;

        (void) state;
        r = policy_read_file(POLICY_CORPUS "/../../policy/policy.json", &p, &error);
        if (r < 0)
                fail_msg("%s", error.message);

        s = p->defaults;
        assert_int_equal(s.given,
                         SETTING_ACTION | SETTING_MEMMAP | SETTING_RAM_RESERVE |
                         SETTING_ZONE | SETTING_ORDER | SETTING_ALLOW_SEEDS |
                         SETTING_BACKEND | SETTING_MOVABLE_RATIO);
        assert_int_equal(s.action, builtin.action);
        assert_int_equal(s.memmap, builtin.memmap);
        assert_int_equal(s.ram_reserve.percent, builtin.ram_reserve.percent);
        assert_int_equal(s.ram_reserve.value, builtin.ram_reserve.value);
        assert_int_equal(s.zone, builtin.zone);
        assert_int_equal(s.movable_ratio, builtin.movable_ratio);
        assert_int_equal(s.order, builtin.order);
        assert_int_equal(s.allow_seeds, builtin.allow_seeds);
        assert_int_equal(s.backend, builtin.backend);

        assert_int_equal(p->n_rules, 1);
        assert_string_equal(p->rules[0].name, "leave persistent memory alone");
        assert_int_equal(p->rules[0].match.given, MATCH_BACKING);
        assert_int_equal(p->rules[0].match.backing, BACKING_PMEM);
        assert_int_equal(p->rules[0].settings.given, SETTING_ACTION);
        assert_int_equal(p->rules[0].settings.action, ACTION_IGNORE);
}

/* The corpus */

static int is_json(const struct dirent *entry) {
        const char *dot = strrchr(entry->d_name, '.');

        return dot && strcmp(dot, ".json") == 0;
}

static void assert_judged(const char *path, bool accept) {
        _cleanup_(policy_freep) struct policy *p = NULL;
        _cleanup_(freep) char *why = NULL;
        struct policy_error error = {};
        int r;

        r = policy_read_file(path, &p, &error);
        why = policy_error_format(&error, path);
        assert_non_null(why);
        if (accept && r < 0)
                fail_msg("refused: %s", why);
        if (!accept && r != -EINVAL)
                fail_msg("not refused: %s", path);
        if (!accept && (error.line < 1 || error.column < 1 || error.message[0] == '\0'))
                fail_msg("refused without saying why: %s", why);
}

static void assert_all_judged(const char *directory, bool accept) {
        struct dirent **entries;
        int n;

        n = scandir(directory, &entries, is_json, alphasort);
        if (n <= 0)
                fail_msg("%s: no files", directory);
        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *path = NULL;

                assert_true(asprintf(&path, "%s/%s", directory, entries[i]->d_name) > 0);
                assert_judged(path, accept);
                free(entries[i]);
        }
        free(entries);
}

static void test_corpus(void **state) {
        (void) state;
        assert_all_judged(POLICY_CORPUS "/accept", true);
        assert_all_judged(POLICY_CORPUS "/refuse", false);
        assert_all_judged(POLICY_CORPUS "/refuse-decoder", false);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_minimal),
                cmocka_unit_test(test_text_without_end),
                cmocka_unit_test(test_empty_objects),
                cmocka_unit_test(test_all_settings),
                cmocka_unit_test(test_given_alone),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_create_region),
                cmocka_unit_test(test_after_online),
                cmocka_unit_test(test_retry_left_open),
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_combined),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_backing_words),
                cmocka_unit_test(test_amounts),
                cmocka_unit_test(test_comments),
                cmocka_unit_test(test_longest_name),
                cmocka_unit_test(test_vendor_default),
                cmocka_unit_test(test_corpus),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

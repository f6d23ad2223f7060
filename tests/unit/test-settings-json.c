/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings come out as a policy file has them. */
#include "policy-unit.h"

#include "settings-json.h"

static struct json_object *described(const char *text) {
        _cleanup_(policy_freep) struct policy *p = decode(text);
        struct settings s = policy_resolve(p, NULL);

        return settings_to_json(&s);
}

static void assert_setting(struct json_object *all, const char *key, const char *expected) {
        struct json_object *v = NULL;

        assert_true(json_object_object_get_ex(all, key, &v));
        assert_string_equal(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN), expected);
}

static void what_is_built_in(void **state) {
        static const char *const expected[][2] = {
                { "action", "\"online\"" }, { "memmap", "\"auto\"" }, { "ram_reserve", "\"10%\"" },
                { "zone", "\"auto\"" }, { "movable_ratio", "3" }, { "order", "\"fast\"" },
                { "allow_seeds", "true" }, { "backend", "\"auto\"" }, { "max_size", "\"100%\"" },
                { "on_failure", "\"keep\"" }, { "priority", "0" }, { "pressure", "{}" },
                { "retry", "{\"times\":0,\"delay\":\"5s\",\"max_delay\":\"5min\"}" },
                { "use", "{}" }, { "create_region", "false" }, { "after_online", "{}" },
        };
        struct json_object *o = described("{ \"version\": 1 }");

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                assert_setting(o, expected[i][0], expected[i][1]);
        assert_int_equal(json_object_object_length(o), ELEMENTSOF(expected));
        json_object_put(o);
}

/* As it is written here, so it comes out. */
static void what_was_given(void **state) {
        static const char *const given[][2] = {
                { "action", "\"plug\"" }, { "memmap", "\"mixed\"" }, { "ram_reserve", "\"2.5%\"" },
                { "ram_reserve", "\"0.05%\"" }, { "ram_reserve", "\"1536M\"" },
                { "ram_reserve", "4097" }, { "ram_reserve", "0" }, { "zone", "\"kernel\"" },
                { "movable_ratio", "2.25" }, { "movable_ratio", "0.5" }, { "movable_ratio", "4" },
                { "order", "\"ascending\"" }, { "allow_seeds", "false" },
                { "backend", "\"plain\"" }, { "max_size", "\"2T\"" }, { "max_size", "\"3K\"" },
                { "on_failure", "\"rollback\"" }, { "priority", "-7" },
                { "pressure", "{\"slow\":\"10%\",\"stop\":\"40.75%\"}" },
                { "pressure", "{\"stop\":\"1%\"}" },
                { "retry", "{\"times\":3,\"delay\":\"1500ms\",\"max_delay\":\"90s\"}" },
                { "use", "{\"gigantic_pages\":true}" },
                { "use", "{\"hvo\":true,\"prefer\":\"latency\"}" },
                { "use", "{\"removable\":true,\"prefer\":\"capacity\"}" },
                { "create_region", "true" }, { "create_region", "{\"ways\":2}" },
                { "create_region", "{\"ways\":4,\"granularity\":256}" },
                { "after_online", "{\"demotion\":false}" },
                { "after_online",
                  "{\"demotion\":true,\"interleave_weight\":3,\"numa_balancing\":\"tiering\"}" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(given); i++) {
                struct json_object *o;
                char text[256];

                snprintf(text, sizeof(text), "{ \"version\": 1, \"defaults\": { \"%s\": %s } }",
                         given[i][0], given[i][1]);
                o = described(text);
                assert_setting(o, given[i][0], given[i][1]);
                json_object_put(o);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_built_in),
                cmocka_unit_test(what_was_given),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

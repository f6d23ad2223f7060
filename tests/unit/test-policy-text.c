/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places in a policy file, and how they are told. */
#include "json-locate.h"
#include "policy-unit.h"

static void assert_formatted(const struct policy_error *error, const char *expected) {
        _cleanup_(freep) char *s = policy_error_format(error, "/etc/p.json");

        assert_non_null(s);
        assert_string_equal(s, expected);
}

static void test_error_format(void **state) {
        struct policy_error e = { .pointer = "/rules/0", .line = 3, .column = 5, .message = "no" };

        (void) state;
        assert_formatted(&e, "/etc/p.json:3:5: /rules/0: no");
        e.pointer[0] = '\0';
        assert_formatted(&e, "/etc/p.json:3:5: no");
        e.line = 0;
        assert_formatted(&e, "/etc/p.json: no");
        e.warning = true;
        assert_formatted(&e, "/etc/p.json: warning: no");
        e = (struct policy_error) {
                .warning = true, .pointer = "/rules/0", .line = 3, .column = 5, .message = "so",
        };
        assert_formatted(&e, "/etc/p.json:3:5: warning: /rules/0: so");
}

/* Places */

static void assert_located(
                const char *text, const struct json_path *path, enum json_part part,
                int expected_line, int expected_column) {
        int line = -1, column = -1;

        assert_int_equal(json_locate(text, strlen(text), path, part, &line, &column), 0);
        assert_int_equal(line, expected_line);
        assert_int_equal(column, expected_column);
}

static void test_locate(void **state) {
        const char text[] =
                "\n{ \"a\": [ 1,\r\n\t{ \"\xc3\xa4\": 2, \"0\": [] } ],\n \"b\": \"\\\"}\" }";
        const struct json_path root = {};
        const struct json_path a = { .parent = &root, .key = "a" };
        const struct json_path a0 = { .parent = &a, .index = 0 };
        const struct json_path a1 = { .parent = &a, .index = 1 };
        const struct json_path a1u = { .parent = &a1, .key = "\xc3\xa4" };
        const struct json_path a1_0 = { .parent = &a1, .key = "0" };
        const struct json_path a1_index0 = { .parent = &a1, .index = 0 };
        const struct json_path b = { .parent = &root, .key = "b" };
        int line = -1, column = -1;

        (void) state;
        assert_located(text, &root, JSON_VALUE, 2, 1);
        assert_located(text, &a, JSON_KEY, 2, 3);
        assert_located(text, &a, JSON_VALUE, 2, 8);
        assert_located(text, &a0, JSON_VALUE, 2, 10);
        assert_located(text, &a1, JSON_VALUE, 3, 2);
        assert_located(text, &a1u, JSON_KEY, 3, 4);
        assert_located(text, &a1u, JSON_VALUE, 3, 9);
        assert_located(text, &a1_0, JSON_VALUE, 3, 17);
        assert_located(text, &b, JSON_VALUE, 4, 7);

        assert_int_equal(json_locate(text, strlen(text), &a1_index0, JSON_VALUE, &line, &column),
                         -ENOENT);
        assert_int_equal(json_locate(text, strlen(text), &root, JSON_KEY, &line, &column), -ENOENT);
        assert_int_equal(line, -1);
        assert_int_equal(column, -1);
}

static void test_path_format(void **state) {
        const struct json_path root = {};
        const struct json_path a = { .parent = &root, .key = "a~/\x1b\xff" };
        const struct json_path a12 = { .parent = &a, .index = 12 };
        const struct json_path empty = { .parent = &root, .key = "" };
        char buffer[64], small[10];

        (void) state;
        json_path_format(&root, buffer, sizeof(buffer));
        assert_string_equal(buffer, "");
        json_path_format(&empty, buffer, sizeof(buffer));
        assert_string_equal(buffer, "/");
        json_path_format(&a12, buffer, sizeof(buffer));
        assert_string_equal(buffer, "/a~0~1\\u001b\\xff/12");
        json_path_format(&a12, small, sizeof(small));
        assert_string_equal(small, "/a~0~1...");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_error_format),
                cmocka_unit_test(test_locate),
                cmocka_unit_test(test_path_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

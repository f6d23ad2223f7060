/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The decoder of policy files.  The corpus of whole files in POLICY_CORPUS is
 * judged by the schema as well, see check.py there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json-locate.h"
#include "policy-json.h"
#include "util.h"

DEFINE_CLEANUP(struct policy *, policy_free)

/* What *ret holds before a call that is to fail. */
#define UNTOUCHED ((struct policy *) -1)

/* Whole policies around a text, which begins in line 2, column 1. */
#define DEFAULTS(text) "{ \"version\": 1, \"defaults\": {\n" text " } }"
#define RULES(text) "{ \"version\": 1, \"rules\": [\n" text " ] }"
#define MATCH(text)                                                                     \
        "{ \"version\": 1, \"rules\": [ { \"name\": \"n\", \"match\": {\n" text " } } ] }"

static struct policy *decode(const char *text) {
        struct policy_error error = {};
        struct policy *p = NULL;
        int r;

        r = policy_decode(text, strlen(text), &p, &error);
        if (r < 0)
                fail_msg("%s\nrefused at %s:%d:%d: %s", text,
                         error.pointer, error.line, error.column, error.message);
        assert_non_null(p);
        return p;
}

/* A text to be refused, where, and a part of what is to be said. */
struct refusal {
        const char *text;
        const char *pointer;
        int line, column;
        const char *message;
};

static void assert_refused_bytes(const char *text, size_t size, const struct refusal *expected) {
        struct policy_error error = {};
        struct policy *p = UNTOUCHED;
        int r;

        r = policy_decode(text, size, &p, &error);
        if (r != -EINVAL)
                fail_msg("not refused: %s", text);
        assert_ptr_equal(p, UNTOUCHED);
        if (strcmp(error.pointer, expected->pointer) != 0 ||
            error.line != expected->line || error.column != expected->column ||
            !strstr(error.message, expected->message))
                fail_msg("%s\nrefused as    %s:%d:%d: %s\nand not as    %s:%d:%d: %s", text,
                         error.pointer, error.line, error.column, error.message,
                         expected->pointer, expected->line, expected->column, expected->message);
        /* It does not matter whether anybody asks why. */
        assert_int_equal(policy_decode(text, size, &p, NULL), -EINVAL);
}

static void assert_refused(const struct refusal *refusals, size_t n) {
        for (size_t i = 0; i < n; i++)
                assert_refused_bytes(refusals[i].text, strlen(refusals[i].text), &refusals[i]);
}

/* What is accepted */

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
                        DEFAULTS("\"action\": \"plug\", \"memmap\": \"mixed\","
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
        assert_int_equal(s->memmap, MEMMAP_MIXED);
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

/* What is refused */

static void test_syntax(void **state) {
        static const struct refusal refusals[] = {
                { "", "", 1, 1, "expected an object, \"{ ... }\", found the end of the file" },
                { " \n ", "", 2, 2, "found the end of the file" },
                { "[]", "", 1, 1, "expected an object, \"{ ... }\", found \"[\"" },
                { "12", "", 1, 1, "found \"12\"" },
                { "\"x\"", "", 1, 1, "found a string" },
                { "null", "", 1, 1, "found \"null\"" },
                { "\xef\xbb\xbf{}", "", 1, 1, "byte order mark; save it as UTF-8 without one" },
                { "\xff\xfe{", "", 1, 1, "the byte 0xff, which is not UTF-8" },
                { "{ \"version\": 1 } x", "", 1, 18,
                  "expected nothing after the last \"}\", found \"x\"" },
                { "{}\n{}", "", 2, 1, "expected nothing after the last \"}\", found \"{\"" },
                { "{ \"version\": 1, }", "", 1, 15, "a comma before \"}\"; remove it" },
                { "{ \"rules\": [ 1, ] }", "/rules", 1, 15, "a comma before \"]\"; remove it" },
                { "{ \"version\": 1\n  \"rules\": [] }", "", 2, 3,
                  "expected a comma or \"}\" after the value, found a string" },
                { "{ \"rules\": [ 1 2 ] }", "/rules", 1, 16,
                  "expected a comma or \"]\" after the value, found \"2\"" },
                { "{ \"rules\": [ {} }", "/rules", 1, 17, "found \"}\"" },
                { "{ \"version\" 1 }", "/version", 1, 13,
                  "expected a colon after the key, found \"1\"" },
                { "{ \"version\": }", "/version", 1, 14,
                  "true, false, null, \"{\" or \"[\", found \"}\"" },
                { "{ \"version\":", "/version", 1, 13, "found the end of the file" },
                { "{ \"version\": 1", "", 1, 15, "found the end of the file" },
                { "{", "", 1, 2, "expected a key in double quotes, found the end of the file" },
                { "{ version: 1 }", "", 1, 3,
                  "expected a key in double quotes, found \"version\"" },
                { "{ 'version': 1 }", "", 1, 3, "a single quote; use double quotes" },
                { "{ // no\n", "", 1, 3,
                  "JSON has no comments, but you can write \"comment\": \"...\"" },
                { "# no\n{}", "", 1, 1, "JSON has no comments" },
                { "{ \"a\": True }", "/a", 1, 8, "found \"True\"" },
                { "{ \"a\": NaN }", "/a", 1, 8, "found \"NaN\"" },
                { "{ \"a\": -Infinity }", "/a", 1, 8,
                  "decimal digits, such as 10 or 2.5, found \"-Infinity\"" },
                { "{ \"a\": nullnull }", "/a", 1, 8, "found \"nullnull\"" },
                { "{ \"a\": \xc3\xa4 }", "/a", 1, 8, "found \"\xc3\xa4\"" },
                { "{ \"a\": \x01 }", "/a", 1, 8, "found \"\\u0001\"" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_numbers(void **state) {
        static const struct refusal refusals[] = {
                { "{ \"a\": 12abc }", "/a", 1, 8, "found \"12abc\"" },
                { "{ \"a\": 01 }", "/a", 1, 8, "found \"01\"" },
                { "{ \"a\": -01 }", "/a", 1, 8, "found \"-01\"" },
                { "{ \"a\": - }", "/a", 1, 8, "found \"-\"" },
                { "{ \"a\": +1 }", "/a", 1, 8, "found \"+1\"" },
                { "{ \"a\": .5 }", "/a", 1, 8, "found \".5\"" },
                { "{ \"a\": 1. }", "/a", 1, 8, "found \"1.\"" },
                { "{ \"a\": 1e }", "/a", 1, 8, "found \"1e\"" },
                { "{ \"a\": 1e+ }", "/a", 1, 8, "found \"1e+\"" },
                { "{ \"a\": 1.2.3 }", "/a", 1, 8, "found \"1.2.3\"" },
                { "{ \"a\": 0x10 }", "/a", 1, 8, "found \"0x10\"" },
                { "{ \"a\": 9223372036854775808 }", "/a", 1, 8,
                  "too large; integers end at 9223372036854775807" },
                { "{ \"a\": -123456789012345678901 }", "/a", 1, 8, "too large" },
                { "{ \"a\": 18446744073709551617 }", "/a", 1, 8, "too large" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_strings(void **state) {
        static const struct refusal refusals[] = {
                { "{ \"a\": \"b }\n", "/a", 1, 12, "the line ends within a string" },
                { "{ \"a\": \"b }", "/a", 1, 8,
                  "this string has no end; close it with a double quote" },
                { "{ \"a", "", 1, 3, "this string has no end" },
                { "{ \"a\": \"b\\", "/a", 1, 10, "unknown escape" },
                { "{ \"a\": \"b\\\"", "/a", 1, 8, "this string has no end" },
                { "{ \"a\": \"b\tc\" }", "/a", 1, 10,
                  "a control character in a string; write \\u0009" },
                { "{ \"a\": \"\\x41\" }", "/a", 1, 9, "unknown escape; use" },
                { "{ \"a\": \"\\u12\" }", "/a", 1, 9,
                  "expected four hexadecimal digits after \"\\u\"" },
                { "{ \"a\": \"\\u12g4\" }", "/a", 1, 9, "expected four hexadecimal digits" },
                { "{ \"a\": \"b\\u0000\" }", "/a", 1, 10, "a string cannot hold a NUL character" },
                { "{ \"ver\\u0000sion\": 1 }", "", 1, 7, "a string cannot hold a NUL character" },
                { "{ \"a\": \"\\ud83d\" }", "/a", 1, 9,
                  "half of a surrogate pair; write the character itself" },
                { "{ \"a\": \"\\ud83d\\u0041\" }", "/a", 1, 9, "half of a surrogate pair" },
                { "{ \"a\": \"\\ud83d\\ud83d\" }", "/a", 1, 9, "half of a surrogate pair" },
                { "{ \"a\": \"\\udcbe\" }", "/a", 1, 9, "half of a surrogate pair" },
                /* after a character of two bytes, which is one column */
                { "{ \"\xc3\xa4\": \"\xff\" }", "/\xc3\xa4", 1, 9, "the byte 0xff is not UTF-8" },
                { "{ \"a\": \"\x80\" }", "/a", 1, 9,
                  "the byte 0x80 is not UTF-8; save the file as UTF-8" },
                { "{ \"a\": \"\xc0\x80\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xe0\x9f\xbf\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xf0\x8f\xbf\xbf\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xed\xa0\x80\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xf4\x90\x80\x80\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xf8\x88\x80\x80\x80\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xe2\x82\" }", "/a", 1, 9, "is not UTF-8" },
                { "{ \"a\": \"\xe2\x82", "/a", 1, 9, "is not UTF-8" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_nul_bytes(void **state) {
        static const char in_string[] = "{ \"comment\": \"a\0b\" }";
        static const char after[] = "{ \"version\": 1 }\n";
        static const char instead[] = "{ \"version\": \0";

        (void) state;
        assert_refused_bytes(in_string, sizeof(in_string) - 1, &(struct refusal) {
                .pointer = "/comment", .line = 1, .column = 16,
                .message = "a string cannot hold a NUL byte; remove it" });
        assert_refused_bytes(after, sizeof(after), &(struct refusal) {
                .pointer = "", .line = 2, .column = 1, .message = "found a NUL byte; remove it" });
        assert_refused_bytes(instead, sizeof(instead) - 1, &(struct refusal) {
                .pointer = "/version", .line = 1, .column = 14, .message = "found a NUL byte" });
        assert_refused_bytes(NULL, 0, &(struct refusal) {
                .pointer = "", .line = 1, .column = 1, .message = "found the end of the file" });
}

/* Objects in arrays in objects ...; the last level closes without a comma. */
static void nested_text(char *buffer, size_t size, size_t levels) {
        FILE *f = fmemopen(buffer, size, "w");

        assert_non_null(f);
        fputs("{\"version\":1,\"a\":", f);
        for (size_t i = 1; i < levels; i++)
                fputc('[', f);
        fputc('0', f);
        for (size_t i = 1; i < levels; i++)
                fputc(']', f);
        fputc('}', f);
        assert_int_equal(fclose(f), 0);
}

static void test_depth(void **state) {
        char text[4096];

        (void) state;
        nested_text(text, sizeof(text), JSON_DEPTH_MAX);
        assert_refused_bytes(text, strlen(text), &(struct refusal) {
                .pointer = "/a", .line = 1, .column = 14, .message = "unknown key \"a\"" });
        nested_text(text, sizeof(text), JSON_DEPTH_MAX + 1);
        assert_refused_bytes(text, strlen(text), &(struct refusal) {
                .pointer = "/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", .line = 1, .column = 33,
                .message = "nested too deeply; 16 levels are the most" });
        nested_text(text, sizeof(text), 1000);
        assert_refused_bytes(text, strlen(text), &(struct refusal) {
                .pointer = "/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", .line = 1, .column = 33,
                .message = "nested too deeply" });
}

static void test_duplicate_keys(void **state) {
        static const struct refusal refusals[] = {
                { "{\n  \"version\": 1,\n  \"version\": 1\n}", "/version", 3, 3,
                  "duplicate key \"version\"; remove this one or the first, in line 2, column 3" },
                { DEFAULTS("\"zone\": \"kernel\", \"zone\": \"kernel\""), "/defaults/zone", 2, 19,
                  "duplicate key \"zone\"" },
                { DEFAULTS("\"zone\": \"kernel\", \"z\\u006fne\": \"kernel\""),
                  "/defaults/zone", 2, 19, "duplicate key \"zone\"" },
                { RULES("{},\n{ \"match\": { \"device\": \"a\",\n\"device\": \"b\" } }"),
                  "/rules/1/match/device", 4, 1, "duplicate key \"device\"" },
                { "{ \"\": 1, \"\": 1 }", "/", 1, 10, "duplicate key \"\"" },
                { "{ \"a/b~c\\n\": 1, \"a/b~c\\n\": 1 }", "/a~1b~0c\\u000a", 1, 17,
                  "duplicate key \"a/b~c\\u000a\"" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_unknown_keys(void **state) {
        static const struct refusal refusals[] = {
                { "{ \"version\": 1,\n  \"rule\": [] }", "/rule", 2, 3,
                  "unknown key \"rule\"; did you mean \"rules\"?" },
                { "{ \"version\": 1, \"Rules\": [] }", "/Rules", 1, 17, "did you mean \"rules\"?" },
                { "{ \"version\": 1, \"schema\": \"\" }", "/schema", 1, 17,
                  "did you mean \"$schema\"?" },
                { "{ \"version\": 1, \"policies\": [] }", "/policies", 1, 17,
                  "unknown key \"policies\"; use \"version\", \"defaults\", \"rules\", "
                  "\"$schema\" or \"comment\"" },
                { "{ \"version\": 1, \"memmap\": \"ram\" }", "/memmap", 1, 17,
                  "unknown key \"memmap\" here; it belongs into \"defaults\" or a rule" },
                { DEFAULTS("\"memmp\": \"ram\""), "/defaults/memmp", 2, 1,
                  "unknown key \"memmp\"; did you mean \"memmap\"?" },
                { DEFAULTS("\"oredr\": \"fast\""), "/defaults/oredr", 2, 1,
                  "did you mean \"order\"?" },
                { DEFAULTS("\"ram-reserve\": 0"), "/defaults/ram-reserve", 2, 1,
                  "did you mean \"ram_reserve\"?" },
                { DEFAULTS("\"allow_seed\": true"), "/defaults/allow_seed", 2, 1,
                  "did you mean \"allow_seeds\"?" },
                { DEFAULTS("\"name\": \"x\""), "/defaults/name", 2, 1,
                  "unknown key \"name\" here; it belongs into a rule" },
                { DEFAULTS("\"x\": 1"), "/defaults/x", 2, 1,
                  "unknown key \"x\"; use \"action\", \"memmap\", \"ram_reserve\", \"zone\", "
                  "\"movable_ratio\", \"order\", \"allow_seeds\", \"backend\" or \"comment\"" },
                { RULES("{\n \"nmae\": \"n\" }"), "/rules/0/nmae", 3, 2, "did you mean \"name\"?" },
                { RULES("{\n \"backing\": \"cxl\" }"), "/rules/0/backing", 3, 2,
                  "it belongs into the \"match\" of a rule" },
                { RULES("{ \"version\": 1 }"), "/rules/0/version", 2, 3,
                  "it belongs at the top of the file" },
                { RULES("{ \"why\": 1 }"), "/rules/0/why", 2, 3,
                  "use \"name\", \"match\", \"action\", \"memmap\", \"ram_reserve\", \"zone\", "
                  "\"movable_ratio\", \"order\", \"allow_seeds\", \"backend\" or \"comment\"" },
                { MATCH("\"target-nod\": 1"), "/rules/0/match/target-nod", 2, 1,
                  "did you mean \"target_node\"?" },
                { MATCH("\"action\": \"plug\""), "/rules/0/match/action", 2, 1,
                  "it belongs into \"defaults\" or a rule" },
                { MATCH("\"node\": 1"), "/rules/0/match/node", 2, 1,
                  "use \"backing\", \"device\", \"target_node\", \"min_size\", \"max_size\" "
                  "or \"comment\"" },
                { DEFAULTS("\"\": 1"), "/defaults/", 2, 1, "unknown key \"\"; use" },
                { DEFAULTS("\"a\\u001b[1m/~\": 1"), "/defaults/a\\u001b[1m~1~0", 2, 1,
                  "unknown key \"a\\u001b[1m/~\"; use" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

/* Keys that fit neither the pointer nor the message still have their own place. */
static void test_long_keys(void **state) {
        char key[400], text[2048];
        struct policy_error error = {};
        struct policy *p = UNTOUCHED;

        (void) state;
        memset(key, 'k', sizeof(key) - 1);
        key[sizeof(key) - 1] = '\0';
        snprintf(text, sizeof(text), RULES("{ \"name\": \"a\", \"match\": {} },\n"
                                           "{ \"name\": \"b\", \"match\": {},\n"
                                           "  \"%s\": 1 }"), key);
        assert_int_equal(policy_decode(text, strlen(text), &p, &error), -EINVAL);
        assert_ptr_equal(p, UNTOUCHED);
        assert_int_equal(error.line, 4);
        assert_int_equal(error.column, 3);
        assert_memory_equal(error.pointer, "/rules/1/kkk", 12);
        assert_string_equal(error.pointer + strlen(error.pointer) - 4, "k...");
        assert_non_null(strstr(error.message, "kkk...\"; use \"name\""));
        assert_non_null(strstr(error.message, "or \"comment\""));
}

static void test_version(void **state) {
        static const struct refusal refusals[] = {
                { "\n{}", "", 2, 1, "the key \"version\" is missing; add \"version\": 1" },
                { "{ \"rules\": 1 }", "", 1, 1, "the key \"version\" is missing" },
                { "{ \"new\": 1,\n\"version\": 2 }", "/version", 2, 12,
                  "expected the number 1, the only version so far, found 2" },
                { "{ \"version\": -1 }", "/version", 1, 14, "found -1" },
                { "{ \"version\": 1.0 }", "/version", 1, 14,
                  "found 1.0; write it without fraction and exponent" },
                { "{ \"version\": \"1\" }", "/version", 1, 14, "found a string" },
                { "{ \"version\": true }", "/version", 1, 14, "found true" },
                { "{ \"version\": null }", "/version", 1, 14, "found null" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_mistyped(void **state) {
        static const struct refusal refusals[] = {
                { "{ \"version\": 1, \"comment\": 1 }", "/comment", 1, 28,
                  "expected a string, found a number" },
                { "{ \"version\": 1, \"$schema\": {} }", "/$schema", 1, 28,
                  "expected a string, found an object" },
                { "{ \"version\": 1, \"defaults\": [] }", "/defaults", 1, 29,
                  "expected an object, found an array; write { \"memmap\": \"auto\", ... }" },
                { "{ \"version\": 1, \"rules\": {} }", "/rules", 1, 26,
                  "expected an array, found an object; write [ {...}, {...} ]" },
                { "{ \"version\": 1, \"rules\": null }", "/rules", 1, 26,
                  "expected an array, found null" },
                { RULES("{ \"name\": \"n\", \"match\": {} },\n null"), "/rules/1", 3, 2,
                  "expected an object, found null; write { \"name\": \"...\"" },
                { RULES("{ \"name\": 1 }"), "/rules/0/name", 2, 11,
                  "expected a string, found a number; say in a few words" },
                { RULES("{ \"match\": \"dax0.0\" }"), "/rules/0/match", 2, 12,
                  "expected an object, found a string; write {} to match every device" },
                { DEFAULTS("\"action\": true"), "/defaults/action", 2, 11,
                  "expected a string, found true; use \"online\", \"plug\" or \"ignore\"" },
                { DEFAULTS("\"memmap\": 2.5"), "/defaults/memmap", 2, 11,
                  "expected a string, found a number; use \"auto\", \"ram\", \"device\", "
                  "\"seed\" or \"mixed\"" },
                { DEFAULTS("\"zone\": null"), "/defaults/zone", 2, 9,
                  "expected a string, found null; use \"auto\", \"movable\" or \"kernel\"" },
                { DEFAULTS("\"order\": []"), "/defaults/order", 2, 10,
                  "expected a string, found an array; "
                  "use \"fast\", \"ascending\" or \"descending\"" },
                { DEFAULTS("\"allow_seeds\": \"true\""), "/defaults/allow_seeds", 2, 16,
                  "expected true or false, found a string; write it without quotes" },
                { DEFAULTS("\"allow_seeds\": 1"), "/defaults/allow_seeds", 2, 16,
                  "expected true or false, found a number" },
                { DEFAULTS("\"ram_reserve\": false"), "/defaults/ram_reserve", 2, 16,
                  "expected a size, found false; write bytes as an integer, or a string such as "
                  "\"512M\", \"1GiB\" (K, M, G and T count in steps of 1024) or \"10%\"" },
                { MATCH("\"backing\": 1"), "/rules/0/match/backing", 2, 12,
                  "expected a string, found a number; use \"pmem\", \"cxl\" or \"hmem\"" },
                { MATCH("\"device\": 0"), "/rules/0/match/device", 2, 11,
                  "expected a string, found a number; write a name or a shell pattern, "
                  "such as \"dax0.*\"" },
                { MATCH("\"target_node\": \"2\""), "/rules/0/match/target_node", 2, 16,
                  "expected an integer from 0 to 1023, found a string" },
                { MATCH("\"min_size\": []"), "/rules/0/match/min_size", 2, 13,
                  "expected a size, found an array" },
                { MATCH("\"max_size\": null"), "/rules/0/match/max_size", 2, 13,
                  "expected a size, found null" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_unknown_words(void **state) {
        static const struct refusal refusals[] = {
                { DEFAULTS("\"action\":\n \"onlin\""), "/defaults/action", 3, 2,
                  "unknown action \"onlin\"; use \"online\", \"plug\" or \"ignore\"" },
                { DEFAULTS("\"action\": \"Online\""), "/defaults/action", 2, 11, "unknown action" },
                { DEFAULTS("\"action\": \"\""), "/defaults/action", 2, 11, "unknown action \"\"" },
                { DEFAULTS("\"memmap\": \"altmap\""), "/defaults/memmap", 2, 11,
                  "unknown memmap \"altmap\"; "
                  "use \"auto\", \"ram\", \"device\", \"seed\" or \"mixed\"" },
                /* these are words of ours, but not for the file */
                { DEFAULTS("\"zone\": \"none\""), "/defaults/zone", 2, 9,
                  "unknown zone \"none\"; use \"auto\", \"movable\" or \"kernel\"" },
                { MATCH("\"backing\": \"unknown\""), "/rules/0/match/backing", 2, 12,
                  "unknown backing \"unknown\"; use \"pmem\", \"cxl\" or \"hmem\"" },
                { DEFAULTS("\"order\": \"random\""), "/defaults/order", 2, 10,
                  "unknown order \"random\"; use \"fast\", \"ascending\" or \"descending\"" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

/* Both as the reserve and as a size, of which the reserve may be a share. */
static void test_bad_amounts(void **state) {
        static const struct {
                const char *json, *message;
        } cases[] = {
                { "-1", "-1 is negative; write bytes as an integer, or a string such as \"512M\"" },
                { "0.5", "0.5 is not an integer; write bytes as an integer" },
                { "1e3", "1e3 is not an integer" },
                { "1024.0", "1024.0 is not an integer" },
                { "\"\"", "\"\" is not a size; write bytes as an integer" },
                { "\"M\"", "\"M\" is not a size" },
                { "\"-1G\"", "\"-1G\" is not a size" },
                { "\" 1G\"", "\" 1G\" is not a size" },
                { "\".5%\"", "\".5%\" is not a size" },
                { "\"512\"", "\"512\" has no unit" },
                { "\"512MB\"", "\"512MB\" has an unknown unit" },
                { "\"512m\"", "\"512m\" has an unknown unit" },
                { "\"512B\"", "\"512B\" has an unknown unit" },
                { "\"512iB\"", "\"512iB\" has an unknown unit" },
                { "\"1P\"", "\"1P\" has an unknown unit" },
                { "\"1GiBs\"", "\"1GiBs\" has an unknown unit" },
                { "\"1 G\"", "\"1 G\" has an unknown unit" },
                { "\"1G\\n\"", "\"1G\\u000a\" has an unknown unit" },
                { "\"1%%\"", "\"1%%\" has an unknown unit" },
                { "\"2,5%\"", "\"2,5%\" has an unknown unit" },
                { "\"01G\"", "\"01G\" begins with a zero" },
                { "\"1.G\"", "\"1.G\" has no digit after the point" },
                { "\"1.5G\"", "\"1.5G\" is a fraction, for which there are smaller units" },
                { "\"1.0G\"", "\"1.0G\" is a fraction" },
                { "\"8388608T\"", "\"8388608T\" is too large" },
                { "\"9007199254740992K\"", "is too large" },
                { "\"18446744073709551616K\"", "is too large" },
                { "\"99999999999999999999999G\"", "is too large" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[256];
                struct refusal expected = {
                        .pointer = "/defaults/ram_reserve", .line = 2, .column = 16,
                        .message = cases[i].message,
                };

                snprintf(text, sizeof(text), DEFAULTS("\"ram_reserve\": %s"), cases[i].json);
                assert_refused_bytes(text, strlen(text), &expected);

                expected.pointer = "/rules/0/match/min_size";
                expected.column = 13;
                snprintf(text, sizeof(text), MATCH("\"min_size\": %s"), cases[i].json);
                assert_refused_bytes(text, strlen(text), &expected);

                expected.pointer = "/rules/0/match/max_size";
                snprintf(text, sizeof(text), MATCH("\"max_size\": %s"), cases[i].json);
                assert_refused_bytes(text, strlen(text), &expected);
        }
}

static void test_bad_shares(void **state) {
        static const struct refusal refusals[] = {
                { DEFAULTS("\"ram_reserve\": \"101%\""), "/defaults/ram_reserve", 2, 16,
                  "\"101%\" is more than 100%; write" },
                { DEFAULTS("\"ram_reserve\": \"100.01%\""), "/defaults/ram_reserve", 2, 16,
                  "is more than 100%" },
                { DEFAULTS("\"ram_reserve\": \"99999999999999999999%\""),
                  "/defaults/ram_reserve", 2, 16, "is more than 100%" },
                { DEFAULTS("\"ram_reserve\": \"2.555%\""), "/defaults/ram_reserve", 2, 16,
                  "has more than two digits after the point" },
                { DEFAULTS("\"ram_reserve\": \"010%\""), "/defaults/ram_reserve", 2, 16,
                  "begins with a zero" },
                { MATCH("\"min_size\": \"10%\""), "/rules/0/match/min_size", 2, 13,
                  "\"10%\" is a share, but a size is due; write bytes as an integer, or a string "
                  "such as \"512M\" or \"1GiB\"" },
                { MATCH("\"max_size\": \"10%\""), "/rules/0/match/max_size", 2, 13, "is a share" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_bad_match(void **state) {
        static const struct refusal refusals[] = {
                { MATCH("\"device\": \"\""), "/rules/0/match/device", 2, 11,
                  "the string is empty; write a name or a shell pattern" },
                { MATCH("\"target_node\": -1"), "/rules/0/match/target_node", 2, 16,
                  "expected an integer from 0 to 1023, found -1" },
                { MATCH("\"target_node\": 1024"), "/rules/0/match/target_node", 2, 16,
                  "found 1024" },
                { MATCH("\"target_node\": 4294967296"), "/rules/0/match/target_node", 2, 16,
                  "found 4294967296" },
                { MATCH("\"target_node\": 1.5"), "/rules/0/match/target_node", 2, 16,
                  "found 1.5; write it without fraction and exponent" },
                { MATCH("\"target_node\": 1e1"), "/rules/0/match/target_node", 2, 16, "found 1e1" },
                { MATCH("\"max_size\": 1,\n\"min_size\": 2"), "/rules/0/match/min_size", 3, 13,
                  "min_size is larger than max_size, so that no device can match; "
                  "exchange them or drop one" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_bad_rules(void **state) {
        static const struct refusal refusals[] = {
                { RULES("{ \"match\": {} }"), "/rules/0", 2, 1,
                  "the key \"name\" is missing; say" },
                { RULES("{ \"name\": \"a\", \"match\": {} },\n{ \"name\": \"b\" }"),
                  "/rules/1", 3, 1,
                  "the key \"match\" is missing; add \"match\": {} to match every device" },
                { RULES("{ \"name\": \"\" }"), "/rules/0/name", 2, 11, "the string is empty; say" },
                { RULES("{ \"name\": \"a\\nb\" }"), "/rules/0/name", 2, 11,
                  "the name has a control character, which cannot be printed; remove it" },
                { RULES("{ \"name\": \"a\\u007f\" }"), "/rules/0/name", 2, 11,
                  "a control character" },
                { RULES("{ \"name\": \"\\u0085\" }"), "/rules/0/name", 2, 11,
                  "a control character" },
                { RULES("{ \"name\": \"\\u2028\" }"), "/rules/0/name", 2, 11,
                  "a control character" },
                { RULES("{ \"name\": \"\\u202e\" }"), "/rules/0/name", 2, 11,
                  "a control character" },
                { RULES("{ \"name\": \"\\u2066\" }"), "/rules/0/name", 2, 11,
                  "a control character" },
                { RULES("{ \"name\": \"a\", \"match\": {} },\n{ \"name\": \"b\", \"match\": {} },\n"
                        "{ \"match\": {}, \"name\": \"\\u0061\" }"), "/rules/2/name", 4, 24,
                  "the name \"a\" is taken by /rules/0; give each rule its own" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_name_too_long(void **state) {
        char text[256], name[102];

        (void) state;
        memset(name, 'x', 101);
        name[101] = '\0';
        snprintf(text, sizeof(text), RULES("{ \"name\": \"%s\" }"), name);
        assert_refused_bytes(text, strlen(text), &(struct refusal) {
                .pointer = "/rules/0/name", .line = 2, .column = 11,
                .message = "the name has 101 bytes; shorten it to 100 "
                           "and put the rest into \"comment\"" });
}

static void test_message_fits(void **state) {
        char text[1024], word[600];
        struct policy_error error = {};
        struct policy *p = UNTOUCHED;

        (void) state;
        /* Characters of two bytes, so that a careless cut shows. */
        for (size_t i = 0; i + 1 < sizeof(word); i += 2)
                memcpy(word + i, "\xc3\xa4", 2);
        word[sizeof(word) - 2] = '\0';
        snprintf(text, sizeof(text), DEFAULTS("\"memmap\": \"%s\""), word);
        assert_int_equal(policy_decode(text, strlen(text), &p, &error), -EINVAL);
        assert_non_null(strstr(error.message, "\xc3\xa4...\"; use \"auto\""));
        assert_non_null(strstr(error.message, "or \"mixed\""));
}

/* Several things at once in one rule, decoded in part before the mistake. */
static void test_partial(void **state) {
        static const struct refusal refusals[] = {
                { RULES("{ \"name\": \"a\", \"match\": { \"device\": \"dax0.0\" } },\n"
                        "{ \"name\": \"b\", \"match\": { \"device\": \"dax1.0\",\n"
                        "\"backing\": 1 } }"),
                  "/rules/1/match/backing", 4, 12, "expected a string" },
                { "{ \"version\": 1, \"rules\": [ { \"name\": \"a\", \"match\": {} } ],\n"
                  "\"defaults\": { \"zone\": 1 } }", "/defaults/zone", 2, 23, "expected a string" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

/* Files */

static int make_dir(void **state) {
        char template[] = "/tmp/test-policy-json-XXXXXX";

        if (!mkdtemp(template))
                return -1;
        *state = strdup(template);
        return *state ? 0 : -1;
}

static int remove_dir(void **state) {
        int r = rmdir(*state);

        free(*state);
        return r;
}

static void write_file(const char *path, const char *data, size_t size) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
}

static void assert_file_refused(const char *path, int expected, const char *message) {
        struct policy_error error = { .line = 7 };
        struct policy *p = UNTOUCHED;

        assert_int_equal(policy_read_file(path, &p, &error), expected);
        assert_ptr_equal(p, UNTOUCHED);
        assert_non_null(strstr(error.message, message));
        if (expected != -EINVAL)
                assert_int_equal(error.line, 0);
        assert_int_equal(policy_read_file(path, &p, NULL), expected);
}

static void test_read_file(void **state) {
        const char good[] = "{ \"version\": 1 }\n", bad[] = "{ \"version\":\n 2 }\n";
        _cleanup_(policy_freep) struct policy *p = NULL;
        _cleanup_(freep) char *path = NULL;
        struct policy_error error;

        assert_true(asprintf(&path, "%s/policy.json", (const char *) *state) > 0);

        assert_file_refused(path, -ENOENT, "cannot open the file: No such file or directory");

        write_file(path, good, strlen(good));
        assert_int_equal(policy_read_file(path, &p, &error), 0);
        assert_non_null(p);

        write_file(path, "", 0);
        assert_file_refused(path, -EINVAL, "found the end of the file");

        write_file(path, bad, strlen(bad));
        assert_file_refused(path, -EINVAL, "found 2");

        assert_int_equal(unlink(path), 0);
}

static void test_read_large_file(void **state) {
        _cleanup_(policy_freep) struct policy *p = NULL;
        _cleanup_(freep) char *path = NULL, *text = NULL;
        const char start[] = "{ \"version\": 1 }";
        struct policy_error error = {};

        assert_true(asprintf(&path, "%s/policy.json", (const char *) *state) > 0);
        text = malloc(POLICY_SIZE_MAX + 1);
        assert_non_null(text);
        memset(text, '\n', POLICY_SIZE_MAX + 1);
        memcpy(text, start, strlen(start));

        write_file(path, text, POLICY_SIZE_MAX);
        assert_int_equal(policy_read_file(path, &p, &error), 0);
        p = policy_free(p);

        write_file(path, text, POLICY_SIZE_MAX + 1);
        assert_file_refused(path, -EFBIG, "the file is larger than 1024 KiB");
        assert_int_equal(unlink(path), 0);

        p = UNTOUCHED;
        assert_int_equal(policy_decode(text, POLICY_SIZE_MAX + 1, &p, &error), -EINVAL);
        assert_ptr_equal(p, UNTOUCHED);
        p = NULL;
        assert_non_null(strstr(error.message, "larger than 1024 KiB"));
}

static void test_read_no_file(void **state) {
        _cleanup_(freep) char *path = NULL;

        assert_file_refused(*state, -EISDIR, "this is a directory; name a file");
        assert_file_refused("/dev/null", -EBADF, "this is not a regular file");

        /* nobody writes to it, and that must not hold us up */
        assert_true(asprintf(&path, "%s/fifo", (const char *) *state) > 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_file_refused(path, -EBADF, "this is not a regular file");
        assert_int_equal(unlink(path), 0);
}

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
                cmocka_unit_test(test_minimal),
                cmocka_unit_test(test_text_without_end),
                cmocka_unit_test(test_empty_objects),
                cmocka_unit_test(test_all_settings),
                cmocka_unit_test(test_given_alone),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_backing_words),
                cmocka_unit_test(test_amounts),
                cmocka_unit_test(test_comments),
                cmocka_unit_test(test_longest_name),
                cmocka_unit_test(test_vendor_default),
                cmocka_unit_test(test_syntax),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_nul_bytes),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_duplicate_keys),
                cmocka_unit_test(test_unknown_keys),
                cmocka_unit_test(test_long_keys),
                cmocka_unit_test(test_version),
                cmocka_unit_test(test_mistyped),
                cmocka_unit_test(test_unknown_words),
                cmocka_unit_test(test_bad_amounts),
                cmocka_unit_test(test_bad_shares),
                cmocka_unit_test(test_bad_match),
                cmocka_unit_test(test_bad_rules),
                cmocka_unit_test(test_name_too_long),
                cmocka_unit_test(test_message_fits),
                cmocka_unit_test(test_partial),
                cmocka_unit_test_setup_teardown(test_read_file, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_read_large_file, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_read_no_file, make_dir, remove_dir),
                cmocka_unit_test(test_error_format),
                cmocka_unit_test(test_corpus),
                cmocka_unit_test(test_locate),
                cmocka_unit_test(test_path_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

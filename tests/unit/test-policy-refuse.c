/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the decoder of policy files refuses, and what it says. */
#include "policy-unit.h"

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

static void test_facts(void **state) {
        static const struct refusal refusals[] = {
                { MATCH("\"serial\": \"12ab\""), "/rules/0/match/serial", 2, 11,
                  "expected a serial number, such as 1000 or \"0x3e8\", found \"12ab\"" },
                { MATCH("\"vendor_id\": \"intel\""), "/rules/0/match/vendor_id", 2, 14,
                  "expected one of PCI's numbers, such as \"0x1af4\", found \"intel\"" },
                { MATCH("\"uuid\": \"0f5b\""), "/rules/0/match/uuid", 2, 9,
                  "\"0f5b\" is no UUID; write it as \"ndctl list\" shows it" },
                { MATCH("\"any\": []"), "/rules/0/match/any", 2, 8,
                  "these are 0 conditions; write from 1 to 100" },
                { MATCH("\"not\": { \"any\": [ { \"seral\": 1 } ] }"),
                  "/rules/0/match/not/any/0/seral", 2, 21, "did you mean \"serial\"?" },
                { MATCH("\"all\": [ { \"memmap\": \"ram\" } ]"), "/rules/0/match/all/0/memmap", 2, 12,
                  "it belongs into \"defaults\" or a rule" },
                { MATCH("\"not\": { \"not\": { \"any\": [ { \"all\": [ { \"not\": {} } ] } ] } }"),
                  "/rules/0/match/not/not/any/0/all/0/not", 2, 48,
                  "more than 4 of \"all\", \"any\" and \"not\" within each other; make more than one "
                  "rule of it" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_limits(void **state) {
        static const struct refusal refusals[] = {
                { DEFAULTS("\"backend\": \"plain\", \"max_size\": \"50%\""), "/defaults/max_size", 2, 33,
                  "this does not go with \"backend\": \"plain\", which takes in a device as a whole; "
                  "drop one of them" },
                { DEFAULTS("\"create_region\": { \"ways\": 9 }"), "/defaults/create_region/ways", 2, 28,
                  "9 expanders cannot make one region; write 1, 2, 3" },
                { DEFAULTS("\"create_region\": { \"granularity\": 300 }"),
                  "/defaults/create_region/granularity", 2, 35,
                  "300 is no power of 2; write a power of 2 from 256 to 16384" },
                { DEFAULTS("\"after_online\": true"), "/defaults/after_online", 2, 17,
                  "write { \"demotion\": true }, or {} to leave the machine as it is" },
                { DEFAULTS("\"after_online\": { \"interleave_weight\": 256 }"),
                  "/defaults/after_online/interleave_weight", 2, 40, "an integer from 1 to 255" },
                { DEFAULTS("\"after_online\": { \"numa_balancing\": 2 }"),
                  "/defaults/after_online/numa_balancing", 2, 37, "" },
                { DEFAULTS("\"after_online\": { \"demote\": true }"),
                  "/defaults/after_online/demote", 2, 19, "demotion" },
                { DEFAULTS("\"retry\": { \"delay\": \"1s\" }"), "/defaults/retry", 2, 10,
                  "the key \"times\" is missing; say how often" },
                { DEFAULTS("\"retry\": { \"times\": 1, \"delay\": \"5m\" }"), "/defaults/retry/delay", 2,
                  33, "\"5m\" has an unknown unit; write a string such as \"500ms\", \"5s\"" },
                { DEFAULTS("\"retry\": { \"times\": 1, \"delay\": \"5\" }"), "/defaults/retry/delay", 2,
                  33, "\"5\" has no unit; write" },
                { DEFAULTS("\"retry\": { \"times\": 1, \"delay\": \"2s\", \"max_delay\": \"1s\" }"),
                  "/defaults/retry/delay", 2, 33, "delay is longer than max_delay" },
                { DEFAULTS("\"pressure\": { \"slow\": \"1G\" }"), "/defaults/pressure/slow", 2, 23,
                  "\"1G\" is no share; write a share of time such as \"10%\"" },
                { DEFAULTS("\"pressure\": { \"stop\": \"0%\" }"), "/defaults/pressure/stop", 2, 23,
                  "\"0%\" would always hold; write" },
                { DEFAULTS("\"pressure\": { \"slow\": \"2%\", \"stop\": \"1%\" }"),
                  "/defaults/pressure/slow", 2, 23, "slow is more than stop" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
}

static void test_use(void **state) {
        static const struct refusal refusals[] = {
                { DEFAULTS("\"use\": { \"gigantic_pages\": true, \"removable\": true }"),
                  "/defaults/use/removable", 2, 47, "1 GiB pages need the kernel zone, from which "
                  "memory cannot be removed; drop this or \"gigantic_pages\"" },
                { DEFAULTS("\"use\": { \"gigantic_pages\": true },\n\"zone\": \"movable\""),
                  "/defaults/zone", 3, 9, "\"movable\" does not go with \"use\": 1 GiB pages need the "
                  "kernel zone; drop one of them" },
                { DEFAULTS("\"use\": { \"removable\": true },\n\"zone\": \"kernel\""),
                  "/defaults/zone", 3, 9, "what is to be removed must be movable" },
                { DEFAULTS("\"use\": { \"hvo\": true },\n\"memmap\": \"device\""),
                  "/defaults/memmap", 3, 11, "such blocks hold no 1 GiB pages" },
                { DEFAULTS("\"use\": { \"removable\": true },\n\"memmap\": \"seed\""),
                  "/defaults/memmap", 3, 11, "seeds cannot be removed" },
                { DEFAULTS("\"use\": { \"prefer\": \"latency\" },\n\"memmap\": \"ram\""),
                  "/defaults/memmap", 3, 11, "\"ram\" leaves nothing to \"prefer\"" },
                { DEFAULTS("\"use\": { \"hugepages\": true }"), "/defaults/use/hugepages", 2, 10,
                  "use \"gigantic_pages\", \"hvo\", \"removable\", \"prefer\" or \"comment\"" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
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
                  "\"movable_ratio\", \"order\", \"allow_seeds\", \"backend\", \"max_size\", "
                  "\"on_failure\", \"retry\", \"priority\", \"pressure\", \"use\", "
                  "\"create_region\", \"after_online\" or \"comment\"" },
                { RULES("{\n \"nmae\": \"n\" }"), "/rules/0/nmae", 3, 2, "did you mean \"name\"?" },
                { RULES("{\n \"backing\": \"cxl\" }"), "/rules/0/backing", 3, 2,
                  "it belongs into the \"match\" of a rule" },
                { RULES("{ \"version\": 1 }"), "/rules/0/version", 2, 3,
                  "it belongs at the top of the file" },
                { RULES("{ \"why\": 1 }"), "/rules/0/why", 2, 3,
                  "use \"name\", \"match\", \"action\", \"memmap\", \"ram_reserve\", \"zone\", "
                  "\"movable_ratio\", \"order\", \"allow_seeds\", \"backend\", \"max_size\", "
                  "\"on_failure\", \"retry\", \"priority\", \"pressure\", \"use\", "
                  "\"create_region\", \"after_online\" or \"comment\"" },
                { MATCH("\"target-nod\": 1"), "/rules/0/match/target-nod", 2, 1,
                  "did you mean \"target_node\"?" },
                { MATCH("\"action\": \"plug\""), "/rules/0/match/action", 2, 1,
                  "it belongs into \"defaults\" or a rule" },
                { MATCH("\"node\": 1"), "/rules/0/match/node", 2, 1,
                  "use \"backing\", \"device\", \"region\", \"decoder\", \"target_node\", "
                  "\"min_size\", \"max_size\", \"uuid\", \"memdev\", \"serial\", \"vendor_id\", "
                  "\"device_id\", \"firmware\", \"qos_class\", \"expander_node\", \"health\", "
                  "\"all\", \"any\", \"not\" or \"comment\"" },
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

static void test_contradictions(void **state) {
        static const struct refusal refusals[] = {
                { DEFAULTS("\"memmap\": \"seed\",\n\"action\": \"plug\""),
                  "/defaults/memmap", 2, 11,
                  "\"seed\" does not go with \"action\": \"plug\", as seeds have to come online" },
                { DEFAULTS("\"allow_seeds\": false,\n\"memmap\": \"seed\""),
                  "/defaults/memmap", 3, 11,
                  "\"seed\" does not go with \"allow_seeds\": false; drop one of them" },
                { RULES("{ \"name\": \"a\", \"match\": {},\n"
                        "\"action\": \"plug\", \"memmap\": \"seed\" }"),
                  "/rules/0/memmap", 3, 29, "drop one of them" },
        };

        (void) state;
        assert_refused(refusals, ELEMENTSOF(refusals));
        /* In a rule, it may be an exception to the defaults. */
        policy_free(decode("{ \"version\": 1, \"defaults\": { \"allow_seeds\": false },"
                           "\"rules\": [ { \"name\": \"a\", \"match\": {},"
                           "\"memmap\": \"seed\" } ] }"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_syntax),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_nul_bytes),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_use),
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
                cmocka_unit_test(test_contradictions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

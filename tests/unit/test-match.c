/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conditions: by themselves, combined, on what is not known; and which holds where others do. */
#include "unit.h"

#include "chance.h"
#include "lint.h"
#include "match.h"
#include "match-random.h"

static const struct memdev known = {
        .name = "mem0", .known = MEMDEV_SERIAL | MEMDEV_VENDOR | MEMDEV_PRODUCT | MEMDEV_QOS_CLASS |
                MEMDEV_HEALTH | MEMDEV_NODE, .firmware = "1.2.3",
        .serial = 0x3e8, .vendor = 0x8086, .product = 0xd93, .qos_class = 3, .health = HEALTH_OK,
        .numa_node = 1,
};

static struct device expander(void) {
        return (struct device) {
                .name = "dax0.0", .region = "region0", .backing = BACKING_CXL, .target_node = 2,
                .size = 8 * GiB, .memdevs_known = true, .n_memdevs = 1, .memdevs = { known },
        };
}

static enum answer ask(struct match m, struct device d) {
        return match_device(&m, &d, NULL);
}

/* Each condition on the devices behind it, with what it says and with something else. */
static const struct match right[] = {
        { MATCH_MEMDEV, .memdev = (char *) "mem?" }, { MATCH_SERIAL, .serial = 0x3e8 },
        { MATCH_VENDOR, .vendor = 0x8086 }, { MATCH_PRODUCT, .product = 0xd93 },
        { MATCH_QOS_CLASS, .qos_class = 3 }, { MATCH_HEALTH, .health = HEALTH_OK },
        { MATCH_FIRMWARE, .firmware = (char *) "1.2*" }, { MATCH_EXPANDER_NODE, .expander_node = 1 },
}, wrong[] = {
        { MATCH_MEMDEV, .memdev = (char *) "nmem*" }, { MATCH_SERIAL, .serial = 0x3e9 },
        { MATCH_VENDOR, .vendor = 0x1af4 }, { MATCH_PRODUCT, .product = 0xd94 },
        { MATCH_QOS_CLASS, .qos_class = 4 }, { MATCH_HEALTH, .health = HEALTH_FAILING },
        { MATCH_FIRMWARE, .firmware = (char *) "1.3*" }, { MATCH_EXPANDER_NODE, .expander_node = 0 },
};

static void what_is_behind_it(void **state) {
        (void) state;
        for (size_t i = 0; i < COUNT(right); i++) {
                struct device d = expander();

                assert_int_equal(ask(right[i], d), ANSWER_YES);
                assert_int_equal(ask(wrong[i], d), ANSWER_NO);
                /* One of several is enough. */
                d.n_memdevs = 2;
                d.memdevs[1] = (struct memdev) { .name = "x" };
                assert_int_equal(ask(right[i], d), ANSWER_YES);
                if (right[i].given != MATCH_MEMDEV)
                        assert_int_equal(ask(wrong[i], d), ANSWER_UNKNOWN);
        }
}

static void what_is_not_known(void **state) {
        (void) state;
        for (size_t i = 0; i < COUNT(right); i++) {
                struct match not = { MATCH_NOT, .not = (struct match *) &right[i] };
                struct device d = expander();
                unsigned int key = 0;

                d.memdevs_known = false;
                assert_int_equal(ask(wrong[i], d), ANSWER_UNKNOWN);
                d.n_memdevs = 0;
                assert_int_equal(match_device(&right[i], &d, &key), ANSWER_UNKNOWN);
                assert_int_equal(key, right[i].given);
                assert_int_equal(match_device(&not, &d, &key), ANSWER_UNKNOWN);
                /* It is known that nothing is behind it. */
                d.memdevs_known = true;
                assert_int_equal(ask(right[i], d), ANSWER_NO);
                assert_int_equal(ask(not, d), ANSWER_YES);
        }
}

static void region_backing_and_uuid(void **state) {
        const struct match region = { MATCH_REGION, .region = (char *) "region[0-3]" };
        const struct match cxl = { MATCH_BACKING, .backing = BACKING_CXL };
        const struct match uuid = { MATCH_UUID, .uuid = (char *) "0F5b" };
        struct device d = expander();

        (void) state;
        assert_int_equal(ask(region, d), ANSWER_YES);
        assert_int_equal(ask(uuid, d), ANSWER_NO);
        strcpy(d.region, "region7");
        assert_int_equal(ask(region, d), ANSWER_NO);
        d.region[0] = '\0';
        assert_int_equal(ask(region, d), ANSWER_UNKNOWN);
        d.backing = BACKING_UNKNOWN;
        assert_int_equal(ask(cxl, d), ANSWER_UNKNOWN);
        assert_int_equal(ask(uuid, d), ANSWER_UNKNOWN);
        d.backing = BACKING_PMEM;
        assert_int_equal(ask(uuid, d), ANSWER_UNKNOWN);
        strcpy(d.uuid, "0f5B");
        assert_int_equal(ask(uuid, d), ANSWER_YES);
        strcpy(d.uuid, "0f5c");
        assert_int_equal(ask(uuid, d), ANSWER_NO);
}

/* One that is in no CXL region has none, and one that is in one may not tell it. */
static void root_decoder(void **state) {
        const struct match m = { MATCH_DECODER, .decoder = (char *) "decoder0.*" };
        struct device d = expander();

        (void) state;
        assert_int_equal(ask(m, d), ANSWER_UNKNOWN);
        strcpy(d.decoder, "decoder0.1");
        assert_int_equal(ask(m, d), ANSWER_YES);
        strcpy(d.decoder, "decoder1.0");
        assert_int_equal(ask(m, d), ANSWER_NO);
        d.decoder[0] = '\0';
        d.backing = BACKING_HMEM;
        assert_int_equal(ask(m, d), ANSWER_NO);
        d.backing = BACKING_UNKNOWN;
        assert_int_equal(ask(m, d), ANSWER_UNKNOWN);
}

#define YES { MATCH_SERIAL, .serial = 0x3e8 }
#define NO { MATCH_SERIAL, .serial = 1 }
#define UNKNOWN { MATCH_QOS_CLASS, .qos_class = 1 }

/* As of Kleene: what is not known decides nothing. */
static void combined(void **state) {
        struct match of[][2] = {
                { YES, YES }, { YES, NO }, { YES, UNKNOWN }, { NO, UNKNOWN }, { UNKNOWN, UNKNOWN },
        };
        static const enum answer all[] = {
                ANSWER_YES, ANSWER_NO, ANSWER_UNKNOWN, ANSWER_NO, ANSWER_UNKNOWN,
        }, any[] = {
                ANSWER_YES, ANSWER_YES, ANSWER_YES, ANSWER_UNKNOWN, ANSWER_UNKNOWN,
        };
        struct device d = expander();

        (void) state;
        d.memdevs[0].known &= ~(unsigned int) MEMDEV_QOS_CLASS;
        for (size_t i = 0; i < COUNT(of); i++) {
                struct match m = { MATCH_ALL, .n_all = 2, .all = of[i] };
                unsigned int key = 0;

                assert_int_equal(match_device(&m, &d, &key), all[i]);
                assert_int_equal(key, all[i] == ANSWER_UNKNOWN ? MATCH_QOS_CLASS : 0);
                m = (struct match) { MATCH_ANY, .n_any = 2, .any = of[i] };
                key = 0;
                assert_int_equal(match_device(&m, &d, &key), any[i]);
                assert_int_equal(key, any[i] == ANSWER_UNKNOWN ? MATCH_QOS_CLASS : 0);
                m = (struct match) { MATCH_NOT, .not = &of[i][0] };
                assert_int_equal(ask(m, d), ANSWER_YES - ask(of[i][0], d));
                /* All of them together, and with a condition beside them. */
                m = (struct match) {
                        MATCH_ALL | MATCH_ANY | MATCH_BACKING, .backing = BACKING_CXL,
                        .n_all = 2, .all = of[i], .n_any = 2, .any = of[i],
                };
                assert_int_equal(ask(m, d), all[i]);
                m.backing = BACKING_HMEM;
                assert_int_equal(ask(m, d), ANSWER_NO);
        }
}

/* A rule is only for what it is known to match. */
static void unknown_is_no_match(void **state) {
        struct rule rules[] = { { .name = (char *) "a", .match = UNKNOWN }, { .name = (char *) "b" } };
        const struct policy p = { .n_rules = 2, .rules = rules };
        struct device d = expander();

        (void) state;
        assert_ptr_equal(policy_match(&p, &d), &rules[1]);
        d.memdevs[0].qos_class = 1;
        assert_ptr_equal(policy_match(&p, &d), &rules[0]);
        d.memdevs[0].known = 0;
        assert_ptr_equal(policy_match(&p, &d), &rules[1]);
}

/* It is told of the rules before the one that decides, and not of hundreds. */
static void unknown_is_told(void **state) {
        struct rule rules[] = {
                { .name = (char *) "a", .match = UNKNOWN }, { .name = (char *) "b", .match = NO },
                { .name = (char *) "c", .match = UNKNOWN }, { .name = (char *) "d", .match = UNKNOWN },
                { .name = (char *) "e", .match = UNKNOWN }, { .name = (char *) "f", .match = YES },
                { .name = (char *) "g", .match = UNKNOWN },
        };
        struct policy p = { .n_rules = COUNT(rules), .rules = rules };
        static const char expected[] = "Rule 3, \"c\", does not match, as this machine does not tell "
                "the \"qos_class\" of the device.";
        struct device d = expander();
        struct model m = { .block_size = BLOCK_SIZE, .n_devices = 1, .devices = &d };
        struct decision *dec = NULL;
        char text[320];

        (void) state;
        d.memdevs[0].known &= ~(unsigned int) MEMDEV_QOS_CLASS;
        for (size_t n = 1; n <= COUNT(rules); n++) {
                size_t told = 0;

                p.n_rules = n;
                assert_int_equal(decide(&m, &p, &d, &dec), 0);
                for (size_t i = 0; i < dec->n_reasons; i++)
                        told += dec->reasons[i].code == REASON_UNKNOWN_FACT;
                assert_size(told, n == 1 || n == 2 ? 1 : n == 3 ? 2 : 3);
                assert_int_equal(dec->rule ? dec->rule - rules : -1, n >= 6 ? 5 : -1);
                if (n == 3)
                        assert_string_equal(reason_format(dec, &dec->reasons[1], text, sizeof(text)),
                                            expected);
                decision_free(dec);
        }
}

static void what_is_meant(void **state) {
        struct match backing = { MATCH_BACKING }, uuid = { MATCH_UUID, .uuid = (char *) "1" };
        struct match name = { MATCH_DEVICE, .device = (char *) "dax0.0" };
        struct match pattern = { MATCH_DEVICE, .device = (char *) "dax*" };
        struct match both[] = { name, backing }, one[] = { pattern, uuid };

        (void) state;
        assert_false(match_is_meant(&(struct match) {}));
        assert_true(match_is_meant(&backing));
        assert_true(match_is_meant(&uuid));
        assert_true(match_is_meant(&name));
        assert_false(match_is_meant(&pattern));
        assert_false(match_is_meant(&(struct match) { MATCH_NOT, .not = &backing }));
        assert_true(match_is_meant(&(struct match) { MATCH_ANY, .n_any = 2, .any = both }));
        assert_false(match_is_meant(&(struct match) { MATCH_ANY, .n_any = 2, .any = one }));
        assert_true(match_is_meant(&(struct match) { MATCH_ALL, .n_all = 2, .all = one }));
        assert_false(match_is_meant(&(struct match) { MATCH_ALL, .n_all = 1, .all = one }));
}

static void keys_have_names(void **state) {
        (void) state;
        assert_string_equal(match_key(MATCH_BACKING), "backing");
        assert_string_equal(match_key(MATCH_DECODER), "decoder");
        assert_string_equal(match_key(MATCH_MEMDEV), "memdev");
        assert_string_equal(match_key(MATCH_FIRMWARE), "firmware");
        assert_string_equal(match_key(MATCH_EXPANDER_NODE), "expander_node");
        assert_string_equal(match_key(MATCH_HEALTH), "health");
        assert_string_equal(match_key(0), "?");
}

/* What lint is sure of. */

static bool covers(struct match general, struct match special) {
        return lint_covers(&general, &special);
}

static void combinations_are_covered(void **state) {
        struct match cxl = { MATCH_BACKING, .backing = BACKING_CXL };
        struct match hmem = { MATCH_BACKING, .backing = BACKING_HMEM };
        struct match node = { MATCH_TARGET_NODE, .target_node = 2 }, yes = YES;
        struct match cxl_or_hmem[] = { cxl, hmem }, cxl_and_node[] = { cxl, node };
        struct match any = { MATCH_ANY, .n_any = 2, .any = cxl_or_hmem };
        struct match all = { MATCH_ALL, .n_all = 2, .all = cxl_and_node };
        struct match not_hmem = { MATCH_NOT, .not = &hmem };
        struct match not_any = { MATCH_NOT, .not = &any }, not_all = { MATCH_NOT, .not = &all };
        struct match not_cxl = { MATCH_NOT, .not = &cxl }, not_yes = { MATCH_NOT, .not = &yes };

        (void) state;
        assert_true(covers(any, cxl));
        assert_true(covers(any, any));
        assert_true(covers(any, all));
        assert_false(covers(cxl, any));
        assert_true(covers(cxl, all));
        assert_true(covers(node, all));
        assert_false(covers(all, cxl));
        assert_true(covers(all, all));
        assert_true(covers(not_hmem, cxl));
        assert_true(covers(not_hmem, all));
        assert_false(covers(not_hmem, any));
        assert_true(covers(not_hmem, not_hmem));
        assert_true(covers(not_hmem, not_any));
        assert_true(covers(not_all, not_cxl));
        assert_false(covers(not_cxl, not_all));
        assert_false(covers(not_any, not_hmem));
        assert_true(covers(not_all, not_any));
        assert_true(covers((struct match) {}, not_yes));
        /* Of two expanders each has a serial number. */
        assert_false(covers(not_yes, (struct match) NO));
}

/* Whatever is said to be covered, is: of every device, whatever is known of it. */
static void covered_for_sure(void **state) {
        size_t said = 0;

        (void) state;
        chance_state = 4711;
        for (int i = 0; i < 60000; i++) {
                struct match general = random_match(2), special = random_match(2);

                if (lint_covers(&general, &special)) {
                        said++;
                        for (int j = 0; j < 50; j++) {
                                struct device d = random_device();

                                if (match_device(&special, &d, NULL) == ANSWER_YES)
                                        assert_int_equal(match_device(&general, &d, NULL), ANSWER_YES);
                        }
                }
                match_clear(&general);
                match_clear(&special);
        }
        assert_true(said > 1000);
}

/* The other way round that can only be hoped for; but never is it said of nothing. */
static void itself_is_covered(void **state) {
        (void) state;
        chance_state = 815;
        for (int i = 0; i < 2000; i++) {
                struct match m = random_match(2);

                assert_true(lint_covers(&m, &(struct match) { MATCH_ALL, .n_all = 1, .all = &m }) ||
                            m.given & (MATCH_ANY | MATCH_NOT));
                match_clear(&m);
        }
}

/* There is an end to it, however long the lists are. */
static void gives_up(void **state) {
        enum { N = 100 };
        static struct match inner[N], outer[N], all[N];
        struct match any = { MATCH_ANY, .n_any = N, .any = outer };
        struct match of = { MATCH_ALL, .n_all = N, .all = all };
        struct match not_any = { MATCH_NOT, .not = &any }, not_of = { MATCH_NOT, .not = &of };

        (void) state;
        for (int i = 0; i < N; i++) {
                inner[i] = (struct match) { MATCH_SERIAL, .serial = (uint64_t) i };
                outer[i] = (struct match) { MATCH_ANY, .n_any = N, .any = inner };
                all[i] = (struct match) { MATCH_ALL, .n_all = N, .all = outer };
        }
        assert_false(covers(any, of));
        assert_false(covers(not_any, of));
        assert_false(covers(not_any, not_of));
        assert_false(covers(any, not_of));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_behind_it),
                cmocka_unit_test(what_is_not_known),
                cmocka_unit_test(region_backing_and_uuid),
                cmocka_unit_test(root_decoder),
                cmocka_unit_test(combined),
                cmocka_unit_test(unknown_is_no_match),
                cmocka_unit_test(unknown_is_told),
                cmocka_unit_test(what_is_meant),
                cmocka_unit_test(keys_have_names),
                cmocka_unit_test(combinations_are_covered),
                cmocka_unit_test(covered_for_sure),
                cmocka_unit_test(itself_is_covered),
                cmocka_unit_test(gives_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

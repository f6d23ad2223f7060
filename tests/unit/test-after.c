/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is set for memory that is online, by whom, and what is put back. */
#include "unit.h"

#include "after.h"

static const struct after_online demotion = { .sets_demotion = true, .demotion = true };
static const struct after_online no_demotion = { .sets_demotion = true };
static const struct after_online weight = { .weight = 3 };
static const struct after_online other_weight = { .weight = 5 };
static const struct after_online tiering = { .balancing = BALANCING_TIERING };
static const struct after_online off = { .balancing = BALANCING_OFF };
static const struct after_online nothing = {};

static struct after_kept kept(const char *before, const char *wanted, const char *set) {
        struct after_kept k = {};

        snprintf(k.before, sizeof(k.before), "%s", before);
        snprintf(k.wanted, sizeof(k.wanted), "%s", wanted);
        snprintf(k.set, sizeof(k.set), "%s", set);
        return k;
}

static void test_wanted(void **state) {
        static const struct {
                enum after_knob knob;
                const struct after_online *wish;
                const char *now, *wanted;
        } cases[] = {
                { AFTER_DEMOTION, &demotion, "false", "true" },
                { AFTER_DEMOTION, &no_demotion, "true", "false" },
                { AFTER_DEMOTION, &weight, "false", NULL },
                { AFTER_BALANCING, &tiering, "0", "2" },
                { AFTER_BALANCING, &tiering, "1", "3" },
                { AFTER_BALANCING, &tiering, "2", "2" },
                { AFTER_BALANCING, &tiering, "1x", "3" },
                { AFTER_BALANCING, &off, "3", "0" },
                { AFTER_BALANCING, &demotion, "1", NULL },
                { AFTER_AUTO_WEIGHTS, &weight, "true", "false" },
                { AFTER_AUTO_WEIGHTS, &tiering, "true", NULL },
                { AFTER_WEIGHT, &weight, "1", "3" },
                { AFTER_WEIGHT, &nothing, "1", NULL },
        };
        char text[AFTER_TEXT_MAX];

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                bool asked = after_wanted(cases[i].knob, cases[i].wish, cases[i].now, text);

                assert_true(asked == (cases[i].wanted != NULL));
                if (asked)
                        assert_string_equal(text, cases[i].wanted);
        }
}

static void test_winner(void **state) {
        static const struct after_asker askers[] = {
                { "dax0.0", 1, &demotion },
                { "dax1.0", 2, &weight },
                { "dax2.0", 2, &other_weight },
                { "dax3.0", 3, &weight },
        };
        const struct after_asker *w;

        (void) state;
        assert_null(after_winner(askers, 4, AFTER_BALANCING, 0, NULL));
        assert_null(after_winner(askers, 4, AFTER_WEIGHT, 1, "dax0.0"));
        assert_null(after_winner(askers, 0, AFTER_DEMOTION, 0, NULL));
        w = after_winner(askers, 4, AFTER_WEIGHT, 2, NULL);
        assert_string_equal(w->device, "dax1.0");
        /* Who was first stays it, and one who asks no more is not. */
        w = after_winner(askers, 4, AFTER_WEIGHT, 2, "dax2.0");
        assert_string_equal(w->device, "dax2.0");
        w = after_winner(askers, 4, AFTER_WEIGHT, 2, "dax0.0");
        assert_string_equal(w->device, "dax1.0");
        w = after_winner(askers, 4, AFTER_AUTO_WEIGHTS, -1, "dax3.0");
        assert_string_equal(w->device, "dax3.0");
}

/* @text: what is to be set, of AFTER_SET. */
static void assert_action(const struct after_online *wish, const struct after_kept *k,
                          const char *now, enum after_action action, const char *text) {
        char got[AFTER_TEXT_MAX] = "";

        assert_int_equal(after_decide(wish && wish->balancing ? AFTER_BALANCING : AFTER_WEIGHT,
                                      wish, k, now, got), action);
        if (text)
                assert_string_equal(got, text);
}

static void test_asked(void **state) {
        struct after_kept ours = kept("1", "3", "3"), lost = ours, begun = ours;
        struct after_kept rounded = kept("1", "3", "4"), balancing = kept("1", "3", "3");

        (void) state;
        lost.lost = true;
        begun.begun = true;
        assert_action(&weight, NULL, NULL, AFTER_MISSING, NULL);
        assert_action(&weight, NULL, "1", AFTER_SET, "3");
        assert_action(&weight, NULL, "3", AFTER_SET, "3");
        assert_action(&weight, &ours, "3", AFTER_NOTHING, NULL);
        assert_action(&weight, &ours, NULL, AFTER_NOTHING, NULL);
        assert_action(&weight, &rounded, "4", AFTER_NOTHING, NULL);
        /* Killed before it was written, and after. */
        assert_action(&weight, &begun, "1", AFTER_SET, "3");
        assert_action(&weight, &begun, "3", AFTER_SET, "3");
        assert_action(&weight, &begun, "7", AFTER_NOTICE, NULL);
        /* Somebody else, who may even have put it back. */
        assert_action(&weight, &ours, "7", AFTER_NOTICE, NULL);
        assert_action(&weight, &ours, "1", AFTER_NOTICE, NULL);
        assert_action(&weight, &lost, "7", AFTER_NOTHING, NULL);
        /* Another policy. */
        assert_action(&other_weight, &ours, "3", AFTER_SET, "5");
        assert_action(&other_weight, &lost, "7", AFTER_SET, "5");
        /* What it had before decides what is added to it. */
        assert_action(&tiering, &balancing, "3", AFTER_NOTHING, NULL);
        assert_action(&tiering, &balancing, "0", AFTER_NOTICE, NULL);
        assert_action(&off, &balancing, "3", AFTER_SET, "0");
}

static void test_not_asked(void **state) {
        struct after_kept ours = kept("1", "3", "3"), lost = ours, none = kept("3", "3", "3");

        (void) state;
        lost.lost = true;
        assert_action(NULL, NULL, "1", AFTER_NOTHING, NULL);
        assert_action(NULL, NULL, NULL, AFTER_NOTHING, NULL);
        assert_action(NULL, &ours, "3", AFTER_PUT_BACK, NULL);
        assert_action(NULL, &ours, "7", AFTER_LEAVE, NULL);
        assert_action(NULL, &ours, "1", AFTER_FORGET, NULL);
        assert_action(NULL, &none, "3", AFTER_FORGET, NULL);
        assert_action(NULL, &lost, "3", AFTER_FORGET, NULL);
        assert_action(NULL, &ours, NULL, AFTER_NOTHING, NULL);
}

static void test_begin(void **state) {
        struct after_kept ours = kept("1", "3", "3"), lost = ours, k;

        (void) state;
        lost.lost = true;
        k = after_begin(NULL, "1", "3");
        assert_string_equal(k.before, "1");
        assert_string_equal(k.wanted, "3");
        assert_string_equal(k.set, "3");
        assert_true(k.begun && !k.lost);
        k = after_begin(&ours, "3", "5");
        assert_string_equal(k.before, "1");
        k = after_begin(&k, "1", "5");
        assert_string_equal(k.before, "1");
        /* What somebody else wrote is what is to be put back from then on. */
        k = after_begin(&lost, "7", "5");
        assert_string_equal(k.before, "7");
        k = after_begin(&ours, "7", "5");
        assert_string_equal(k.before, "7");
}

static void test_words(void **state) {
        (void) state;
        for (int k = 0; k < _AFTER_KNOB_MAX; k++) {
                assert_int_equal(after_knob_from_string(after_knob_to_string((enum after_knob) k)), k);
                assert_non_null(after_knob_since((enum after_knob) k));
        }
        assert_int_equal(after_knob_from_string("weight"), -1);
        assert_string_equal(balancing_to_string(BALANCING_TIERING), "tiering");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wanted),
                cmocka_unit_test(test_winner),
                cmocka_unit_test(test_asked),
                cmocka_unit_test(test_not_asked),
                cmocka_unit_test(test_begin),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <ctype.h>

/* What the callers give it. */
#define TEXT_MAX 320

static struct reason largest(enum reason_code c) {
        struct reason r = { .code = c, .a = UINT64_MAX, .b = UINT64_MAX, .node = INT32_MIN };

        memset(r.text, 'W', sizeof(r.text) - 1);
        return r;
}

static void every_code_has_a_word_of_its_own(void **state) {
        (void) state;
        for (int i = 0; i < _REASON_MAX; i++) {
                const char *word = reason_to_string(i);

                assert_non_null(word);
                assert_true(strlen(word) > 2);
                for (const char *c = word; *c; c++)
                        assert_true(islower((unsigned char) *c) || *c == '-');
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(word, reason_to_string(j));
        }
}

static void every_code_has_a_sentence(void **state) {
        const struct decision d = { .payer = 0 };

        (void) state;
        for (int i = 0; i < _REASON_MAX; i++) {
                struct reason r = { .code = i, .text = "text" };
                char buf[TEXT_MAX];
                size_t n;

                memset(buf, 0, sizeof(buf));
                assert_ptr_equal(reason_format(&d, &r, buf, sizeof(buf)), buf);
                n = strlen(buf);
                assert_true(n > 15);
                assert_true(isupper((unsigned char) buf[0]) || isdigit((unsigned char) buf[0]));
                assert_int_equal(buf[n - 1], '.');
                assert_null(strchr(buf, '\n'));
                /* Not the stopgap for codes without one. */
                assert_true(strncmp(buf, "Reason ", 7) != 0);
        }
        struct reason unknown = { .code = _REASON_MAX };
        char buf[TEXT_MAX];

        assert_true(strncmp(reason_format(&d, &unknown, buf, sizeof(buf)), "Reason ", 7) == 0);
}

static void no_sentence_is_cut_off(void **state) {
        const struct decision d = { .payer = INT32_MIN };

        (void) state;
        for (int i = 0; i < _REASON_MAX; i++) {
                struct reason r = largest(i);
                char buf[TEXT_MAX];

                reason_format(&d, &r, buf, sizeof(buf));
                assert_true(strlen(buf) < sizeof(buf) - 1);
                assert_int_equal(buf[strlen(buf) - 1], '.');
        }
}

static void small_buffer_is_not_overrun(void **state) {
        const struct decision d = {};

        (void) state;
        for (int i = 0; i < _REASON_MAX; i++) {
                struct reason r = largest(i);
                char buf[9] = "12345678";

                reason_format(&d, &r, buf, 8);
                assert_size(strlen(buf), 7);
                assert_int_equal(buf[8], '\0');
        }
}

static void assert_sentence(struct reason r, const char *expected) {
        const struct decision d = { .payer = 3 };
        char buf[TEXT_MAX];

        assert_string_equal(reason_format(&d, &r, buf, sizeof(buf)), expected);
}

static void numbers_are_for_people(void **state) {
        (void) state;
        assert_sentence((struct reason) { .code = REASON_COST, .a = 512, .b = 2 * MiB },
                        "512 blocks need a memmap of 2.0 MiB each, 1.0 GiB in all.");
        assert_sentence((struct reason) { .code = REASON_FITS, .a = 1023, .b = 150 * GiB },
                        "Node 3 can carry all memmaps: 1023 B of 150 GiB.");
        assert_sentence((struct reason) { .code = REASON_BUDGET, .a = 1536, .node = 7 },
                        "Node 7 pays for a memmap in RAM and has 1.5 KiB to spare.");
        assert_sentence((struct reason) { .code = REASON_HELP_BYTES, .a = UINT64_MAX, .node = 1 },
                        "It would help to free 16.0 EiB on node 1, or to lower \"ram_reserve\".");
        assert_sentence((struct reason) { .code = REASON_BACKEND, .a = BACKEND_PLAIN },
                        "The backend is plain: the kernel's driver, kmem, takes it in as a whole, "
                        "all memmaps in RAM.");
        assert_sentence((struct reason) { .code = REASON_BACKEND, .a = BACKEND_NATIVE,
                                          .text = "why" },
                        "The backend is native: the kernel's driver, kmem, takes it in as a whole; "
                        "why.");
        assert_sentence((struct reason) { .code = REASON_HELP_MODULE },
                        "It would help to have the module memmapd_kmem.");
        assert_sentence((struct reason) { .code = REASON_RATIO, .a = 3 * GiB, .b = 2 * GiB },
                        "The machine will have 3.0 GiB of movable memory to 2.0 GiB for the kernel, "
                        "1.5 times as much.");
        assert_sentence((struct reason) { .code = REASON_RULE, .a = 0, .text = "my rule" },
                        "Rule 1 matches: \"my rule\".");
}

static void cause_is_the_first_that_stands_against(void **state) {
        struct decision d = {
                .verdict = VERDICT_REFUSE, .n_reasons = 4,
                .reasons = {
                        { .code = REASON_DEFAULTS }, { .code = REASON_COST },
                        { .code = REASON_EXCEEDS }, { .code = REASON_NO_DEVICE },
                },
        };

        (void) state;
        assert_ptr_equal(decision_cause(&d), &d.reasons[2]);
        d.verdict = VERDICT_TAKE;
        assert_null(decision_cause(&d));
        d.verdict = VERDICT_REFUSE;
        d.n_reasons = 2;
        assert_null(decision_cause(&d));
}

/* What only describes, or would help, is never the cause. */
static void help_is_not_a_cause(void **state) {
        static const enum reason_code harmless[] = {
                REASON_RULE, REASON_DEFAULTS, REASON_COST, REASON_SPENT, REASON_BUDGET,
                REASON_FITS, REASON_DEVICE, REASON_SEEDS, REASON_MIXED, REASON_HELP_PARAMETER,
                REASON_HELP_BYTES, REASON_HELP_SEEDS, REASON_HELP_MODULE, REASON_BACKEND,
                REASON_LEFT_OUT, REASON_UNKNOWN_FACT, REASON_LIMIT,
                REASON_USE_GIGANTIC, REASON_USE_HVO, REASON_USE_REMOVABLE, REASON_USE_LATENCY,
                REASON_USE_CAPACITY,
                REASON_ZONES, REASON_RATIO, REASON_RATIO_HIGH,
        };
        size_t causes = 0;

        (void) state;
        for (int i = 0; i < _REASON_MAX; i++) {
                const struct decision d = {
                        .verdict = VERDICT_REFUSE, .n_reasons = 1, .reasons = { { .code = i } },
                };
                bool expected = true;

                for (size_t j = 0; j < COUNT(harmless); j++)
                        expected &= harmless[j] != (enum reason_code) i;
                assert_int_equal(decision_cause(&d) != NULL, expected);
                assert_int_equal(reason_is_cause(i), expected);
                assert_int_equal(reason_is_help(i), strncmp(reason_to_string(i), "help-", 5) == 0);
                causes += expected;
        }
        assert_size(causes + COUNT(harmless), _REASON_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_code_has_a_word_of_its_own),
                cmocka_unit_test(every_code_has_a_sentence),
                cmocka_unit_test(no_sentence_is_cut_off),
                cmocka_unit_test(small_buffer_is_not_overrun),
                cmocka_unit_test(numbers_are_for_people),
                cmocka_unit_test(cause_is_the_first_that_stands_against),
                cmocka_unit_test(help_is_not_a_cause),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "log-limit.h"

#define SECOND 1000000ULL

static const struct log_about device = { .message_id = "id", .device = "dax0.0" };
static struct log_limit limit;
static unsigned int left_out;

static int setup(void **state) {
        (void) state;
        limit = (struct log_limit) {};
        return 0;
}

static bool pass(struct log_about about, const char *text, uint64_t now) {
        return log_limit_pass(&limit, &about, text, now, &left_out);
}

static void once_a_minute(void **state) {
        (void) state;
        assert_true(pass(device, "It fails.", SECOND));
        for (uint64_t i = 1; i < 60; i++)
                assert_false(pass(device, "It fails.", (1 + i) * SECOND));
        assert_true(pass(device, "It fails.", 61 * SECOND));
        assert_int_equal(left_out, 59);
        /* The minute counts from there. */
        assert_false(pass(device, "It fails.", 61 * SECOND));
        assert_true(pass(device, "It fails.", 121 * SECOND));
        assert_int_equal(left_out, 1);
        assert_true(pass(device, "It fails.", 181 * SECOND));
        assert_int_equal(left_out, 0);
}

static void of_a_device_figures_make_no_difference(void **state) {
        (void) state;
        assert_true(pass(device, "Pressure is 12.50%.", SECOND));
        assert_false(pass(device, "Pressure is 9%.", SECOND));
        assert_true(pass(device, "Pressure was 9%.", SECOND));
        assert_true(pass(device, "Pressure is %.", SECOND));
}

/* A line of a policy with a mistake, and the next one. */
static void without_a_device_they_do(void **state) {
        struct log_about none = { .message_id = "id" };

        (void) state;
        assert_true(pass(none, "policy.json:3: no", SECOND));
        assert_true(pass(none, "policy.json:4: no", SECOND));
        assert_false(pass(none, "policy.json:3: no", SECOND));
}

static void what_it_is_about_does(void **state) {
        struct log_about others[] = {
                { .message_id = "di", .device = "dax0.0" },
                { .message_id = "id", .device = "dax1.0" },
                { .message_id = "id", .device = "dax0.0", .block = "memory34" },
                { .message_id = "id", .device = "dax0.0", .block = "memory35" },
                { .message_id = "id", .device = "dax0.0", .step = "memory34" },
                { .message_id = "id" },
        };

        (void) state;
        assert_true(pass(device, "It fails.", SECOND));
        for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
                assert_true(pass(others[i], "It fails.", SECOND));
                assert_false(pass(others[i], "It fails.", SECOND));
        }
        assert_false(pass(device, "It fails.", SECOND));
}

static void anew(void **state) {
        struct log_about none = { .message_id = "id" }, other = { .device = "dax1.0" };

        (void) state;
        assert_true(pass(device, "It fails.", SECOND));
        assert_true(pass(other, "It fails.", SECOND));
        assert_true(pass(none, "It fails.", SECOND));
        assert_false(pass(device, "It fails.", SECOND));
        log_limit_anew(&limit, "dax0.0");
        assert_false(pass(other, "It fails.", SECOND));
        assert_false(pass(none, "It fails.", SECOND));
        assert_true(pass(device, "It fails.", SECOND));
        assert_int_equal(left_out, 0);
        log_limit_anew(&limit, NULL);
        assert_true(pass(device, "It fails.", SECOND));
        assert_true(pass(other, "It fails.", SECOND));
        assert_true(pass(none, "It fails.", SECOND));
}

/* More than it can remember: the oldest is said again, not the latest. */
static void the_oldest_is_forgotten(void **state) {
        char block[32];

        (void) state;
        for (uint64_t i = 0; i <= LOG_LIMIT_THINGS; i++) {
                struct log_about about = { .device = "dax0.0", .block = block };

                snprintf(block, sizeof(block), "memory%u", (unsigned int) i);
                assert_true(pass(about, "It fails.", SECOND + i));
        }
        assert_false(pass((struct log_about) { .device = "dax0.0", .block = "memory1" },
                          "It fails.", 2 * SECOND));
        assert_true(pass((struct log_about) { .device = "dax0.0", .block = "memory0" },
                         "It fails.", 2 * SECOND));
        assert_true(pass((struct log_about) { .device = "dax0.0", .block = "memory1" },
                         "It fails.", 2 * SECOND));
}

/* What is over takes no place, unless there is still something to be said of it. */
static void what_is_over_makes_room(void **state) {
        (void) state;
        assert_true(pass(device, "One.", SECOND));
        assert_true(pass(device, "Two.", SECOND));
        assert_false(pass(device, "Two.", SECOND));
        assert_int_equal(limit.n_said, 2);
        assert_true(pass(device, "Three.", 61 * SECOND));
        assert_true(pass(device, "Four.", 61 * SECOND));
        assert_int_equal(limit.n_said, 3);
        assert_true(pass(device, "Two.", 61 * SECOND));
        assert_int_equal(left_out, 1);
        log_limit_anew(&limit, NULL);
        assert_int_equal(limit.n_said, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(once_a_minute, setup),
                cmocka_unit_test_setup(of_a_device_figures_make_no_difference, setup),
                cmocka_unit_test_setup(without_a_device_they_do, setup),
                cmocka_unit_test_setup(what_it_is_about_does, setup),
                cmocka_unit_test_setup(anew, setup),
                cmocka_unit_test_setup(the_oldest_is_forgotten, setup),
                cmocka_unit_test_setup(what_is_over_makes_room, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

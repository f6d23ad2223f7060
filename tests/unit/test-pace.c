/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "chance.h"
#include "pace.h"

static const struct pressure both = { .slow = 1000, .stop = 4000 };

static void limits(void **state) {
        (void) state;
        assert_int_equal(pace_next(&both, PACE_FULL, 0), PACE_FULL);
        assert_int_equal(pace_next(&both, PACE_FULL, 999), PACE_FULL);
        assert_int_equal(pace_next(&both, PACE_FULL, 1000), PACE_SLOW);
        assert_int_equal(pace_next(&both, PACE_FULL, 3999), PACE_SLOW);
        assert_int_equal(pace_next(&both, PACE_FULL, 4000), PACE_STOP);
        assert_int_equal(pace_next(&both, PACE_SLOW, 4000), PACE_STOP);
        assert_int_equal(pace_next(&both, PACE_FULL, 10000), PACE_STOP);
}

static void left_later_than_reached(void **state) {
        (void) state;
        assert_int_equal(pace_next(&both, PACE_SLOW, 751), PACE_SLOW);
        assert_int_equal(pace_next(&both, PACE_SLOW, 750), PACE_FULL);
        assert_int_equal(pace_next(&both, PACE_STOP, 3001), PACE_STOP);
        assert_int_equal(pace_next(&both, PACE_STOP, 3000), PACE_SLOW);
        assert_int_equal(pace_next(&both, PACE_STOP, 751), PACE_SLOW);
        assert_int_equal(pace_next(&both, PACE_STOP, 750), PACE_FULL);
        /* It is on the way down only that this counts. */
        assert_int_equal(pace_next(&both, PACE_SLOW, 3500), PACE_SLOW);
}

static void limits_that_are_not_given(void **state) {
        static const struct pressure none, slow = { .slow = 1000 }, stop = { .stop = 1000 };

        (void) state;
        for (int last = 0; last < _PACE_MAX; last++) {
                assert_int_equal(pace_next(&none, last, 10000), PACE_FULL);
                assert_int_equal(pace_next(&slow, last, 10000), PACE_SLOW);
                assert_int_equal(pace_next(&stop, last, 10000), PACE_STOP);
                assert_int_equal(pace_next(&stop, last, 0), PACE_FULL);
        }
}

/* A pressure that swings by less than a quarter changes nothing, once it is settled. */
static void nothing_flaps(void **state) {
        (void) state;
        chance_state = 1;
        for (int i = 0; i < 10000; i++) {
                struct pressure p = { .slow = chance(10000), .stop = chance(10000) };
                uint64_t middle = chance(9000);
                enum pace pace = pace_next(&p, chance(_PACE_MAX), middle);
                int changes = 0;

                for (int j = 0; j < 50; j++) {
                        /* From 8/9 to 10/9: the lower is more than 3/4 of the higher. */
                        uint64_t now = middle * 8 / 9 + chance(middle * 2 / 9 + 1);
                        enum pace next = pace_next(&p, pace, now);

                        changes += next != pace;
                        pace = next;
                }
                assert_true(changes <= 2);
        }
}

static void have_words(void **state) {
        (void) state;
        assert_string_equal(pace_to_string(PACE_FULL), "full");
        assert_string_equal(pace_to_string(PACE_STOP), "stopped");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(limits),
                cmocka_unit_test(left_later_than_reached),
                cmocka_unit_test(limits_that_are_not_given),
                cmocka_unit_test(nothing_flaps),
                cmocka_unit_test(have_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

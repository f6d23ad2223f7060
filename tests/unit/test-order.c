/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "order.h"

static void check(enum order order, bool online_below, size_t n, const size_t *expected) {
        size_t blocks[8];

        for (size_t i = 0; i < n; i++)
                blocks[i] = 10 + i;
        order_online(order, online_below, blocks, n);
        for (size_t i = 0; i < n; i++)
                assert_size(blocks[i], expected[i]);
}

#define CHECK(order, below, ...)                                        \
        check(order, below, COUNT(((size_t[]) { __VA_ARGS__ })),        \
              (size_t[]) { __VA_ARGS__ })

static void ascending_is_as_given(void **state) {
        (void) state;
        CHECK(ORDER_ASCENDING, false, 10, 11, 12, 13, 14);
        CHECK(ORDER_ASCENDING, true, 10, 11, 12, 13, 14);
}

static void descending_is_reversed(void **state) {
        (void) state;
        CHECK(ORDER_DESCENDING, false, 14, 13, 12, 11, 10);
        CHECK(ORDER_DESCENDING, true, 13, 12, 11, 10);
        CHECK(ORDER_DESCENDING, false, 10);
}

static void fast_holds_the_second_open(void **state) {
        (void) state;
        CHECK(ORDER_FAST, false, 10, 12, 13, 14, 11);
        CHECK(ORDER_FAST, false, 10, 12, 11);
}

static void fast_holds_the_first_open_if_the_zone_starts_below(void **state) {
        (void) state;
        CHECK(ORDER_FAST, true, 11, 12, 13, 14, 10);
        CHECK(ORDER_FAST, true, 11, 10);
}

static void few_blocks_need_no_gap(void **state) {
        (void) state;
        CHECK(ORDER_FAST, false, 10, 11);
        CHECK(ORDER_FAST, false, 10);
        CHECK(ORDER_FAST, true, 10);
        for (enum order o = 0; o < _ORDER_MAX; o++) {
                order_online(o, false, NULL, 0);
                order_online(o, true, NULL, 0);
        }
}

/* What the order is for: no online but the last finds the zone without a gap. */
static void fast_scans_the_whole_zone_once(void **state) {
        size_t blocks[100], walked = 0;
        bool online[100] = {};

        (void) state;
        for (size_t i = 0; i < COUNT(blocks); i++)
                blocks[i] = i;
        order_online(ORDER_FAST, false, blocks, COUNT(blocks));
        for (size_t i = 0; i < COUNT(blocks); i++) {
                assert_false(online[blocks[i]]);
                online[blocks[i]] = true;
                for (size_t j = 0; j < COUNT(blocks) && online[j]; j++)
                        walked++;
        }
        assert_true(walked < 2 * COUNT(blocks));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ascending_is_as_given),
                cmocka_unit_test(descending_is_reversed),
                cmocka_unit_test(fast_holds_the_second_open),
                cmocka_unit_test(fast_holds_the_first_open_if_the_zone_starts_below),
                cmocka_unit_test(few_blocks_need_no_gap),
                cmocka_unit_test(fast_scans_the_whole_zone_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

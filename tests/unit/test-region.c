/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which expanders make a region. */
#include "unit.h"

#include "region.h"

#define SPARE(place, bytes, ...) \
        { .position = (place), .size = (bytes), .how = { .create = true, __VA_ARGS__ } }

static const struct window single = { .ways = 1, .granularity = 256, .extent = 64 * GiB };
static const struct window twofold = { .ways = 2, .granularity = 512, .extent = 64 * GiB };

static struct region_plan plan;

static enum region_verdict plan_of(const struct window *w, const struct spare *spares, size_t n) {
        return region_plan(w, spares, n, &plan);
}

static void one_by_one(void **state) {
        struct spare spares[] = { SPARE(-1, GiB), SPARE(0, 4 * GiB), SPARE(0, 2 * GiB) };

        (void) state;
        assert_int_equal(plan_of(&single, spares, 3), REGION_POSSIBLE);
        assert_int_equal(plan.n_members, 1);
        assert_int_equal(plan.members[0], 1);
        assert_int_equal(plan.ways, 1);
        assert_int_equal(plan.granularity, 256);
        assert_true(plan.size == 4 * GiB);
        spares[1].taken = true;
        assert_int_equal(plan_of(&single, spares, 3), REGION_POSSIBLE);
        assert_int_equal(plan.members[0], 2);
        spares[2].taken = true;
        assert_int_equal(plan_of(&single, spares, 3), REGION_ELSEWHERE);
        assert_int_equal(plan_of(&single, spares, 0), REGION_ELSEWHERE);
}

static void interleaved_below_one_bridge(void **state) {
        const struct spare spares[] = {
                SPARE(0, 1 * GiB, .ways = 2, .granularity = 4096), SPARE(0, 1 * GiB),
                SPARE(0, 3 * GiB + 5, .ways = 2, .granularity = 4096),
        };

        (void) state;
        assert_int_equal(plan_of(&single, spares, 3), REGION_POSSIBLE);
        assert_int_equal(plan.n_members, 2);
        assert_int_equal(plan.members[0], 0);
        assert_int_equal(plan.members[1], 2);
        assert_int_equal(plan.granularity, 4096);
        /* All of the smaller one. */
        assert_true(plan.size == 2 * GiB);
        /* One alone is not enough, nor is one that is to be made otherwise. */
        assert_int_equal(plan_of(&single, spares, 2), REGION_TOO_FEW);
        assert_int_equal(plan.n_members, 1);
        assert_int_equal(plan.ways, 2);
}

static void members_that_do_not_do(void **state) {
        struct spare spares[] = {
                SPARE(0, GiB, .ways = 2, .granularity = 4096),
                SPARE(0, GiB, .ways = 2, .granularity = 256),
                SPARE(0, GiB, .ways = 2, .granularity = 4096),
        };

        (void) state;
        assert_int_equal(plan_of(&single, spares, 2), REGION_TOO_FEW);
        spares[2].taken = true;
        assert_int_equal(plan_of(&single, spares, 3), REGION_TOO_FEW);
        spares[2].taken = false;
        assert_int_equal(plan_of(&single, spares, 3), REGION_POSSIBLE);
        assert_int_equal(plan.members[1], 2);
}

static void interleaved_over_bridges(void **state) {
        struct spare spares[] = { SPARE(1, GiB), SPARE(1, GiB), SPARE(0, GiB), SPARE(0, GiB) };

        (void) state;
        /* Of what is not said, as many as the window has, each below its own. */
        assert_int_equal(plan_of(&twofold, spares, 4), REGION_POSSIBLE);
        assert_int_equal(plan.ways, 2);
        assert_int_equal(plan.granularity, 512);
        assert_int_equal(plan.members[0], 2);
        assert_int_equal(plan.members[1], 0);
        assert_int_equal(plan_of(&twofold, spares, 2), REGION_TOO_FEW);
        for (size_t i = 0; i < 4; i++)
                spares[i].how.ways = 4;
        assert_int_equal(plan_of(&twofold, spares, 4), REGION_POSSIBLE);
        assert_memory_equal(plan.members, ((size_t[]) { 2, 0, 3, 1 }), 4 * sizeof(size_t));
        assert_true(plan.size == 4 * GiB);
}

static void what_the_window_cannot(void **state) {
        const struct spare three[] = { SPARE(0, GiB, .ways = 3) };
        const struct spare fine[] = { SPARE(0, GiB, .granularity = 256) };
        const struct spare small[] = { SPARE(0, REGION_UNIT - 1) };
        const struct spare large[] = { SPARE(0, 65 * GiB) };
        const struct window all = { .ways = 32, .granularity = 256, .extent = GiB };
        const struct spare plain[] = { SPARE(0, GiB) };

        (void) state;
        assert_int_equal(plan_of(&twofold, three, 1), REGION_WAYS);
        assert_int_equal(plan_of(&all, plain, 1), REGION_WAYS);
        assert_int_equal(plan_of(&twofold, fine, 1), REGION_GRANULARITY);
        assert_int_equal(plan.members[0], 0);
        assert_int_equal(plan_of(&single, small, 1), REGION_NO_ROOM);
        assert_int_equal(plan_of(&single, large, 1), REGION_NO_ROOM);
        assert_true(plan.size == 65 * GiB);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_by_one),
                cmocka_unit_test(interleaved_below_one_bridge),
                cmocka_unit_test(members_that_do_not_do),
                cmocka_unit_test(interleaved_over_bridges),
                cmocka_unit_test(what_the_window_cannot),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

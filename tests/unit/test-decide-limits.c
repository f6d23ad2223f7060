/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide-machine.h"

/* Limits */

static void limit_to(struct machine *m, struct amount a) {
        m->policy.defaults.given |= SETTING_MAX_SIZE;
        m->policy.defaults.max_size = a;
}

static struct amount percent(uint64_t n) {
        return (struct amount) { .percent = true, .value = n * 100 };
}

/* Each placement, with RAM for less than all: it is the limit that has to fit. */
static void no_more_than_the_limit(void **state) {
        static const struct {
                enum memmap_mode mode;
                size_t memmaps;
                bool altmap;
                struct amount limit;
                const char *map, *zones;
        } cases[] = {
                { MEMMAP_RAM, 4, PLAIN, { true, 5000 }, "rrrr....", "mmmmmmmm" },
                { MEMMAP_AUTO, 4, PLAIN, { true, 5000 }, "rrrr....", "mmmmmmmm" },
                /* In whole blocks. */
                { MEMMAP_RAM, 4, PLAIN, { true, 6249 }, "rrrr....", "mmmmmmmm" },
                { MEMMAP_RAM, 5, PLAIN, { true, 6250 }, "rrrrr...", "mmmmmmmm" },
                { MEMMAP_DEVICE, 0, ALTMAP, { false, 3 * BLOCK_SIZE + 1 }, "ddd.....", "mmmmmmmm" },
                { MEMMAP_AUTO, 2, ALTMAP, { false, 3 * BLOCK_SIZE }, "ddd.....", "mmmmmmmm" },
                { MEMMAP_SEED, 2, PLAIN, { true, 5000 }, "rsss....", "kmmmmmmm" },
                { MEMMAP_MIXED, 4, PLAIN, { true, 7500 }, "rsssrr..", "kmmmmmmm" },
                { MEMMAP_MIXED, 2, ALTMAP, { true, 5000 }, "ddrr....", "mmmmmmmm" },
                { MEMMAP_RAM, 8, PLAIN, { true, 10000 }, "rrrrrrrr", "mmmmmmmm" },
                { MEMMAP_RAM, 8, PLAIN, { false, UINT64_MAX }, "rrrrrrrr", "mmmmmmmm" },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct machine *m = machine(cases[i].mode, cases[i].memmaps);
                struct decision *d;

                m->model.memmap_on_memory = cases[i].altmap;
                m->policy.defaults.given |= SETTING_ZONE;
                m->policy.defaults.zone = ZONE_MODE_MOVABLE;
                limit_to(m, cases[i].limit);
                d = decided(m);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                assert_targets(d, cases[i].map, cases[i].zones);
                assert_int_equal(has_reason(d, REASON_LIMIT), d->limit < N);
                for (size_t j = 0; j < N; j++)
                        assert_int_equal(d->targets[j].wanted, cases[i].map[j] != '.');
                decision_free(d);
        }
}

/* What is there counts; what failed is made up for. */
static void limit_of_what_is_there_already(void **state) {
        static const struct {
                const char *map, *states, *expected;
        } cases[] = {
                { "rrr.....", "mmm.....", "rrrr...." },
                { "r.......", "mx......", "r.rrr..." },
                { "....rr..", "....mm..", "rr..rr.." },
                { "rrrrrr..", "mmmmmm..", "rrrrrr.." },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct machine *m = machine(MEMMAP_RAM, 8);
                struct decision *d;

                fill_blocks(m->blocks, cases[i].map, cases[i].states);
                limit_to(m, percent(50));
                d = decided(m);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                for (size_t j = 0; j < N; j++)
                        assert_int_equal(letter_of_placement(d->targets[j].placement),
                                         cases[i].expected[j]);
                decision_free(d);
        }
}

static void limit_is_told(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;
        char text[320];

        (void) state;
        limit_to(m, (struct amount) { true, 5025 });
        d = decided(m);
        assert_string_equal(reason_format(d, reason_of(d, REASON_LIMIT), text, sizeof(text)),
                            "At most 4 of its 8 blocks are taken in, by \"max_size\": 50.25%, in "
                            "whole blocks.");
        decision_free(d);
        limit_to(m, (struct amount) { .value = 2 * BLOCK_SIZE });
        d = decided(m);
        assert_string_equal(reason_format(d, reason_of(d, REASON_LIMIT), text, sizeof(text)),
                            "At most 2 of its 8 blocks are taken in, by \"max_size\": 256 MiB, in "
                            "whole blocks.");
        decision_free(d);
}

static void limit_below_a_block(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        limit_to(m, percent(12));
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_LIMIT_LOW);
        decision_free(d);
}

/* The kernel's driver takes in all of it; what it has of ours already it may keep. */
static void limit_of_a_whole_device(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        m->model.module_loaded = false;
        m->model.kmem_loaded = true;
        m->device.holder = HOLDER_NONE;
        limit_to(m, percent(50));
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_LIMIT_WHOLE);
        decision_free(d);
        limit_to(m, percent(100));
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        decision_free(d);
        limit_to(m, percent(50));
        m->device.holder = HOLDER_KMEM;
        m->device.adopted = true;
        fill_blocks(m->blocks, "rrrrrrrr", "mmmmmmmm");
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        decision_free(d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_more_than_the_limit),
                cmocka_unit_test(limit_of_what_is_there_already),
                cmocka_unit_test(limit_is_told),
                cmocka_unit_test(limit_below_a_block),
                cmocka_unit_test(limit_of_a_whole_device),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

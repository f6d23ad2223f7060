/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide-machine.h"

/* The table: each mode, with and without RAM, altmap and seeds. */

#define REASONS(...) { REASON_DEFAULTS, REASON_BACKEND, REASON_COST, REASON_BUDGET, __VA_ARGS__, _REASON_MAX }

struct row {
        enum memmap_mode mode;
        size_t memmaps;         /* that RAM can spare */
        bool altmap, seeds;
        const char *map;        /* NULL: refused */
        const char *zones;
        enum reason_code reasons[12];
};

static const struct row rows[] = {
        { MEMMAP_AUTO, 8, PLAIN, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 8, PLAIN, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 8, ALTMAP, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 8, ALTMAP, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 7, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_DEVICE) },
        { MEMMAP_AUTO, 7, ALTMAP, SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_DEVICE) },
        { MEMMAP_AUTO, 0, ALTMAP, SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_DEVICE) },
        { MEMMAP_AUTO, 7, PLAIN, SEEDS, "rsssssss", "kmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_AUTO, 2, PLAIN, SEEDS, "rsssssss", "kmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_AUTO, 1, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_NO_ALLOWANCE, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_AUTO, 0, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS_NO_ROOM, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_AUTO, 7, PLAIN, NO_SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS_FORBIDDEN, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER, REASON_HELP_SEEDS) },

        { MEMMAP_RAM, 8, PLAIN, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_RAM, 8, ALTMAP, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_RAM, 7, PLAIN, NO_SEEDS, NULL, NULL, REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },
        { MEMMAP_RAM, 7, PLAIN, SEEDS, NULL, NULL, REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },
        { MEMMAP_RAM, 7, ALTMAP, NO_SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },
        { MEMMAP_RAM, 7, ALTMAP, SEEDS, NULL, NULL, REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },

        { MEMMAP_DEVICE, 8, ALTMAP, SEEDS, "dddddddd", "mmmmmmmm", REASONS(REASON_DEVICE) },
        { MEMMAP_DEVICE, 8, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm", REASONS(REASON_DEVICE) },
        { MEMMAP_DEVICE, 0, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm", REASONS(REASON_DEVICE) },
        { MEMMAP_DEVICE, 8, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_NO_DEVICE, REASON_HELP_PARAMETER) },
        { MEMMAP_DEVICE, 0, PLAIN, NO_SEEDS, NULL, NULL,
          REASONS(REASON_NO_DEVICE, REASON_HELP_PARAMETER) },

        /* Asked for by name, seeds need no allowance by "allow_seeds". */
        { MEMMAP_SEED, 8, PLAIN, SEEDS, "rsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 8, PLAIN, NO_SEEDS, "rsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 2, PLAIN, SEEDS, "rsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 1, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_NO_ALLOWANCE, REASON_HELP_BYTES) },
        { MEMMAP_SEED, 0, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_SEEDS_NO_ROOM, REASON_HELP_BYTES) },
        { MEMMAP_SEED, 8, ALTMAP, SEEDS, "dsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 1, ALTMAP, NO_SEEDS, "dsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },

        { MEMMAP_MIXED, 8, PLAIN, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_MIXED) },
        { MEMMAP_MIXED, 9, ALTMAP, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_MIXED) },
        { MEMMAP_MIXED, 3, ALTMAP, SEEDS, "dddddrrr", "mmmmmmmm",
          REASONS(REASON_MIXED, REASON_DEVICE) },
        { MEMMAP_MIXED, 3, ALTMAP, NO_SEEDS, "dddddrrr", "mmmmmmmm",
          REASONS(REASON_MIXED, REASON_DEVICE) },
        { MEMMAP_MIXED, 0, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_MIXED, REASON_DEVICE) },
        /* One of those that fit is the seed's own, one is kept for a stray. */
        { MEMMAP_MIXED, 4, PLAIN, SEEDS, "rsssssrr", "kmmmmmmm",
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_MIXED, 2, PLAIN, SEEDS, "rsssssss", "kmmmmmmm",
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_MIXED, 1, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_NO_ALLOWANCE, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_MIXED, 0, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS_NO_ROOM, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_MIXED, 4, PLAIN, NO_SEEDS, NULL, NULL,
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS_FORBIDDEN, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER, REASON_HELP_SEEDS) },
};

static size_t count(const char *s, char c) {
        size_t n = 0;

        for (; *s; s++)
                n += *s == c;
        return n;
}

static void assert_row(const struct row *row) {
        struct machine *m = machine(row->mode, row->memmaps);
        struct decision *d;

        m->model.memmap_on_memory = row->altmap;
        m->policy.defaults.given |= SETTING_ALLOW_SEEDS;
        m->policy.defaults.allow_seeds = row->seeds;
        d = decided(m);
        assert_int_equal(d->verdict, row->map ? VERDICT_TAKE : VERDICT_REFUSE);
        assert_reasons(d, row->reasons);
        assert_int_equal(d->payer, 0);
        assert_targets(d, row->map ? row->map : "........", row->zones ? row->zones : "mmmmmmmm");
        assert_size(d->ram_cost, row->map ? count(row->map, 'r') * MEMMAP_SIZE : 0);
        assert_size(d->n_seeds, row->zones ? count(row->zones, 'k') : 0);
        for (size_t i = 0; i < N; i++) {
                assert_int_equal(d->targets[i].wanted, row->map != NULL);
                assert_int_equal(d->targets[i].seed, row->zones && row->zones[i] == 'k');
        }
        decision_free(d);
}

static void each_mode_by_what_is_possible(void **state) {
        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                print_message("row %zu: %s, RAM for %zu\n", i,
                              memmap_mode_to_string(rows[i].mode), rows[i].memmaps);
                assert_row(&rows[i]);
        }
}

static void numbers_are_told(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 7);
        const struct reason *r;
        struct decision *d;

        (void) state;
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        d = decided(m);
        r = reason_of(d, REASON_COST);
        assert_size(r->a, N);
        assert_size(r->b, MEMMAP_SIZE);
        r = reason_of(d, REASON_BUDGET);
        assert_size(r->a, 6 * MEMMAP_SIZE + MiB);
        assert_int_equal(r->node, 0);
        r = reason_of(d, REASON_EXCEEDS);
        assert_size(r->a, N * MEMMAP_SIZE);
        assert_size(r->b, 6 * MEMMAP_SIZE + MiB);
        r = reason_of(d, REASON_HELP_BYTES);
        assert_size(r->a, 2 * MEMMAP_SIZE - MiB);
        assert_int_equal(r->node, 0);
        assert_size(d->budget.reserve, MEMMAP_SIZE);
        assert_ptr_equal(decision_cause(d), reason_of(d, REASON_EXCEEDS));
        decision_free(d);
}

static void parts_are_told(void **state) {
        struct machine *m = machine(MEMMAP_MIXED, 3);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        d = decided(m);
        assert_size(reason_of(d, REASON_MIXED)->a, 3);
        assert_size(reason_of(d, REASON_MIXED)->b, 5);
        assert_size(reason_of(d, REASON_DEVICE)->a, 5);
        decision_free(d);

        m = machine(MEMMAP_SEED, 3);
        d = decided(m);
        assert_size(reason_of(d, REASON_SEEDS)->a, 1);
        assert_size(reason_of(d, REASON_SEEDS)->b, 8);
        assert_int_equal(reason_of(d, REASON_SEEDS)->node, 1);
        decision_free(d);
}

/* With what is said to be missing it is taken, with a byte less it is not. */
static void bytes_that_help_are_what_is_missing(void **state) {
        static const struct {
                enum memmap_mode mode;
                bool seeds;
        } cases[] = {
                { MEMMAP_RAM, true }, { MEMMAP_SEED, true }, { MEMMAP_AUTO, true },
                { MEMMAP_AUTO, false }, { MEMMAP_MIXED, true }, { MEMMAP_MIXED, false },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++)
                for (uint64_t reserve = 0; reserve <= 10 * MEMMAP_SIZE; reserve += MiB) {
                        struct machine *m = machine(cases[i].mode, 1);
                        struct decision *d;

                        m->policy.defaults.given |= SETTING_ALLOW_SEEDS;
                        m->policy.defaults.allow_seeds = cases[i].seeds;
                        m->policy.defaults.ram_reserve.value = reserve;
                        m->nodes[0].kernel_reclaimable = 3 * MiB;
                        m->nodes[0].kernel_watermark = 2 * MiB;
                        m->nodes[0].promised = MiB;
                        d = decided(m);
                        assert_int_equal(d->verdict, VERDICT_REFUSE);
                        m->nodes[0].kernel_free += reason_of(d, REASON_HELP_BYTES)->a;
                        decision_free(d);
                        assert_verdict_is(m, VERDICT_TAKE);
                        m->nodes[0].kernel_free--;
                        assert_verdict_is(m, VERDICT_REFUSE);
                }
}

/* Of 8 memmaps 3 are paid for, and there is RAM for one and a half. */
static void bytes_that_help_are_without_those_spent(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 1);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "rrr.....", "mmm.....");
        d = decided(m);
        assert_size(reason_of(d, REASON_HELP_BYTES)->a, 5 * MEMMAP_SIZE - MEMMAP_SIZE - MiB);
        decision_free(d);
}

static void bytes_do_not_help_everywhere(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 0);
        struct decision *d;

        (void) state;
        m->device.target_node = 0;
        d = decided(m);
        assert_int_equal(decision_cause(d)->code, REASON_SEEDS_SHARED);
        assert_false(has_reason(d, REASON_HELP_BYTES));
        decision_free(d);
}

/* The reserve is there to bear what goes astray, not what is planned. */
static void stray_may_take_of_the_reserve(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 2);

        (void) state;
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        assert_verdict_is(m, VERDICT_TAKE);
        m->policy.defaults.ram_reserve.value = 2 * MEMMAP_SIZE;
        assert_verdict_is(m, VERDICT_REFUSE);
}

static void promise_to_others_is_kept(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        m->nodes[0].promised = MEMMAP_SIZE;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        decision_free(d);
}

static void kernel_zone_takes_all_blocks(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        m->policy.defaults.given |= SETTING_ZONE;
        m->policy.defaults.zone = ZONE_MODE_KERNEL;
        d = decided(m);
        assert_targets(d, "rrrrrrrr", "kkkkkkkk");
        assert_size(d->n_seeds, 0);
        decision_free(d);
}

/* More memmaps than one seed holds: 62, here 3. */
static void seeds_are_as_many_as_needed_and_lowest(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 8);
        struct decision *d;

        (void) state;
        m->device.memmap_size = BLOCK_SIZE / 5;
        m->nodes[0].kernel_free = 2 * (BLOCK_SIZE / 5);
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_size(d->n_seeds, 3);
        assert_targets(d, "rsssssss", "kkkmmmmm");
        decision_free(d);

        /* Those that carry their own have less room for the others. */
        m->model.memmap_on_memory = true;
        d = decided(m);
        assert_size(d->n_seeds, 3);
        assert_targets(d, "dddsssss", "kkkmmmmm");
        decision_free(d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_mode_by_what_is_possible),
                cmocka_unit_test(numbers_are_told),
                cmocka_unit_test(parts_are_told),
                cmocka_unit_test(bytes_that_help_are_what_is_missing),
                cmocka_unit_test(bytes_that_help_are_without_those_spent),
                cmocka_unit_test(bytes_do_not_help_everywhere),
                cmocka_unit_test(stray_may_take_of_the_reserve),
                cmocka_unit_test(promise_to_others_is_kept),
                cmocka_unit_test(kernel_zone_takes_all_blocks),
                cmocka_unit_test(seeds_are_as_many_as_needed_and_lowest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

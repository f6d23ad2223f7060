/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide-machine.h"

/* Seeds and the node */

static void seeds_do_not_work_beside_ram(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 8);
        struct decision *d;

        (void) state;
        m->device.target_node = 0;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_SEEDS_SHARED);
        assert_int_equal(decision_cause(d)->node, 0);
        assert_targets(d, "........", "mmmmmmmm");
        decision_free(d);

        /* Where RAM is enough, the same node may carry all. */
        m->policy.defaults.memmap = MEMMAP_AUTO;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "rrrrrrrr", "mmmmmmmm");
        decision_free(d);
}

static void seeds_need_to_come_online(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 8);
        struct decision *d;

        (void) state;
        m->policy.defaults.given |= SETTING_ACTION;
        m->policy.defaults.action = ACTION_PLUG;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_SEEDS_OFFLINE);
        decision_free(d);

        m->policy.defaults.memmap = MEMMAP_AUTO;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_int_equal(d->settings.action, ACTION_PLUG);
        assert_targets(d, "rrrrrrrr", "mmmmmmmm");
        decision_free(d);
}

/* Where the kernel disobeyed before, RAM must be able to bear it once more. */
static void altmap_is_not_trusted_blindly(void **state) {
        struct machine *m = machine(MEMMAP_DEVICE, 0);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        assert_taken(m);
        m->device.stray_device = true;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_NO_ALLOWANCE);
        assert_false(has_reason(d, REASON_HELP_PARAMETER));
        decision_free(d);
        m->nodes[0].kernel_free += MEMMAP_SIZE;
        assert_taken(m);
}

/* Else one after the other would eat up the reserve. */
static void reserve_bears_one_stray_only(void **state) {
        struct machine *m = machine(MEMMAP_DEVICE, 1);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        m->device.stray_device = true;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_size(decision_cause(d)->a, MEMMAP_SIZE);
        assert_size(decision_cause(d)->b, MiB);
        decision_free(d);
        m->nodes[0].kernel_free += MEMMAP_SIZE;
        assert_taken(m);

        /* With seeds the first comes before any stray was seen. */
        m = machine(MEMMAP_SEED, 3);
        m->policy.defaults.ram_reserve.value = 2 * MEMMAP_SIZE;
        assert_taken(m);
        m->device.stray_seed = true;
        assert_verdict_is(m, VERDICT_REFUSE);
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        assert_taken(m);
}

/* A seed that looks free and was not used is not counted on. */
static void seeds_are_not_trusted_after_a_stray(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 3);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "rsr.....", "kmm.....");
        add_target(m, BLOCK_SIZE, 60 * MEMMAP_SIZE);
        d = decided(m);
        assert_targets(d, "rsrsssss", "kmmmmmmm");
        decision_free(d);
        m->device.stray_seed = true;
        d = decided(m);
        assert_targets(d, "rsrrssss", "kmmkmmmm");
        decision_free(d);
}

/* Halfway: what is there already, what was decided at first, what is decided now. */

static void ram_halfway_stays_ram(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 4);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "r.rrr...", "m.mm-...");
        add_target(m, 0, 0);
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "rrrrrrrr", "mmmmmmmm");
        assert_size(d->ram_cost, 4 * MEMMAP_SIZE);
        assert_size(reason_of(d, REASON_SPENT)->a, 4);
        /* With what is spent, the sum is the one it began with. */
        assert_size(reason_of(d, REASON_FITS)->a, 8 * MEMMAP_SIZE);
        assert_size(reason_of(d, REASON_FITS)->b, 8 * MEMMAP_SIZE + MiB);
        decision_free(d);
}

static void device_halfway_stays_device(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 7);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        /* By now RAM could carry what is missing: it is not asked. */
        fill_blocks(m->blocks, "d.dddd..", "m.mm--..");
        add_target(m, 0, 0);
        d = decided(m);
        assert_targets(d, "dddddddd", "mmmmmmmm");
        assert_size(d->ram_cost, 0);
        decision_free(d);
}

static void seed_halfway_stays_seed(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "r.sss...", "k.mm-...");
        add_target(m, BLOCK_SIZE, 59 * MEMMAP_SIZE);
        d = decided(m);
        assert_targets(d, "rsssssss", "kmmmmmmm");
        assert_size(d->n_seeds, 0);
        assert_size(d->ram_cost, 0);
        assert_int_equal(d->payer, 0);
        decision_free(d);
}

/* Plugged to be a seed, then interrupted: it becomes the seed. */
static void seed_that_is_offline_becomes_seed(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 2);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "r.......", "-.......");
        add_target(m, 0, 0);
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "rsssssss", "kmmmmmmm");
        assert_true(d->targets[0].seed);
        assert_size(d->ram_cost, 0);
        decision_free(d);
}

/* The seed is full before its time: another one, whose memmap is in RAM. */
static void full_seeds_get_company(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 3);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "rss.....", "kmm.....");
        add_target(m, BLOCK_SIZE, MiB);
        d = decided(m);
        assert_targets(d, "rssrssss", "kmmkmmmm");
        assert_size(d->n_seeds, 1);
        assert_size(d->ram_cost, MEMMAP_SIZE);
        decision_free(d);
}

static void mixed_halfway_comes_out_the_same(void **state) {
        struct machine *m = machine(MEMMAP_MIXED, 2);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        fill_blocks(m->blocks, "d....r..", "m....-..");
        add_target(m, 0, 0);
        d = decided(m);
        assert_targets(d, "dddddrrr", "mmmmmmmm");
        decision_free(d);

        /* With seeds: all that RAM carries is there, what is kept for a stray stays. */
        m = machine(MEMMAP_MIXED, 1);
        fill_blocks(m->blocks, "rs....rr", "km....--");
        add_target(m, BLOCK_SIZE, 62 * MEMMAP_SIZE);
        d = decided(m);
        assert_targets(d, "rsssssrr", "kmmmmmmm");
        assert_size(d->ram_cost, 0);
        decision_free(d);
}

static void failed_blocks_are_left_out(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 6);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "........", ".x....x.");
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "r.rrrr.r", "mmmmmmmm");
        assert_false(d->targets[1].wanted);
        assert_false(d->targets[6].wanted);
        assert_size(reason_of(d, REASON_COST)->a, 6);
        assert_size(d->ram_cost, 6 * MEMMAP_SIZE);
        decision_free(d);

        /* A seed is another one then. */
        m->policy.defaults.memmap = MEMMAP_SEED;
        fill_blocks(m->blocks, "........", "x.......");
        d = decided(m);
        assert_targets(d, ".rssssss", "mkmmmmmm");
        decision_free(d);
}

/* Once all blocks are there, RAM that has become scarce changes nothing. */
static void nothing_to_place_is_not_refused(void **state) {
        (void) state;
        for (enum memmap_mode mode = 0; mode < _MEMMAP_MODE_MAX; mode++) {
                struct machine *m = machine(mode, 0);
                struct decision *d;

                fill_blocks(m->blocks, "rsssdddr", "kmmmmmm-");
                add_target(m, BLOCK_SIZE, 0);
                d = decided(m);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                assert_targets(d, "rsssdddr", "kmmmmmmm");
                assert_size(d->ram_cost, 0);
                decision_free(d);
        }
}

static void nothing_comes_of_nothing(void **state) {
        (void) state;
        assert_null(decision_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(seeds_do_not_work_beside_ram),
                cmocka_unit_test(seeds_need_to_come_online),
                cmocka_unit_test(altmap_is_not_trusted_blindly),
                cmocka_unit_test(reserve_bears_one_stray_only),
                cmocka_unit_test(seeds_are_not_trusted_after_a_stray),
                cmocka_unit_test(ram_halfway_stays_ram),
                cmocka_unit_test(device_halfway_stays_device),
                cmocka_unit_test(seed_halfway_stays_seed),
                cmocka_unit_test(seed_that_is_offline_becomes_seed),
                cmocka_unit_test(full_seeds_get_company),
                cmocka_unit_test(mixed_halfway_comes_out_the_same),
                cmocka_unit_test(failed_blocks_are_left_out),
                cmocka_unit_test(nothing_to_place_is_not_refused),
                cmocka_unit_test(nothing_comes_of_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The execution of plans where the machine is not what it was any more: the kernel does
 * other than it was asked, memory runs out, others do the same, there is pressure.
 */
#include "exec-kernel.h"

/* The kernel does other than it was asked */

static void disobey_from_the_third(const char *line) {
        if (strcmp(line, "plug 2") == 0)
                k.disobedient = true;
}

static void stray_in_ram_ends_it_before_the_next(void **state) {
        (void) state;
        k.before = disobey_from_the_third;
        assert_int_equal(run(MEMMAP_DEVICE), -ESTALE);
        assert_null(strstr(k.log, "plug 3"));
        /* Where it is, is told: the daemon counts it. */
        assert_non_null(strstr(k.events, "diverged plug 2, plug 2 r, end 116"));
        assert_true(k.diverged.stray);
        assert_int_equal(k.diverged.planned, PLACEMENT_DEVICE);
        assert_true(strlen(k.diverged.text) > 0);
}

static void stray_from_a_seed_ends_it_too(void **state) {
        (void) state;
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        k.before = disobey_from_the_third;
        assert_int_equal(run(MEMMAP_SEED), -ESTALE);
        assert_int_equal(k.diverged.planned, PLACEMENT_SEED);
        assert_string_equal(k.map, "rsr...");
}

/* A seed instead of RAM harms nobody. */
static void better_than_planned_is_no_divergence(void **state) {
        (void) state;
        k.seed_total = BLOCK_SIZE;
        k.seed_free = BLOCK_SIZE;
        bring_online(99, "Normal");
        assert_int_equal(run(MEMMAP_RAM), 0);
        assert_states("mmmmmm");
}

static void eat_ram(const char *line) {
        if (strcmp(line, "33 online_movable") == 0) {
                k.ram_free = MEMMAP_SIZE - PAGE;
                write_zones();
        }
}

static void ram_is_looked_at_again_and_again(void **state) {
        (void) state;
        k.before = eat_ram;
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rr....");
        assert_non_null(strstr(k.events, "online 1, diverged plug 2, end 116"));
        assert_false(k.diverged.stray);
}

/* 100 memmaps would fit: a moment later, the next 50 do. */
static void look_holds_for_a_moment(void **state) {
        (void) state;
        k.before = eat_ram;
        k.write_ms = 1;
        assert_int_equal(run(MEMMAP_RAM), 0);
        assert_string_equal(k.map, "rrrrrr");
}

static void leave_ram_for_one(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                k.ram_free = 2 * MEMMAP_SIZE - PAGE;
}

/* Half of what was there is for others. */
static void look_holds_for_half_of_what_it_found(void **state) {
        (void) state;
        k.before = leave_ram_for_one;
        k.write_ms = 1;
        k.ram_free = 6 * MEMMAP_SIZE + MEMMAP_SIZE / 2;
        write_zones();
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rrr...");
}

static uint64_t eaten;

static void eat_some(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                k.ram_free -= eaten;
}

/* Exactly as much as all six need, and then a little less: the worker is there as well. */
static void worker_may_take_a_little(void **state) {
        (void) state;
        k.before = eat_some;
        k.reserve = 4 * MEMMAP_SIZE;
        k.ram_free = 10 * MEMMAP_SIZE;
        write_zones();
        eaten = MiB;
        assert_int_equal(run(MEMMAP_RAM), 0);
        assert_string_equal(k.map, "rrrrrr");
}

static void nobody_may_take_more(void **state) {
        (void) state;
        k.before = eat_some;
        k.reserve = 4 * MEMMAP_SIZE;
        k.ram_free = 10 * MEMMAP_SIZE;
        write_zones();
        eaten = MiB + PAGE;
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rrrrr.");
}

static void what_needs_no_ram_does_not_look_at_it(void **state) {
        (void) state;
        k.before = eat_ram;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
}

static void after_a_stray_it_looks_all_the_same(void **state) {
        (void) state;
        k.before = eat_ram;
        assert_int_equal(run_with(MEMMAP_DEVICE, ACTION_ONLINE, true), -ESTALE);
        assert_string_equal(k.map, "dd....");
}

static void eat_seeds(const char *line) {
        if (strcmp(line, "33 online_movable") == 0) {
                k.seed_free = MEMMAP_SIZE - PAGE;
                write_zones();
        }
}

static void seeds_are_looked_at_again_and_again(void **state) {
        (void) state;
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        k.before = eat_seeds;
        assert_int_equal(run(MEMMAP_SEED), -ESTALE);
        assert_string_equal(k.map, "rs....");
        assert_false(k.diverged.stray);
}

static void take_node_away(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                tree_delete(&k.tree, "sys/devices/system/node/node0");
}

static void payer_that_goes_ends_it(void **state) {
        (void) state;
        k.before = take_node_away;
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rr....");
}

/* Others */

static void plug_behind_our_back(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                plug(2);
}

static void block_that_somebody_plugged_is_ours_too(void **state) {
        (void) state;
        k.before = plug_behind_our_back;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_states("mmmmmm");
}

static void online_behind_our_back(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                bring_online(33, "Movable");
}

static void race_that_somebody_won_is_no_failure(void **state) {
        (void) state;
        k.before = online_behind_our_back;
        add_fault("33 online_movable", -EINVAL, 1);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_null(strstr(k.log, "unplug"));
        assert_states("mmmmmm");
}

static void online_in_another_zone(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                bring_online(33, "Normal");
}

static void other_zone_is_not_fought_over(void **state) {
        (void) state;
        k.before = online_in_another_zone;
        add_fault("33 online_movable", -EINVAL, 1);
        assert_int_equal(run(MEMMAP_DEVICE), -ESTALE);
        assert_non_null(strstr(k.events, "diverged online 1, end 116"));
        assert_false(k.diverged.stray);
        assert_null(strstr(k.log, "unplug"));
        assert_states("mk....");
}

/* What is online by the time its turn comes is not written to. */
static void online_at_once(const char *line) {
        if (strcmp(line, "33 online_movable") == 0) {
                plug(2);
                bring_online(34, "Movable");
        }
}

static void block_online_already_is_not_written_to(void **state) {
        (void) state;
        k.before = online_at_once;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_null(strstr(k.log, "34 online_movable"));
        assert_non_null(strstr(k.events, "plug 2 d, online 2"));
}

/* Blocks 0 and 1 are plugged; while 0 comes online, somebody unplugs 1. */
static void vanish(const char *line) {
        if (strcmp(line, "32 online_movable") == 0)
                take_block_away(33);
}

static void block_that_vanished_is_passed_over(void **state) {
        (void) state;
        plug(0);
        plug(1);
        k.before = vanish;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_null(strstr(k.log, "33 online"));
        assert_null(strstr(k.events, "failed"));
        assert_null(strstr(k.events, "online 1"));
        assert_states("m.mmmm");
}

/* Pressure */

static void waits_and_slows_down(void **state) {
        (void) state;
        k.limits = (struct pressure) { .slow = 1000, .stop = 4000 };
        k.pressure[0] = "40.00";
        k.pressure[2] = "12.34";
        k.pressure[5] = "0.00";
        show_pressure();
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.events, "place, stopped 4000, stopped 4000, slow 1234, plug 0 d, "
                            "online 0, plug 1 d, online 1, plug 2 d, online 2, full 0, "
                            "plug 3 d, online 3, plug 4 d, online 4, plug 5 d, online 5, end 0");
        assert_int_equal(k.sleeps, 5);
        assert_states("mmmmmm");
}

static void pressure_that_is_not_told(void **state) {
        (void) state;
        k.limits.stop = 1;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.events, "place, not paced 2, plug 0 d, online 0, plug 1 d, online 1, "
                            "plug 2 d, online 2, plug 3 d, online 3, plug 4 d, online 4, "
                            "plug 5 d, online 5, end 0");
        assert_int_equal(k.sleeps, 0);
}

static void pressure_that_cannot_be(void **state) {
        static const char *const texts[] = { "", "banana", "-1.00", "101.00", "5" };

        (void) state;
        for (size_t i = 0; i < COUNT(texts); i++) {
                char expected[32];

                remove_machine(state);
                make_machine(state);
                k.limits.stop = 1;
                k.pressure[0] = texts[i];
                show_pressure();
                assert_int_equal(run(MEMMAP_DEVICE), 0);
                snprintf(expected, sizeof(expected), "place, not paced %d, plug 0", EBADMSG);
                assert_memory_equal(k.events, expected, strlen(expected));
        }
}

static void nobody_listens_while_it_waits(void **state) {
        (void) state;
        k.limits.stop = 1000;
        k.pressure[0] = "50.00";
        show_pressure();
        k.refuse_report = 3;
        assert_int_equal(run(MEMMAP_DEVICE), -EPIPE);
        assert_states("......");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_MACHINE(stray_in_ram_ends_it_before_the_next),
                ON_MACHINE(stray_from_a_seed_ends_it_too),
                ON_MACHINE(better_than_planned_is_no_divergence),
                ON_MACHINE(ram_is_looked_at_again_and_again),
                ON_MACHINE(look_holds_for_a_moment),
                ON_MACHINE(look_holds_for_half_of_what_it_found),
                ON_MACHINE(worker_may_take_a_little),
                ON_MACHINE(nobody_may_take_more),
                ON_MACHINE(what_needs_no_ram_does_not_look_at_it),
                ON_MACHINE(after_a_stray_it_looks_all_the_same),
                ON_MACHINE(seeds_are_looked_at_again_and_again),
                ON_MACHINE(payer_that_goes_ends_it),
                ON_MACHINE(block_that_somebody_plugged_is_ours_too),
                ON_MACHINE(race_that_somebody_won_is_no_failure),
                ON_MACHINE(other_zone_is_not_fought_over),
                ON_MACHINE(block_online_already_is_not_written_to),
                ON_MACHINE(block_that_vanished_is_passed_over),
                ON_MACHINE(waits_and_slows_down),
                ON_MACHINE(pressure_that_is_not_told),
                ON_MACHINE(pressure_that_cannot_be),
                ON_MACHINE(nobody_listens_while_it_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

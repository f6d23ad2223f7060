/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The execution of plans: what is written, in what order, and what comes of errors. */
#include "exec-kernel.h"

/* All goes well */

static void steps_are_written_in_order(void **state) {
        (void) state;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.log, "memmap_on_memory 1, plug 0, 32 online_movable, "
                            "plug 1, 33 online_movable, plug 2, 34 online_movable, "
                            "plug 3, 35 online_movable, plug 4, 36 online_movable, "
                            "plug 5, 37 online_movable");
        assert_string_equal(k.events, "place, plug 0 d, online 0, plug 1 d, online 1, "
                            "plug 2 d, online 2, plug 3 d, online 3, plug 4 d, online 4, "
                            "plug 5 d, online 5, end 0");
        assert_int_equal(k.sleeps, 0);
}

static void seed_comes_online_in_the_kernel_zone(void **state) {
        (void) state;
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        assert_int_equal(run(MEMMAP_SEED), 0);
        assert_states("kmmmmm");
        assert_string_equal(k.map, "rsssss");
        assert_size(k.ram_free, 99 * MEMMAP_SIZE);
}

static void plug_alone_leaves_offline(void **state) {
        (void) state;
        assert_int_equal(run_with(MEMMAP_RAM, ACTION_PLUG, false), 0);
        assert_states("------");
        assert_string_equal(k.map, "rrrrrr");
}

/* Errors */

static void busy_block_is_tried_again(void **state) {
        (void) state;
        add_fault("33 online_movable", -EBUSY, 2);
        add_fault("plug 2", -EAGAIN, 1);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_int_equal(k.sleeps, 3);
        assert_non_null(strstr(k.events, "plug 1 d, retried 16, retried 16, online 1, "
                               "retried 11, plug 2 d, online 2"));
        assert_states("mmmmmm");
}

static void interrupted_write_is_tried_again(void **state) {
        (void) state;
        add_fault("plug 0", -EINTR, 3);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_states("mmmmmm");
}

static void block_that_stays_busy_is_given_back(void **state) {
        (void) state;
        add_fault("33 online_movable", -EBUSY, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_int_equal(k.sleeps, 3);
        assert_non_null(strstr(k.log, "plug 1, 33 online_movable, 33 online_movable, "
                               "33 online_movable, 33 online_movable, unplug 1, plug 2"));
        assert_non_null(strstr(k.events, "failed online 1 16, plug 2 d"));
        assert_states("m.mmmm");
}

static void permanent_failure_costs_one_block(void **state) {
        (void) state;
        add_fault("34 online_movable", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_int_equal(k.sleeps, 0);
        assert_non_null(strstr(k.log, "34 online_movable, unplug 2, plug 3"));
        assert_non_null(strstr(k.events, "failed online 2 5"));
        assert_states("mm.mmm");
        assert_string_equal(k.map, "dd.ddd");
}

static void failed_plug_costs_one_block(void **state) {
        (void) state;
        add_fault("plug 2", -EINVAL, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        /* Nothing to bring online, nothing to undo. */
        assert_null(strstr(k.log, "34 online_movable"));
        assert_null(strstr(k.log, "unplug"));
        assert_non_null(strstr(k.events, "failed plug 2 22, plug 3 d"));
        assert_states("mm.mmm");
}

static void three_failures_in_a_row_end_it(void **state) {
        (void) state;
        add_fault("33 online_movable", -EIO, 100);
        add_fault("34 online_movable", -EIO, 100);
        add_fault("35 online_movable", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), -EIO);
        assert_null(strstr(k.log, "plug 4"));
        assert_states("m.....");
}

static void three_plugs_in_a_row_end_it(void **state) {
        (void) state;
        add_fault("plug 0", -EIO, 100);
        add_fault("plug 1", -EIO, 100);
        add_fault("plug 2", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), -EIO);
        assert_null(strstr(k.log, "plug 3"));
}

static void failures_here_and_there_do_not_end_it(void **state) {
        (void) state;
        add_fault("32 online_movable", -EIO, 100);
        add_fault("33 online_movable", -EIO, 100);
        add_fault("35 online_movable", -EIO, 100);
        add_fault("36 online_movable", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_states("..m..m");
}

static void failures_of_plugs_here_and_there_do_not_end_it(void **state) {
        (void) state;
        add_fault("plug 0", -EIO, 100);
        add_fault("plug 2", -EIO, 100);
        add_fault("plug 4", -EIO, 100);
        assert_int_equal(run_with(MEMMAP_RAM, ACTION_PLUG, false), 0);
        assert_states(".-.-.-");
}

static void what_ails_the_machine_ends_it_at_once(void **state) {
        static const int errors[] = { -ENOMEM, -ENODEV };

        for (size_t i = 0; i < COUNT(errors); i++) {
                add_fault("plug 1", errors[i], 1);
                assert_int_equal(run(MEMMAP_DEVICE), errors[i]);
                assert_null(strstr(k.log, "plug 2"));
                remove_machine(state);
                make_machine(state);
        }
}

static void failed_place_ends_it(void **state) {
        (void) state;
        add_fault("memmap_on_memory 1", -EOPNOTSUPP, 1);
        assert_int_equal(run(MEMMAP_DEVICE), -EOPNOTSUPP);
        assert_string_equal(k.log, "memmap_on_memory 1");
        assert_string_equal(k.events, "failed place 0 95, end 95");
}

static void nobody_listens_any_more(void **state) {
        (void) state;
        k.refuse_report = 3;
        assert_int_equal(run(MEMMAP_DEVICE), -EPIPE);
        assert_null(strstr(k.log, "plug 1"));
}

static void truncate_map(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                memset(k.map + 2, 0, N - 2);
}

static void map_that_does_not_show_the_block_is_a_failure(void **state) {
        (void) state;
        k.before = truncate_map;
        assert_int_equal(run(MEMMAP_DEVICE), -EIO);
        assert_non_null(strstr(k.events, "online 1, failed plug 2 5, failed plug 3 5"));
}

/* Binding */

static void bound_from_no_driver(void **state) {
        (void) state;
        tree_delete(&k.tree, DAX "/driver");
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        /* The id does not stay, or the device would come back by itself. */
        assert_string_equal(k.log, "memmapd_kmem new_id, memmapd_kmem remove_id");
        assert_string_equal(k.events, "bind, end 0");
}

static void bound_from_kmem(void **state) {
        (void) state;
        bind_to("kmem");
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.log, "kmem unbind, memmapd_kmem new_id, memmapd_kmem remove_id");
}

static void old_driver_comes_back_if_it_cannot_be_bound(void **state) {
        (void) state;
        bind_to("kmem");
        add_fault("memmapd_kmem new_id", -EINVAL, 1);
        assert_int_equal(run(MEMMAP_DEVICE), -EINVAL);
        assert_string_equal(k.log, "kmem unbind, memmapd_kmem new_id, memmapd_kmem remove_id, "
                            "kmem bind");
        assert_string_equal(k.events, "failed bind 0 22, end 22");
}

static void unbind_that_fails_ends_it(void **state) {
        (void) state;
        bind_to("kmem");
        add_fault("kmem unbind", -EBUSY, 100);
        assert_int_equal(run(MEMMAP_DEVICE), -EBUSY);
        assert_string_equal(k.log, "kmem unbind");
}

static void bind_elsewhere(const char *line) {
        if (strcmp(line, "memmapd_kmem remove_id") == 0)
                bind_to("device_dax");
}

static void device_that_another_driver_got_is_not_ours(void **state) {
        (void) state;
        tree_delete(&k.tree, DAX "/driver");
        k.before = bind_elsewhere;
        assert_int_equal(run(MEMMAP_DEVICE), -EBUSY);
}

static void unbind_it(const char *line) {
        if (strcmp(line, "memmapd_kmem remove_id") == 0)
                tree_delete(&k.tree, DAX "/driver");
}

static void probe_that_failed_is_told(void **state) {
        (void) state;
        tree_delete(&k.tree, DAX "/driver");
        k.before = unbind_it;
        assert_int_equal(run(MEMMAP_DEVICE), -ENODEV);
}

/* Taking back */

static int take_back(size_t n, const size_t *blocks) {
        struct step steps[N];
        struct plan plan = { .n_steps = n, .steps = steps };
        struct decision decision = {};
        struct exec_job job = {
                .sysfs = &k.tree.sysfs, .report = on_event, .plan = &plan, .decision = &decision,
        };
        struct model *m;
        int r;

        for (size_t i = 0; i < n; i++)
                steps[i] = (struct step) { .kind = STEP_TAKE_BACK, .block = blocks[i] };
        k.events[0] = k.log[0] = '\0';
        assert_int_equal(probe(&k.tree.sysfs, &m), 0);
        job.model = m;
        job.device = &m->devices[0];
        r = exec_run(&job);
        model_free(m);
        return r;
}

/* All that can be, whatever the others do. */
static void each_that_can_be_is_taken_back(void **state) {
        static const size_t blocks[] = { 5, 4, 3, 2, 1, 0 };

        (void) state;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        take_block_away(FIRST + 5);
        for (int i = 1; i < 5; i++) {
                static char lines[5][16];

                snprintf(lines[i], sizeof(lines[i]), "unplug %d", i);
                add_fault(lines[i], -EBUSY, 100);
        }
        assert_int_equal(take_back(6, blocks), 0);
        assert_non_null(strstr(k.events, "failed take back 4 16"));
        assert_non_null(strstr(k.events, "failed take back 1 16"));
        assert_states(".mmmm.");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_MACHINE(steps_are_written_in_order),
                ON_MACHINE(seed_comes_online_in_the_kernel_zone),
                ON_MACHINE(plug_alone_leaves_offline),
                ON_MACHINE(busy_block_is_tried_again),
                ON_MACHINE(interrupted_write_is_tried_again),
                ON_MACHINE(block_that_stays_busy_is_given_back),
                ON_MACHINE(permanent_failure_costs_one_block),
                ON_MACHINE(failed_plug_costs_one_block),
                ON_MACHINE(three_failures_in_a_row_end_it),
                ON_MACHINE(three_plugs_in_a_row_end_it),
                ON_MACHINE(failures_here_and_there_do_not_end_it),
                ON_MACHINE(failures_of_plugs_here_and_there_do_not_end_it),
                ON_MACHINE(what_ails_the_machine_ends_it_at_once),
                ON_MACHINE(failed_place_ends_it),
                ON_MACHINE(nobody_listens_any_more),
                ON_MACHINE(map_that_does_not_show_the_block_is_a_failure),
                ON_MACHINE(bound_from_no_driver),
                ON_MACHINE(bound_from_kmem),
                ON_MACHINE(old_driver_comes_back_if_it_cannot_be_bound),
                ON_MACHINE(unbind_that_fails_ends_it),
                ON_MACHINE(device_that_another_driver_got_is_not_ours),
                ON_MACHINE(probe_that_failed_is_told),
                ON_MACHINE(each_that_can_be_is_taken_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

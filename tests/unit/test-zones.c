/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many blocks go to the kernel zone, and which. */
#include "unit.h"
#include "tally.h"

#define N 16
#define BLOCKS(n) ((n) * BLOCK_SIZE)

struct machine {
        struct node nodes[3];
        struct block blocks[N];
        struct device devices[2];
        struct block others[N];
        struct model model;
        struct policy policy;
        struct decision *decision;
};

/* @ram blocks of kernel memory in node 0; memmaps go onto the device. */
static struct machine machine(size_t ram) {
        return (struct machine) {
                .nodes = { {
                        .id = 0, .has_kernel_zone = true, .total = BLOCKS(ram),
                        .kernel_total = BLOCKS(ram), .kernel_free = BLOCKS(ram),
                } },
                .devices = { {
                        .name = "dax0.0", .backing = BACKING_HMEM, .holder = HOLDER_MEMMAPD,
                        .measured = true, .target_node = 1, .numa_node = 0,
                        .size = N * BLOCK_SIZE, .memmap_size = MEMMAP_SIZE, .n_blocks = N,
                } },
                .model = {
                        .block_size = BLOCK_SIZE, .module_loaded = true,
                        .memmap_on_memory = true, .n_nodes = 1, .n_devices = 1,
                },
                .policy = { .defaults = {
                        .given = SETTING_MEMMAP | SETTING_ZONE | SETTING_MOVABLE_RATIO,
                        .memmap = MEMMAP_DEVICE, .zone = ZONE_MODE_AUTO, .movable_ratio = 300,
                } },
        };
}

static struct decision *decided(struct machine *m) {
        m->model.nodes = m->nodes;
        m->model.devices = m->devices;
        m->devices[0].blocks = m->blocks;
        m->devices[1].blocks = m->others;
        m->decision = decision_free(m->decision);
        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->devices[0], &m->decision), 0);
        return m->decision;
}

static const struct reason *reason_of(const struct decision *d, enum reason_code c) {
        for (size_t i = 0; i < d->n_reasons; i++)
                if (d->reasons[i].code == c)
                        return &d->reasons[i];
        return NULL;
}

static void assert_zones(struct machine *m, const char *expected) {
        struct decision *d = decided(m);
        char zones[N + 1] = "";

        for (size_t i = 0; i < N; i++)
                zones[i] = letter_of_zone(d->targets[i].wanted ? d->targets[i].zone : ZONE_NONE);
        assert_string_equal(zones, expected);
        m->decision = decision_free(d);
}

static void movable_as_long_as_it_is_little(void **state) {
        struct machine m = machine(6);

        (void) state;
        assert_zones(&m, "mmmmmmmmmmmmmmmm");
}

/* 16 blocks of 126 MiB, 3 times 4 of 128: one to the other side, 15 to 5. */
static void as_few_kernel_blocks_as_needed_and_first(void **state) {
        static const struct {
                size_t ram;
                uint64_t ratio;
                const char *zones;
        } rows[] = {
                { 5, 300, "kmmmmmmmmmmmmmmm" },
                { 4, 300, "kmmmmmmmmmmmmmmm" },
                { 1, 300, "kkkkmmmmmmmmmmmm" },
                { 4, 100, "kkkkkkmmmmmmmmmm" },
                { 4, 0, "kkkkkkkkkkkkkkkk" },
                { 4, 100000, "mmmmmmmmmmmmmmmm" },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct machine m = machine(rows[i].ram);

                m.policy.defaults.movable_ratio = rows[i].ratio;
                assert_zones(&m, rows[i].zones);
        }
}

/* What is online stays, and counts. */
static void the_same_halfway(void **state) {
        struct machine m = machine(1);

        (void) state;
        assert_zones(&m, "kkkkmmmmmmmmmmmm");
        m.nodes[1] = (struct node) {
                .id = 1, .has_kernel_zone = true, .total = 4 * (BLOCK_SIZE - MEMMAP_SIZE),
                .kernel_total = 2 * (BLOCK_SIZE - MEMMAP_SIZE),
        };
        m.model.n_nodes = 2;
        fill_blocks(m.blocks, "dddd............", "kk--..mm........");
        m.blocks[6].placement = m.blocks[7].placement = PLACEMENT_DEVICE;
        assert_zones(&m, "kkkkmmmmmmmmmmmm");
}

static void other_movable_memory_counts(void **state) {
        struct machine m = machine(6);

        (void) state;
        m.nodes[0].total += BLOCKS(4);
        assert_zones(&m, "kmmmmmmmmmmmmmmm");
        m.nodes[0].total -= BLOCKS(4);
        m.model.promised_movable = BLOCKS(4);
        assert_zones(&m, "kmmmmmmmmmmmmmmm");
        m.model.promised_kernel = BLOCKS(2);
        assert_zones(&m, "mmmmmmmmmmmmmmmm");
}

/* 64 of 128 MiB are as good as not there. */
static void memmaps_are_no_memory_for_the_kernel(void **state) {
        struct machine m = machine(6);

        (void) state;
        m.policy.defaults.movable_ratio = 270;
        m.policy.defaults.memmap = MEMMAP_DEVICE;
        assert_zones(&m, "mmmmmmmmmmmmmmmm");
        m.policy.defaults.memmap = MEMMAP_RAM;
        assert_zones(&m, "kmmmmmmmmmmmmmmm");
        m.policy.defaults.memmap = MEMMAP_DEVICE;
        m.devices[1] = (struct device) {
                .name = "dax1.0", .n_blocks = N, .memmap_size = 32 * MEMMAP_SIZE,
        };
        for (size_t i = 0; i < N; i++)
                m.others[i] = (struct block) { .state = BLOCK_OFFLINE, .placement = PLACEMENT_RAM };
        m.devices[1].n_blocks = 4;
        m.model.n_devices = 2;
        assert_zones(&m, "kkmmmmmmmmmmmmmm");
}

static void failed_blocks_are_not_chosen(void **state) {
        struct machine m = machine(4);

        (void) state;
        m.blocks[0].failed = true;
        assert_zones(&m, ".kmmmmmmmmmmmmmm");
}

static void others_may_be_too_much_by_themselves(void **state) {
        struct machine m = machine(1);
        struct decision *d;

        (void) state;
        m.nodes[0].total += BLOCKS(1000);
        assert_zones(&m, "kkkkkkkkkkkkkkkk");
        d = decided(&m);
        assert_non_null(reason_of(d, REASON_RATIO_HIGH));
        decision_free(d);
}

static void a_zone_that_is_asked_for_is_kept_to(void **state) {
        struct machine m = machine(1);
        struct decision *d;

        (void) state;
        m.policy.defaults.zone = ZONE_MODE_MOVABLE;
        assert_zones(&m, "mmmmmmmmmmmmmmmm");
        d = decided(&m);
        assert_null(reason_of(d, REASON_ZONES));
        assert_null(reason_of(d, REASON_RATIO));
        assert_size(reason_of(d, REASON_RATIO_HIGH)->a, 16 * (BLOCK_SIZE - MEMMAP_SIZE));
        assert_size(reason_of(d, REASON_RATIO_HIGH)->b, BLOCK_SIZE);
        m.policy.defaults.zone = ZONE_MODE_KERNEL;
        assert_zones(&m, "kkkkkkkkkkkkkkkk");
        m.decision = NULL;
        d = decided(&m);
        assert_non_null(reason_of(d, REASON_RATIO));
        decision_free(d);
}

static void offline_blocks_are_in_no_zone(void **state) {
        struct machine m = machine(1);
        struct decision *d;

        (void) state;
        m.policy.defaults.given |= SETTING_ACTION;
        m.policy.defaults.action = ACTION_PLUG;
        d = decided(&m);
        assert_null(reason_of(d, REASON_RATIO));
        assert_null(reason_of(d, REASON_RATIO_HIGH));
        decision_free(d);
}

/* Memmaps that are to be in RAM come before any kernel block is online. */
static void memmaps_in_ram_come_first(void **state) {
        struct machine m = machine(2);
        struct plan *p = NULL;
        size_t plugs = 0;

        (void) state;
        m.policy.defaults.memmap = MEMMAP_RAM;
        decided(&m);
        assert_int_equal(plan_make(&m.model, &m.devices[0], m.decision, &p), 0);
        for (size_t i = 0; i < p->n_steps; i++) {
                plugs += p->steps[i].kind == STEP_PLUG;
                if (p->steps[i].kind == STEP_ONLINE)
                        assert_size(plugs, N);
        }
        plan_free(p);
        decision_free(m.decision);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(movable_as_long_as_it_is_little),
                cmocka_unit_test(as_few_kernel_blocks_as_needed_and_first),
                cmocka_unit_test(the_same_halfway),
                cmocka_unit_test(other_movable_memory_counts),
                cmocka_unit_test(memmaps_are_no_memory_for_the_kernel),
                cmocka_unit_test(failed_blocks_are_not_chosen),
                cmocka_unit_test(others_may_be_too_much_by_themselves),
                cmocka_unit_test(a_zone_that_is_asked_for_is_kept_to),
                cmocka_unit_test(offline_blocks_are_in_no_zone),
                cmocka_unit_test(memmaps_in_ram_come_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

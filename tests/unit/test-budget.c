/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "budget.h"
#include "tally.h"

static const struct amount none = { .value = 0 };

/* RAM nodes 0, 1 and 2, and a device whose node 3 is not online. */
struct machine {
        struct node nodes[4];
        struct block blocks[8];
        struct device device;
        struct model model;
        unsigned int distances[4][4];
};

static struct machine *machine(void) {
        static struct machine m;

        m = (struct machine) {
                .nodes = {
                        { .id = 0, .has_kernel_zone = true, .kernel_total = 8 * GiB,
                          .kernel_free = 300 * MiB },
                        { .id = 1, .has_kernel_zone = true, .kernel_total = 8 * GiB,
                          .kernel_free = 100 * MiB },
                        { .id = 2, .has_kernel_zone = true, .kernel_total = 8 * GiB,
                          .kernel_free = 200 * MiB },
                },
                .device = {
                        .name = "dax0.0", .target_node = 3, .numa_node = -1,
                        .memmap_size = MEMMAP_SIZE, .n_blocks = 8, .blocks = m.blocks,
                },
                .model = {
                        .block_size = BLOCK_SIZE, .n_nodes = 3, .nodes = m.nodes,
                        .n_devices = 1, .devices = &m.device,
                },
                .distances = {
                        { 10, 21, 31, 17 }, { 21, 10, 31, 17 }, { 31, 31, 10, 17 },
                        { 40, 30, 20, 10 },
                },
        };
        fill_blocks(m.blocks, "........", "........");
        return &m;
}

static void know_distances(struct machine *m, size_t of) {
        m->nodes[of].distances = m->distances[of];
        m->nodes[of].n_distances = 4;
}

/* The device's node, online. */
static struct node *add_target(struct machine *m, uint64_t kernel_total) {
        m->nodes[3] = (struct node) {
                .id = 3, .has_kernel_zone = kernel_total > 0,
                .kernel_total = kernel_total, .kernel_free = kernel_total,
        };
        m->model.n_nodes = 4;
        return &m->nodes[3];
}

static int payer(struct machine *m) {
        const struct node *n;

        model_tally(&m->model);
        n = budget_payer(&m->model, &m->device, none);
        return n ? n->id : -1;
}

static void target_with_ram_pays_itself(void **state) {
        struct machine *m = machine();

        (void) state;
        add_target(m, 4 * GiB);
        know_distances(m, 3);
        assert_int_equal(payer(m), 3);
}

static void nearest_to_the_target_pays(void **state) {
        struct machine *m = machine();

        (void) state;
        add_target(m, 0);
        know_distances(m, 3);
        assert_int_equal(payer(m), 2);
        m->distances[3][0] = 11;
        assert_int_equal(payer(m), 0);
        m->distances[3][1] = 10;
        assert_int_equal(payer(m), 1);
}

static void nearest_to_the_numa_node_pays_while_the_target_is_offline(void **state) {
        struct machine *m = machine();

        (void) state;
        m->device.numa_node = 2;
        know_distances(m, 2);
        assert_int_equal(payer(m), 2);
        m->device.numa_node = 0;
        know_distances(m, 0);
        assert_int_equal(payer(m), 0);
}

/* The kernel may show the target node and not its distances. */
static void numa_node_stands_in_for_a_target_without_distances(void **state) {
        struct machine *m = machine();

        (void) state;
        add_target(m, 0);
        m->device.numa_node = 0;
        know_distances(m, 0);
        assert_int_equal(payer(m), 0);
}

static void node_without_kernel_zone_never_pays(void **state) {
        struct machine *m = machine();

        (void) state;
        add_target(m, 0);
        know_distances(m, 3);
        m->nodes[2].has_kernel_zone = false;
        assert_int_equal(payer(m), 1);
}

static void poorest_pays_if_distances_are_unknown(void **state) {
        struct machine *m = machine();

        (void) state;
        assert_int_equal(payer(m), 1);
        m->nodes[2].kernel_free = 50 * MiB;
        assert_int_equal(payer(m), 2);
        m->nodes[0].kernel_watermark = 280 * MiB;
        assert_int_equal(payer(m), 0);
        m->nodes[0].kernel_reclaimable = 100 * MiB;
        assert_int_equal(payer(m), 2);
        m->nodes[1].promised = 90 * MiB;
        assert_int_equal(payer(m), 1);
}

/* Distances that are too few, or 0, are not known. */
static void poorest_pays_if_a_distance_is_missing(void **state) {
        struct machine *m = machine();

        (void) state;
        m->device.numa_node = 0;
        know_distances(m, 0);
        m->nodes[0].n_distances = 1;
        assert_int_equal(payer(m), 1);
        m->nodes[0].n_distances = 4;
        m->distances[0][1] = m->distances[0][2] = 0;
        assert_int_equal(payer(m), 1);
        m->nodes[1].kernel_free = m->nodes[2].kernel_free = 400 * MiB;
        assert_int_equal(payer(m), 0);
        m->nodes[1].kernel_free = 100 * MiB;
        m->distances[0][0] = 0;
        m->distances[0][1] = 20;
        assert_int_equal(payer(m), 1);
}

static void poorest_pays_among_equally_near(void **state) {
        struct machine *m = machine();

        (void) state;
        add_target(m, 0);
        know_distances(m, 3);
        m->distances[3][0] = m->distances[3][1] = m->distances[3][2] = 20;
        assert_int_equal(payer(m), 1);
        m->nodes[0].kernel_free = 0;
        assert_int_equal(payer(m), 0);
}

/* The larger node has more free, and less of it beyond its reserve. */
static void poorest_is_so_after_the_reserve(void **state) {
        const struct amount tenth = { .percent = true, .value = 1000 };
        struct machine *m = machine();

        (void) state;
        m->nodes[0].kernel_total = 3000 * MiB;          /* nothing to spare */
        m->nodes[1].kernel_total = 100 * MiB;           /* 90 MiB */
        m->nodes[2].kernel_total = 100 * MiB;
        model_tally(&m->model);
        assert_int_equal(budget_payer(&m->model, &m->device, none)->id, 1);
        model_tally(&m->model);
        assert_int_equal(budget_payer(&m->model, &m->device, tenth)->id, 0);
}

/* Nobody has anything to spare: who would bear the least. */
static void poorest_is_so_also_below_the_reserve(void **state) {
        const struct amount much = { .value = GiB };
        struct machine *m = machine();

        (void) state;
        model_tally(&m->model);
        assert_int_equal(budget_payer(&m->model, &m->device, much)->id, 1);
        m->nodes[2].kernel_free = 99 * MiB;
        model_tally(&m->model);
        assert_int_equal(budget_payer(&m->model, &m->device, much)->id, 2);
}

static void nobody_pays_without_ram(void **state) {
        struct machine *m = machine();

        (void) state;
        for (size_t i = 0; i < 3; i++)
                m->nodes[i].has_kernel_zone = false;
        assert_int_equal(payer(m), -1);
        m->model.n_nodes = 0;
        assert_int_equal(payer(m), -1);
}

static void own_seeds_are_not_ram(void **state) {
        struct machine *m = machine();

        (void) state;
        fill_blocks(m->blocks, "rsssssss", "kmmmkmmm");
        add_target(m, 2 * BLOCK_SIZE);
        model_tally(&m->model);
        assert_false(budget_has_ram(&m->nodes[3]));
        assert_int_equal(payer(m), 1);
        m->nodes[3].kernel_total++;
        model_tally(&m->model);
        assert_true(budget_has_ram(&m->nodes[3]));
        assert_int_equal(payer(m), 3);
}

/* An altmap is not managed by any zone: 10 blocks give what is less than 10 blocks. */
static void seeds_with_altmaps_hide_no_ram(void **state) {
        struct machine *m = machine();

        (void) state;
        fill_blocks(m->blocks, "dddddddd", "kkkkmmmm");
        add_target(m, 4 * (BLOCK_SIZE - MEMMAP_SIZE));
        model_tally(&m->model);
        assert_false(budget_has_ram(&m->nodes[3]));
        m->nodes[3].kernel_total += MiB;
        model_tally(&m->model);
        assert_true(budget_has_ram(&m->nodes[3]));
}

/* Also not when they are those of another device on the same node. */
static void seeds_of_others_are_not_ram(void **state) {
        struct machine *m = machine();
        struct block more[2] = { block_of(0, 'r', 'k'), block_of(1, 's', 'm') };
        struct device devices[2] = {
                m->device,
                { .name = "dax1.0", .target_node = 3, .n_blocks = 2, .blocks = more },
        };

        (void) state;
        add_target(m, BLOCK_SIZE);
        m->model.devices = devices;
        model_tally(&m->model);
        assert_true(budget_has_ram(&m->nodes[3]));
        m->model.n_devices = 2;
        model_tally(&m->model);
        assert_false(budget_has_ram(&m->nodes[3]));
        devices[1].target_node = 2;
        model_tally(&m->model);
        assert_true(budget_has_ram(&m->nodes[3]));
}

static void budget_is_the_sum_of_its_terms(void **state) {
        const struct node n = {
                .kernel_total = 1000 * MiB, .kernel_free = 300 * MiB,
                .kernel_reclaimable = 50 * MiB, .kernel_watermark = 20 * MiB,
                .promised = 30 * MiB,
        };
        struct budget b = budget_of(&n, (struct amount) { .percent = true, .value = 1000 });

        (void) state;
        assert_size(b.free, 300 * MiB);
        assert_size(b.reclaimable, 50 * MiB);
        assert_size(b.watermark, 20 * MiB);
        assert_size(b.reserve, 100 * MiB);
        assert_size(b.promised, 30 * MiB);
        assert_size(b.total, 200 * MiB);
        assert_size(b.headroom, 300 * MiB);
        assert_size(budget_of(&n, (struct amount) { .value = 7 * MiB }).total, 293 * MiB);
}

static void sums_are_never_below_zero(void **state) {
        const struct node poor = { .kernel_free = 10, .kernel_watermark = 11 };
        const struct node promised = { .kernel_free = 10, .promised = 11 };
        const struct node reserved = { .kernel_free = 10, .kernel_total = 10 };
        const struct amount all = { .percent = true, .value = 10000 };

        (void) state;
        assert_size(budget_of(&poor, none).total, 0);
        assert_size(budget_of(&promised, none).total, 0);
        assert_size(budget_of(&reserved, (struct amount) { .value = 11 }).total, 0);
        assert_size(budget_of(&reserved, all).total, 0);
        assert_size(seed_room(&poor, 1), 0);
        assert_size(seed_capacity(MEMMAP_SIZE, MEMMAP_SIZE, false), 0);
        assert_size(seed_capacity(1, MEMMAP_SIZE, false), 0);
}

static void seeds_are_planned_with_slack(void **state) {
        struct node n = {
                .kernel_free = 9 * MiB, .kernel_free_huge = 8 * MiB, .kernel_watermark = 2 * MiB,
        };

        (void) state;
        assert_size(seed_capacity(BLOCK_SIZE, MEMMAP_SIZE, false), 62);
        assert_size(seed_capacity(BLOCK_SIZE, MEMMAP_SIZE, true), 61);
        assert_size(seed_capacity(2 * GiB, 32 * MiB, false), 62);
        assert_size(seed_room(&n, MEMMAP_SIZE), 3);
        /* Free in small pieces is as good as not free. */
        n.kernel_free_huge = 2 * MiB;
        assert_size(seed_room(&n, MEMMAP_SIZE), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(target_with_ram_pays_itself),
                cmocka_unit_test(nearest_to_the_target_pays),
                cmocka_unit_test(nearest_to_the_numa_node_pays_while_the_target_is_offline),
                cmocka_unit_test(numa_node_stands_in_for_a_target_without_distances),
                cmocka_unit_test(node_without_kernel_zone_never_pays),
                cmocka_unit_test(poorest_pays_if_distances_are_unknown),
                cmocka_unit_test(poorest_pays_if_a_distance_is_missing),
                cmocka_unit_test(poorest_pays_among_equally_near),
                cmocka_unit_test(poorest_is_so_after_the_reserve),
                cmocka_unit_test(poorest_is_so_also_below_the_reserve),
                cmocka_unit_test(nobody_pays_without_ram),
                cmocka_unit_test(own_seeds_are_not_ram),
                cmocka_unit_test(seeds_with_altmaps_hide_no_ram),
                cmocka_unit_test(seeds_of_others_are_not_ram),
                cmocka_unit_test(budget_is_the_sum_of_its_terms),
                cmocka_unit_test(sums_are_never_below_zero),
                cmocka_unit_test(seeds_are_planned_with_slack),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

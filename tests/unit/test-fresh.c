/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine without what was taken in. */
#include "unit.h"

#include "fresh.h"
#include "tally.h"

/* Node 0 of RAM, node 1 of a device alone, node 2 of RAM with a device on it. */
struct machine {
        struct node nodes[3];
        struct block blocks[2][4];
        struct device devices[2];
        struct model model;
};

static void fill(struct machine *m, const char *map, const char *states, int target_node) {
        *m = (struct machine) {
                .nodes = {
                        { .id = 0, .has_kernel_zone = true, .total = 2 * GiB,
                          .kernel_total = 2 * GiB, .kernel_free = GiB,
                          .kernel_reclaimable = 7 * MiB, .kernel_watermark = MiB },
                        { .id = 1, .has_kernel_zone = true, .total = 2 * BLOCK_SIZE,
                          .kernel_total = BLOCK_SIZE, .kernel_free = BLOCK_SIZE / 2,
                          .kernel_free_huge = BLOCK_SIZE / 4, .kernel_reclaimable = MiB,
                          .kernel_watermark = MiB },
                        { .id = 2, .has_kernel_zone = true, .total = 4 * GiB,
                          .kernel_total = 4 * GiB, .kernel_free = 3 * GiB,
                          .kernel_free_huge = 2 * GiB },
                },
                .devices = {
                        { .name = "dax0.0", .holder = HOLDER_MEMMAPD, .measured = true,
                          .target_node = target_node, .numa_node = 0, .memmap_size = MEMMAP_SIZE,
                          .n_blocks = 4, .settled = true, .stray_seed = true,
                          .stray_device = true },
                        { .name = "dax1.0", .target_node = 1, .numa_node = 0,
                          .memmap_size = MEMMAP_SIZE, .n_blocks = 4 },
                },
                .model = { .block_size = BLOCK_SIZE, .n_nodes = 3, .n_devices = 2 },
        };
        if (!strchr(states, 'k'))
                m->nodes[1] = (struct node) { .id = 1, .total = 2 * BLOCK_SIZE };
        m->model.nodes = m->nodes;
        m->model.devices = m->devices;
        fill_blocks(m->blocks[0], map, states);
        fill_blocks(m->blocks[1], "....", "....");
        m->devices[0].blocks = m->blocks[0];
        m->devices[1].blocks = m->blocks[1];
        /* Node 0 pays: it can spare less than node 2. */
}

static void assert_absent(const struct machine *m) {
        for (size_t i = 0; i < 4; i++) {
                const struct block *b = &m->blocks[0][i];

                assert_int_equal(b->state, BLOCK_ABSENT);
                assert_int_equal(b->placement, PLACEMENT_NONE);
                assert_int_equal(b->zone, ZONE_NONE);
                assert_false(b->failed);
                assert_size(b->number, 32 + i);
        }
        assert_false(m->devices[0].settled);
        assert_false(m->devices[0].stray_seed);
        assert_false(m->devices[0].stray_device);
}

static void node_of_the_device_alone(void **state) {
        struct machine m;

        (void) state;
        fill(&m, "rss.", "kmmx", 1);
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_absent(&m);
        assert_false(m.nodes[1].has_kernel_zone);
        assert_size(m.nodes[1].total, 0);
        assert_size(m.nodes[1].kernel_total, 0);
        assert_size(m.nodes[1].kernel_free, 0);
        assert_size(m.nodes[1].kernel_free_huge, 0);
        assert_size(m.nodes[1].kernel_reclaimable, 0);
        assert_size(m.nodes[1].kernel_watermark, 0);
        /* The first seed's memmap. */
        assert_size(m.nodes[0].kernel_free, GiB + MEMMAP_SIZE);
        assert_size(m.nodes[0].kernel_total, 2 * GiB);
        assert_size(m.nodes[2].kernel_free, 3 * GiB);
        assert_int_equal(m.devices[0].holder, HOLDER_MEMMAPD);
        assert_true(m.devices[0].measured);
}

static void node_with_ram(void **state) {
        struct machine m;

        (void) state;
        fill(&m, "rddr", "kkm-", 2);
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_absent(&m);
        assert_true(m.nodes[2].has_kernel_zone);
        assert_size(m.nodes[2].total, 4 * GiB - 3 * BLOCK_SIZE);
        assert_size(m.nodes[2].kernel_total, 4 * GiB - 2 * BLOCK_SIZE);
        assert_size(m.nodes[2].kernel_free, 3 * GiB + 2 * MEMMAP_SIZE - 2 * BLOCK_SIZE);
        assert_size(m.nodes[2].kernel_free_huge, 2 * GiB - 2 * BLOCK_SIZE);
        assert_size(m.nodes[2].dax_kernel, 0);
        assert_size(m.nodes[0].kernel_free, GiB);
        assert_size(m.devices[0].memmaps, 0);
        assert_size(m.model.memmaps, 0);
}

static void no_more_than_there_is(void **state) {
        struct machine m;

        (void) state;
        fill(&m, "rrrr", "mmmm", 1);
        m.nodes[0].kernel_free = m.nodes[0].kernel_total - MEMMAP_SIZE;
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_size(m.nodes[0].kernel_free, m.nodes[0].kernel_total);
        /* Nor less: node 1 was said to have two blocks, and had four. */
        assert_size(m.nodes[1].total, 0);
}

static void nobody_pays(void **state) {
        struct machine m;

        (void) state;
        fill(&m, "rrrr", "mmmm", 3);
        for (size_t i = 0; i < 3; i++)
                m.nodes[i].has_kernel_zone = false;
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_absent(&m);
        assert_size(m.nodes[0].kernel_free, 0);
}

/* Where the memmaps are that the kernel's own driver made, nobody tells. */
static void of_the_kernel_driver(void **state) {
        struct machine m;

        (void) state;
        fill(&m, "....", "mm-.", 1);
        m.devices[0].holder = HOLDER_KMEM;
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_int_equal(m.devices[0].holder, HOLDER_NONE);
        assert_size(m.nodes[0].kernel_free, GiB + 3 * MEMMAP_SIZE);

        fill(&m, "....", "mm-.", 1);
        m.devices[0].holder = HOLDER_KMEM;
        m.model.memmap_on_memory = true;
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_size(m.nodes[0].kernel_free, GiB);

        fill(&m, "....", "km-.", 1);
        m.devices[0].holder = HOLDER_KMEM;
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_size(m.nodes[0].kernel_free, GiB);
}

static void nothing_taken_in(void **state) {
        struct machine m, before;

        (void) state;
        fill(&m, "....", "....", 2);
        m.nodes[1] = (struct node) { .id = 1 };
        m.devices[0].settled = m.devices[0].stray_seed = m.devices[0].stray_device = false;
        before = m;
        model_tally(&m.model);
        model_make_fresh(&m.model);
        assert_memory_equal(m.nodes, before.nodes, sizeof(m.nodes));
        assert_memory_equal(m.blocks, before.blocks, sizeof(m.blocks));
        assert_memory_equal(m.devices, before.devices, sizeof(m.devices));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(node_of_the_device_alone),
                cmocka_unit_test(node_with_ram),
                cmocka_unit_test(no_more_than_there_is),
                cmocka_unit_test(nobody_pays),
                cmocka_unit_test(of_the_kernel_driver),
                cmocka_unit_test(nothing_taken_in),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

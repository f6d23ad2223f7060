/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-machine.h"

static void machine_with_unbound_device(void **state) {
        struct tree *t = *state;
        struct model *m = probed(t);
        const struct device *d = model_device(m, "dax0.0");

        assert_size(m->block_size, BLOCK_SIZE);
        assert_true(m->module_loaded);
        assert_false(m->memmap_on_memory);
        assert_non_null(strstr(m->memmap_on_memory_why, "memory_hotplug.memmap_on_memory=1"));
        assert_size(m->n_devices, 1);
        assert_non_null(d);
        assert_int_equal(d->holder, HOLDER_NONE);
        assert_int_equal(d->backing, BACKING_HMEM);
        assert_string_equal(d->region, "hmem.0");
        assert_int_equal(d->target_node, 2);
        assert_int_equal(d->numa_node, 0);
        assert_size(d->size, 4 * BLOCK_SIZE);
        assert_size(d->n_blocks, 4);
        assert_size(d->blocks[0].number, 32);
        assert_size(d->blocks[3].number, 35);
        assert_false(d->measured);
        assert_int_equal(d->error, 0);
        assert_size(d->memmap_size, MEMMAP_SIZE);
        model_free(m);
}

static void nodes_of_the_machine(void **state) {
        struct tree *t = *state;
        struct model *m = probed(t);
        const struct node *n = model_node(m, 0);

        assert_size(m->n_nodes, 2);
        assert_non_null(model_node(m, 2));
        assert_true(n->has_kernel_zone);
        assert_size(n->total, 8192 * KiB);
        assert_size(n->kernel_reclaimable, (1500 + 90000 - 14038) * PAGE + 512 * KiB);
        assert_size(n->kernel_free_huge, 4 * MiB);
        assert_false(model_node(m, 2)->has_kernel_zone);
        model_free(m);
}

/* The kernel lists online nodes without their numbers: here 0 and 2. */
static void distances_are_by_number(void **state) {
        struct tree *t = *state;
        struct model *m = probed(t);
        const struct node *n = model_node(m, 0);

        assert_size(n->n_distances, 3);
        assert_int_equal(n->distances[0], 10);
        assert_int_equal(n->distances[1], 0);
        assert_int_equal(n->distances[2], 21);
        assert_int_equal(model_node(m, 2)->distances[0], 21);
        model_free(m);
}

static void distances_that_do_not_add_up_are_unknown(void **state) {
        static const char *const lists[] = { "", "10", "10 20 30", "x", "10 x" };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(lists); i++) {
                struct model *m;

                tree_put(t, "sys/devices/system/node/node0/distance", "%s\n", lists[i]);
                m = probed(t);
                assert_size(model_node(m, 0)->n_distances, 0);
                model_free(m);
        }
}

static void bound_device(void **state) {
        struct tree *t = *state;
        const struct device *d;
        struct model *m;

        bind(t, "rds.");
        add_block(t, 32, "online", "Normal");
        add_block(t, 33, "online", "Movable");
        add_block(t, 34, "offline", "Normal Movable");
        /* Of somebody else: the map does not show it. */
        add_block(t, 35, "online", "Movable");
        m = probed(t);
        d = model_device(m, "dax0.0");
        assert_int_equal(d->holder, HOLDER_MEMMAPD);
        assert_string_equal(d->driver, "memmapd_kmem");
        assert_true(d->measured);
        assert_int_equal(d->blocks[0].state, BLOCK_ONLINE);
        assert_int_equal(d->blocks[0].zone, ZONE_KERNEL);
        assert_int_equal(d->blocks[0].placement, PLACEMENT_RAM);
        assert_int_equal(d->blocks[1].zone, ZONE_MOVABLE);
        assert_int_equal(d->blocks[1].placement, PLACEMENT_DEVICE);
        assert_int_equal(d->blocks[2].state, BLOCK_OFFLINE);
        assert_int_equal(d->blocks[2].zone, ZONE_NONE);
        assert_int_equal(d->blocks[2].placement, PLACEMENT_SEED);
        assert_int_equal(d->blocks[3].state, BLOCK_ABSENT);
        assert_int_equal(d->blocks[3].placement, PLACEMENT_NONE);
        /* Of all devices together: this one. */
        assert_size(model_node(m, d->target_node)->dax_kernel, 134217728);
        assert_size(d->memmaps, 2 * 2097152);
        assert_size(m->memmaps, 2 * 2097152);
        /* What the module says of the machine counts. */
        assert_false(m->memmap_on_memory);
        assert_string_equal(m->memmap_on_memory_why, "not with this kernel");
        model_free(m);
}

static void module_has_the_last_word_on_altmaps(void **state) {
        struct tree *t = *state;
        struct model *m;

        bind(t, "....");
        tree_put(t, MEMMAPD "/memmap_on_memory_supported", "1\n");
        m = probed(t);
        assert_true(m->memmap_on_memory);
        model_free(m);
        tree_put(t, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        tree_put(t, "sys/module/memory_hotplug/parameters/memmap_on_memory", "Y\n");
        m = probed(t);
        assert_false(m->memmap_on_memory);
        model_free(m);
}

static void boot_parameter_counts_while_nothing_is_bound(void **state) {
        static const struct {
                const char *text;
                bool can;
        } cases[] = { { "Y\n", true }, { "force\n", true }, { "N\n", false } };
        struct tree *t = *state;
        struct model *m;

        for (size_t i = 0; i < COUNT(cases); i++) {
                tree_put(t, "sys/module/memory_hotplug/parameters/memmap_on_memory", "%s",
                         cases[i].text);
                m = probed(t);
                assert_int_equal(m->memmap_on_memory, cases[i].can);
                model_free(m);
        }
        tree_delete(t, "sys/module/memory_hotplug");
        m = probed(t);
        assert_false(m->memmap_on_memory);
        assert_non_null(strstr(m->memmap_on_memory_why, "CONFIG_MHP_MEMMAP_ON_MEMORY"));
        model_free(m);
}

static void states_and_zones_of_a_block(void **state) {
        static const struct {
                const char *state, *zones;
                enum block_state expected;
                enum zone zone;
        } cases[] = {
                { "online", "Movable", BLOCK_ONLINE, ZONE_MOVABLE },
                { "online", "Normal", BLOCK_ONLINE, ZONE_KERNEL },
                { "online", "DMA32", BLOCK_ONLINE, ZONE_KERNEL },
                { "online", "DMA", BLOCK_ONLINE, ZONE_KERNEL },
                { "online", "none", BLOCK_ONLINE, ZONE_NONE },
                { "online", "", BLOCK_ONLINE, ZONE_NONE },
                { "online", "nonsense", BLOCK_ONLINE, ZONE_NONE },
                { "offline", "Normal Movable", BLOCK_OFFLINE, ZONE_NONE },
                { "offline", "Movable Normal", BLOCK_OFFLINE, ZONE_NONE },
                { "going-offline", "Movable Normal", BLOCK_GOING, ZONE_NONE },
                { "", "", BLOCK_GOING, ZONE_NONE },
                { "nonsense", "nonsense", BLOCK_GOING, ZONE_NONE },
        };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(cases); i++) {
                struct block b = { .number = 32 };

                add_block(t, 32, cases[i].state, cases[i].zones);
                probe_block(&t->sysfs, &b);
                assert_int_equal(b.state, cases[i].expected);
                assert_int_equal(b.zone, cases[i].zone);
        }
        struct block gone = { .number = 99 };

        probe_block(&t->sysfs, &gone);
        assert_int_equal(gone.state, BLOCK_ABSENT);
}

static void backing_is_told_by_what_is_above(void **state) {
        static const struct {
                const char *parents;
                enum backing backing;
                const char *region;
        } cases[] = {
                { "platform/hmem.1", BACKING_HMEM, "hmem.1" },
                { "platform/ACPI0017:00/root0/decoder0.0/region3/dax_region3", BACKING_CXL,
                  "region3" },
                { "LNXSYSTM:00/ACPI0012:00/ndbus0/region0/dax0.1", BACKING_PMEM, "region0" },
                { "platform/e820_pmem/ndbus1/region7/dax7.0", BACKING_PMEM, "region7" },
                { "virtual/odd", BACKING_UNKNOWN, "odd" },
        };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(cases); i++) {
                char target[128], file[160];
                const struct device *d;
                struct model *m;

                snprintf(target, sizeof(target), "../../../devices/%s/dax0.0", cases[i].parents);
                snprintf(file, sizeof(file), "sys/devices/%s/dax0.0/size", cases[i].parents);
                tree_put(t, file, "536870912\n");
                tree_link(t, DAX, target);
                tree_put(t, DAX "/resource", "0x100000000\n");
                m = probed(t);
                d = model_device(m, "dax0.0");
                assert_int_equal(d->backing, cases[i].backing);
                assert_string_equal(d->region, cases[i].region);
                model_free(m);
        }
}

static void holder_is_told_by_the_driver(void **state) {
        static const struct {
                const char *driver;
                enum holder holder;
        } cases[] = {
                { "kmem", HOLDER_KMEM }, { "device_dax", HOLDER_DEVICE_DAX },
                { "fsdev_dax", HOLDER_OTHER },
        };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(cases); i++) {
                char target[128];
                struct model *m;

                snprintf(target, sizeof(target), "../../../bus/dax/drivers/%s", cases[i].driver);
                tree_link(t, DAX "/driver", target);
                m = probed(t);
                assert_int_equal(m->devices[0].holder, cases[i].holder);
                assert_string_equal(m->devices[0].driver, cases[i].driver);
                assert_int_equal(m->devices[0].error, 0);
                model_free(m);
        }
}

static void blocks_that_kmem_holds_are_seen(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_link(t, DAX "/driver", "../../../bus/dax/drivers/kmem");
        add_block(t, 33, "online", "Movable");
        m = probed(t);
        assert_int_equal(m->devices[0].blocks[0].state, BLOCK_ABSENT);
        assert_int_equal(m->devices[0].blocks[1].state, BLOCK_ONLINE);
        model_free(m);
}

static void ranges_are_cut_to_blocks(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_put(t, DAX "/mapping0/start", "0x101000000\n");
        tree_put(t, DAX "/mapping0/end", "0x117ffffff\n");
        tree_put(t, DAX "/mapping1/start", "0x1f8000000\n");
        tree_put(t, DAX "/mapping1/end", "0x1ffffffff\n");
        tree_put(t, DAX "/mapping2/start", "0x300000000\n");
        tree_put(t, DAX "/mapping2/end", "0x300000fff\n");
        m = probed(t);
        assert_size(m->devices[0].n_blocks, 3);
        assert_size(m->devices[0].blocks[0].number, 33);
        assert_size(m->devices[0].blocks[1].number, 34);
        assert_size(m->devices[0].blocks[2].number, 63);
        assert_size(m->devices[0].trimmed, 0x7000000 + 0x1000);
        model_free(m);
}

static void smaller_than_a_block(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_put(t, DAX "/size", "4096\n");
        m = probed(t);
        assert_size(m->devices[0].n_blocks, 0);
        assert_int_equal(m->devices[0].error, 0);
        assert_size(m->devices[0].trimmed, 4096);
        model_free(m);
}

static void several_devices_in_order(void **state) {
        struct tree *t = *state;
        struct model *m;

        for (int i = 1; i <= 11; i++) {
                char path[64];

                snprintf(path, sizeof(path), "sys/bus/dax/devices/dax%d.0/size", i);
                tree_put(t, path, "0\n");
                snprintf(path, sizeof(path), "sys/bus/dax/devices/dax%d.0/resource", i);
                tree_put(t, path, "0\n");
        }
        m = probed(t);
        assert_size(m->n_devices, 12);
        assert_string_equal(m->devices[2].name, "dax2.0");
        assert_string_equal(m->devices[11].name, "dax11.0");
        model_free(m);
}

static void no_dax_at_all(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_delete(t, "sys/bus");
        m = probed(t);
        assert_size(m->n_devices, 0);
        assert_false(m->module_loaded);
        model_free(m);
}

/* Broken: what it does to the device, or to the whole. */

struct broken {
        const char *path, *text;        /* NULL: gone */
        int error;                      /* of the device */
};

static void assert_broken(struct tree *t, const struct broken *b) {
        struct model *m;

        if (b->text)
                tree_put(t, b->path, "%s", b->text);
        else
                tree_delete(t, b->path);
        m = probed(t);
        assert_size(m->n_devices, 1);
        if (m->devices[0].error != b->error)
                fail_msg("%s: \"%s\": error %d, not %d", b->path, b->text ? b->text : "gone",
                         m->devices[0].error, b->error);
        if (b->error < 0) {
                assert_size(m->devices[0].n_blocks, 0);
                assert_false(m->devices[0].measured);
        }
        model_free(m);
}

static void broken_values_of_a_bound_device(void **state) {
        static const struct broken cases[] = {
                { MEMMAPD "/blocks", "5\n", -EBADMSG },
                { MEMMAPD "/blocks", "\n", -EBADMSG },
                { MEMMAPD "/blocks", "-4\n", -EBADMSG },
                { MEMMAPD "/blocks", "4x\n", -EBADMSG },
                { MEMMAPD "/blocks", "99999999999999999999999\n", -EBADMSG },
                { MEMMAPD "/block_size", "4096\n", -EBADMSG },
                { MEMMAPD "/memmap_size", "0\n", -EBADMSG },
                { MEMMAPD "/memmap_size", "134217728\n", -EBADMSG },
                { MEMMAPD "/memmap_size", "18446744073709551615\n", -EBADMSG },
                { MEMMAPD "/map", "rr", -EBADMSG },
                { MEMMAPD "/map", "", -EBADMSG },
                { DAX "/mapping0/start", "x\n", -EBADMSG },
                { DAX "/mapping0/end", "0x1\n", -EBADMSG },
                { DAX "/mapping0/end", "0xffffffffffffffff\n", -EBADMSG },
                { DAX "/mapping0/start", "0xfffffffffffff000\n", -EBADMSG },
                { DAX "/mapping0/start", "0\n", -EBADMSG },
                { MEMMAPD, NULL, -ENOENT },
        };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(cases); i++) {
                bind(t, "....");
                assert_broken(t, &cases[i]);
        }
}

static void broken_values_of_an_unbound_device(void **state) {
        static const struct broken cases[] = {
                { DAX "/resource", "0xfffffffffffff000\n", -EBADMSG },
                { DAX "/resource", "nothing\n", -EBADMSG },
                { DAX "/resource", NULL, -ENOENT },
                { DAX "/size", "18446744073709551615\n", -EBADMSG },
                { DAX "/size", "576460752303423488\n", -EOVERFLOW },
                { DAX "/size", "0\n", 0 },
        };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(cases); i++) {
                tree_put(t, DAX "/size", "536870912\n");
                tree_put(t, DAX "/resource", "0x100000000\n");
                assert_broken(t, &cases[i]);
        }
}

static void broken_nodes_of_a_device_are_none(void **state) {
        static const char *const texts[] = { "", "x", "-2", "2x", "99999999999", "-1" };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(texts); i++) {
                struct model *m;

                tree_put(t, DAX "/target_node", "%s\n", texts[i]);
                tree_put(t, DAX "/numa_node", "%s\n", texts[i]);
                m = probed(t);
                assert_int_equal(m->devices[0].target_node, -1);
                assert_int_equal(m->devices[0].numa_node, -1);
                model_free(m);
        }
}

/* Without a size it is no device, or has just gone: the others count. */
static void device_without_size_is_none(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_put(t, "sys/bus/dax/devices/dax1.0/size", "x\n");
        tree_dir(t, "sys/bus/dax/devices/dax2.0");
        tree_link(t, "sys/bus/dax/devices/dax3.0", "nowhere");
        m = probed(t);
        assert_size(m->n_devices, 2);
        assert_non_null(model_device(m, "dax0.0"));
        /* What cannot be read is there all the same, and not to be touched. */
        assert_int_equal(model_device(m, "dax1.0")->error, -EBADMSG);
        model_free(m);
}

static void map_may_hold_anything(void **state) {
        struct tree *t = *state;
        struct model *m;

        bind(t, "");
        for (int i = 0; i < 4; i++)
                add_block(t, 32 + i, "online", "Movable");
        tree_put_bytes(t, MEMMAPD "/map", "\0\xff" "r.more", 8);
        m = probed(t);
        assert_int_equal(m->devices[0].error, 0);
        assert_int_equal(m->devices[0].blocks[0].placement, PLACEMENT_NONE);
        assert_int_equal(m->devices[0].blocks[0].state, BLOCK_ONLINE);
        assert_int_equal(m->devices[0].blocks[2].placement, PLACEMENT_RAM);
        assert_int_equal(m->devices[0].blocks[3].state, BLOCK_ABSENT);
        model_free(m);
}

static void broken_machine_is_told(void **state) {
        static const struct {
                const char *path, *text;
                int error;
        } cases[] = {
                { "sys/devices/system/memory/block_size_bytes", "0\n", -EBADMSG },
                { "sys/devices/system/memory/block_size_bytes", "1\n", -EBADMSG },
                { "sys/devices/system/memory/block_size_bytes", "8000001\n", -EBADMSG },
                { "sys/devices/system/memory/block_size_bytes", "xyz\n", -EBADMSG },
                { "sys/devices/system/memory/block_size_bytes", "", -EBADMSG },
                { "sys/devices/system/memory/block_size_bytes", NULL, -ENOENT },
                { "proc/zoneinfo", "", -EBADMSG },
                { "proc/zoneinfo", "garbage\n", -EBADMSG },
                { "proc/zoneinfo", NULL, -ENOENT },
                { "proc/buddyinfo", NULL, -ENOENT },
                { "sys/devices/system/node", NULL, -ENOENT },
        };
        struct tree *t = *state;

        for (size_t i = 0; i < COUNT(cases); i++) {
                struct model *untouched = (struct model *) 1, *m = untouched;

                tree_put(t, "sys/devices/system/memory/block_size_bytes", "8000000\n");
                tree_put(t, "proc/zoneinfo", "%s", zoneinfo);
                tree_put(t, "proc/buddyinfo", "\n");
                if (cases[i].text)
                        tree_put(t, cases[i].path, "%s", cases[i].text);
                else
                        tree_delete(t, cases[i].path);
                if (probe(&t->sysfs, &m) != cases[i].error)
                        fail_msg("%s: \"%s\"", cases[i].path, cases[i].text);
                assert_ptr_equal(m, untouched);
        }
}

static void odd_node_names_are_passed_over(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_dir(t, "sys/devices/system/node/node");
        tree_dir(t, "sys/devices/system/node/node1x");
        tree_dir(t, "sys/devices/system/node/node-5");
        tree_dir(t, "sys/devices/system/node/node99999999");
        m = probed(t);
        assert_size(m->n_nodes, 2);
        model_free(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_TREE(machine_with_unbound_device),
                IN_TREE(nodes_of_the_machine),
                IN_TREE(distances_are_by_number),
                IN_TREE(distances_that_do_not_add_up_are_unknown),
                IN_TREE(bound_device),
                IN_TREE(module_has_the_last_word_on_altmaps),
                IN_TREE(boot_parameter_counts_while_nothing_is_bound),
                IN_TREE(states_and_zones_of_a_block),
                IN_TREE(backing_is_told_by_what_is_above),
                IN_TREE(holder_is_told_by_the_driver),
                IN_TREE(blocks_that_kmem_holds_are_seen),
                IN_TREE(ranges_are_cut_to_blocks),
                IN_TREE(smaller_than_a_block),
                IN_TREE(several_devices_in_order),
                IN_TREE(no_dax_at_all),
                IN_TREE(broken_values_of_a_bound_device),
                IN_TREE(broken_values_of_an_unbound_device),
                IN_TREE(broken_nodes_of_a_device_are_none),
                IN_TREE(device_without_size_is_none),
                IN_TREE(map_may_hold_anything),
                IN_TREE(broken_machine_is_told),
                IN_TREE(odd_node_names_are_passed_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

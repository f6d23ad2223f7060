/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <errno.h>

#include "probe.h"
#include "state.h"
#include "tree.h"
#include "users.h"

#define PAGE 4096ULL
#define DAX "sys/bus/dax/devices/dax0.0"
#define MEMMAPD DAX "/memmapd"

/* /proc/zoneinfo */

#define ZONE(node, name, free_, min_, low_, high_, managed_, protection_)                       \
        "Node " node ", zone " name "\n"                                                        \
        "  pages free     " free_ "\n"                                                          \
        "        boost    0\n"                                                                  \
        "        min      " min_ "\n"                                                           \
        "        low      " low_ "\n"                                                           \
        "        high     " high_ "\n"                                                          \
        "        spanned  4095\n"                                                               \
        "        present  3998\n"                                                               \
        "        managed  " managed_ "\n"                                                       \
        "        cma      0\n"                                                                  \
        "        protection: (" protection_ ")\n"

#define STATS(inactive, active)                                                                 \
        "      nr_free_pages 111\n"                                                             \
        "      nr_zone_inactive_anon 7\n"                                                       \
        "      nr_zone_active_anon 7\n"                                                         \
        "      nr_zone_inactive_file " inactive "\n"                                            \
        "      nr_zone_active_file " active "\n"                                                \
        "      nr_zone_unevictable 3722\n"                                                      \
        "      nr_mlock     3722\n"                                                             \
        "      nr_bounce    0\n"                                                                \
        "      nr_free_cma  0\n"

#define PAGESETS(count0, count1)                                                                \
        "  pagesets\n"                                                                          \
        "    cpu: 0\n"                                                                          \
        "              count: " count0 "\n"                                                     \
        "              high:  3522\n"                                                           \
        "              batch: 63\n"                                                             \
        "  vm stats threshold: 24\n"                                                            \
        "    cpu: 1\n"                                                                          \
        "              count: " count1 "\n"                                                     \
        "              high:  3522\n"                                                           \
        "              batch: 63\n"                                                             \
        "  vm stats threshold: 24\n"                                                            \
        "  node_unreclaimable:  0\n"                                                            \
        "  start_pfn:           4096\n"

#define PER_NODE                                                                                \
        "  per-node stats\n"                                                                    \
        "      nr_inactive_anon 8034\n"                                                         \
        "      nr_inactive_file 1828\n"                                                         \
        "      nr_active_file 7299\n"                                                           \
        "      nr_slab_reclaimable 51896\n"                                                     \
        "      nr_file_pages 12062\n"

/* Linux 6.1: node 0 of all zones, node 1 with memory for user space alone. */
static const char zoneinfo[] =
        ZONE("0", "     DMA", "3840", "28", "35", "42", "3840", "0, 3019, 9035, 9035")
        PER_NODE STATS("0", "0") PAGESETS("0", "0")
        ZONE("0", "   DMA32", "20000", "5636", "7045", "8454", "772915", "0, 0, 6016, 6016")
        STATS("1000", "2000") PAGESETS("100", "11")
        ZONE("0", "  Normal", "30000", "11231", "14038", "16845", "1540096", "0, 0, 0, 0")
        STATS("50000", "40000") PAGESETS("0", "5")
        ZONE("0", " Movable", "0", "32", "32", "32", "0", "0, 0, 0, 0")
        ZONE("1", "     DMA", "0", "0", "0", "0", "0", "0, 0, 0, 0")
        ZONE("1", "  Normal", "0", "0", "0", "0", "0", "0, 0, 0, 0")
        ZONE("1", " Movable", "32000", "8", "9", "10", "32768", "0, 0, 0, 0")
        PER_NODE STATS("10", "10") PAGESETS("1", "1");

static void zoneinfo_of_two_nodes(void **state) {
        struct node nodes[] = { { .id = 0 }, { .id = 1 } };

        (void) state;
        assert_int_equal(zoneinfo_parse(zoneinfo, PAGE, nodes, 2), 0);
        assert_true(nodes[0].has_kernel_zone);
        assert_size(nodes[0].kernel_total, (3840 + 772915 + 1540096) * PAGE);
        /* With what the CPUs keep in their lists. */
        assert_size(nodes[0].kernel_free, (3840 + 20111 + 30005) * PAGE);
        /* DMA keeps all it has from a memmap, DMA32 some of it. */
        assert_size(nodes[0].kernel_watermark, (3840 + 8454 + 6016 + 16845) * PAGE);
        /* Half of a small cache counts, of a large one all but the low mark. */
        assert_size(nodes[0].kernel_reclaimable, (1500 + 90000 - 14038) * PAGE);
        assert_false(nodes[1].has_kernel_zone);
        assert_size(nodes[1].kernel_total, 0);
        assert_size(nodes[1].kernel_free, 0);
}

/* The format of 6.18, which has more. */
static void zoneinfo_of_newer_kernels(void **state) {
        static const char text[] =
                "Node 0, zone   Normal\n"
                "  pages free     1438551\n        boost    0\n        min      11231\n"
                "        low      14038\n        high     16845\n        promo    19652\n"
                "        spanned  1572864\n        present  1572864\n        managed  1540096\n"
                "        cma      0\n        protection: (0, 0, 0, 0, 0)\n"
                "      nr_free_pages 1438551\n      nr_free_pages_blocks 1435000\n"
                "      nr_zone_inactive_file 1828\n      nr_zone_active_file 7299\n"
                "      numa_hit     0\n  pagesets\n    cpu: 0\n"
                "              count:    77\n              high:     3522\n"
                "              batch:    63\n              high_min: 17\n"
                "              high_max: 240\n  vm stats threshold: 44\n"
                "  node_unreclaimable:  0\n  start_pfn:           1048576\n"
                "Node 0, zone  Movable\n  pages free     0\n        min      32\n"
                "        managed  0\n        protection: (0, 0, 0, 0, 0)\n"
                "Node 0, zone   Device\n  pages free     0\n        managed  0\n"
                "        protection: (0, 0, 0, 0, 0)\n";
        struct node node = { .id = 0 };

        (void) state;
        assert_int_equal(zoneinfo_parse(text, PAGE, &node, 1), 0);
        assert_size(node.kernel_total, 1540096 * PAGE);
        assert_size(node.kernel_free, (1438551 + 77) * PAGE);
        assert_size(node.kernel_watermark, 16845 * PAGE);
        assert_size(node.kernel_reclaimable, (1828 + 7299 - (1828 + 7299) / 2) * PAGE);
}

/* No reserve is larger than what is there, or one zone would pay for another. */
static void watermark_is_at_most_what_is_free(void **state) {
        struct node node = { .id = 0 };

        (void) state;
        assert_int_equal(zoneinfo_parse(ZONE("0", "Normal", "10", "20", "30", "40", "50",
                                             "0, 0, 0, 0"), PAGE, &node, 1), 0);
        assert_size(node.kernel_free, 10 * PAGE);
        assert_size(node.kernel_watermark, 10 * PAGE);
}

static void zoneinfo_of_unknown_nodes_is_passed_over(void **state) {
        struct node node = { .id = 7 };

        (void) state;
        assert_int_equal(zoneinfo_parse(zoneinfo, PAGE, &node, 1), 0);
        assert_false(node.has_kernel_zone);
        assert_int_equal(zoneinfo_parse(zoneinfo, PAGE, NULL, 0), 0);
}

static void zoneinfo_that_is_none(void **state) {
        static const char *const texts[] = {
                "", "\n", "\n\n\n", "garbage", "Node", "Node 0", "Node 0, zone", "Node x, zone DMA",
                "zone DMA\n  pages free 100\n  managed 100\n", "\xff\xfe\x01\x80\n\x7f",
        };
        struct node node = { .id = 0 };

        (void) state;
        for (size_t i = 0; i < COUNT(texts); i++)
                assert_int_equal(zoneinfo_parse(texts[i], PAGE, &node, 1), -EBADMSG);
        assert_false(node.has_kernel_zone);
}

/* More than any machine has: nothing of it is believed. */
static void zoneinfo_of_a_kernel_gone_wrong(void **state) {
        static const char *const lines[] = {
                "  pages free     %s\n", "        low      %s\n", "        high     %s\n",
                "        managed  %s\n", "        protection: (0, 0, %s, 0)\n",
                "      nr_zone_inactive_file %s\n", "      nr_zone_active_file %s\n",
                "              count: %s\n",
        };
        static const char *const numbers[] = {
                "18446744073709551615", "99999999999999999999999", "-1", "1099511627777",
        };

        (void) state;
        for (size_t i = 0; i < COUNT(lines) * COUNT(numbers); i++) {
                struct node node = { .id = 0 };
                char line[80], text[sizeof(zoneinfo) + 200];

                snprintf(line, sizeof(line), lines[i / COUNT(numbers)], numbers[i % COUNT(numbers)]);
                snprintf(text, sizeof(text), "Node 0, zone Normal\n%s%s", line, zoneinfo);
                assert_int_equal(zoneinfo_parse(text, PAGE, &node, 1), -EBADMSG);
                node = (struct node) { .id = 0 };
                snprintf(text, sizeof(text), "%s%s", zoneinfo, line);
                assert_int_equal(zoneinfo_parse(text, PAGE, &node, 1), -EBADMSG);
        }
}

/* Cut off anywhere: never more than there is. */
static void zoneinfo_cut_off(void **state) {
        (void) state;
        for (size_t n = 0; n < sizeof(zoneinfo); n++) {
                struct node nodes[] = { { .id = 0 }, { .id = 1 } };
                char *text = strndup(zoneinfo, n);
                int r = zoneinfo_parse(text, PAGE, nodes, 2);

                assert_true(r == 0 || r == -EBADMSG);
                assert_true(nodes[0].kernel_free <= (3840 + 20111 + 30005) * PAGE);
                assert_true(nodes[0].kernel_total <= (3840 + 772915 + 1540096) * PAGE);
                free(text);
        }
}

static void zoneinfo_garbled(void **state) {
        char text[sizeof(zoneinfo)];
        unsigned int random = 1;

        (void) state;
        for (int round = 0; round < 2000; round++) {
                struct node nodes[] = { { .id = 0 }, { .id = 1 } };
                int r;

                memcpy(text, zoneinfo, sizeof(text));
                for (int i = 0; i < 20; i++) {
                        random = random * 1664525 + 1013904223;
                        text[(random >> 8) % (sizeof(text) - 1)] = (char) (random >> 24);
                }
                r = zoneinfo_parse(text, PAGE, nodes, 2);
                assert_true(r == 0 || r == -EBADMSG);
        }
}

static void zoneinfo_with_long_lines(void **state) {
        struct node node = { .id = 0 };
        char text[2000];

        (void) state;
        memset(text, 'x', sizeof(text));
        memcpy(text, "Node 0, zone ", 13);
        strcpy(text + 1500, "\n  managed 5\n  pages free 3\n");
        assert_int_equal(zoneinfo_parse(text, PAGE, &node, 1), 0);
        assert_false(node.has_kernel_zone);
}

/* /proc/buddyinfo */

static void buddyinfo_counts_large_pieces_of_kernel_zones(void **state) {
        struct node nodes[] = { { .id = 0 }, { .id = 1 } };

        (void) state;
        buddyinfo_parse(
                "Node 0, zone      DMA      9      9      9      9      9      9      9      9"
                "      9      1      3 \n"
                "Node 0, zone   Normal    340    706   1584   2429    160    521    405    133"
                "     39      2      0 \n"
                "Node 1, zone  Movable      0      0      0      0      0      0      0      0"
                "      0      5     99 \n"
                "Node 9, zone   Normal      0      0      0      0      0      0      0      0"
                "      0      5     99 \n", PAGE, nodes, 2);
        assert_size(nodes[0].kernel_free_huge, (1 * 512 + 3 * 1024 + 2 * 512) * PAGE);
        assert_size(nodes[1].kernel_free_huge, 0);
}

static void buddyinfo_that_is_none(void **state) {
        static const char *const texts[] = {
                "", "\n", "garbage", "Node 0, zone", "Node 0, zone Normal",
                "Node 0, zone Normal 1 2", "Node 0, zone Normal x y z\n", "\xff\xfe\x01",
        };
        struct node node = { .id = 0 };

        (void) state;
        for (size_t i = 0; i < COUNT(texts); i++)
                buddyinfo_parse(texts[i], PAGE, &node, 1);
        assert_size(node.kernel_free_huge, 0);
}

static void letters_of_the_map(void **state) {
        (void) state;
        assert_int_equal(placement_from_map('r'), PLACEMENT_RAM);
        assert_int_equal(placement_from_map('d'), PLACEMENT_DEVICE);
        assert_int_equal(placement_from_map('s'), PLACEMENT_SEED);
        assert_int_equal(placement_from_map('.'), PLACEMENT_NONE);
        for (int c = 0; c < 256; c++)
                if (!strchr("rds", c) || c == 0)
                        assert_int_equal(placement_from_map((char) c), PLACEMENT_NONE);
}

/* A whole machine: nodes 0 and 2 online, dax0.0 of 4 blocks from block 32. */

static int make_machine(void **state) {
        static struct tree t;

        tree_make(&t);
        tree_put(&t, "sys/devices/system/memory/block_size_bytes", "8000000\n");
        tree_put(&t, "sys/devices/system/node/node0/distance", "10 21\n");
        tree_put(&t, "sys/devices/system/node/node0/meminfo",
                 "Node 0 MemTotal:       8192 kB\nNode 0 MemFree:        4096 kB\n"
                 "Node 0 SReclaimable:   1024 kB\n");
        tree_put(&t, "sys/devices/system/node/node2/distance", "21 10\n");
        tree_put(&t, "sys/devices/system/node/node2/meminfo", "Node 2 MemTotal: 0 kB\n");
        tree_put(&t, "sys/devices/system/node/online", "0,2\n");
        tree_dir(&t, "sys/devices/system/node/power");
        tree_put(&t, "proc/zoneinfo", "%s", zoneinfo);
        tree_put(&t, "proc/buddyinfo",
                 "Node 0, zone   Normal 0 0 0 0 0 0 0 0 0 2 0\n");
        tree_put(&t, "sys/module/memory_hotplug/parameters/memmap_on_memory", "N\n");
        tree_dir(&t, "sys/bus/dax/drivers/memmapd_kmem");
        tree_link(&t, DAX, "../../../devices/platform/hmem.0/dax0.0");
        tree_put(&t, "sys/devices/platform/hmem.0/dax0.0/size", "536870912\n");
        tree_put(&t, DAX "/target_node", "2\n");
        tree_put(&t, DAX "/numa_node", "0\n");
        tree_put(&t, DAX "/resource", "0x100000000\n");
        *state = &t;
        return 0;
}

static int remove_machine(void **state) {
        tree_remove(*state);
        return 0;
}

/* Bound to the module, with the map given. */
static void bind(struct tree *t, const char *map) {
        tree_link(t, DAX "/driver", "../../../bus/dax/drivers/memmapd_kmem");
        tree_put(t, DAX "/mapping0/start", "0x100000000\n");
        tree_put(t, DAX "/mapping0/end", "0x11fffffff\n");
        tree_put(t, MEMMAPD "/blocks", "4\n");
        tree_put(t, MEMMAPD "/block_size", "134217728\n");
        tree_put(t, MEMMAPD "/trimmed", "0\n");
        tree_put(t, MEMMAPD "/memmap_size", "2097152\n");
        tree_put(t, MEMMAPD "/memmap_on_memory", "0\n");
        tree_put(t, MEMMAPD "/memmap_on_memory_supported", "0 not with this kernel\n");
        tree_put(t, MEMMAPD "/map", "%s", map);
}

static void add_block(struct tree *t, int number, const char *block_state, const char *zones) {
        char path[64];

        snprintf(path, sizeof(path), "sys/devices/system/memory/memory%d/state", number);
        tree_put(t, path, "%s\n", block_state);
        snprintf(path, sizeof(path), "sys/devices/system/memory/memory%d/valid_zones", number);
        tree_put(t, path, "%s\n", zones);
}

static struct model *probed(struct tree *t) {
        struct model *m = NULL;

        assert_int_equal(probe(&t->sysfs, &m), 0);
        assert_non_null(m);
        return m;
}

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

/* Who has the node open */

static void nobody_has_it_open(void **state) {
        struct tree *t = *state;

        tree_link(t, "proc/1/fd/0", "/dev/null");
        tree_link(t, "proc/1/fd/1", "/dev/dax0.1");
        tree_link(t, "proc/1/fd/2", "pipe:[dax0.0]");
        tree_link(t, "proc/1/fd/3", "socket:[123]");
        tree_put(t, "proc/1/maps", "7f00-7f01 r--p 00000000 00:00 0\n"
                 "7f01-7f02 rw-s 00000000 00:05 12  /dev/dax0.0x\n");
        /* Not a process. */
        tree_link(t, "proc/self-made/fd/0", "/dev/dax0.0");
        assert_false(users_of_node(&t->sysfs, "dax0.0"));
}

static void somebody_has_it_open(void **state) {
        struct tree *t = *state;

        tree_link(t, "proc/1/fd/0", "/dev/null");
        tree_link(t, "proc/4242/fd/17", "/dev/dax0.0");
        assert_true(users_of_node(&t->sysfs, "dax0.0"));
        assert_false(users_of_node(&t->sysfs, "dax0.1"));
}

static void somebody_has_it_mapped(void **state) {
        struct tree *t = *state;

        tree_dir(t, "proc/4242/fd");
        tree_put(t, "proc/4242/maps", "55d0-55d1 r-xp 00000000 08:01 9  /usr/bin/qemu\n"
                 "7f01-7f02 rw-s 00000000 00:05 12  /dev/dax0.0\n");
        assert_true(users_of_node(&t->sysfs, "dax0.0"));
}

static void in_doubt_somebody_has_it_open(void **state) {
        struct tree *t = *state;

        tree_delete(t, "proc");
        assert_true(users_of_node(&t->sysfs, "dax0.0"));
}

static void open_node_shows_in_the_model(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_link(t, "proc/4242/fd/3", "/dev/dax0.0");
        tree_link(t, DAX "/driver", "../../../bus/dax/drivers/device_dax");
        m = probed(t);
        assert_true(m->devices[0].node_open);
        model_free(m);
        tree_delete(t, "proc/4242");
        m = probed(t);
        assert_false(m->devices[0].node_open);
        model_free(m);
}

/* What is kept in /run */

static void settled_is_kept_until_forgotten(void **state) {
        struct json_object *decision = json_object_new_object(), *kept;
        struct tree *t = *state;
        bool failed = true;

        assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        assert_null(kept);
        json_object_object_add(decision, "verdict", json_object_new_string("take"));
        assert_int_equal(state_settle(&t->sysfs, "dax0.0", true, decision), 0);
        json_object_put(decision);
        assert_true(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        assert_true(failed);
        assert_string_equal(json_object_get_string(json_object_object_get(kept, "verdict")),
                            "take");
        json_object_put(kept);
        state_forget(&t->sysfs, "dax0.0");
        assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        state_forget(&t->sysfs, "dax0.0");
        assert_int_equal(state_settle(&t->sysfs, "dax9.9", false, NULL), -ENOENT);
}

/* A device of the same name is another one if it came anew. */
static void settled_holds_for_this_very_device(void **state) {
        struct tree *t = *state;
        struct json_object *kept;
        bool failed;

        assert_int_equal(state_settle(&t->sysfs, "dax0.0", false, NULL), 0);
        assert_true(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        assert_false(failed);
        assert_null(kept);
        tree_put(t, "sys/devices/another/dax0.0/size", "1\n");
        tree_link(t, DAX, "../../../devices/another/dax0.0");
        assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
}

static void broken_state_is_none(void **state) {
        static const char *const texts[] = {
                "", "x", "{}", "[]", "null", "3", "{\"identity\":", "{\"identity\":\"x\"}",
                "{\"identity\":null}", "{\"identity\":0}",
        };
        struct tree *t = *state;
        struct json_object *kept;
        bool failed;

        for (size_t i = 0; i < COUNT(texts); i++) {
                tree_put(t, "run/memmapd/settled-dax0.0.json", "%s", texts[i]);
                assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
                assert_null(kept);
        }
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(zoneinfo_of_two_nodes),
                cmocka_unit_test(zoneinfo_of_newer_kernels),
                cmocka_unit_test(watermark_is_at_most_what_is_free),
                cmocka_unit_test(zoneinfo_of_unknown_nodes_is_passed_over),
                cmocka_unit_test(zoneinfo_that_is_none),
                cmocka_unit_test(zoneinfo_of_a_kernel_gone_wrong),
                cmocka_unit_test(zoneinfo_cut_off),
                cmocka_unit_test(zoneinfo_garbled),
                cmocka_unit_test(zoneinfo_with_long_lines),
                cmocka_unit_test(buddyinfo_counts_large_pieces_of_kernel_zones),
                cmocka_unit_test(buddyinfo_that_is_none),
                cmocka_unit_test(letters_of_the_map),
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
                IN_TREE(nobody_has_it_open),
                IN_TREE(somebody_has_it_open),
                IN_TREE(somebody_has_it_mapped),
                IN_TREE(in_doubt_somebody_has_it_open),
                IN_TREE(open_node_shows_in_the_model),
                IN_TREE(settled_is_kept_until_forgotten),
                IN_TREE(settled_holds_for_this_very_device),
                IN_TREE(broken_state_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-machine.h"

/* /proc/zoneinfo */

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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

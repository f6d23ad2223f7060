/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel says in /proc/zoneinfo, for tests of who reads it. */
#pragma once

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine made of files, for tests of what is seen of it. */
#pragma once

#include "unit.h"

#include <errno.h>

#include "probe.h"
#include "tree.h"
#include "zoneinfo.h"

#define PAGE 4096ULL
#define DAX "sys/bus/dax/devices/dax0.0"
#define MEMMAPD DAX "/memmapd"

/* A whole machine: nodes 0 and 2 online, dax0.0 of 4 blocks from block 32. */

static inline int make_machine(void **state) {
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

static inline int remove_machine(void **state) {
        tree_remove(*state);
        return 0;
}

/* Bound to the module, with the map given. */
static inline void bind(struct tree *t, const char *map) {
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

static inline void add_block(struct tree *t, int number, const char *block_state, const char *zones) {
        char path[64];

        snprintf(path, sizeof(path), "sys/devices/system/memory/memory%d/state", number);
        tree_put(t, path, "%s\n", block_state);
        snprintf(path, sizeof(path), "sys/devices/system/memory/memory%d/valid_zones", number);
        tree_put(t, path, "%s\n", zones);
}

static inline struct model *probed(struct tree *t) {
        struct model *m = NULL;

        assert_int_equal(probe(&t->sysfs, &m), 0);
        assert_non_null(m);
        return m;
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)

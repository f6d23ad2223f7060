/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is recorded is all that the probe reads, and the probe finds in it what it
 * finds in the original.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "memdev-tree.h"
#include "probe.h"
#include "snapshot.h"
#include "tree.h"

#define DEVICES "sys/devices/platform/"
#define MEMORY "sys/devices/system/memory/"

/* What is opened and looked at, from under sysfs.c. */

static void (*looked_at)(const char *path);

int __real_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...);
ssize_t __real_readlinkat(int fd, const char *path, char *buf, size_t size);
ssize_t __wrap_readlinkat(int fd, const char *path, char *buf, size_t size);
int __real_fstatat64(int fd, const char *path, struct stat *st, int flags);
int __wrap_fstatat64(int fd, const char *path, struct stat *st, int flags);

int __wrap_openat64(int fd, const char *path, int flags, ...) {
        mode_t mode = 0;

        if (looked_at)
                looked_at(path);
        if (flags & O_CREAT) {
                va_list ap;

                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
        }
        return __real_openat64(fd, path, flags, mode);
}

ssize_t __wrap_readlinkat(int fd, const char *path, char *buf, size_t size) {
        if (looked_at)
                looked_at(path);
        return __real_readlinkat(fd, path, buf, size);
}

int __wrap_fstatat64(int fd, const char *path, struct stat *st, int flags) {
        if (looked_at)
                looked_at(path);
        return __real_fstatat64(fd, path, st, flags);
}

/* A machine with a device in each state that the probe tells apart. */

static const char zoneinfo[] =
        "Node 0, zone   Normal\n  pages free     300000\n        low      14038\n"
        "        high     16845\n        managed  1540096\n        protection: (0, 0, 0, 0)\n"
        "      nr_zone_inactive_file 1828\n      nr_zone_active_file 7299\n  pagesets\n"
        "    cpu: 0\n              count: 378\n"
        "Node 2, zone   Normal\n  pages free     30000\n        low      1\n        high     2\n"
        "        managed  32768\n        protection: (0, 0, 0, 0)\n";

static void put_system(struct tree *t) {
        tree_put(t, MEMORY "block_size_bytes", "8000000\n");
        tree_put(t, "sys/devices/system/node/node0/distance", "10 21\n");
        tree_put(t, "sys/devices/system/node/node0/meminfo", "Node 0 MemTotal: 6160384 kB\n");
        tree_put(t, "sys/devices/system/node/node2/distance", "21 10\n");
        tree_put(t, "sys/devices/system/node/node2/meminfo", "Node 2 MemTotal: 131072 kB\n");
        tree_put(t, "sys/devices/system/node/online", "0,2\n");
        tree_put(t, "proc/zoneinfo", "%s", zoneinfo);
        tree_put(t, "proc/buddyinfo", "Node 0, zone   Normal 0 0 0 0 0 0 0 0 0 2 9\n");
        tree_put(t, "sys/module/memory_hotplug/parameters/memmap_on_memory", "N\n");
        tree_link(t, "sys/bus/dax/drivers/memmapd_kmem/module", "../../../../module/memmapd_kmem");
        tree_dir(t, "sys/module/memmapd_kmem");
}

/* dax@number.0 of four blocks from block 100 * @number. */
static void put_device(struct tree *t, int number, const char *parent, const char *driver) {
        unsigned long long start = number * 100 * BLOCK_SIZE;
        char path[96], target[128];

#define AT(...) (snprintf(path, sizeof(path), __VA_ARGS__), path)
        snprintf(target, sizeof(target), "../../../devices/platform/%s/dax%d.0", parent, number);
        tree_link(t, AT("sys/bus/dax/devices/dax%d.0", number), target);
        tree_put(t, AT(DEVICES "%s/dax%d.0/size", parent, number), "%llu\n", 4 * BLOCK_SIZE);
        tree_put(t, AT("sys/bus/dax/devices/dax%d.0/target_node", number), "2\n");
        tree_put(t, AT("sys/bus/dax/devices/dax%d.0/numa_node", number), "0\n");
        tree_put(t, AT("sys/bus/dax/devices/dax%d.0/resource", number), "%#llx\n", start);
        /* To be written to, as some more are. */
        tree_put(t, AT("sys/bus/dax/devices/dax%d.0/mapping", number), "%s", "");
        if (!driver)
                return;
        snprintf(target, sizeof(target), "../../../../bus/dax/drivers/%s", driver);
        tree_link(t, AT("sys/bus/dax/devices/dax%d.0/driver", number), target);
        tree_put(t, AT("sys/bus/dax/devices/dax%d.0/mapping0/start", number), "%#llx\n", start);
        tree_put(t, AT("sys/bus/dax/devices/dax%d.0/mapping0/end", number), "%#llx\n",
                 start + 4 * BLOCK_SIZE - 1);
        for (int i = 0; i < 4; i++) {
                tree_put(t, AT(MEMORY "memory%d/state", number * 100 + i), i ? "online\n" :
                         "offline\n");
                tree_put(t, AT(MEMORY "memory%d/valid_zones", number * 100 + i), "Movable\n");
        }
#undef AT
}

static void put_module(struct tree *t, const char *device) {
        static const char *const files[][2] = {
                { "blocks", "4\n" }, { "block_size", "134217728\n" }, { "map", "rss.\n" },
                { "memmap_size", "2097152\n" }, { "trimmed", "0\n" }, { "memmap_on_memory", "0\n" },
                { "memmap_on_memory_supported", "0 not with this kernel\n" }, { "plug", "secret\n" },
        };

        for (size_t i = 0; i < COUNT(files); i++) {
                char path[96];

                snprintf(path, sizeof(path), "sys/bus/dax/devices/%s/memmapd/%s", device,
                         files[i][0]);
                tree_put(t, path, "%s", files[i][1]);
        }
}

/* Two processes, one of which has it open. */
static void put_user(struct tree *t, const char *node) {
        tree_put(t, "proc/77/comm", "private\n");
        tree_link(t, "proc/77/fd/0", "/home/private");
        tree_put(t, "proc/77/maps", "7f00-7f01 r-xp 00000000 08:01 1 /home/private\n");
        tree_put(t, "proc/78/comm", "private\n");
        tree_put(t, "proc/78/maps", "7f00-7f01 r-xp 00000000 08:01 1 /home/private\n");
        tree_link(t, "proc/78/fd/4", node);
}

struct machine {
        struct tree original, copy;
};

static int make(void **state) {
        static struct machine m;

        looked_at = NULL;
        tree_make(&m.original);
        tree_make(&m.copy);
        put_system(&m.original);
        put_device(&m.original, 1, "hmem.1", NULL);
        put_device(&m.original, 2, "hmem.2", "memmapd_kmem");
        put_module(&m.original, "dax2.0");
        put_device(&m.original, 3, "ACPI0017:00/root0/decoder0.0/region0/dax_region0", "kmem");
        put_cxl_region(&m.original, 2);
        put_expander(&m.original, 0, 0x3e8);
        put_expander(&m.original, 1, 0x3e9);
        put_device(&m.original, 4, "../ACPI0012:00/ndbus0/region3/dax3.1", "device_dax");
        put_nvdimm(&m.original, 3);
        put_device(&m.original, 5, "hmem.5", "other");
        put_device(&m.original, 6, "hmem.6", "device_dax");
        put_user(&m.original, "/dev/dax4.0");
        *state = &m;
        return 0;
}

static int clean(void **state) {
        struct machine *m = *state;

        tree_remove(&m->original);
        tree_remove(&m->copy);
        return 0;
}

static size_t n_missed;

static void count_missed(void *userdata, const char *path, int error) {
        (void) userdata;
        (void) path;
        assert_true(error > 0);
        n_missed++;
}

static void record(struct machine *m) {
        n_missed = 0;
        assert_int_equal(snapshot_record(&m->original.sysfs, &m->copy.sysfs, count_missed, NULL),
                         0);
}

static struct model *probed(const struct tree *t) {
        struct model *m = NULL;

        assert_int_equal(probe(&t->sysfs, &m), 0);
        return m;
}

/* All paths, whether they are there or not: on another machine they may be. */

static size_t n_looked_at;

static void must_be_covered(const char *path) {
        n_looked_at++;
        if (!snapshot_covers(path))
                fail_msg("the probe looks at %s, which no snapshot has", path);
}

static void probe_looks_at_nothing_else(void **state) {
        struct machine *m = *state;

        n_looked_at = 0;
        looked_at = must_be_covered;
        model_free(probed(&m->original));
        looked_at = NULL;
        /* Or the calls have other names in this libc. */
        assert_true(n_looked_at > 50);
}

/* Real machines, of which more may be read than of one that was made up. */
static void probe_of_real_ones_neither(void **state) {
        static const char *const names[] = { "nvdimm", "server", "taken", "vm" };

        (void) state;
        for (size_t i = 0; i < COUNT(names); i++) {
                struct sysfs s = { .root = -1 };
                struct model *m = NULL;
                char path[512];

                snprintf(path, sizeof(path), "%s/%s", MACHINES, names[i]);
                assert_int_equal(sysfs_open_root(&s, path), 0);
                looked_at = must_be_covered;
                assert_int_equal(probe(&s, &m), 0);
                looked_at = NULL;
                for (size_t j = 0; j < m->n_devices; j++)
                        assert_int_equal(m->devices[j].error, 0);
                assert_true(m->n_devices > 0 && m->module_loaded);
                model_free(m);
                sysfs_close(&s);
        }
}

static void covers_what_it_says(void **state) {
        (void) state;
        assert_true(snapshot_covers("proc/zoneinfo"));
        assert_true(snapshot_covers("proc"));
        assert_true(snapshot_covers("sys/bus/dax/devices/dax0.0/"));
        assert_true(snapshot_covers("sys/bus/dax/devices/dax0.0/mapping12/end"));
        assert_false(snapshot_covers("proc/cmdline"));
        assert_false(snapshot_covers("proc/1/cmdline"));
        assert_false(snapshot_covers("sys/bus/dax/devices/dax0.0/mapping12/page_offset"));
        assert_false(snapshot_covers("proc/zoneinfo/more"));
        assert_false(snapshot_covers("etc/shadow"));
}

static void assert_same_nodes(const struct model *a, const struct model *b) {
        assert_size(a->n_nodes, b->n_nodes);
        for (size_t i = 0; i < a->n_nodes; i++) {
                struct node x = a->nodes[i], y = b->nodes[i];

                assert_size(x.n_distances, y.n_distances);
                assert_memory_equal(x.distances, y.distances, x.n_distances * sizeof(*x.distances));
                x.distances = y.distances = NULL;
                assert_memory_equal(&x, &y, sizeof(x));
        }
}

static void assert_same_devices(const struct model *a, const struct model *b) {
        assert_size(a->n_devices, b->n_devices);
        for (size_t i = 0; i < a->n_devices; i++) {
                struct device x = a->devices[i], y = b->devices[i];

                assert_memory_equal(x.blocks, y.blocks, x.n_blocks * sizeof(*x.blocks));
                x.blocks = y.blocks = NULL;
                x.identity = y.identity = 0;
                assert_memory_equal(&x, &y, sizeof(x));
        }
}

static void copy_looks_like_the_original(void **state) {
        struct machine *m = *state;
        struct model *a, *b;

        record(m);
        assert_size(n_missed, 0);
        a = probed(&m->original);
        b = probed(&m->copy);
        assert_true(a->module_loaded && b->module_loaded);
        assert_size(a->block_size, b->block_size);
        assert_string_equal(a->memmap_on_memory_why, b->memmap_on_memory_why);
        assert_same_nodes(a, b);
        assert_same_devices(a, b);
        /* They are worth the comparison. */
        assert_size(a->n_devices, 6);
        assert_true(a->devices[1].measured);
        assert_int_equal(a->devices[1].blocks[1].placement, PLACEMENT_SEED);
        assert_int_equal(a->devices[2].blocks[1].state, BLOCK_ONLINE);
        assert_size(a->devices[2].n_memdevs, 2);
        assert_true(a->devices[2].memdevs[1].known & MEMDEV_VENDOR);
        assert_size(a->devices[3].n_memdevs, 1);
        assert_true(a->devices[3].uuid[0]);
        assert_true(a->devices[3].node_open);
        assert_false(a->devices[5].node_open);
        for (size_t i = 0; i < a->n_devices; i++)
                assert_int_equal(a->devices[i].error, 0);
        model_free(a);
        model_free(b);
}

static void keeps_no_secrets(void **state) {
        struct machine *m = *state;

        record(m);
        assert_false(tree_has(&m->copy, "proc/77"));
        assert_false(tree_has(&m->copy, "proc/78"));
        assert_true(tree_has(&m->copy, "proc/4/fd/0"));
        assert_false(tree_has(&m->copy, "sys/bus/dax/devices/dax2.0/memmapd/plug"));
        assert_false(tree_has(&m->copy, "sys/devices/system/node/online"));
        /* Blocks of other devices, and of none. */
        assert_true(tree_has(&m->copy, MEMORY "memory201/state"));
        assert_false(tree_has(&m->copy, MEMORY "memory401/state"));
}

static void tells_what_it_cannot_read(void **state) {
        struct machine *m = *state;

        tree_delete(&m->original, DEVICES "hmem.1/dax1.0/resource");
        tree_link(&m->original, DEVICES "hmem.1/dax1.0/resource", "resource");
        record(m);
        assert_size(n_missed, 1);
        assert_true(tree_has(&m->copy, DEVICES "hmem.1/dax1.0/size"));
}

static void records_a_machine_that_cannot_be_probed(void **state) {
        struct machine *m = *state;

        tree_put(&m->original, MEMORY "block_size_bytes", "nonsense\n");
        record(m);
        assert_size(n_missed, 1);
        assert_true(tree_has(&m->copy, "proc/zoneinfo"));
        assert_true(tree_has(&m->copy, MEMORY "block_size_bytes"));
}

static void fails_where_it_cannot_write(void **state) {
        struct machine *m = *state;

        record(m);
        /* The links are there now. */
        assert_int_equal(snapshot_record(&m->original.sysfs, &m->copy.sysfs, count_missed, NULL),
                         -EEXIST);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, clean)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(probe_looks_at_nothing_else),
                TEST(probe_of_real_ones_neither),
                TEST(covers_what_it_says),
                TEST(copy_looks_like_the_original),
                TEST(keeps_no_secrets),
                TEST(tells_what_it_cannot_read),
                TEST(records_a_machine_that_cannot_be_probed),
                TEST(fails_where_it_cannot_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

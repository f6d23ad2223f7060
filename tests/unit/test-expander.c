/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of expanders is in use, and what is kept of them below RUN_DIR. */
#include "unit.h"

#include <errno.h>

#include "expander.h"
#include "marks.h"
#include "memdev-tree.h"

#define ENDPOINT "sys/devices/platform/ACPI0017:00/root0/endpoint2/"

static struct expander *probe_all(const struct tree *t, size_t *n) {
        struct expander *all = NULL;

        assert_int_equal(probe_expanders(&t->sysfs, &all, n), 0);
        return all;
}

/* mem0, with all that it needs to be made a region of. */
static void put_spare(struct tree *t) {
        put_expander(t, 0, 0x3e8);
        tree_put(t, "sys/devices/pci0000:0c/0000:0d:00.0/mem0/ram/size", "0x20000000\n");
        tree_dir(t, "sys/bus/cxl/drivers/cxl_mem");
        tree_link(t, "sys/devices/pci0000:0c/0000:0d:00.0/mem0/driver",
                  "../../../../bus/cxl/drivers/cxl_mem");
        tree_put(t, ENDPOINT "decoder2.0/size", "0x0\n");
        tree_put(t, ENDPOINT "decoder2.0/dpa_size", "0x0\n");
        tree_put(t, ENDPOINT "decoder2.0/locked", "0\n");
        tree_put(t, ENDPOINT "decoder2.0/region", "\n");
}

static void none(void **state) {
        struct tree t;
        size_t n = 7;

        (void) state;
        tree_make(&t);
        assert_null(probe_all(&t, &n));
        assert_int_equal(n, 0);
        tree_remove(&t);
}

static void spare(void **state) {
        struct expander *all;
        struct tree t;
        size_t n;

        (void) state;
        tree_make(&t);
        put_spare(&t);
        all = probe_all(&t, &n);
        assert_int_equal(n, 1);
        assert_string_equal(all[0].dev.name, "mem0");
        assert_int_equal(all[0].dev.serial, 0x3e8);
        assert_true(all[0].ram_size == 512 * MiB);
        assert_true(all[0].enabled && !all[0].used);
        assert_int_equal(all[0].n_regions, 0);
        free(all);
        tree_delete(&t, "sys/devices/pci0000:0c/0000:0d:00.0/mem0/driver");
        all = probe_all(&t, &n);
        assert_false(all[0].enabled);
        free(all);
        tree_remove(&t);
}

/* By each of these alone. */
static void used(void **state) {
        static const char *const files[] = { "size", "dpa_size", "locked" };

        (void) state;
        for (size_t i = 0; i < COUNT(files); i++) {
                char path[128];
                struct expander *all;
                struct tree t;
                size_t n;

                tree_make(&t);
                put_spare(&t);
                snprintf(path, sizeof(path), ENDPOINT "decoder2.0/%s", files[i]);
                tree_put(&t, path, "1\n");
                all = probe_all(&t, &n);
                assert_true(all[0].used);
                free(all);
                tree_remove(&t);
        }
}

static void regions(void **state) {
        struct expander *all;
        struct tree t;
        size_t n;

        (void) state;
        tree_make(&t);
        put_spare(&t);
        put_expander(&t, 1, 0x3e9);
        tree_put(&t, ENDPOINT "decoder2.0/region", "region4\n");
        for (int i = 1; i < 3; i++) {
                char path[128], target[160];

                snprintf(path, sizeof(path), ENDPOINT "decoder2.%d/region", i);
                tree_put(&t, path, i == 1 ? "region4\n" : "region5\n");
                snprintf(path, sizeof(path), CXL_BUS "decoder2.%d", i);
                snprintf(target, sizeof(target), "../../../devices/platform/ACPI0017:00/root0/endpoint2/"
                         "decoder2.%d", i);
                tree_link(&t, path, target);
        }
        all = probe_all(&t, &n);
        assert_int_equal(n, 2);
        assert_int_equal(all[0].n_regions, 2);
        assert_string_equal(all[0].regions[0], "region4");
        assert_string_equal(all[0].regions[1], "region5");
        assert_int_equal(all[1].n_regions, 0);
        free(all);
        tree_remove(&t);
}

static void begun_regions(void **state) {
        struct json_object *memdevs = json_tokener_parse("[ \"mem0\", \"mem3\" ]"), *found;
        char name[24];
        struct tree t;

        (void) state;
        tree_make(&t);
        assert_int_equal(marks_begun_region(&t.sysfs, name, sizeof(name), &found), -ENOENT);
        assert_int_equal(marks_begin_region(&t.sysfs, "region12", memdevs), 0);
        assert_int_equal(marks_begun_region(&t.sysfs, name, sizeof(name), &found), 0);
        assert_string_equal(name, "region12");
        assert_true(json_object_equal(found, memdevs));
        json_object_put(found);
        marks_end_region(&t.sysfs, "region12");
        /* What cannot be read is dropped, lest it is tried for ever. */
        tree_put(&t, "run/memmapd/region-region1.json", "nonsense");
        assert_int_equal(marks_begun_region(&t.sysfs, name, sizeof(name), &found), -ENOENT);
        assert_false(tree_has(&t, "run/memmapd/region-region1.json"));
        json_object_put(memdevs);
        tree_remove(&t);
}

static void removed_until_another_comes(void **state) {
        struct tree t;

        (void) state;
        tree_make(&t);
        put_spare(&t);
        assert_false(marks_removed(&t.sysfs, "mem0"));
        assert_int_equal(marks_remove(&t.sysfs, "mem0"), 0);
        assert_int_equal(marks_remove(&t.sysfs, "mem9"), -ENOENT);
        assert_true(marks_removed(&t.sysfs, "mem0"));
        marks_restore(&t.sysfs, "mem0");
        assert_false(marks_removed(&t.sysfs, "mem0"));
        /* Its number is another. */
        tree_put(&t, "run/memmapd/removed-mem0.json", "{ \"identity\": 1 }");
        assert_false(marks_removed(&t.sysfs, "mem0"));
        assert_false(tree_has(&t, "run/memmapd/removed-mem0.json"));
        tree_remove(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(none),
                cmocka_unit_test(spare),
                cmocka_unit_test(used),
                cmocka_unit_test(regions),
                cmocka_unit_test(begun_regions),
                cmocka_unit_test(removed_until_another_comes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

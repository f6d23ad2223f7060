/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read of the expanders and NVDIMMs behind a device. */
#include "unit.h"

#include <errno.h>

#include "memdev-tree.h"
#include "probe.h"

static const struct model model = { .block_size = BLOCK_SIZE };

static int make(void **state) {
        static struct tree t;

        tree_make(&t);
        put_expander(&t, 0, 0x3e8);
        put_expander(&t, 1, 0x3e9);
        put_cxl_region(&t, 2);
        put_nvdimm(&t, 3);
        *state = &t;
        return 0;
}

static int clean(void **state) {
        tree_remove(*state);
        return 0;
}

/* The parents of dax@n.0 stand in sysfs; it is probed there. */
static struct device probed(struct tree *t, const char *parents) {
        char target[160], path[160];
        struct device d;

        snprintf(target, sizeof(target), "../../../devices/%s/dax0.0", parents);
        tree_link(t, "sys/bus/dax/devices/dax0.0", target);
        snprintf(path, sizeof(path), "sys/devices/%s/dax0.0/size", parents);
        tree_put(t, path, "536870912\n");
        tree_put(t, "sys/bus/dax/devices/dax0.0/resource", "0x100000000\n");
        assert_int_equal(probe_device(&t->sysfs, &model, "dax0.0", &d), 0);
        assert_int_equal(d.error, 0);
        free(d.blocks);
        return d;
}

static void expanders(void **state) {
        struct device d;

        tree_put(*state, CXL_BUS "mem0/numa_node", "-1\n");
        tree_put(*state, CXL_BUS "mem1/numa_node", "1\n");
        d = probed(*state, CXL_REGION "/dax_region0");
        assert_true(d.memdevs_known);
        assert_string_equal(d.decoder, "decoder0.0");
        assert_size(d.n_memdevs, 2);
        assert_string_equal(d.memdevs[0].name, "mem0");
        assert_string_equal(d.memdevs[0].firmware, "BWFW 00");
        assert_int_equal(d.memdevs[0].known, MEMDEV_SERIAL | MEMDEV_VENDOR | MEMDEV_PRODUCT |
                         MEMDEV_QOS_CLASS);
        assert_size(d.memdevs[0].serial, 0x3e8);
        assert_int_equal(d.memdevs[0].vendor, 0x8086);
        assert_int_equal(d.memdevs[0].product, 0xd93);
        assert_int_equal(d.memdevs[0].qos_class, 0);
        assert_string_equal(d.memdevs[1].name, "mem1");
        assert_size(d.memdevs[1].serial, 0x3e9);
        assert_true(d.memdevs[1].known & MEMDEV_NODE);
        assert_int_equal(d.memdevs[1].numa_node, 1);
        assert_string_equal(d.uuid, "");
}

#define MEM0 "sys/bus/cxl/devices/mem0/"

/* Older kernels, and expanders without a serial number. */
static void what_an_expander_does_not_tell(void **state) {
        struct tree *t = *state;
        struct device d;

        tree_put(t, MEM0 "serial", "0\n");
        tree_put(t, MEM0 "ram/qos_class", "-1\n");
        tree_put(t, MEM0 "../vendor", "0x12345\n");
        tree_delete(t, MEM0 "../device");
        tree_delete(t, MEM0 "firmware_version");
        d = probed(t, CXL_REGION "/dax_region0");
        assert_size(d.n_memdevs, 2);
        assert_int_equal(d.memdevs[0].known, 0);
        assert_string_equal(d.memdevs[0].firmware, "");
        tree_delete(t, MEM0 "serial");
        tree_delete(t, MEM0 "ram");
        assert_int_equal(probed(t, CXL_REGION "/dax_region0").memdevs[0].known, 0);
}

/* What is there counts, and it is known that there is more. */
static void a_region_that_is_not_whole(void **state) {
        struct tree *t = *state;
        struct device d;

        tree_put(t, "sys/bus/cxl/devices/region0/target1", "\n");
        d = probed(t, CXL_REGION "/dax_region0");
        assert_false(d.memdevs_known);
        assert_size(d.n_memdevs, 1);
        tree_put(t, "sys/bus/cxl/devices/region0/target1", "decoder9.0\n");
        assert_false(probed(t, CXL_REGION "/dax_region0").memdevs_known);
        tree_put(t, "sys/bus/cxl/devices/region0/target1", "decoder3.0\n");
        tree_delete(t, "sys/bus/cxl/devices/endpoint3/uport");
        assert_false(probed(t, CXL_REGION "/dax_region0").memdevs_known);
        tree_delete(t, "sys/bus/cxl/devices/region0/target0");
        d = probed(t, CXL_REGION "/dax_region0");
        assert_false(d.memdevs_known);
        assert_size(d.n_memdevs, 0);
}

/* More than CXL allows: nobody knows the rest. */
static void a_region_of_too_many(void **state) {
        struct tree *t = *state;
        char path[64];

        for (int i = 2; i < 20; i++) {
                snprintf(path, sizeof(path), "sys/bus/cxl/devices/region0/target%d", i);
                tree_put(t, path, "decoder2.0\n");
        }
        assert_size(probed(t, CXL_REGION "/dax_region0").n_memdevs, MEMDEVS_MAX);
}

static void nvdimms(void **state) {
        struct tree *t = *state;
        struct device d = probed(t, ND_REGION "/dax3.1");

        assert_true(d.memdevs_known);
        assert_string_equal(d.uuid, "0f5b1e1c-31b7-4c6a-9d3c-7a2d5f0b8e44");
        assert_size(d.n_memdevs, 1);
        assert_string_equal(d.memdevs[0].name, "nmem0");
        assert_int_equal(d.memdevs[0].known, MEMDEV_SERIAL | MEMDEV_VENDOR | MEMDEV_PRODUCT |
                         MEMDEV_HEALTH);
        assert_size(d.memdevs[0].serial, 0x123456);
        assert_int_equal(d.memdevs[0].health, HEALTH_OK);
        tree_put(t, "sys/bus/nd/devices/nmem0/nfit/flags", "not_armed smart_notify\n");
        assert_int_equal(probed(t, ND_REGION "/dax3.1").memdevs[0].health, HEALTH_FAILING);
        tree_delete(t, "sys/bus/nd/devices/nmem0/nfit");
        tree_delete(t, "sys/bus/dax/devices/dax0.0/../uuid");
        d = probed(t, ND_REGION "/dax3.1");
        assert_int_equal(d.memdevs[0].known, 0);
        assert_string_equal(d.uuid, "");
        tree_put(t, "sys/devices/" ND_REGION "/mapping0", ",\n");
        assert_false(probed(t, ND_REGION "/dax3.1").memdevs_known);
}

/* The firmware's memory is in no memory device; of what is not known nothing is. */
static void nothing_behind_it(void **state) {
        struct tree *t = *state;

        assert_true(probed(t, "platform/hmem.0").memdevs_known);
        assert_false(probed(t, "virtual/odd").memdevs_known);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, clean)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(expanders),
                TEST(what_an_expander_does_not_tell),
                TEST(a_region_that_is_not_whole),
                TEST(a_region_of_too_many),
                TEST(nvdimms),
                TEST(nothing_behind_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

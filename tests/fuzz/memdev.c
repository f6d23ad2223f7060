/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel tells of expanders and NVDIMMs may be anything: it is probed, and a
 * policy that asks for all of it is held against it.
 *
 * The first part of the input is 'c' for an expander or 'p' for an NVDIMM, the others
 * are the contents of the files below.
 */
#include "match.h"
#include "policy-json.h"
#include "probe.h"
#include "tree.h"

#define DAX "sys/bus/dax/devices/dax0.0"
#define CXL "sys/bus/cxl/devices/"
#define ND "sys/bus/nd/devices/"
#define REGION CXL "region0/"

static const char *const files[] = {
        REGION "target0", "sys/devices/ndbus0/region0/mapping0",
        REGION "target1", "sys/devices/ndbus0/region0/mapping1",
        CXL "mem0/serial", "sys/devices/pci0/vendor", "sys/devices/pci0/device",
        CXL "mem0/ram/qos_class", CXL "mem0/firmware_version",
        "sys/devices/ndbus0/region0/dax0.0/uuid",
        ND "nmem0/nfit/serial", ND "nmem0/nfit/vendor", ND "nmem0/nfit/device",
        ND "nmem0/nfit/flags",
};

static const char policy_text[] =
        "{ \"version\": 1, \"rules\": ["
        " { \"name\": \"a\", \"match\": { \"serial\": 4096 }, \"action\": \"ignore\" },"
        " { \"name\": \"b\", \"match\": { \"vendor_id\": 32902, \"device_id\": 1 },"
        " \"action\": \"plug\" },"
        " { \"name\": \"c\", \"match\": { \"not\": { \"health\": \"failing\" },"
        " \"memdev\": \"*mem*\" } },"
        " { \"name\": \"e\", \"match\": { \"decoder\": \"decoder0.*\", \"firmware\": \"1*\","
        " \"expander_node\": 0 } },"
        " { \"name\": \"d\", \"match\": { \"any\": [ { \"qos_class\": 1 },"
        " { \"uuid\": \"0f5b1e1c-31b7-4c6a-9d3c-7a2d5f0b8e44\" } ] } } ] }";

static struct policy *policy;

static void make_tree(void) {
        tree_make();
        tree_make_parents("sys/devices/pci0/mem0/ram/");
        tree_make_parents("sys/devices/ndbus0/region0/dax0.0/dax0.0/");
        tree_make_parents("sys/devices/root0/region0/dax_region0/dax0.0/");
        tree_make_parents("sys/devices/root0/endpoint0/decoder0/");
        tree_make_parents("sys/bus/dax/devices/");
        tree_make_parents(CXL "x");
        tree_make_parents(ND "nmem0/nfit/");
        tree_put_link(CXL "mem0", "../../../devices/pci0/mem0");
        tree_put_link(CXL "region0", "../../../devices/root0/region0");
        tree_put_link(CXL "endpoint0", "../../../devices/root0/endpoint0");
        tree_put_link(CXL "decoder0", "../../../devices/root0/endpoint0/decoder0");
        tree_put_link("sys/devices/root0/endpoint0/uport", "../../pci0/mem0");
        MUST(policy_decode(policy_text, strlen(policy_text), &policy, NULL) >= 0);
}

static bool is_text(const char *text, size_t size) {
        return memchr(text, '\0', size);
}

static void check_memdev(const struct memdev *dev) {
        MUST(dev->name[0] && is_text(dev->name, sizeof(dev->name)));
        MUST(is_text(dev->firmware, sizeof(dev->firmware)));
        MUST(!(dev->known & MEMDEV_SERIAL) == !dev->serial);
        MUST(dev->vendor <= UINT16_MAX && dev->product <= UINT16_MAX);
        MUST(!(dev->known & MEMDEV_QOS_CLASS) || dev->qos_class >= 0);
}

static void check_device(enum backing backing) {
        struct device d = { .name = "dax0.0", .region = "region0", .backing = backing };

        probe_memdevs(&tree, &d);
        MUST(d.n_memdevs <= MEMDEVS_MAX && is_text(d.uuid, sizeof(d.uuid)));
        for (size_t i = 0; i < d.n_memdevs; i++)
                check_memdev(&d.memdevs[i]);
        for (size_t i = 0; i < policy->n_rules; i++)
                MUST(match_device(&policy->rules[i].match, &d, NULL) <= ANSWER_YES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *at = (const char *) data, *end = at + size, *kind;
        size_t n = 0;
        bool pmem;

        if (tree.root < 0)
                make_tree();
        kind = tree_next_part(&at, end, &n);
        pmem = kind && n > 0 && kind[0] == 'p';
        tree_put_link(DAX, pmem ? "../../../devices/ndbus0/region0/dax0.0/dax0.0" :
                                  "../../../devices/root0/region0/dax_region0/dax0.0");
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
                tree_put_part(files[i], &at, end);
        check_device(pmem ? BACKING_PMEM : BACKING_CXL);
        return 0;
}

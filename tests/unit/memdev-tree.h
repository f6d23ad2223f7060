/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expanders and NVDIMMs in a made-up sysfs, as Linux 6.12 shows them. */
#pragma once

#include <stdio.h>

#include "tree.h"

#define CXL_REGION "platform/ACPI0017:00/root0/decoder0.0/region0"
#define ND_REGION "ACPI0012:00/ndbus0/region3"
#define CXL_BUS "sys/bus/cxl/devices/"

/* mem@n at PCI function @n, and its endpoint port, whose number is @n + 2. */
static inline void put_expander(struct tree *t, int n, unsigned long long serial) {
        char path[160], target[160];

#define PUT(text, ...) (snprintf(path, sizeof(path), __VA_ARGS__), tree_put(t, path, "%s", text))
        snprintf(target, sizeof(target), "%#llx\n", serial);
        PUT(target, "sys/devices/pci0000:0c/0000:0d:0%d.0/mem%d/serial", n, n);
        PUT("BWFW 00\n", "sys/devices/pci0000:0c/0000:0d:0%d.0/mem%d/firmware_version", n, n);
        PUT("0\n", "sys/devices/pci0000:0c/0000:0d:0%d.0/mem%d/ram/qos_class", n, n);
        PUT("0x8086\n", "sys/devices/pci0000:0c/0000:0d:0%d.0/vendor", n);
        PUT("0x0d93\n", "sys/devices/pci0000:0c/0000:0d:0%d.0/device", n);
#undef PUT
        snprintf(path, sizeof(path), CXL_BUS "mem%d", n);
        snprintf(target, sizeof(target), "../../../devices/pci0000:0c/0000:0d:0%d.0/mem%d", n, n);
        tree_link(t, path, target);
        snprintf(path, sizeof(path), "sys/devices/platform/ACPI0017:00/root0/endpoint%d/decoder%d.0",
                 n + 2, n + 2);
        tree_dir(t, path);
        snprintf(path, sizeof(path), "sys/devices/platform/ACPI0017:00/root0/endpoint%d/uport", n + 2);
        snprintf(target, sizeof(target), "../../../../pci0000:0c/0000:0d:0%d.0/mem%d", n, n);
        tree_link(t, path, target);
        snprintf(path, sizeof(path), CXL_BUS "endpoint%d", n + 2);
        snprintf(target, sizeof(target), "../../../devices/platform/ACPI0017:00/root0/endpoint%d",
                 n + 2);
        tree_link(t, path, target);
        snprintf(path, sizeof(path), CXL_BUS "decoder%d.0", n + 2);
        snprintf(target, sizeof(target),
                 "../../../devices/platform/ACPI0017:00/root0/endpoint%d/decoder%d.0", n + 2, n + 2);
        tree_link(t, path, target);
}

/* region0 of the first @n expanders. */
static inline void put_cxl_region(struct tree *t, int n) {
        tree_dir(t, "sys/devices/" CXL_REGION);
        tree_link(t, CXL_BUS "region0", "../../../devices/" CXL_REGION);
        for (int i = 0; i < n; i++) {
                char path[96], decoder[32];

                snprintf(path, sizeof(path), "sys/devices/" CXL_REGION "/target%d", i);
                snprintf(decoder, sizeof(decoder), "decoder%d.0\n", i + 2);
                tree_put(t, path, "%s", decoder);
        }
}

/* region@n of one NVDIMM, with a namespace that is a dax device. */
static inline void put_nvdimm(struct tree *t, int n) {
        char path[96];

        snprintf(path, sizeof(path), "sys/devices/ACPI0012:00/ndbus0/region%d/mapping0", n);
        tree_put(t, path, "nmem0,0,536870912,0\n");
        snprintf(path, sizeof(path), "sys/devices/ACPI0012:00/ndbus0/region%d/dax%d.1/uuid", n, n);
        tree_put(t, path, "0f5b1e1c-31b7-4c6a-9d3c-7a2d5f0b8e44\n");
        tree_dir(t, "sys/devices/ACPI0012:00/ndbus0/nmem0");
        tree_link(t, "sys/bus/nd/devices/nmem0", "../../../devices/ACPI0012:00/ndbus0/nmem0");
        tree_put(t, "sys/bus/nd/devices/nmem0/nfit/serial", "0x00123456\n");
        tree_put(t, "sys/bus/nd/devices/nmem0/nfit/vendor", "0x8680\n");
        tree_put(t, "sys/bus/nd/devices/nmem0/nfit/device", "0x0001\n");
        tree_put(t, "sys/bus/nd/devices/nmem0/nfit/flags", "smart_notify\n");
}

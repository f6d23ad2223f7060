/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the memory of a dax device is in: expanders or NVDIMMs, as far as the kernel
 * tells of them.
 */
#include <errno.h>
#include <string.h>

#include "probe.h"

#define DEVICE "sys/bus/dax/devices/%s"
#define CXL "sys/bus/cxl/devices/%s"
#define ND "sys/bus/nd/devices/%s"

static void probe_id(const struct sysfs *s, const char *directory, const char *file,
                     unsigned int *number, struct memdev *dev, unsigned int known) {
        uint64_t v;

        if (sysfs_read_u64(s, &v, 0, "%s/%s", directory, file) < 0 || v > UINT16_MAX)
                return;
        *number = (unsigned int) v;
        dev->known |= known;
}

/* A device without a serial number has 0.  @ids: where the others are, a directory. */
static void probe_identity(const struct sysfs *s, struct memdev *dev, const char *directory,
                           const char *ids) {
        if (sysfs_read_u64(s, &dev->serial, 0, "%s/serial", directory) >= 0 && dev->serial)
                dev->known |= MEMDEV_SERIAL;
        else
                dev->serial = 0;
        probe_id(s, ids, "vendor", &dev->vendor, dev, MEMDEV_VENDOR);
        probe_id(s, ids, "device", &dev->product, dev, MEMDEV_PRODUCT);
}

void probe_expander(const struct sysfs *s, struct memdev *dev) {
        char directory[SYSFS_PATH_MAX], pci[SYSFS_PATH_MAX];
        const char *name = dev->name;

        /* A memdev is a child of its PCI function. */
        snprintf(directory, sizeof(directory), CXL, name);
        snprintf(pci, sizeof(pci), CXL "/..", name);
        probe_identity(s, dev, directory, pci);
        /* Since 6.9; -1 if the platform has none. */
        if (sysfs_read_int(s, &dev->qos_class, CXL "/ram/qos_class", name) >= 0 &&
            dev->qos_class >= 0)
                dev->known |= MEMDEV_QOS_CLASS;
        /* -1 on a machine that does not say. */
        if (sysfs_read_int(s, &dev->numa_node, CXL "/numa_node", name) >= 0 && dev->numa_node >= 0)
                dev->known |= MEMDEV_NODE;
        if (sysfs_read(s, dev->firmware, sizeof(dev->firmware), CXL "/firmware_version", name) < 0)
                dev->firmware[0] = '\0';
}

/* Words for what is wrong; "smart_notify" is that it would tell. */
static enum health health_of_flags(const char *flags) {
        static const char *const bad[] = {
                "save_fail", "restore_fail", "flush_fail", "not_armed", "smart_event", "map_fail",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (strstr(flags, bad[i]))
                        return HEALTH_FAILING;
        return HEALTH_OK;
}

static void probe_nvdimm(const struct sysfs *s, struct memdev *dev) {
        char directory[SYSFS_PATH_MAX], flags[128];
        const char *name = dev->name;

        snprintf(directory, sizeof(directory), ND "/nfit", name);
        probe_identity(s, dev, directory, directory);
        if (sysfs_read(s, flags, sizeof(flags), ND "/nfit/flags", name) < 0)
                return;
        dev->health = health_of_flags(flags);
        dev->known |= MEMDEV_HEALTH;
}

/* The decoder of an expander that is target @i of a region: its endpoint leads there. */
static int find_expander(const struct sysfs *s, const char *region, int i, struct memdev *dev) {
        char decoder[64], link[SYSFS_PATH_MAX], endpoint[64];
        int r;

        r = sysfs_read(s, decoder, sizeof(decoder), CXL "/target%d", region, i);
        if (r < 0)
                return r;
        if (!decoder[0])
                return -ENODATA;
        r = sysfs_link(s, link, sizeof(link), CXL, decoder);
        if (r < 0)
                return -ENODATA;
        path_part(link, 1, endpoint, sizeof(endpoint));
        r = sysfs_link(s, link, sizeof(link), CXL "/uport", endpoint);
        if (r < 0)
                return -ENODATA;
        path_part(link, 0, dev->name, sizeof(dev->name));
        return 0;
}

/* "nmem0,0,4294967296,0": which NVDIMM, and what of it. */
static int find_nvdimm(const struct sysfs *s, const char *device, int i, struct memdev *dev) {
        char mapping[128];
        int r;

        r = sysfs_read(s, mapping, sizeof(mapping), DEVICE "/../../mapping%d", device, i);
        if (r < 0)
                return r;
        snprintf(dev->name, sizeof(dev->name), "%.*s", (int) strcspn(mapping, ","), mapping);
        return dev->name[0] ? 0 : -ENODATA;
}

/* A region is a child of its root decoder. */
static void probe_decoder(const struct sysfs *s, struct device *d) {
        char link[SYSFS_PATH_MAX];

        if (sysfs_link(s, link, sizeof(link), CXL, d->region) >= 0)
                path_part(link, 1, d->decoder, sizeof(d->decoder));
}

/* Those of a region are numbered without a gap. */
static bool is_the_end(int r) {
        return r == -ENOENT || r == -ENXIO;
}

void probe_memdevs(const struct sysfs *s, struct device *d) {
        bool cxl = d->backing == BACKING_CXL;

        if (d->backing == BACKING_UNKNOWN || d->backing == BACKING_HMEM) {
                d->memdevs_known = d->backing == BACKING_HMEM;
                return;
        }
        if (!cxl && sysfs_read(s, d->uuid, sizeof(d->uuid), DEVICE "/../uuid", d->name) < 0)
                d->uuid[0] = '\0';
        if (cxl)
                probe_decoder(s, d);
        while (d->n_memdevs < MEMDEVS_MAX) {
                struct memdev *dev = &d->memdevs[d->n_memdevs];
                int i = (int) d->n_memdevs, r;

                r = cxl ? find_expander(s, d->region, i, dev) : find_nvdimm(s, d->name, i, dev);
                if (r < 0) {
                        d->memdevs_known = is_the_end(r) && i > 0;
                        dev->name[0] = '\0';
                        return;
                }
                if (cxl)
                        probe_expander(s, dev);
                else
                        probe_nvdimm(s, dev);
                d->n_memdevs++;
        }
        d->memdevs_known = true;
}

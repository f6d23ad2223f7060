/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "names.h"
#include "probe.h"
#include "tally.h"

/* SECTION_SIZE_BITS is 24 or more everywhere. */
#define BLOCK_SIZE_MIN (1024 * 1024)

/*
 * Before a device is bound, the boot parameter is all there is to go by; the
 * module checks the rest and has the last word, see probe_device().
 */
static void probe_memmap_on_memory(const struct sysfs *s, struct model *m) {
        const char *why = "the kernel was built without CONFIG_MHP_MEMMAP_ON_MEMORY";
        char buf[16];

        if (sysfs_read(s, buf, sizeof(buf),
                       "sys/module/memory_hotplug/parameters/memmap_on_memory") >= 0) {
                m->memmap_on_memory = strcmp(buf, "N") != 0;
                why = "the kernel was booted without " MEMMAP_ON_MEMORY_PARAMETER;
        }
        if (!m->memmap_on_memory)
                snprintf(m->memmap_on_memory_why, sizeof(m->memmap_on_memory_why), "%s", why);
}

static bool exists(const struct sysfs *s, const char *path) {
        _cleanup_(closep) int fd = sysfs_open(s, O_PATH, "%s", path);

        return fd >= 0;
}

/* Why our module is not there: what came of loading it, if that was tried. */
static void probe_drivers(const struct sysfs *s, struct model *m) {
        m->module_loaded = exists(s, "sys/bus/dax/drivers/" MODULE_NAME);
        m->kmem_loaded = exists(s, "sys/bus/dax/drivers/" KMEM_NAME);
        if (m->module_loaded)
                return;
        if (sysfs_read(s, m->module_why, sizeof(m->module_why), MODULE_WHY_PATH + 1) < 0 ||
            !m->module_why[0])
                snprintf(m->module_why, sizeof(m->module_why),
                         MODULE_NAME " is not loaded; see modprobe " MODULE_NAME);
}

static int probe_devices(const struct sysfs *s, struct model *m) {
        _cleanup_(strv_freep) char **names = NULL;
        size_t n;
        int r;

        r = sysfs_list(s, &names, "sys/bus/dax/devices");
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        n = strv_length(names);
        m->devices = calloc(n + 1, sizeof(*m->devices));
        if (!m->devices)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                r = probe_device(s, m, names[i], &m->devices[m->n_devices]);
                if (r == -ENOMEM)
                        return r;
                /* Gone while we looked, or not a device at all: the others count. */
                if (r >= 0)
                        m->n_devices++;
        }
        return 0;
}

/* A bound device asks the module; what it says holds for the machine. */
static void learn_memmap_on_memory(const struct sysfs *s, struct model *m) {
        char buf[sizeof(m->memmap_on_memory_why)];

        for (size_t i = 0; i < m->n_devices; i++) {
                if (!m->devices[i].measured ||
                    sysfs_read(s, buf, sizeof(buf),
                               "sys/bus/dax/devices/%s/memmapd/memmap_on_memory_supported",
                               m->devices[i].name) < 0)
                        continue;
                m->memmap_on_memory = buf[0] == '1';
                if (!m->memmap_on_memory && buf[0] == '0' && buf[1] == ' ')
                        snprintf(m->memmap_on_memory_why, sizeof(m->memmap_on_memory_why),
                                 "%s", buf + 2);
                return;
        }
}

int probe(const struct sysfs *s, struct model **ret) {
        _cleanup_(model_freep) struct model *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        r = sysfs_read_u64(s, &m->block_size, 16, "sys/devices/system/memory/block_size_bytes");
        if (r < 0)
                return r;
        /* Whole pages, and more of them than their memmap takes. */
        if (m->block_size < BLOCK_SIZE_MIN || m->block_size & (m->block_size - 1))
                return -EBADMSG;
        probe_drivers(s, m);
        probe_memmap_on_memory(s, m);
        r = probe_nodes(s, &m->nodes, &m->n_nodes);
        if (r < 0)
                return r;
        r = probe_devices(s, m);
        if (r < 0)
                return r;
        learn_memmap_on_memory(s, m);
        model_tally(m);
        *ret = steal(&m);
        return 0;
}

struct model *model_free(struct model *m) {
        if (!m)
                return NULL;
        nodes_free(m->nodes, m->n_nodes);
        for (size_t i = 0; i < m->n_devices; i++)
                free(m->devices[i].blocks);
        free(m->devices);
        free(m);
        return NULL;
}

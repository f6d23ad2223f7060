/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "probe.h"
#include "snapshot.h"

#define DEVICE "sys/bus/dax/devices/*"
#define CXL "sys/bus/cxl/devices/"
#define NVDIMM "sys/bus/nd/devices/nmem*"
#define MODULE DEVICE "/memmapd/"
#define MODULE_WHY "run/memmapd/module"
#define NODE "sys/devices/system/node/node*"
#define BLOCK "sys/devices/system/memory/memory*"

/*
 * All that is recorded, and so all that the probe may read, but for what is left out.
 * In order: a link comes before what is reached through it.  Nobody's secrets are
 * among it, and what is added shall not be one either.
 */
static const struct item {
        enum {
                CONTENTS,
                LINK,           /* the link itself; that what it leads to is there */
                OF_BLOCK,       /* the contents, of plugged blocks of dax devices alone */
                OF_USER,        /* that somebody has a device open, and not who */
                LEFT_OUT,       /* too large; the probe can do without */
        } kind;
        const char *pattern;    /* of shells */
} items[] = {
        { CONTENTS, "proc/zoneinfo" },
        { CONTENTS, "proc/buddyinfo" },
        { CONTENTS, NODE "/distance" },
        { CONTENTS, NODE "/meminfo" },
        { CONTENTS, "sys/devices/system/memory/block_size_bytes" },
        { CONTENTS, "sys/module/memory_hotplug/parameters/memmap_on_memory" },
        /* With something in it, as not all that copies a tree keeps what is empty. */
        { LINK, "sys/bus/dax/drivers/*/module" },
        { LINK, DEVICE },
        { LINK, DEVICE "/driver" },
        { CONTENTS, DEVICE "/size" },
        { CONTENTS, DEVICE "/align" },
        { CONTENTS, DEVICE "/target_node" },
        { CONTENTS, DEVICE "/numa_node" },
        { CONTENTS, DEVICE "/resource" },
        { CONTENTS, DEVICE "/memmap_on_memory" },
        { CONTENTS, DEVICE "/mapping[0-9]*/start" },
        { CONTENTS, DEVICE "/mapping[0-9]*/end" },
        { CONTENTS, DEVICE "/../uuid" },
        { CONTENTS, DEVICE "/../../mapping[0-9]*" },
        { LINK, CXL "decoder*" },
        { LINK, CXL "endpoint*" },
        { LINK, CXL "mem[0-9]*" },
        { LINK, CXL "region*" },
        { LINK, CXL "endpoint*/uport" },
        { CONTENTS, CXL "region*/target[0-9]*" },
        { CONTENTS, CXL "mem[0-9]*/numa_node" },
        { CONTENTS, CXL "mem[0-9]*/serial" },
        { CONTENTS, CXL "mem[0-9]*/firmware_version" },
        { CONTENTS, CXL "mem[0-9]*/ram/qos_class" },
        { CONTENTS, CXL "mem[0-9]*/../vendor" },
        { CONTENTS, CXL "mem[0-9]*/../device" },
        { LINK, NVDIMM },
        { CONTENTS, NVDIMM "/nfit/serial" },
        { CONTENTS, NVDIMM "/nfit/vendor" },
        { CONTENTS, NVDIMM "/nfit/device" },
        { CONTENTS, NVDIMM "/nfit/flags" },
        { CONTENTS, MODULE_WHY },
        { CONTENTS, MODULE "block_size" },
        { CONTENTS, MODULE "blocks" },
        { CONTENTS, MODULE "map" },
        { CONTENTS, MODULE "memmap_on_memory" },
        { CONTENTS, MODULE "memmap_on_memory_supported" },
        { CONTENTS, MODULE "memmap_size" },
        { CONTENTS, MODULE "trimmed" },
        { OF_BLOCK, BLOCK "/state" },
        { OF_BLOCK, BLOCK "/valid_zones" },
        { OF_USER, "proc/[0-9]*/fd/*" },
        { OF_USER, "proc/[0-9]*/maps" },
        { LEFT_OUT, "proc/kpageflags" },
};

struct recorder {
        const struct sysfs *from, *to;
        snapshot_missed missed;
        void *userdata;
};

/* All directories that lead to @path, which may have links and ".." in it. */
static int make_parents(const struct recorder *r, const char *path) {
        char copy[SYSFS_PATH_MAX];
        int e = 0;

        snprintf(copy, sizeof(copy), "%s", path);
        for (char *slash = strchr(copy, '/'); e >= 0 && slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                e = sysfs_make_dir(r->to, copy);
                *slash = '/';
        }
        return e;
}

/* What is not there is not recorded; what cannot be read is told. */
static int cannot_read(const struct recorder *r, const char *path, int error) {
        if (error != -ENOENT)
                r->missed(r->userdata, path, -error);
        return 0;
}

static int record_contents(const struct recorder *r, const char *path) {
        _cleanup_(freep) char *text = NULL;
        int e;

        e = sysfs_read_all(r->from, &text, NULL, path);
        if (e < 0)
                return cannot_read(r, path, e);
        e = make_parents(r, path);
        return e < 0 ? e : sysfs_put(r->to, text, path);
}

static int record_link(const struct recorder *r, const char *path) {
        char link[SYSFS_PATH_MAX], target[SYSFS_PATH_MAX];
        int e, n;

        e = sysfs_link(r->from, link, sizeof(link), "%s", path);
        if (e < 0)
                return cannot_read(r, path, e);
        n = snprintf(target, sizeof(target), "%.*s%s/", (int) (base_of(path) - path), path, link);
        if (n < 0 || (size_t) n >= sizeof(target))
                return -ENAMETOOLONG;
        e = make_parents(r, path);
        if (e >= 0)
                e = make_parents(r, target);
        return e < 0 ? e : sysfs_put_link(r->to, link, path);
}

static int record(const struct recorder *r, const struct item *item, const char *path) {
        return item->kind == LINK ? record_link(r, path) : record_contents(r, path);
}

/* Every path that matches: the first name with a "*" in it is looked up, then the next. */
static int record_matching(const struct recorder *r, const struct item *item,
                           const char *pattern) {
        _cleanup_(strv_freep) char **names = NULL;
        const char *star = strchr(pattern, '*'), *first = star, *rest;
        char path[SYSFS_PATH_MAX], name[64];
        int e;

        if (!star)
                return record(r, item, pattern);
        while (first > pattern && first[-1] != '/')
                first--;
        rest = star + strcspn(star, "/");
        snprintf(name, sizeof(name), "%.*s", (int) (rest - first), first);
        snprintf(path, sizeof(path), "%.*s", (int) (first - pattern), pattern);
        e = sysfs_list(r->from, &names, "%s", path);
        if (e < 0)
                return cannot_read(r, path, e);
        for (size_t i = 0; names[i] && e >= 0; i++) {
                if (fnmatch(name, names[i], 0) != 0 || strchr(names[i], '*'))
                        continue;
                if ((size_t) snprintf(path, sizeof(path), "%.*s%s%s", (int) (first - pattern),
                                      pattern, names[i], rest) >= sizeof(path))
                        return -ENAMETOOLONG;
                e = record_matching(r, item, path);
        }
        return e;
}

static int record_block(const struct recorder *r, const struct item *item, uint64_t number) {
        const char *star = strchr(item->pattern, '*');
        char path[SYSFS_PATH_MAX];

        snprintf(path, sizeof(path), "%.*s%" PRIu64 "%s", (int) (star - item->pattern),
                 item->pattern, number, star + 1);
        return record_contents(r, path);
}

static int record_blocks(const struct recorder *r, const struct device *d) {
        int e = 0;

        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                for (size_t j = 0; items[i].kind == OF_BLOCK && j < d->n_blocks && e >= 0; j++)
                        if (d->blocks[j].state != BLOCK_ABSENT)
                                e = record_block(r, &items[i], d->blocks[j].number);
        return e;
}

/* A process that was made up stands for whoever has it open. */
static int record_user(const struct recorder *r, const struct device *d, size_t pid) {
        char path[64], target[64];
        int e;

        snprintf(path, sizeof(path), "proc/%zu/fd/0", pid);
        snprintf(target, sizeof(target), "/dev/%s", d->name);
        e = make_parents(r, path);
        return e < 0 ? e : sysfs_put_link(r->to, target, path);
}

/* What takes a look at the devices to know what of it is to be recorded. */
static int record_of_devices(const struct recorder *r) {
        _cleanup_(model_freep) struct model *m = NULL;
        int e;

        e = probe(r->from, &m);
        if (e < 0) {
                r->missed(r->userdata, "memory blocks", -e);
                return 0;
        }
        for (size_t i = 0; i < m->n_devices && e >= 0; i++) {
                e = record_blocks(r, &m->devices[i]);
                if (e >= 0 && m->devices[i].node_open)
                        e = record_user(r, &m->devices[i], i + 1);
        }
        return e;
}

int snapshot_record(const struct sysfs *from, const struct sysfs *to,
                    snapshot_missed missed, void *userdata) {
        const struct recorder r = { from, to, missed, userdata };
        int e = 0;

        for (size_t i = 0; i < ELEMENTSOF(items) && e >= 0; i++)
                if (items[i].kind == CONTENTS || items[i].kind == LINK)
                        e = record_matching(&r, &items[i], items[i].pattern);
        return e < 0 ? e : record_of_devices(&r);
}

/* Whether the path is one of these, or a directory on the way there. */
static bool covers(const char *pattern, const char *path) {
        while (*path) {
                size_t n = strcspn(path, "/"), m = strcspn(pattern, "/");
                char name[256], wanted[256];

                snprintf(name, sizeof(name), "%.*s", (int) n, path);
                snprintf(wanted, sizeof(wanted), "%.*s", (int) m, pattern);
                if (fnmatch(wanted, name, 0) != 0)
                        return false;
                path += n + (path[n] == '/');
                pattern += m + (pattern[m] == '/');
        }
        return true;
}

bool snapshot_covers(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                if (covers(items[i].pattern, path))
                        return true;
        return false;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "names.h"
#include "probe.h"
#include "users.h"

/* sizeof(struct page) nearly everywhere; the module tells the true one once bound. */
#define STRUCT_PAGE_SIZE 64

/* No machine has more; what says so is broken and not to be believed. */
#define ADDRESS_MAX (1ULL << 60)
#define BLOCKS_MAX (1UL << 20)

#define DEVICE "sys/bus/dax/devices/%s"

/* What stands above a dax device in sysfs tells what it is made of. */
static int probe_backing(const struct sysfs *s, struct device *d) {
        char link[SYSFS_PATH_MAX];
        int r;

        r = sysfs_link(s, link, sizeof(link), DEVICE, d->name);
        if (r < 0)
                return r;
        path_part(link, 1, d->region, sizeof(d->region));
        if (strstr(link, "/ndbus")) {
                d->backing = BACKING_PMEM;
                path_part(link, 2, d->region, sizeof(d->region));
        } else if (strncmp(d->region, "dax_region", 10) == 0) {
                d->backing = BACKING_CXL;
                path_part(link, 2, d->region, sizeof(d->region));
        } else if (strncmp(d->region, "hmem", 4) == 0)
                d->backing = BACKING_HMEM;
        return 0;
}

static void probe_driver(const struct sysfs *s, struct device *d) {
        char link[SYSFS_PATH_MAX];

        if (sysfs_link(s, link, sizeof(link), DEVICE "/driver", d->name) < 0)
                return;
        path_part(link, 0, d->driver, sizeof(d->driver));
        if (strcmp(d->driver, MODULE_NAME) == 0)
                d->holder = HOLDER_MEMMAPD;
        else if (strcmp(d->driver, "device_dax") == 0)
                d->holder = HOLDER_DEVICE_DAX;
        else if (strcmp(d->driver, KMEM_NAME) == 0)
                d->holder = HOLDER_KMEM;
        else
                d->holder = HOLDER_OTHER;
}

/* The whole blocks of a physical range, cut as the module cuts it. */
static int add_range(const struct model *m, struct device *d, uint64_t start, uint64_t size) {
        uint64_t first, end, n;
        struct block *blocks;

        if (start > ADDRESS_MAX || size > ADDRESS_MAX - start)
                return -EBADMSG;
        first = (start + m->block_size - 1) / m->block_size;
        end = (start + size) / m->block_size;
        n = end > first ? end - first : 0;
        if (n > BLOCKS_MAX - d->n_blocks)
                return -EOVERFLOW;
        d->trimmed += size - n * m->block_size;
        blocks = reallocarray(d->blocks, d->n_blocks + n + 1, sizeof(*blocks));
        if (!blocks)
                return -ENOMEM;
        d->blocks = blocks;
        for (size_t i = 0; i < n; i++)
                blocks[d->n_blocks++] = (struct block) { .number = first + i };
        return 0;
}

static int probe_ranges(const struct sysfs *s, const struct model *m, struct device *d) {
        uint64_t start, end;
        int r;

        for (int i = 0;; i++) {
                r = sysfs_read_u64(s, &start, 0, DEVICE "/mapping%d/start", d->name, i);
                if (r == -ENOENT)
                        break;
                if (r >= 0)
                        r = sysfs_read_u64(s, &end, 0, DEVICE "/mapping%d/end", d->name, i);
                if (r < 0)
                        return r;
                r = end < start ? -EBADMSG : add_range(m, d, start, end + 1 - start);
                if (r < 0)
                        return r;
        }
        if (d->n_blocks > 0 || d->trimmed > 0)
                return 0;
        /* No mapping before the first bind: then there is one range only. */
        r = sysfs_read_u64(s, &start, 0, DEVICE "/resource", d->name);
        return r < 0 ? r : add_range(m, d, start, d->size);
}

enum placement placement_from_map(char c) {
        switch (c) {
        case 'r':
                return PLACEMENT_RAM;
        case 'd':
                return PLACEMENT_DEVICE;
        case 's':
                return PLACEMENT_SEED;
        default:
                return PLACEMENT_NONE;
        }
}

/*
 * Without the module, the page flags tell: the first pages of an online block hold
 * its memmap, are marked as such (PageVmemmapSelfHosted, include/linux/page-flags.h,
 * which shares its bit with others) and belong to nobody else.
 */
static enum placement placement_from_flags(uint64_t flags) {
        static const uint64_t owner_private = 1ULL << 37, others =
                1ULL << 5 /* LRU */ | 1ULL << 7 /* SLAB */ | 1ULL << 10 /* BUDDY */ |
                1ULL << 12 /* ANON */ | 1ULL << 13 /* SWAPCACHE */;

        return flags & owner_private && !(flags & others) ? PLACEMENT_DEVICE : PLACEMENT_RAM;
}

/* Only of online blocks; of others nobody can tell. */
static void probe_placements(const struct sysfs *s, const struct model *m, struct device *d) {
        uint64_t pages = m->block_size / (uint64_t) sysconf(_SC_PAGESIZE), flags;
        _cleanup_(closep) int fd = sysfs_open(s, O_RDONLY, "proc/kpageflags");

        for (size_t i = 0; fd >= 0 && i < d->n_blocks; i++) {
                struct block *b = &d->blocks[i];
                off_t at = (off_t) (b->number * pages * sizeof(flags));

                if (b->state == BLOCK_ONLINE && pread(fd, &flags, sizeof(flags), at) == sizeof(flags))
                        b->placement = placement_from_flags(flags);
        }
}

static bool can_place(const struct sysfs *s, const struct device *d) {
        _cleanup_(closep) int fd = sysfs_open(s, O_PATH, DEVICE "/memmap_on_memory", d->name);

        return fd >= 0;
}

static enum zone zone_from_valid_zones(const char *text) {
        if (strcmp(text, "Movable") == 0)
                return ZONE_MOVABLE;
        if (strcmp(text, "Normal") == 0 || strcmp(text, "DMA32") == 0 || strcmp(text, "DMA") == 0)
                return ZONE_KERNEL;
        return ZONE_NONE;
}

enum block_state probe_block_state(const struct sysfs *s, uint64_t number) {
        char buf[64];

        if (sysfs_read(s, buf, sizeof(buf), "sys/devices/system/memory/memory%llu/state",
                       (unsigned long long) number) < 0)
                return BLOCK_ABSENT;
        if (strcmp(buf, "offline") == 0)
                return BLOCK_OFFLINE;
        return strcmp(buf, "online") == 0 ? BLOCK_ONLINE : BLOCK_GOING;
}

/* Of a block that is online the one zone it is in, or "none" of several. */
static bool read_zone(const struct sysfs *s, struct block *b) {
        char buf[64];

        if (sysfs_read(s, buf, sizeof(buf), "sys/devices/system/memory/memory%llu/valid_zones",
                       (unsigned long long) b->number) < 0)
                return false;
        b->zone = zone_from_valid_zones(buf);
        return b->zone != ZONE_NONE || strcmp(buf, "none") == 0;
}

/*
 * One file tells all of a block that is online, as most are: any other can come online in
 * two zones at least, and is said to (valid_zones_show(), drivers/base/memory.c).
 */
void probe_block(const struct sysfs *s, struct block *b) {
        b->state = read_zone(s, b) ? BLOCK_ONLINE : probe_block_state(s, b->number);
        if (b->state == BLOCK_ONLINE && b->zone == ZONE_NONE)
                (void) read_zone(s, b);         /* it may have come online meanwhile */
}

/* The module's own view; -EBADMSG if it does not agree with ours. */
static int probe_module(const struct sysfs *s, const struct model *m, struct device *d) {
        _cleanup_(freep) char *map = NULL;
        char path[SYSFS_PATH_MAX];
        uint64_t blocks, size;
        size_t n;
        int r;

        r = sysfs_read_u64(s, &blocks, 10, DEVICE "/memmapd/blocks", d->name);
        if (r < 0)
                return r;
        r = sysfs_read_u64(s, &size, 10, DEVICE "/memmapd/block_size", d->name);
        if (r < 0)
                return r;
        if (blocks != d->n_blocks || size != m->block_size)
                return -EBADMSG;
        r = sysfs_read_u64(s, &d->memmap_size, 10, DEVICE "/memmapd/memmap_size", d->name);
        if (r < 0)
                return r;
        if (d->memmap_size == 0 || d->memmap_size >= m->block_size)
                return -EBADMSG;
        snprintf(path, sizeof(path), DEVICE "/memmapd/map", d->name);
        r = sysfs_read_all(s, &map, &n, path);
        if (r < 0)
                return r;
        if (n < d->n_blocks)
                return -EBADMSG;
        for (size_t i = 0; i < d->n_blocks; i++) {
                if (map[i] == '.')
                        continue;
                probe_block(s, &d->blocks[i]);
                if (d->blocks[i].state != BLOCK_ABSENT)
                        d->blocks[i].placement = placement_from_map(map[i]);
        }
        d->measured = true;
        return 0;
}

int probe_device(const struct sysfs *s, const struct model *m, const char *name,
                 struct device *ret) {
        struct device d = {
                .target_node = -1,
                .numa_node = -1,
                .memmap_size = m->block_size / (uint64_t) sysconf(_SC_PAGESIZE) * STRUCT_PAGE_SIZE,
        };
        int r;

        snprintf(d.name, sizeof(d.name), "%s", name);
        r = sysfs_inode(s, &d.identity, DEVICE "/", name);
        if (r < 0)
                return r;
        r = sysfs_read_u64(s, &d.size, 10, DEVICE "/size", name);
        if (r >= 0)
                r = probe_backing(s, &d);
        if (r >= 0)
                probe_memdevs(s, &d);
        (void) sysfs_read_int(s, &d.target_node, DEVICE "/target_node", name);
        (void) sysfs_read_int(s, &d.numa_node, DEVICE "/numa_node", name);
        probe_driver(s, &d);
        if (r >= 0)
                r = probe_ranges(s, m, &d);
        if (r >= 0 && d.holder == HOLDER_MEMMAPD)
                r = probe_module(s, m, &d);
        /* Only what has gone as a whole is gone; a driver may leave while we look. */
        if (r == -ENOMEM ||
            (r == -ENOENT && sysfs_inode(s, &d.identity, DEVICE "/size", name) < 0)) {
                free(d.blocks);
                return r;
        }
        if (r < 0) {
                /* Known to be there, and not to be touched. */
                free(d.blocks);
                d.blocks = NULL;
                d.n_blocks = 0;
                d.error = r;
        }
        d.can_place = can_place(s, &d);
        if (d.holder == HOLDER_KMEM) {
                for (size_t i = 0; i < d.n_blocks; i++)
                        probe_block(s, &d.blocks[i]);
                probe_placements(s, m, &d);
        }
        if (d.holder == HOLDER_DEVICE_DAX)
                d.node_open = users_of_node(s, d.name);
        *ret = d;
        return 0;
}

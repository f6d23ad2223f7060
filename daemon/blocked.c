/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "blocked.h"

/* include/uapi/linux/kernel-page-flags.h, include/linux/kernel-page-flags.h */
#define FLAG(n) (1ULL << (n))
#define FLAGS_FREE (FLAG(10) /* BUDDY */ | FLAG(20) /* NOPAGE */ | FLAG(23) /* OFFLINE */)
#define FLAGS_MOVABLE (FLAG(5) /* LRU */ | FLAG(11) /* MMAP */ | FLAG(12) /* ANON */ | \
                       FLAG(13) /* SWAPCACHE */ | FLAG(17) /* HUGE */)
#define FLAG_OWNER_PRIVATE FLAG(37)
#define FLAG_SLAB FLAG(7)

#define CHUNK 4096

struct pages {
        uint64_t used, movable, mapped;
};

static bool is_used(uint64_t flags) {
        if (flags & FLAGS_FREE)
                return false;
        /* The block's own memmap, which is no obstacle; see placement_from_flags(). */
        return !(flags & FLAG_OWNER_PRIVATE) || flags & (FLAGS_MOVABLE | FLAG_SLAB);
}

static void count(const uint64_t *flags, const uint64_t *mapped, size_t n, struct pages *ret) {
        for (size_t i = 0; i < n; i++) {
                if (!is_used(flags[i]))
                        continue;
                ret->used++;
                ret->movable += (flags[i] & FLAGS_MOVABLE) != 0;
                ret->mapped += mapped[i] > 0;
        }
}

static bool read_at(int fd, uint64_t *buf, uint64_t page, size_t n) {
        size_t size = n * sizeof(*buf);

        return pread(fd, buf, size, (off_t) (page * sizeof(*buf))) == (ssize_t) size;
}

/* For root; and not on every kernel. */
static bool count_pages(const struct sysfs *s, uint64_t first, uint64_t n, struct pages *ret) {
        _cleanup_(closep) int flags_fd = sysfs_open(s, O_RDONLY, "proc/kpageflags");
        _cleanup_(closep) int count_fd = sysfs_open(s, O_RDONLY, "proc/kpagecount");
        uint64_t flags[CHUNK], mapped[CHUNK];

        if (flags_fd < 0)
                return false;
        for (uint64_t at = 0; at < n; at += CHUNK) {
                size_t part = n - at < CHUNK ? (size_t) (n - at) : CHUNK;

                if (!read_at(flags_fd, flags, first + at, part))
                        return false;
                if (count_fd < 0 || !read_at(count_fd, mapped, first + at, part))
                        memset(mapped, 0, sizeof(mapped));
                count(flags, mapped, part, ret);
        }
        return true;
}

static void describe_pages(const struct pages *p, char *buf, size_t size) {
        uint64_t fixed = p->used - p->movable;

        if (p->used == 0)
                snprintf(buf, size, ": none of its pages is in use by now");
        else if (fixed > 0)
                snprintf(buf, size, ": %" PRIu64 " of its pages %s in use, %" PRIu64 " of them by "
                         "the kernel, which cannot be moved", p->used, p->used == 1 ? "is" : "are",
                         fixed);
        else
                snprintf(buf, size, ": %" PRIu64 " of its pages %s in use, %" PRIu64 " of them "
                         "mapped by programs; all could be moved, unless something holds on to "
                         "them, such as a device or a pipe", p->used, p->used == 1 ? "is" : "are",
                         p->mapped);
}

const char *blocked_describe(const struct sysfs *s, const struct model *m,
                             const struct device *d, size_t block, char *buf, size_t size) {
        const struct block *b = &d->blocks[block];
        uint64_t pages = m->block_size / (uint64_t) sysconf(_SC_PAGESIZE);
        struct pages p = {};
        size_t n;

        n = (size_t) snprintf(buf, size, "memory%" PRIu64 " (block %zu, node %d, %s zone)",
                              b->number, block, d->target_node, zone_to_string(b->zone));
        if (n < size && count_pages(s, b->number * pages, pages, &p))
                describe_pages(&p, buf + n, size - n);
        return buf;
}

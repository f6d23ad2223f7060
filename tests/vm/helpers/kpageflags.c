/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kpageflags BLOCK [COUNT]
 *
 * Prints how many of the first COUNT pages (default 512) of a memory block
 * hold the block's own memmap.  Such pages have the flag "owner private" (bit
 * 37 of /proc/kpageflags) and none of those of a page in ordinary use.  A block
 * of 128 MiB needs 512 pages of memmap, so 512 says: all of it lies here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define BIT(n) (UINT64_C(1) << (n))

#define KPF_IN_USE (BIT(5)  /* lru */ | BIT(7) /* slab */ | BIT(10) /* buddy */ | \
                    BIT(12) /* anon */ | BIT(13) /* swapcache */)
#define KPF_OWNER_PRIVATE BIT(37)

static uint64_t block_size(void) {
        uint64_t size = 0;
        FILE *f = fopen("/sys/devices/system/memory/block_size_bytes", "re");

        if (!f || fscanf(f, "%" SCNx64, &size) != 1) {
                fprintf(stderr, "kpageflags: no block size\n");
                exit(2);
        }
        fclose(f);
        return size;
}

int main(int argc, char **argv) {
        uint64_t first, flags;
        unsigned long count = 512, found = 0;
        int fd;

        if (argc < 2 || argc > 3) {
                fprintf(stderr, "usage: kpageflags BLOCK [COUNT]\n");
                return 2;
        }
        if (argc == 3)
                count = strtoul(argv[2], NULL, 0);
        first = strtoull(argv[1], NULL, 0) * (block_size() / PAGE_SIZE);

        fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
                fprintf(stderr, "kpageflags: %s\n", strerror(errno));
                return 2;
        }
        for (unsigned long i = 0; i < count; i++) {
                if (pread(fd, &flags, sizeof(flags), (off_t) ((first + i) * sizeof(flags))) !=
                    sizeof(flags)) {
                        fprintf(stderr, "kpageflags: cannot read page %lu\n", i);
                        return 2;
                }
                if ((flags & KPF_OWNER_PRIVATE) && !(flags & KPF_IN_USE))
                        found++;
        }
        printf("%lu\n", found);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "orphans.h"

#define ORPHANS "sys/bus/dax/drivers/" MODULE_NAME "/orphans"

static void append(char *buf, size_t size, uint64_t first, uint64_t last) {
        size_t n = strlen(buf);

        if (first == last)
                snprintf(buf + n, size - n, "%smemory%" PRIu64, n ? ", " : "", first);
        else
                snprintf(buf + n, size - n, "%smemory%" PRIu64 " to memory%" PRIu64,
                         n ? ", " : "", first, last);
}

uint64_t orphans_of(const struct sysfs *s, const char *device, uint64_t block_size,
                    char *buf, size_t size) {
        _cleanup_(freep) char *text = NULL;
        uint64_t blocks = 0;
        char *line, *rest;

        buf[0] = '\0';
        if (sysfs_read_all(s, &text, NULL, ORPHANS) < 0)
                return 0;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                uint64_t start, end;
                char name[64];

                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " node %*d %63s",
                           &start, &end, name) != 3 ||
                    strcmp(name, device) != 0 || end < start)
                        continue;
                append(buf, size, start / block_size, end / block_size);
                blocks += (end + 1 - start) / block_size;
        }
        return blocks;
}

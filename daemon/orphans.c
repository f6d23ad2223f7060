/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "orphans.h"
#include "probe.h"

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

static bool is_anybodys(const struct model *m, uint64_t number) {
        for (size_t i = 0; i < m->n_devices; i++) {
                const struct device *d = &m->devices[i];

                for (size_t j = 0; d->holder != HOLDER_NONE && j < d->n_blocks; j++)
                        if (d->blocks[j].number == number)
                                return true;
        }
        return false;
}

uint64_t orphans_among(const struct sysfs *s, const struct model *m, const struct device *d,
                       char *buf, size_t size) {
        uint64_t blocks = 0, first = 0, last = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < d->n_blocks; i++) {
                uint64_t number = d->blocks[i].number;
                enum block_state state = probe_block_state(s, number);

                if ((state != BLOCK_ONLINE && state != BLOCK_GOING) || is_anybodys(m, number))
                        continue;
                if (blocks > 0 && number != last + 1)
                        append(buf, size, first, last);
                if (blocks == 0 || number != last + 1)
                        first = number;
                last = number;
                blocks++;
        }
        if (blocks > 0)
                append(buf, size, first, last);
        return blocks;
}

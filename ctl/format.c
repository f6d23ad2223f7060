/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format.h"

#include <inttypes.h>
#include <stdio.h>

const char *format_bytes(char buf[static FORMAT_BYTES_MAX], uint64_t bytes) {
        static const char units[] = "BKMGTPE";
        uint64_t unit = 1, tenths;
        size_t i = 0;

        while (bytes / unit >= 1024) {
                unit *= 1024;
                i++;
        }
        /* Cut off: what is said to be free shall be there. */
        tenths = i ? bytes % unit / (unit / 1024) * 10 / 1024 : 0;
        if (i == 0)
                snprintf(buf, FORMAT_BYTES_MAX, "%" PRIu64 " B", bytes);
        else if (tenths == 0 && bytes % unit == 0)
                snprintf(buf, FORMAT_BYTES_MAX, "%" PRIu64 " %ciB", bytes / unit, units[i]);
        else
                snprintf(buf, FORMAT_BYTES_MAX, "%" PRIu64 ".%" PRIu64 " %ciB",
                         bytes / unit, tenths, units[i]);
        return buf;
}

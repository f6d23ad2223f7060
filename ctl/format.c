/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *format_bytes_as(char buf[static FORMAT_BYTES_MAX], uint64_t bytes,
                            const char *between, const char *after) {
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
                snprintf(buf, FORMAT_BYTES_MAX, "%" PRIu64 "%sB", bytes, between);
        else if (tenths == 0 && bytes % unit == 0)
                snprintf(buf, FORMAT_BYTES_MAX, "%" PRIu64 "%s%c%s", bytes / unit, between, units[i],
                         after);
        else
                snprintf(buf, FORMAT_BYTES_MAX, "%" PRIu64 ".%" PRIu64 "%s%c%s",
                         bytes / unit, tenths, between, units[i], after);
        return buf;
}

const char *format_time(char buf[static FORMAT_TIME_MAX], uint64_t usec) {
        time_t seconds = (time_t) (usec / 1000000);
        struct tm tm;
        size_t n;

        localtime_r(&seconds, &tm);
        n = strftime(buf, FORMAT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(buf + n, FORMAT_TIME_MAX - n, ".%03u", (unsigned int) (usec / 1000 % 1000));
        return buf;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* More than any device has; what is typed must not fill memory. */
#define BLOCKS_MAX (1U << 20)
#define SECONDS_MAX (1U << 30)

/* strtoul() takes signs and blanks as well. */
static int parse_number(const char **s, uint64_t *ret) {
        char *end;

        if (!isdigit((unsigned char) **s))
                return -1;
        errno = 0;
        *ret = strtoull(*s, &end, 10);
        *s = end;
        return errno ? -1 : 0;
}

int parse_time(const char *s, uint64_t *ret_usec) {
        static const struct {
                const char *name;
                uint64_t seconds;
        } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 } };
        uint64_t v;

        if (parse_number(&s, &v) < 0 || v > SECONDS_MAX)
                return -1;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (strcmp(s, units[i].name) == 0) {
                        *ret_usec = v * units[i].seconds * 1000000;
                        return 0;
                }
        return -1;
}

int parse_count(const char *s, uint64_t *ret) {
        return parse_number(&s, ret) < 0 || *s ? -1 : 0;
}

/* What the text has of @tm, whose other members stay. */
static bool parse_local_time(const char *s, const char *format, struct tm *tm) {
        struct tm t = *tm;
        const char *end = strptime(s, format, &t);

        if (!end || *end)
                return false;
        *tm = t;
        return true;
}

/* On a day, or at a time of this one. */
static int parse_day_or_time(const char *s, struct tm *midnight) {
        static const char *const formats[] = {
                "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                "%H:%M", "%H:%M:%S",
        };

        if (strcmp(s, "today") == 0)
                return 0;
        if (strcmp(s, "yesterday") == 0) {
                midnight->tm_mday--;
                return 0;
        }
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
                if (parse_local_time(s, formats[i], midnight))
                        return 0;
        return -1;
}

int parse_since(const char *s, uint64_t *ret_usec) {
        time_t now = time(NULL), then;
        uint64_t usec;
        struct tm tm;

        if (*s == '-') {
                if (parse_time(s + 1, &usec) < 0)
                        return -1;
                then = now - (time_t) (usec / 1000000);
        } else {
                localtime_r(&now, &tm);
                tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
                if (parse_day_or_time(s, &tm) < 0)
                        return -1;
                /* It may be another time of the year. */
                tm.tm_isdst = -1;
                then = mktime(&tm);
        }
        if (then < 0)
                return -1;
        *ret_usec = (uint64_t) then * 1000000;
        return 0;
}

static int add(uint64_t first, uint64_t last, uint64_t **blocks, size_t *n) {
        uint64_t *more;

        if (last < first || last - first >= BLOCKS_MAX - *n)
                return -1;
        more = reallocarray(*blocks, *n + (size_t) (last - first) + 1, sizeof(*more));
        if (!more)
                return -1;
        *blocks = more;
        for (uint64_t i = first; i <= last; i++)
                more[(*n)++] = i;
        return 0;
}

int parse_blocks(const char *s, uint64_t **blocks, size_t *n) {
        for (;; s++) {
                uint64_t first, last;

                if (parse_number(&s, &first) < 0)
                        return -1;
                last = first;
                if (*s == '-') {
                        s++;
                        if (parse_number(&s, &last) < 0)
                                return -1;
                }
                if (last >= BLOCKS_MAX || add(first, last, blocks, n) < 0)
                        return -1;
                if (*s != ',')
                        return *s ? -1 : 0;
        }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

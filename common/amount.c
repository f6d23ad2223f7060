/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "amount.h"

#define DAY_USEC (24 * 3600 * 1000000ULL)

/* The parts of "2.5%" or "512MiB". */
struct quantity {
        uint64_t whole;                 /* UINT64_MAX: as much or more */
        unsigned int hundredths;
        size_t n_decimals;
        const char *unit;
};

static const char *parse_quantity(const char *s, struct quantity *ret) {
        struct quantity q = {};
        size_t n;

        n = strspn(s, "0123456789");
        if (n == 0)
                return "is not a size";
        if (n > 1 && s[0] == '0')
                return "begins with a zero";
        q.whole = strtoull(s, NULL, 10);
        s += n;

        if (*s == '.') {
                q.n_decimals = strspn(++s, "0123456789");
                if (q.n_decimals == 0)
                        return "has no digit after the point";
                q.hundredths = (unsigned int) (s[0] - '0') * 10;
                if (q.n_decimals > 1)
                        q.hundredths += (unsigned int) (s[1] - '0');
        }
        q.unit = s + q.n_decimals;
        *ret = q;
        return NULL;
}

static const char *parse_share(const struct quantity *q, struct amount *ret) {
        if (q->n_decimals > 2)
                return "has more than two digits after the point";
        if (q->whole > 100 || (q->whole == 100 && q->hundredths > 0))
                return "is more than 100%";
        *ret = (struct amount) { .percent = true, .value = q->whole * 100 + q->hundredths };
        return NULL;
}

static const char *parse_bytes(const struct quantity *q, struct amount *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        uint64_t bytes;

        if (*q->unit == '\0')
                return "has no unit";
        unit = strchr(units, *q->unit);
        if (!unit || (q->unit[1] != '\0' && strcmp(q->unit + 1, "iB") != 0))
                return "has an unknown unit";
        if (q->n_decimals > 0)
                return "is a fraction, for which there are smaller units";
        if (__builtin_mul_overflow(q->whole, UINT64_C(1024) << (10 * (unit - units)), &bytes) ||
            bytes > INT64_MAX)
                return "is too large";
        *ret = (struct amount) { .value = bytes };
        return NULL;
}

const char *amount_parse(const char *s, enum amount_kind kind, struct amount *ret) {
        struct quantity q;
        const char *problem;

        problem = parse_quantity(s, &q);
        if (problem)
                return problem;
        if (strcmp(q.unit, "%") != 0)
                return parse_bytes(&q, ret);
        if (kind == AMOUNT_BYTES)
                return "is a share, but a size is due";
        return parse_share(&q, ret);
}

const char *duration_parse(const char *s, uint64_t *ret_usec) {
        static const struct {
                const char *name;
                uint64_t usec;
        } units[] = {
                { "ms", 1000 }, { "s", 1000000 }, { "min", 60 * 1000000ULL },
                { "h", 3600 * 1000000ULL },
        };
        struct quantity q;

        if (parse_quantity(s, &q) || q.n_decimals > 0)
                return "is not an integer with a unit";
        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
                if (strcmp(q.unit, units[i].name) != 0)
                        continue;
                if (q.whole == 0)
                        return "is no time at all";
                if (q.whole > DAY_USEC / units[i].usec)
                        return "is more than a day";
                *ret_usec = q.whole * units[i].usec;
                return NULL;
        }
        return *q.unit == '\0' ? "has no unit" : "has an unknown unit";
}

const char *amount_remedy(enum amount_kind kind) {
        if (kind == AMOUNT_BYTES_OR_SHARE)
                return "write bytes as an integer, or a string such as \"512M\", \"1GiB\" "
                        "(K, M, G and T count in steps of 1024) or \"10%\"";
        return "write bytes as an integer, or a string such as \"512M\" or \"1GiB\" "
                "(K, M, G and T count in steps of 1024)";
}

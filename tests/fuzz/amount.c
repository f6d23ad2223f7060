/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "512M", "2.5%": read a second time, digit by digit, and compared. */
#include "amount.h"
#include "fuzz.h"

/* Digits at *s as a number; more than 64 bits hold come out as the largest. */
static uint64_t digits(const char **s) {
        uint64_t n = 0;

        for (; **s >= '0' && **s <= '9'; (*s)++)
                if (__builtin_mul_overflow(n, 10, &n) ||
                    __builtin_add_overflow(n, (uint64_t) (**s - '0'), &n))
                        n = UINT64_MAX;
        return n;
}

static void check_share(const char *s, const struct amount *a) {
        uint64_t whole = digits(&s), part = 0;
        const char *point = s;

        if (*s == '.') {
                s++;
                part = digits(&s);
                MUST(s - point == 2 || s - point == 3);
                part *= s - point == 2 ? 10 : 1;
        }
        MUST(strcmp(s, "%") == 0);
        MUST(a->value == whole * 100 + part && a->value <= 100 * 100);
}

static void check_bytes(const char *s, const struct amount *a) {
        uint64_t n = digits(&s);
        int shift = *s == 'K' ? 10 : *s == 'M' ? 20 : *s == 'G' ? 30 : *s == 'T' ? 40 : 0;

        MUST(shift > 0 && (!s[1] || strcmp(s + 1, "iB") == 0));
        MUST(a->value >> shift == n && a->value << (64 - shift) == 0);
        MUST(a->value <= INT64_MAX);
}

static const char *parse(const char *s, enum amount_kind kind) {
        struct amount a = { .value = 4711 };
        const char *problem = amount_parse(s, kind, &a);

        if (problem) {
                MUST(*problem && a.value == 4711 && !a.percent);
                return problem;
        }
        MUST(s[0] >= '0' && s[0] <= '9');
        MUST(s[0] != '0' || s[1] < '0' || s[1] > '9');
        MUST(!a.percent || kind == AMOUNT_BYTES_OR_SHARE);
        (a.percent ? check_share : check_bytes)(s, &a);
        return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *s = string_of(data, size);
        const char *bytes = parse(s, AMOUNT_BYTES);
        const char *either = parse(s, AMOUNT_BYTES_OR_SHARE);

        /* A size is one wherever a share would do as well. */
        MUST(bytes || !either);
        free(s);
        return 0;
}

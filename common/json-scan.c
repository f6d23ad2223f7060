/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json-scan.h"
#include "text.h"

/* Faults */

int scan_fault(
                struct scanner *s, const struct json_path *path, const char *at,
                const char *format, ...) {
        int line, column;
        va_list ap;

        text_position(s->text, at, &line, &column);
        va_start(ap, format);
        policy_error_set(s->error, path, line, column, format, ap);
        va_end(ap);
        return -EINVAL;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_word(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                c == '_' || c == '+' || c == '-' || c == '.';
}

/* How many bytes from here on look like one number or name. */
static size_t word_length(const struct scanner *s) {
        const char *p = s->at;

        while (p < s->end && is_word(*p))
                p++;
        return (size_t) (p - s->at);
}

static void describe(const struct scanner *s, char *buffer, size_t size) {
        char quoted[40];
        size_t left = (size_t) (s->end - s->at), n;
        uint32_t c;

        if (left == 0) {
                snprintf(buffer, size, "the end of the file");
                return;
        }

        n = word_length(s);
        if (n == 0)
                n = utf8_char(s->at, left, &c);
        text_escape(s->at, n, quoted, sizeof(quoted));

        if (n == 0)
                snprintf(buffer, size, "the byte 0x%02x, which is not UTF-8; "
                         "save the file as UTF-8", (unsigned char) *s->at);
        else if (*s->at == '"')
                snprintf(buffer, size, "a string");
        else if (*s->at == '\0')
                snprintf(buffer, size, "a NUL byte; remove it");
        else if (*s->at == '\'')
                snprintf(buffer, size, "a single quote; use double quotes");
        else if (*s->at == '/' || *s->at == '#')
                snprintf(buffer, size, "\"%s\"; JSON has no comments, but you can write "
                         "\"comment\": \"...\"", quoted);
        else
                snprintf(buffer, size, "\"%s\"", quoted);
}

int scan_unexpected(struct scanner *s, const struct json_path *path, const char *expected) {
        char found[128];

        describe(s, found, sizeof(found));
        return scan_fault(s, path, s->at, "expected %s, found %s", expected, found);
}

/* Characters */

bool scan_next_is(const struct scanner *s, char c) {
        return s->at < s->end && *s->at == c;
}

bool scan_take(struct scanner *s, char c) {
        if (!scan_next_is(s, c))
                return false;
        s->at++;
        return true;
}

void scan_space(struct scanner *s) {
        while (scan_take(s, ' ') || scan_take(s, '\t') || scan_take(s, '\n') || scan_take(s, '\r'))
                ;
}

/* Strings */

/* The UTF-16 unit that a \uXXXX at @at stands for, or -1. */
static int escaped_unit(const struct scanner *s, const char *at) {
        int unit = 0;

        if (s->end - at < 6 || at[0] != '\\' || at[1] != 'u')
                return -1;
        for (size_t i = 2; i < 6; i++) {
                const char *digits = "0123456789abcdef", *d;
                char c = at[i] >= 'A' && at[i] <= 'F' ? (char) (at[i] - 'A' + 'a') : at[i];

                d = memchr(digits, c, 16);
                if (!d)
                        return -1;
                unit = unit * 16 + (int) (d - digits);
        }
        return unit;
}

static int scan_unicode_escape(struct scanner *s, const struct json_path *path) {
        int unit = escaped_unit(s, s->at), low;

        if (unit < 0)
                return scan_fault(s, path, s->at, "expected four hexadecimal digits after \"\\u\"");
        if (unit == 0)
                return scan_fault(s, path, s->at,
                                  "a string cannot hold a NUL character; remove it");

        if (unit >= 0xd800 && unit <= 0xdfff) {
                low = escaped_unit(s, s->at + 6);
                if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
                        return scan_fault(s, path, s->at, "half of a surrogate pair; "
                                          "write the character itself, as UTF-8");
                s->at += 6;
        }
        s->at += 6;
        return 0;
}

static int scan_escape(struct scanner *s, const struct json_path *path) {
        if (s->end - s->at >= 2 && s->at[1] == 'u')
                return scan_unicode_escape(s, path);
        if (s->end - s->at < 2 || !memchr("\"\\/bfnrt", s->at[1], 8))
                return scan_fault(s, path, s->at, "unknown escape; use \\\", \\\\, \\/, \\b, \\f, "
                                  "\\n, \\r, \\t or \\uXXXX, and \\\\ for a backslash");
        s->at += 2;
        return 0;
}

static int scan_char(struct scanner *s, const struct json_path *path) {
        uint32_t c;
        size_t n;

        n = utf8_char(s->at, (size_t) (s->end - s->at), &c);
        if (n == 0)
                return scan_fault(s, path, s->at,
                                  "the byte 0x%02x is not UTF-8; save the file as UTF-8",
                                  (unsigned char) *s->at);
        if (c == '\0')
                return scan_fault(s, path, s->at, "a string cannot hold a NUL byte; remove it");
        if (c == '\n' || c == '\r')
                return scan_fault(s, path, s->at, "the line ends within a string; "
                                  "close it with a double quote, or write \\n");
        if (c < 0x20)
                return scan_fault(s, path, s->at, "a control character in a string; write \\u%04x",
                                  (unsigned int) c);
        s->at += n;
        return 0;
}

static int scan_string(struct scanner *s, const struct json_path *path) {
        const char *start = s->at++;
        int r;

        while (!scan_take(s, '"')) {
                if (s->at == s->end)
                        return scan_fault(s, path, start,
                                          "this string has no end; close it with a double quote");
                r = scan_next_is(s, '\\') ? scan_escape(s, path) : scan_char(s, path);
                if (r < 0)
                        return r;
        }
        return 0;
}

int scan_key(struct scanner *s, const struct json_path *path, struct json_object **ret) {
        const char *start = s->at;
        struct json_object *key;
        int r;

        r = scan_string(s, path);
        if (r < 0)
                return r;

        json_tokener_reset(s->tokener);
        key = json_tokener_parse_ex(s->tokener, start, (int) (s->at - start));
        if (!key)
                return -ENOMEM;
        *ret = key;
        return 0;
}

/* Numbers */

static size_t skip_digits(struct scanner *s) {
        const char *start = s->at;

        while (s->at < s->end && is_digit(*s->at))
                s->at++;
        return (size_t) (s->at - start);
}

/* json-c would clamp it without a word. */
static bool integer_too_large(const char *digits, size_t n) {
        static const char max[] = "9223372036854775807";
        const size_t n_max = sizeof(max) - 1;

        return n > n_max || (n == n_max && memcmp(digits, max, n) > 0);
}

static int scan_number(struct scanner *s, const struct json_path *path) {
        const char *start = s->at, *digits;
        bool good, integer = true;
        size_t n;

        scan_take(s, '-');
        digits = s->at;
        n = skip_digits(s);
        good = n == 1 || (n > 1 && *digits != '0');

        if (good && scan_take(s, '.')) {
                integer = false;
                good = skip_digits(s) > 0;
        }
        if (good && (scan_take(s, 'e') || scan_take(s, 'E'))) {
                integer = false;
                if (!scan_take(s, '+'))
                        scan_take(s, '-');
                good = skip_digits(s) > 0;
        }
        if (!good || word_length(s) > 0) {
                s->at = start;
                return scan_unexpected(s, path, "a number in decimal digits, such as 10 or 2.5");
        }
        if (integer && integer_too_large(digits, n))
                return scan_fault(s, path, start,
                                  "the number is too large; integers end at 9223372036854775807");
        return 0;
}

/* Words */

static int scan_word(struct scanner *s, const struct json_path *path) {
        static const char *const words[] = { "true", "false", "null" };
        size_t n = word_length(s);

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (n == strlen(words[i]) && memcmp(s->at, words[i], n) == 0) {
                        s->at += n;
                        return 0;
                }
        return scan_unexpected(
                        s, path,
                        "a string in double quotes, a number, true, false, null, \"{\" or \"[\"");
}

int scan_scalar(struct scanner *s, const struct json_path *path) {
        if (scan_next_is(s, '"'))
                return scan_string(s, path);
        if (s->at < s->end && (*s->at == '-' || is_digit(*s->at)))
                return scan_number(s, path);
        return scan_word(s, path);
}

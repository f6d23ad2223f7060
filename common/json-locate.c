/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "json-locate.h"
#include "util.h"

struct scanner {
        const char *text, *at, *end;
        unsigned int depth;
        struct json_tokener *tokener;           /* for keys, so that they read as json-c's do */

        struct json_fault *fault;               /* when checking */

        const struct json_path *wanted;         /* when locating */
        enum json_part part;
        const char *found;
};

static void json_putp(struct json_object **o) {
        json_object_put(*o);
}

static void json_tokener_freep(struct json_tokener **t) {
        if (*t)
                json_tokener_free(*t);
}

/* Characters */

size_t json_utf8(const char *s, size_t n, uint32_t *ret_char) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *u = (const unsigned char *) s;
        size_t length;
        uint32_t c;

        if (n == 0)
                return 0;
        if (u[0] < 0x80) {
                *ret_char = u[0];
                return 1;
        }
        if (u[0] < 0xc0 || u[0] > 0xf7)
                return 0;

        length = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
        if (n < length)
                return 0;

        c = u[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (u[i] & 0x3f);
        }
        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret_char = c;
        return length;
}

bool json_unprintable(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||
                (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Text for messages */

struct output {
        char *buffer;
        size_t size, used;
        bool full;
};

/* Takes a piece whole or not at all, and keeps room for the dots. */
static void output_add(struct output *o, const char *s, size_t n) {
        static const char dots[] = "...";

        if (o->full)
                return;
        if (o->used + n + sizeof(dots) > o->size) {
                o->full = true;
                s = dots;
                n = sizeof(dots) - 1;
        }
        memcpy(o->buffer + o->used, s, n);
        o->used += n;
        o->buffer[o->used] = '\0';
}

/* One character, which may not be UTF-8.  Returns its length in @s. */
static size_t output_add_char(struct output *o, const char *s, size_t n) {
        char escape[sizeof("\\u0000")];
        uint32_t c;
        size_t length;

        length = json_utf8(s, n, &c);
        if (length > 0 && !json_unprintable(c)) {
                output_add(o, s, length);
                return length;
        }

        if (length > 0)
                snprintf(escape, sizeof(escape), "\\u%04x", (unsigned int) (c & 0xffff));
        else
                snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char) *s);
        output_add(o, escape, strlen(escape));
        return length > 0 ? length : 1;
}

void json_printable(const char *s, size_t n, char *buffer, size_t size) {
        struct output o = { .buffer = buffer, .size = size };

        buffer[0] = '\0';
        for (size_t i = 0; i < n && !o.full;)
                i += output_add_char(&o, s + i, n - i);
}

static void output_add_key(struct output *o, const char *key) {
        size_t n = strlen(key);

        for (size_t i = 0; i < n && !o->full;)
                switch (key[i]) {
                case '~':
                        output_add(o, "~0", 2);
                        i++;
                        break;
                case '/':
                        output_add(o, "~1", 2);
                        i++;
                        break;
                default:
                        i += output_add_char(o, key + i, n - i);
                }
}

static void output_add_path(struct output *o, const struct json_path *path) {
        char number[32];

        if (!path->parent)
                return;

        output_add_path(o, path->parent);
        output_add(o, "/", 1);
        if (path->key) {
                output_add_key(o, path->key);
                return;
        }
        snprintf(number, sizeof(number), "%zu", path->index);
        output_add(o, number, strlen(number));
}

void json_path_format(const struct json_path *path, char *buffer, size_t size) {
        struct output o = { .buffer = buffer, .size = size };

        buffer[0] = '\0';
        output_add_path(&o, path);
}

/* Places and faults */

static bool path_equal(const struct json_path *a, const struct json_path *b) {
        for (; a->parent && b->parent; a = a->parent, b = b->parent) {
                if (!a->key != !b->key)
                        return false;
                if (a->key ? strcmp(a->key, b->key) != 0 : a->index != b->index)
                        return false;
        }
        return a->parent == b->parent;
}

static void position(const char *text, const char *at, int *ret_line, int *ret_column) {
        int line = 1, column = 1;

        for (const char *p = text; p < at; p++)
                if (*p == '\n') {
                        line++;
                        column = 1;
                } else if (((unsigned char) *p & 0xc0) != 0x80)
                        column++;       /* not the inside of a UTF-8 character */

        *ret_line = line;
        *ret_column = column;
}

/* Notes the place if it is the one looked for. */
static bool visit(
                struct scanner *s, const struct json_path *path, enum json_part part,
                const char *at) {

        if (!s->wanted || part != s->part || !path_equal(path, s->wanted))
                return false;
        s->found = at;
        return true;
}

_printf_(4, 5)
static int fault(
                struct scanner *s, const struct json_path *path, const char *at,
                const char *format, ...) {
        va_list ap;

        if (!s->fault)
                return -EINVAL;

        json_path_format(path, s->fault->pointer, sizeof(s->fault->pointer));
        position(s->text, at, &s->fault->line, &s->fault->column);
        va_start(ap, format);
        vsnprintf(s->fault->message, sizeof(s->fault->message), format, ap);
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

/* Says what stands where something else is due. */
static void describe(const struct scanner *s, char *buffer, size_t size) {
        char quoted[40];
        size_t left = (size_t) (s->end - s->at), n = 0;
        uint32_t c;

        if (left == 0) {
                snprintf(buffer, size, "the end of the file");
                return;
        }

        while (n < left && is_word(s->at[n]))
                n++;
        if (n == 0)
                n = json_utf8(s->at, left, &c);
        json_printable(s->at, n, quoted, sizeof(quoted));

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

static int fault_unexpected(
                struct scanner *s, const struct json_path *path, const char *expected) {
        char found[128];

        describe(s, found, sizeof(found));
        return fault(s, path, s->at, "expected %s, found %s", expected, found);
}

/* Tokens */

static void skip_space(struct scanner *s) {
        while (s->at < s->end &&
               (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
                s->at++;
}

static bool next_is(const struct scanner *s, char c) {
        return s->at < s->end && *s->at == c;
}

static bool take(struct scanner *s, char c) {
        if (!next_is(s, c))
                return false;
        s->at++;
        return true;
}

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
                return fault(s, path, s->at, "expected four hexadecimal digits after \"\\u\"");
        if (unit == 0)
                return fault(s, path, s->at, "a string cannot hold a NUL character; remove it");

        if (unit >= 0xd800 && unit <= 0xdfff) {
                low = escaped_unit(s, s->at + 6);
                if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
                        return fault(s, path, s->at, "half of a surrogate pair; "
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
                return fault(s, path, s->at, "unknown escape; use \\\", \\\\, \\/, \\b, \\f, "
                             "\\n, \\r, \\t or \\uXXXX, and \\\\ for a backslash");
        s->at += 2;
        return 0;
}

static int scan_char(struct scanner *s, const struct json_path *path) {
        uint32_t c;
        size_t n;

        n = json_utf8(s->at, (size_t) (s->end - s->at), &c);
        if (n == 0)
                return fault(s, path, s->at, "the byte 0x%02x is not UTF-8; save the file as UTF-8",
                             (unsigned char) *s->at);
        if (c == '\0')
                return fault(s, path, s->at, "a string cannot hold a NUL byte; remove it");
        if (c == '\n' || c == '\r')
                return fault(s, path, s->at, "the line ends within a string; "
                             "close it with a double quote, or write \\n");
        if (c < 0x20)
                return fault(s, path, s->at, "a control character in a string; write \\u%04x",
                             (unsigned int) c);
        s->at += n;
        return 0;
}

static int scan_string(struct scanner *s, const struct json_path *path) {
        const char *start = s->at++;
        int r;

        while (!take(s, '"')) {
                if (s->at == s->end)
                        return fault(s, path, start,
                                     "this string has no end; close it with a double quote");
                r = next_is(s, '\\') ? scan_escape(s, path) : scan_char(s, path);
                if (r < 0)
                        return r;
        }
        return 0;
}

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

        take(s, '-');
        digits = s->at;
        n = skip_digits(s);
        good = n == 1 || (n > 1 && *digits != '0');

        if (good && take(s, '.')) {
                integer = false;
                good = skip_digits(s) > 0;
        }
        if (good && (take(s, 'e') || take(s, 'E'))) {
                integer = false;
                if (!take(s, '+'))
                        take(s, '-');
                good = skip_digits(s) > 0;
        }
        if (!good || (s->at < s->end && is_word(*s->at))) {
                s->at = start;
                return fault_unexpected(s, path, "a number in decimal digits, such as 10 or 2.5");
        }
        if (integer && integer_too_large(digits, n))
                return fault(s, path, start,
                             "the number is too large; integers end at 9223372036854775807");
        return 0;
}

static int scan_word(struct scanner *s, const struct json_path *path) {
        static const char *const words[] = { "true", "false", "null" };
        size_t n = 0;

        while (s->at + n < s->end && is_word(s->at[n]))
                n++;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (n == strlen(words[i]) && memcmp(s->at, words[i], n) == 0) {
                        s->at += n;
                        return 0;
                }
        return fault_unexpected(
                        s, path,
                        "a string in double quotes, a number, true, false, null, \"{\" or \"[\"");
}

/*
 * Trees.  The scan_*() from here on return 1 once the place looked for is
 * found.
 */

static int scan_value(struct scanner *s, const struct json_path *path);

static int scan_key(
                struct scanner *s, const struct json_path *parent, struct json_object **ret) {
        const char *start = s->at;
        struct json_object *key;
        int r;

        r = scan_string(s, parent);
        if (r < 0)
                return r;

        json_tokener_reset(s->tokener);
        key = json_tokener_parse_ex(s->tokener, start, (int) (s->at - start));
        if (!key)
                return -ENOMEM;
        *ret = key;
        return 0;
}

static int check_unique(
                struct scanner *s, const struct json_path *path, const char *at,
                struct json_object *seen) {
        char quoted[64];
        struct json_object *offset;
        int line, column;

        if (json_object_object_get_ex(seen, path->key, &offset)) {
                position(s->text, s->text + json_object_get_int64(offset), &line, &column);
                json_printable(path->key, strlen(path->key), quoted, sizeof(quoted));
                return fault(s, path, at, "duplicate key \"%s\"; remove this one or the first, "
                             "in line %d, column %d", quoted, line, column);
        }

        offset = json_object_new_int64(at - s->text);
        if (!offset)
                return -ENOMEM;
        if (json_object_object_add(seen, path->key, offset) < 0) {
                json_object_put(offset);
                return -ENOMEM;
        }
        return 0;
}

static int scan_member(
                struct scanner *s, const struct json_path *parent, struct json_object *seen) {
        _cleanup_(json_putp) struct json_object *key = NULL;
        struct json_path path = { .parent = parent };
        const char *at = s->at;
        int r;

        if (!next_is(s, '"'))
                return fault_unexpected(s, parent, "a key in double quotes");
        r = scan_key(s, parent, &key);
        if (r < 0)
                return r;
        path.key = json_object_get_string(key);

        if (visit(s, &path, JSON_KEY, at))
                return 1;
        r = check_unique(s, &path, at, seen);
        if (r < 0)
                return r;

        skip_space(s);
        if (!take(s, ':'))
                return fault_unexpected(s, &path, "a colon after the key");
        skip_space(s);
        return scan_value(s, &path);
}

/* After a comma another item is due; a comma before the end is worth its own message. */
static int scan_comma(struct scanner *s, const struct json_path *path, char closing) {
        const char *comma = s->at;
        char expected[64];

        if (!take(s, ',')) {
                snprintf(expected, sizeof(expected), "a comma or \"%c\" after the value", closing);
                return fault_unexpected(s, path, expected);
        }
        skip_space(s);
        if (next_is(s, closing))
                return fault(s, path, comma, "a comma before \"%c\"; remove it", closing);
        return 0;
}

static int scan_object(struct scanner *s, const struct json_path *path) {
        _cleanup_(json_putp) struct json_object *seen = NULL;
        int r;

        seen = json_object_new_object();
        if (!seen)
                return -ENOMEM;

        s->at++;
        skip_space(s);
        if (take(s, '}'))
                return 0;
        for (;;) {
                r = scan_member(s, path, seen);
                if (r != 0)
                        return r;
                skip_space(s);
                if (take(s, '}'))
                        return 0;
                r = scan_comma(s, path, '}');
                if (r < 0)
                        return r;
        }
}

static int scan_array(struct scanner *s, const struct json_path *path) {
        int r;

        s->at++;
        skip_space(s);
        if (take(s, ']'))
                return 0;
        for (size_t i = 0;; i++) {
                struct json_path element = { .parent = path, .index = i };

                r = scan_value(s, &element);
                if (r != 0)
                        return r;
                skip_space(s);
                if (take(s, ']'))
                        return 0;
                r = scan_comma(s, path, ']');
                if (r < 0)
                        return r;
        }
}

static int scan_container(struct scanner *s, const struct json_path *path) {
        int r;

        if (s->depth >= JSON_DEPTH_MAX)
                return fault(s, path, s->at, "nested too deeply; %d levels are the most",
                             JSON_DEPTH_MAX);
        s->depth++;
        r = *s->at == '{' ? scan_object(s, path) : scan_array(s, path);
        s->depth--;
        return r;
}

static int scan_value(struct scanner *s, const struct json_path *path) {
        if (visit(s, path, JSON_VALUE, s->at))
                return 1;
        if (next_is(s, '{') || next_is(s, '['))
                return scan_container(s, path);
        if (next_is(s, '"'))
                return scan_string(s, path);
        if (next_is(s, '-') || (s->at < s->end && is_digit(*s->at)))
                return scan_number(s, path);
        return scan_word(s, path);
}

static int scan_text(struct scanner *s) {
        static const char mark[] = "\xef\xbb\xbf";
        const struct json_path root = {};
        int r;

        if (s->end - s->at >= 3 && memcmp(s->at, mark, 3) == 0)
                return fault(s, &root, s->at, "the file begins with a byte order mark; "
                             "save it as UTF-8 without one");

        skip_space(s);
        if (!next_is(s, '{'))
                return fault_unexpected(s, &root, "an object, \"{ ... }\"");
        r = scan_value(s, &root);
        if (r != 0)
                return r;

        skip_space(s);
        if (s->at < s->end)
                return fault_unexpected(s, &root, "nothing after the last \"}\"");
        return 0;
}

int json_check(const char *text, size_t size, struct json_fault *ret_fault) {
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
        struct scanner s = {
                .text = text,
                .at = text,
                .end = text + size,
                .tokener = tokener,
                .fault = ret_fault,
        };

        if (!tokener)
                return -ENOMEM;
        return scan_text(&s);
}

int json_locate(
                const char *text, size_t size,
                const struct json_path *path, enum json_part part,
                int *ret_line, int *ret_column) {
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
        struct scanner s = {
                .text = text,
                .at = text,
                .end = text + size,
                .tokener = tokener,
                .wanted = path,
                .part = part,
        };
        int r;

        if (!tokener)
                return -ENOMEM;
        r = scan_text(&s);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENOENT;
        position(text, s.found, ret_line, ret_column);
        return 0;
}

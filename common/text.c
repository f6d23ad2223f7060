/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "text.h"

size_t utf8_char(const char *s, size_t n, uint32_t *ret_char) {
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

static bool is_printable(uint32_t c) {
        return !(c < 0x20 || (c >= 0x7f && c <= 0x9f) ||
                 (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
}

bool text_printable(const char *s) {
        size_t n = strlen(s), length;
        uint32_t c;

        for (; n > 0; s += length, n -= length) {
                length = utf8_char(s, n, &c);
                if (length == 0 || !is_printable(c))
                        return false;
        }
        return true;
}

void text_position(const char *text, const char *at, int *ret_line, int *ret_column) {
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

struct output output_to(char *buffer, size_t size) {
        buffer[0] = '\0';
        return (struct output) { .buffer = buffer, .size = size };
}

void output_add(struct output *o, const char *s, size_t n) {
        static const char dots[] = "...";

        if (o->full)
                return;
        /* There is always room for the dots. */
        if (o->used + n + sizeof(dots) > o->size) {
                o->full = true;
                s = dots;
                n = sizeof(dots) - 1;
        }
        memcpy(o->buffer + o->used, s, n);
        o->used += n;
        o->buffer[o->used] = '\0';
}

size_t output_add_char(struct output *o, const char *s, size_t n) {
        char escape[sizeof("\\u0000")];
        uint32_t c;
        size_t length;

        length = utf8_char(s, n, &c);
        if (length > 0 && is_printable(c)) {
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

void text_escape(const char *s, size_t n, char *buffer, size_t size) {
        struct output o = output_to(buffer, size);

        for (size_t i = 0; i < n && !o.full;)
                i += output_add_char(&o, s + i, n - i);
}

const char *quote(const char *s, char buffer[static QUOTE_SIZE]) {
        text_escape(s, strlen(s), buffer, QUOTE_SIZE);
        return buffer;
}

void list_word(char *buffer, size_t size, const char *word, bool first, bool last) {
        size_t used = strlen(buffer);

        snprintf(buffer + used, size - used, "%s\"%s\"",
                 first ? "" : last ? " or " : ", ", word);
}

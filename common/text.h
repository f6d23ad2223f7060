/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text that somebody else wrote: its characters, and how to show it in a
 * message without harm to a terminal or a log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What goes into a message of one string. */
enum { QUOTE_SIZE = 64 };

/* The character at @s and its length in bytes, or 0 if that is not UTF-8. */
size_t utf8_char(const char *s, size_t n, uint32_t *ret_char);

/*
 * Whether it is UTF-8 and free of characters that would garble what they are
 * printed to: controls, line and paragraph separators, switches of the
 * direction of writing.
 */
bool text_printable(const char *s);

/* Line and column of @at, both counted from 1, columns in characters. */
void text_position(const char *text, const char *at, int *ret_line, int *ret_column);

/* A buffer for a message.  What is too long for it ends in "...". */
struct output {
        char *buffer;
        size_t size, used;
        bool full;
};

struct output output_to(char *buffer, size_t size);

/* Takes a piece whole or not at all. */
void output_add(struct output *o, const char *s, size_t n);

/*
 * One character, which stays whole if it is printable UTF-8 and becomes an
 * escape if not.  Returns its length in @s.
 */
size_t output_add_char(struct output *o, const char *s, size_t n);

/* Copies a text for a message, character by character. */
void text_escape(const char *s, size_t n, char *buffer, size_t size);

/* The same with a string.  Returns @buffer. */
const char *quote(const char *s, char buffer[static QUOTE_SIZE]);

/* One more word to "a", "b" or "c", as far as the buffer goes. */
void list_word(char *buffer, size_t size, const char *word, bool first, bool last);

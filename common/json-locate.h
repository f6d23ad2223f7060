/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things are in a JSON text, and whether it is JSON at all.
 *
 * json-c builds the tree, but forgives too much for a file that decides over
 * memory: it takes NaN, single quotes, raw control characters and malformed
 * UTF-8, keeps the last of two equal keys, clamps huge integers, cuts keys at
 * a NUL, and knows no lines.  json_check() refuses all that beforehand, so
 * that what json-c then reads is what the file says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        JSON_DEPTH_MAX = 16,            /* objects and arrays within each other */
};

/* A place in the tree: a chain that ends at the root, which has no parent. */
struct json_path {
        const struct json_path *parent;
        const char *key;                /* NULL: an element of an array */
        size_t index;                   /* ... this one */
};

enum json_part {
        JSON_KEY,                       /* what stands before the colon */
        JSON_VALUE,
};

struct json_fault {
        char pointer[256];
        int line, column;
        char message[256];
};

/*
 * Whether the text is one JSON object as RFC 8259 has it, in UTF-8, with
 * nothing in it that json-c would change: no key twice in an object, integers
 * within 64 bits, no NUL and no half of a surrogate pair in a string.
 * -EINVAL with *ret_fault filled, or -ENOMEM.
 */
int json_check(const char *text, size_t size, struct json_fault *ret_fault);

/*
 * Line and column of a part of a text that json_check() passed, both counted
 * from 1, columns in characters.  -ENOENT if it is not there.
 */
int json_locate(
                const char *text, size_t size,
                const struct json_path *path, enum json_part part,
                int *ret_line, int *ret_column);

/*
 * The path as a JSON pointer (RFC 6901), "" for the root.  Control characters
 * are shown as JSON escapes; what is too long for the buffer ends in "...".
 */
void json_path_format(const struct json_path *path, char *buffer, size_t size);

/*
 * Copies a text for a message: UTF-8 stays whole, control characters become
 * JSON escapes, and what is too long for the buffer ends in "...".
 */
void json_printable(const char *s, size_t n, char *buffer, size_t size);

/* The character at @s and its length in bytes, or 0 if that is not UTF-8. */
size_t json_utf8(const char *s, size_t n, uint32_t *ret_char);

/*
 * Characters that would garble a terminal or a log: controls, line and
 * paragraph separators, switches of the direction of writing.
 */
bool json_unprintable(uint32_t c);

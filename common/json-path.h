/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

enum {
        JSON_DEPTH_MAX = 16,            /* objects and arrays within each other */
};

/* A place in the tree: a chain that ends at the root, which has no parent. */
struct json_path {
        const struct json_path *parent;
        const char *key;                /* NULL: an element of an array */
        size_t index;                   /* ... this one */
};

/* In how many objects and arrays it is. */
unsigned int json_path_depth(const struct json_path *path);

/*
 * The path as a JSON pointer (RFC 6901), "" for the root.  Control characters
 * are shown as JSON escapes; what is too long for the buffer ends in "...".
 */
void json_path_format(const struct json_path *path, char *buffer, size_t size);

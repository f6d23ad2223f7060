/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "json-path.h"
#include "text.h"

unsigned int json_path_depth(const struct json_path *path) {
        unsigned int n = 0;

        for (; path->parent; path = path->parent)
                n++;
        return n;
}

static void add_key(struct output *o, const char *key) {
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

static void add_path(struct output *o, const struct json_path *path) {
        char number[32];

        if (!path->parent)
                return;

        add_path(o, path->parent);
        output_add(o, "/", 1);
        if (path->key) {
                add_key(o, path->key);
                return;
        }
        snprintf(number, sizeof(number), "%zu", path->index);
        output_add(o, number, strlen(number));
}

void json_path_format(const struct json_path *path, char *buffer, size_t size) {
        struct output o = output_to(buffer, size);

        add_path(&o, path);
}

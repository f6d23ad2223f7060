/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A made-up /sys, /proc and /dev below a temporary directory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sysfs.h"

struct tree {
        char path[32];
        struct sysfs sysfs;     /* its root is the tree */
};

void tree_make(struct tree *t);
void tree_remove(struct tree *t);

/* Files come with the directories they are in.  Paths are without a slash in front. */
void tree_put(struct tree *t, const char *path, const char *format, ...) _printf_(3, 4);
void tree_put_bytes(struct tree *t, const char *path, const void *data, size_t size);
void tree_dir(struct tree *t, const char *path);
void tree_link(struct tree *t, const char *path, const char *target);
void tree_delete(struct tree *t, const char *path);
bool tree_has(const struct tree *t, const char *path);

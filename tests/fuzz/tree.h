/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A made-up /sys and /proc for fuzz targets that need more than one file of it.  The
 * input is what the files hold, in parts with '|' between them.
 */
#pragma once

#include "fuzz.h"
#include "sysfs.h"

/* Its root; below 0 before tree_make(). */
extern struct sysfs tree;

/* An empty one, which goes when the process ends. */
void tree_make(void);

/* The directories that @path is in, or with a '/' at its end, is. */
void tree_make_parents(const char *path);

/* A link, instead of what was there; @target NULL: nothing any more. */
void tree_put_link(const char *path, const char *target);

/* The next part of what is between @at and @end; NULL: there is none. */
const char *tree_next_part(const char **at, const char *end, size_t *ret_size);

/* A file gets the next part; without one, or with an empty one, there is no such file. */
void tree_put_part(const char *path, const char **at, const char *end);

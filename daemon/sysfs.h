/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place that opens anything below /sys, /proc and /run.
 *
 * Paths are relative to a root, "sys/bus/dax/devices", so that all of it can be
 * a recorded or made-up tree.  Errors are negative errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util.h"

struct sysfs {
        int root;               /* fd of the directory that stands for / */
};

#define SYSFS_PATH_MAX 512

int sysfs_open_root(struct sysfs *s, const char *path);
void sysfs_close(struct sysfs *s);

/* @buf gets the contents without white space at the end, as a string. */
int sysfs_read(const struct sysfs *s, char *buf, size_t size, const char *path, ...)
        _printf_(4, 5);

/* Numbers as the kernel prints them: decimal, or with 0x.  @base 16: hex without it. */
int sysfs_read_u64(const struct sysfs *s, uint64_t *ret, int base, const char *path, ...)
        _printf_(4, 5);
int sysfs_read_int(const struct sysfs *s, int *ret, const char *path, ...) _printf_(3, 4);

/* The whole file, for the caller to free; @ret_size may be NULL. */
int sysfs_read_all(const struct sysfs *s, char **ret, size_t *ret_size, const char *path);

/* One write(2), as attributes want it. */
int sysfs_write(const struct sysfs *s, const char *text, const char *path, ...) _printf_(3, 4);

/* Create or replace a file of our own, whole or not at all. */
int sysfs_put(const struct sysfs *s, const char *text, const char *path);
/* Create a link; -EEXIST if something is there. */
int sysfs_put_link(const struct sysfs *s, const char *target, const char *path);
int sysfs_remove(const struct sysfs *s, const char *path);
int sysfs_make_dir(const struct sysfs *s, const char *path);

int sysfs_open(const struct sysfs *s, int flags, const char *path, ...) _printf_(3, 4);
int sysfs_link(const struct sysfs *s, char *buf, size_t size, const char *path, ...)
        _printf_(4, 5);

/* Inode of what @path leads to: told apart, a thing that went and came back. */
int sysfs_inode(const struct sysfs *s, uint64_t *ret, const char *path, ...) _printf_(3, 4);

/* Sorted names in a directory, NULL-terminated, for strv_free(). */
int sysfs_list(const struct sysfs *s, char ***ret, const char *path, ...) _printf_(3, 4);
size_t strv_length(char **l);
char **strv_free(char **l);
DEFINE_CLEANUP(char **, strv_free)

/* Last part of a path. */
const char *base_of(const char *path);

/* Part @back counted from the end of a path, 0: the last. */
void path_part(const char *path, int back, char *buf, size_t size);

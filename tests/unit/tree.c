/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

static void full_path(const struct tree *t, const char *path, char *buf, size_t size) {
        assert_true((size_t) snprintf(buf, size, "%s/%s", t->path, path) < size);
}

/* All directories that lead to @path. */
static void make_parents(char *path) {
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
}

void tree_make(struct tree *t) {
        strcpy(t->path, "/tmp/memmapd-unit-XXXXXX");
        assert_non_null(mkdtemp(t->path));
        assert_int_equal(sysfs_open_root(&t->sysfs, t->path), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        return remove(path);
}

static void remove_all(const char *path) {
        assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_remove(struct tree *t) {
        sysfs_close(&t->sysfs);
        remove_all(t->path);
}

void tree_put_bytes(struct tree *t, const char *path, const void *data, size_t size) {
        char full[512];
        int fd;

        full_path(t, path, full, sizeof(full));
        make_parents(full);
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), size);
        close(fd);
}

void tree_put(struct tree *t, const char *path, const char *format, ...) {
        char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        assert_true(n >= 0);
        tree_put_bytes(t, path, text, (size_t) n);
        free(text);
}

void tree_dir(struct tree *t, const char *path) {
        char full[512];

        full_path(t, path, full, sizeof(full));
        make_parents(full);
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

void tree_link(struct tree *t, const char *path, const char *target) {
        char full[512];

        full_path(t, path, full, sizeof(full));
        make_parents(full);
        (void) unlink(full);
        assert_int_equal(symlink(target, full), 0);
}

void tree_delete(struct tree *t, const char *path) {
        char full[512];

        full_path(t, path, full, sizeof(full));
        remove_all(full);
}

bool tree_has(const struct tree *t, const char *path) {
        char full[512];
        struct stat st;

        full_path(t, path, full, sizeof(full));
        return lstat(full, &st) == 0;
}

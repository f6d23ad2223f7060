/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

struct sysfs tree = { .root = -1 };
static char tree_path[] = "/dev/shm/memmapd-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        return remove(path);
}

static void tree_remove(void) {
        (void) nftw(tree_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_make(void) {
        MUST(mkdtemp(tree_path));
        atexit(tree_remove);
        MUST(sysfs_open_root(&tree, tree_path) == 0);
}

void tree_make_parents(const char *path) {
        char copy[SYSFS_PATH_MAX];

        snprintf(copy, sizeof(copy), "%s", path);
        for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                MUST(sysfs_make_dir(&tree, copy) == 0);
                *slash = '/';
        }
}

void tree_put_link(const char *path, const char *target) {
        MUST(unlinkat(tree.root, path, 0) == 0 || errno == ENOENT);
        MUST(!target || symlinkat(target, tree.root, path) == 0);
}

const char *tree_next_part(const char **at, const char *end, size_t *ret_size) {
        const char *part = *at, *bar;

        if (!part)
                return NULL;
        bar = memchr(part, '|', (size_t) (end - part));
        *ret_size = (size_t) ((bar ?: end) - part);
        *at = bar ? bar + 1 : NULL;
        return part;
}

static void put(const char *path, const char *text, size_t size) {
        int fd = openat(tree.root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        MUST(fd >= 0 && write(fd, text, size) == (ssize_t) size);
        close(fd);
}

void tree_put_part(const char *path, const char **at, const char *end) {
        size_t n = 0;
        const char *part = tree_next_part(at, end, &n);

        if (part && n > 0)
                put(path, part, n);
        else
                MUST(unlinkat(tree.root, path, 0) == 0 || errno == ENOENT);
}

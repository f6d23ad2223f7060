/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy-file.h"
#include "policy-json.h"
#include "util.h"

#define MASK "/dev/null"

enum { LINKS_MAX = 40 };                /* in a row, as the kernel has it */

/* A file in a directory that is open, so that nobody exchanges the one for another. */
struct spot {
        char *path;
        const char *name;               /* the last part of it */
        int directory;
};

static void spot_done(struct spot *s) {
        closep(&s->directory);
        free(s->path);
}

/* Trust */

static bool is_trusted_owner(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

/* @sticky: whoever may write there cannot touch the files of others. */
static int check_directory(
                const char *path, int fd, bool sticky, struct policy_error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return policy_error_file(error, -errno, "cannot look at the directory %s: %m",
                                         path);
        if (!is_trusted_owner(st.st_uid))
                return policy_error_file(error, -EPERM, "the directory %s belongs to user %u, who "
                                         "can put anything there; chown root %s", path, st.st_uid,
                                         path);
        if (st.st_mode & (S_IWGRP | S_IWOTH) && !(sticky && st.st_mode & S_ISVTX))
                return policy_error_file(error, -EPERM, "the directory %s can be written by others "
                                         "than its owner (mode %04o); chmod go-w %s", path,
                                         st.st_mode & 07777, path);
        return 0;
}

int policy_file_check_directory(const char *path, int fd, struct policy_error *error) {
        return check_directory(path, fd, false, error);
}

static int check_file(const char *path, const struct stat *st, struct policy_error *error) {
        if (!is_trusted_owner(st->st_uid))
                return policy_error_file(error, -EPERM, "the file belongs to user %u, who can "
                                         "write anything into it; chown root %s", st->st_uid, path);
        if (st->st_mode & (S_IWGRP | S_IWOTH))
                return policy_error_file(error, -EPERM, "the file can be written by others than "
                                         "its owner (mode %04o); chmod go-w %s",
                                         st->st_mode & 07777, path);
        return 0;
}

/* Finding it */

/* @path is the spot's from here on. */
static int spot_open(
                struct spot *s, char *path, bool guarded, struct policy_error *error) {
        char *slash = strrchr(path, '/');
        const char *parent = !slash ? "." : slash == path ? "/" : path;
        int r = 0;

        closep(&s->directory);
        free(s->path);
        s->path = path;
        s->name = !slash ? path : slash[1] == '\0' ? "." : slash + 1;

        if (slash && slash != path)
                *slash = '\0';
        s->directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (s->directory < 0)
                r = policy_error_file(error, -errno, "cannot open the file: %m");
        else if (guarded)
                r = check_directory(parent, s->directory, true, error);
        if (slash && slash != path)
                *slash = '/';
        return r;
}

/* Where the link at @s leads to, seen from where we are.  NULL with errno set. */
static char *link_target(const struct spot *s) {
        char target[PATH_MAX], *path;
        ssize_t n;

        n = readlinkat(s->directory, s->name, target, sizeof(target) - 1);
        if (n < 0)
                return NULL;
        target[n] = '\0';
        if (target[0] == '/')
                return strdup(target);
        return asprintf(&path, "%.*s%s", (int) (s->name - s->path), s->path, target) < 0 ?
                NULL : path;
}

/* From @path to what is not a link any more.  Returns 1 if it is masked. */
static int spot_find(
                struct spot *s, const char *path, bool guarded, struct stat *ret,
                struct policy_error *error) {
        char *next = strdup(path);
        int r;

        for (int links = 0; next; links++) {
                r = spot_open(s, next, guarded, error);
                if (r >= 0 && fstatat(s->directory, s->name, ret, AT_SYMLINK_NOFOLLOW) < 0)
                        r = policy_error_file(error, -errno, "cannot open the file: %m");
                if (r == -ENOENT && links > 0)
                        return policy_error_file(error, -ENOLINK, "the symbolic link leads to %s, "
                                                 "which does not exist", s->path);
                if (r < 0 || !S_ISLNK(ret->st_mode))
                        return r;
                if (links == LINKS_MAX)
                        return policy_error_file(error, -ELOOP, "cannot open the file: %m");
                next = link_target(s);
                if (next && strcmp(next, MASK) == 0) {
                        free(next);
                        return 1;
                }
        }
        return policy_error_file(error, -errno, "cannot follow the symbolic link: %m");
}

/* Reading it */

static int check_regular(const struct stat *st, struct policy_error *error) {
        if (S_ISDIR(st->st_mode))
                return policy_error_file(error, -EISDIR, "this is a directory; name a file");
        if (!S_ISREG(st->st_mode))
                return policy_error_file(error, -EBADF, "this is not a regular file; name one");
        return 0;
}

/* Reads up to @size bytes. */
static int read_all(int fd, char *buffer, size_t size, size_t *ret_size) {
        size_t used = 0;

        while (used < size) {
                ssize_t n = read(fd, buffer + used, size - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                used += (size_t) n;
        }
        *ret_size = used;
        return 0;
}

/* It may have been exchanged since it was looked at: what was opened counts. */
static int spot_read(
                const struct spot *s, bool guarded,
                char **ret_text, size_t *ret_size, struct policy_error *error) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        struct stat st;
        int r;

        /* O_NONBLOCK: a FIFO in its place must not hold us up. */
        fd = openat(s->directory, s->name,
                    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
        if (fd < 0)
                return policy_error_file(error, -errno, "cannot open the file: %m");
        if (fstat(fd, &st) < 0)
                return policy_error_file(error, -errno, "cannot look at the file: %m");
        r = check_regular(&st, error);
        if (r >= 0 && guarded)
                r = check_file(s->path, &st, error);
        if (r < 0)
                return r;

        /* One byte more than a policy may have shows that there is more. */
        text = malloc(POLICY_SIZE_MAX + 2);
        if (!text)
                return policy_error_file(error, -ENOMEM, "out of memory");
        r = read_all(fd, text, POLICY_SIZE_MAX + 1, &size);
        if (r < 0)
                return policy_error_file(error, r, "cannot read the file: %m");
        /* It is kept for as long as the policy is in force. */
        text[size] = '\0';
        *ret_text = realloc(text, size + 1) ?: text;
        *ret_size = size;
        text = NULL;
        return 0;
}

int policy_file_load(
                const char *path, bool guarded,
                char **ret_text, size_t *ret_size, struct policy_error *error) {
        _cleanup_(spot_done) struct spot s = { .directory = -EBADF };
        struct stat st;
        int r;

        r = spot_find(&s, path, guarded, &st, error);
        if (r != 0)
                return r;
        r = check_regular(&st, error);
        return r < 0 ? r : spot_read(&s, guarded, ret_text, ret_size, error);
}

int policy_read_file(const char *path, struct policy **ret, struct policy_error *error) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = policy_file_load(path, false, &text, &size, error);
        if (r > 0)
                return policy_error_file(error, -EBADF, "this is not a regular file; name one");
        if (r < 0)
                return r;
        r = policy_decode(text, size, ret, error);
        return size > POLICY_SIZE_MAX ? -EFBIG : r;
}

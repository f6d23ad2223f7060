/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "sysfs.h"

#define FORMAT_PATH(path, format)                                       \
        char path[SYSFS_PATH_MAX];                                      \
        do {                                                            \
                va_list ap_;                                            \
                int n_;                                                 \
                va_start(ap_, format);                                  \
                n_ = vsnprintf(path, sizeof(path), format, ap_);        \
                va_end(ap_);                                            \
                if (n_ < 0 || (size_t) n_ >= sizeof(path))              \
                        return -ENAMETOOLONG;                           \
        } while (false)

int sysfs_open_root(struct sysfs *s, const char *path) {
        s->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return s->root < 0 ? -errno : 0;
}

void sysfs_close(struct sysfs *s) {
        closep(&s->root);
        s->root = -1;
}

static int open_at(const struct sysfs *s, int flags, const char *path) {
        int fd = openat(s->root, path, flags | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int sysfs_open(const struct sysfs *s, int flags, const char *format, ...) {
        FORMAT_PATH(path, format);
        return open_at(s, flags, path);
}

static ssize_t read_once(int fd, char *buf, size_t size) {
        ssize_t n;

        do
                n = read(fd, buf, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

/* Up to @size bytes. */
static ssize_t read_some(int fd, char *buf, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t r = read_once(fd, buf + n, size - n);

                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                n += (size_t) r;
        }
        return (ssize_t) n;
}

static int read_string(const struct sysfs *s, const char *path, char *buf, size_t size) {
        _cleanup_(closep) int fd = open_at(s, O_RDONLY, path);
        ssize_t n;

        if (fd < 0)
                return fd;
        /* The kernel gives an attribute as a whole: no need to ask whether there is more. */
        n = read_once(fd, buf, size - 1);
        if (n < 0)
                return (int) n;
        while (n > 0 && strchr(" \t\n", buf[n - 1]))
                n--;
        buf[n] = '\0';
        return 0;
}

int sysfs_read(const struct sysfs *s, char *buf, size_t size, const char *format, ...) {
        FORMAT_PATH(path, format);
        return read_string(s, path, buf, size);
}

int sysfs_read_u64(const struct sysfs *s, uint64_t *ret, int base, const char *format, ...) {
        char buf[64], *end;
        uint64_t v;
        int r;

        FORMAT_PATH(path, format);
        r = read_string(s, path, buf, sizeof(buf));
        if (r < 0)
                return r;
        errno = 0;
        v = strtoull(buf, &end, base);
        if (errno || end == buf || *end || buf[0] == '-')
                return -EBADMSG;
        *ret = v;
        return 0;
}

int sysfs_read_int(const struct sysfs *s, int *ret, const char *format, ...) {
        char buf[64], *end;
        long v;
        int r;

        FORMAT_PATH(path, format);
        r = read_string(s, path, buf, sizeof(buf));
        if (r < 0)
                return r;
        errno = 0;
        v = strtol(buf, &end, 10);
        if (errno || end == buf || *end || v < -1 || v > 1 << 20)
                return -EBADMSG;
        *ret = (int) v;
        return 0;
}

int sysfs_read_all(const struct sysfs *s, char **ret, size_t *ret_size, const char *path) {
        _cleanup_(closep) int fd = open_at(s, O_RDONLY, path);
        _cleanup_(freep) char *buf = NULL;
        size_t n = 0, size = 4096;

        if (fd < 0)
                return fd;
        for (;;) {
                char *bigger = realloc(buf, size + 1);
                ssize_t r;

                if (!bigger)
                        return -ENOMEM;
                buf = bigger;
                r = read_some(fd, buf + n, size - n);
                if (r < 0)
                        return (int) r;
                n += (size_t) r;
                if (n < size)
                        break;
                size *= 2;
        }
        buf[n] = '\0';
        if (ret_size)
                *ret_size = n;
        *ret = steal(&buf);
        return 0;
}

/* O_TRUNC means nothing to sysfs; to a file that stands for an attribute it does. */
int sysfs_write(const struct sysfs *s, const char *text, const char *format, ...) {
        _cleanup_(closep) int fd = -1;
        size_t size = strlen(text);
        ssize_t n;

        FORMAT_PATH(path, format);
        fd = open_at(s, O_WRONLY | O_TRUNC, path);
        if (fd < 0)
                return fd;
        n = write(fd, text, size);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

int sysfs_put(const struct sysfs *s, const char *text, const char *path) {
        _cleanup_(closep) int fd = -1;
        char temporary[SYSFS_PATH_MAX + 8];
        size_t size = strlen(text);

        snprintf(temporary, sizeof(temporary), "%s.new", path);
        fd = openat(s->root, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        if (write(fd, text, size) != (ssize_t) size) {
                unlinkat(s->root, temporary, 0);
                return -EIO;
        }
        return renameat(s->root, temporary, s->root, path) < 0 ? -errno : 0;
}

int sysfs_remove(const struct sysfs *s, const char *path) {
        return unlinkat(s->root, path, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int sysfs_put_link(const struct sysfs *s, const char *target, const char *path) {
        return symlinkat(target, s->root, path) < 0 ? -errno : 0;
}

int sysfs_make_dir(const struct sysfs *s, const char *path) {
        return mkdirat(s->root, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int sysfs_link(const struct sysfs *s, char *buf, size_t size, const char *format, ...) {
        ssize_t n;

        FORMAT_PATH(path, format);
        n = readlinkat(s->root, path, buf, size);
        if (n < 0)
                return -errno;
        if ((size_t) n >= size)
                return -ENAMETOOLONG;
        buf[n] = '\0';
        return 0;
}

int sysfs_inode(const struct sysfs *s, uint64_t *ret, const char *format, ...) {
        struct stat st;

        FORMAT_PATH(path, format);
        if (fstatat(s->root, path, &st, 0) < 0)
                return -errno;
        *ret = st.st_ino;
        return 0;
}

size_t strv_length(char **l) {
        size_t n = 0;

        while (l[n])
                n++;
        return n;
}

char **strv_free(char **l) {
        for (size_t i = 0; l && l[i]; i++)
                free(l[i]);
        free(l);
        return NULL;
}

static int compare(const void *a, const void *b) {
        return strverscmp(*(char *const *) a, *(char *const *) b);
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

int sysfs_list(const struct sysfs *s, char ***ret, const char *format, ...) {
        _cleanup_(strv_freep) char **l = NULL;
        _cleanup_(closedirp) DIR *dir = NULL;
        size_t n = 0;
        int fd;

        FORMAT_PATH(path, format);
        fd = open_at(s, O_RDONLY | O_DIRECTORY, path);
        if (fd < 0)
                return fd;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        for (struct dirent *e; (e = readdir(dir));) {
                char **bigger;

                if (e->d_name[0] == '.')
                        continue;
                bigger = reallocarray(l, n + 2, sizeof(*l));
                if (!bigger)
                        return -ENOMEM;
                l = bigger;
                l[n + 1] = NULL;
                l[n] = strdup(e->d_name);
                if (!l[n])
                        return -ENOMEM;
                n++;
        }
        qsort(l, n, sizeof(*l), compare);
        *ret = steal(&l);
        return 0;
}

const char *base_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

void path_part(const char *path, int back, char *buf, size_t size) {
        char copy[SYSFS_PATH_MAX];
        char *slash;

        snprintf(copy, sizeof(copy), "%s", path);
        while (back-- > 0 && (slash = strrchr(copy, '/')))
                *slash = '\0';
        snprintf(buf, size, "%s", base_of(copy));
}

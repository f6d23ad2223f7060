/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into a program under test: hands what it writes below
 * $FAKEKERNEL_ROOT/sys to the fake kernel (fakemachine/), and returns what that says.
 *
 * The fake kernel is a process of its own behind a socket.  As with the real
 * one, whoever asked for something may be killed in the middle and the system
 * is still in one piece.
 *
 * Two things more make plain files look like sysfs: O_TRUNC and O_CREAT mean
 * nothing, and messages to the journal go to $FAKEKERNEL_ROOT/fake/journal.
 *
 * What stdio writes is not seen: libc calls its own write().
 *
 * umockdev may be preloaded as well and redirects paths, so everything that
 * serves only this library goes straight to the system.  So do expanders' device nodes,
 * as it would want somebody to answer their ioctls: they are files, and answer none.
 */
/* open() and open64() are two things here, whatever the build asks for. */
#undef _FILE_OFFSET_BITS
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define DATA_MAX 4096
#define JOURNAL "/run/systemd/journal/socket"

#define NEXT(name) \
        static typeof(&name) next; \
        if (!next) \
                next = (typeof(&name)) dlsym(RTLD_NEXT, #name)

static int raw_open_flags(int flags) {
        return flags & ~(O_TRUNC | O_CREAT | O_EXCL);
}

static const char *root(void) {
        return getenv("FAKEKERNEL_ROOT");
}

/* The path of @fd below the root, "/sys/..."; NULL if it is not of sysfs. */
static const char *sysfs_path(int fd, char buf[static PATH_MAX]) {
        static const char deleted[] = " (deleted)";
        const char *r = root();
        char link[64];
        size_t n;
        long k;

        if (!r)
                return NULL;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        k = syscall(SYS_readlinkat, AT_FDCWD, link, buf, PATH_MAX - 1);
        if (k <= 0)
                return NULL;
        buf[k] = '\0';
        n = sizeof(deleted) - 1;
        if ((size_t) k > n && !strcmp(buf + k - n, deleted))
                buf[k - n] = '\0';
        n = strlen(r);
        if (strncmp(buf, r, n) || strncmp(buf + n, "/sys/", 5))
                return NULL;
        return buf + n;
}

static int kernel_connect(void) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd;

        if ((size_t) snprintf(sa.sun_path, sizeof(sa.sun_path),
                              "%s/fake/kernel", root()) >= sizeof(sa.sun_path)) {
                errno = ENAMETOOLONG;
                return -1;
        }
        fd = syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        if (syscall(SYS_connect, fd, &sa, sizeof(sa)) < 0) {
                syscall(SYS_close, fd);
                return -1;
        }
        return fd;
}

static long kernel_ask(int fd, const void *msg, size_t n, int32_t *ret) {
        long k;

        do
                k = syscall(SYS_sendto, fd, msg, n, MSG_NOSIGNAL, NULL, 0);
        while (k < 0 && errno == EINTR);
        if (k < 0)
                return -1;
        do
                k = syscall(SYS_recvfrom, fd, ret, sizeof(*ret), 0, NULL, NULL);
        while (k < 0 && errno == EINTR);
        return k == sizeof(*ret) ? 0 : -1;
}

/* A store to the attribute @path. */
static ssize_t kernel_store(const char *path, const void *data, size_t size) {
        char msg[PATH_MAX + DATA_MAX];
        size_t n = strlen(path) + 1;
        int32_t e = EIO;
        int fd;

        if (size > DATA_MAX)
                size = DATA_MAX;
        memcpy(msg, path, n);
        memcpy(msg + n, data, size);
        fd = kernel_connect();
        if (fd < 0 || kernel_ask(fd, msg, n + size, &e) < 0)
                e = ENXIO;
        if (fd >= 0)
                syscall(SYS_close, fd);
        if (e) {
                errno = e;
                return -1;
        }
        return size;
}

ssize_t write(int fd, const void *data, size_t size) {
        char buf[PATH_MAX];
        const char *path;

        NEXT(write);
        path = sysfs_path(fd, buf);
        return path ? kernel_store(path, data, size) : next(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
        char buf[PATH_MAX];
        const char *path;

        NEXT(pwrite);
        path = sysfs_path(fd, buf);
        return path ? kernel_store(path, data, size) : next(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
        return pwrite(fd, data, size, offset);
}

/* As vfs does for a file with write() only: one store for each vector. */
ssize_t writev(int fd, const struct iovec *v, int n) {
        char buf[PATH_MAX];
        const char *path;
        ssize_t k, sum = 0;

        NEXT(writev);
        path = sysfs_path(fd, buf);
        if (!path)
                return next(fd, v, n);
        for (int i = 0; i < n; i++) {
                k = kernel_store(path, v[i].iov_base, v[i].iov_len);
                if (k < 0)
                        return sum ?: -1;
                sum += k;
        }
        return sum;
}

/* Opened without the flags that sysfs ignores; if it is not of sysfs, once more. */
#define OPEN(call, ...) ({ \
        char buf_[PATH_MAX]; \
        int fd_ = -1; \
        if (root() && (flags & (O_TRUNC | O_CREAT))) { \
                fd_ = call(__VA_ARGS__, raw_open_flags(flags), 0); \
                if (fd_ >= 0 && !sysfs_path(fd_, buf_)) { \
                        close(fd_); \
                        fd_ = -1; \
                } \
        } \
        fd_ >= 0 ? fd_ : call(__VA_ARGS__, flags, mode); \
})

static mode_t mode_of(int flags, va_list ap) {
        return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

static int open_memdev(const char *path, int flags) {
        char real[PATH_MAX];

        snprintf(real, sizeof(real), "%s%s", root(), path);
        return syscall(SYS_openat, AT_FDCWD, real, flags, 0);
}

#define DEFINE_OPEN(name) \
        int name(const char *path, int flags, ...) { \
                va_list ap; \
                mode_t mode; \
                NEXT(name); \
                if (root() && !strncmp(path, "/dev/cxl/", 9)) \
                        return open_memdev(path, flags); \
                va_start(ap, flags); \
                mode = mode_of(flags, ap); \
                va_end(ap); \
                return OPEN(next, path); \
        }

#define DEFINE_OPENAT(name) \
        int name(int dirfd, const char *path, int flags, ...) { \
                va_list ap; \
                mode_t mode; \
                NEXT(name); \
                va_start(ap, flags); \
                mode = mode_of(flags, ap); \
                va_end(ap); \
                return OPEN(next, dirfd, path); \
        }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* Where a message is going: another address if it is for the journal. */
static bool to_journal(const struct msghdr *m, struct sockaddr_un *ret) {
        const struct sockaddr_un *to = m->msg_name;

        if (!root() || !to || to->sun_family != AF_UNIX ||
            m->msg_namelen < offsetof(struct sockaddr_un, sun_path) + sizeof(JOURNAL) - 1 ||
            memcmp(to->sun_path, JOURNAL, sizeof(JOURNAL) - 1))
                return false;
        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        return (size_t) snprintf(ret->sun_path, sizeof(ret->sun_path),
                                 "%s/fake/journal", root()) < sizeof(ret->sun_path);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
        struct sockaddr_un sa;
        struct msghdr redirected;

        NEXT(sendmsg);
        if (!to_journal(m, &sa))
                return next(fd, m, flags);
        redirected = *m;
        redirected.msg_name = &sa;
        redirected.msg_namelen = sizeof(sa);
        return next(fd, &redirected, flags);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy-json.h"
#include "util.h"

/* @fd may be anything: looks before it reads. */
static int check_regular(int fd, struct policy_error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return policy_error_file(error, -errno, "cannot look at the file: %m");
        if (S_ISDIR(st.st_mode))
                return policy_error_file(error, -EISDIR, "this is a directory; name a file");
        if (!S_ISREG(st.st_mode))
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

/* One byte more than a policy may have shows that there is more. */
static int load_file(
                const char *path, struct policy_error *error, char **ret_text, size_t *ret_size) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        /* O_NONBLOCK: a FIFO in its place must not hold us up. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return policy_error_file(error, -errno, "cannot open the file: %m");
        r = check_regular(fd, error);
        if (r < 0)
                return r;

        text = malloc(POLICY_SIZE_MAX + 1);
        if (!text)
                return policy_error_file(error, -ENOMEM, "out of memory");
        r = read_all(fd, text, POLICY_SIZE_MAX + 1, &size);
        if (r < 0)
                return policy_error_file(error, r, "cannot read the file: %m");

        *ret_text = steal(&text);
        *ret_size = size;
        return 0;
}

int policy_read_file(const char *path, struct policy **ret, struct policy_error *error) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = load_file(path, error, &text, &size);
        if (r < 0)
                return r;
        r = policy_decode(text, size, ret, error);
        return size > POLICY_SIZE_MAX ? -EFBIG : r;
}

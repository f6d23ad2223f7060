/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory of a test's own, and files in it. */
#pragma once

#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy-unit.h"

static inline int make_dir(void **state) {
        char template[] = "/tmp/test-policy-XXXXXX";

        if (!mkdtemp(template))
                return -1;
        *state = strdup(template);
        return *state ? 0 : -1;
}

static inline int remove_one(
                const char *path, const struct stat *st, int type, struct FTW *where) {
        (void) st;
        (void) type;
        (void) where;
        return remove(path);
}

static inline int remove_dir(void **state) {
        int r = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

        free(*state);
        return r;
}

/* A path below the test's directory, as good as for ever: there are 64 of them. */
_printf_(2, 3)
static inline const char *below(void **state, const char *format, ...) {
        static char buffers[64][256];
        static size_t next;
        char *buffer = buffers[next++ % ELEMENTSOF(buffers)];
        int n = snprintf(buffer, sizeof(buffers[0]), "%s/", (const char *) *state);
        va_list ap;

        va_start(ap, format);
        vsnprintf(buffer + n, sizeof(buffers[0]) - (size_t) n, format, ap);
        va_end(ap);
        return buffer;
}

static inline void write_bytes(const char *path, const char *data, size_t size) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
        /* Whatever the umask is. */
        assert_int_equal(chmod(path, 0644), 0);
}

static inline void write_text(const char *path, const char *text) {
        write_bytes(path, text, strlen(text));
}

static inline void make_directory(const char *path) {
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(chmod(path, 0755), 0);
}

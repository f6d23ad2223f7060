/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* All of it on the disk, for everybody. */
static int finish(FILE *f) {
        if (fflush(f) != 0 || ferror(f) || fchmod(fileno(f), 0644) < 0 || fsync(fileno(f)) < 0)
                return -errno;
        return 0;
}

static int write_to(int fd, output_print print, void *userdata) {
        _cleanup_(fclosep) FILE *f = fdopen(fd, "w");

        if (!f) {
                close(fd);
                return -ENOMEM;
        }
        print(f, userdata);
        return finish(f);
}

/* Whoever reads it finds the one before or this one, and never half of one: not either
 * if all files of the directory are read, as those that are hidden are not. */
static int write_file(const char *path, output_print print, void *userdata) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        _cleanup_(freep) char *temporary = NULL;
        int fd, r;

        if (asprintf(&temporary, "%.*s.%s.XXXXXX", (int) (name - path), path, name) < 0)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_to(fd, print, userdata);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}

enum exit_code output(const struct options *o, output_print print, void *userdata) {
        int r;

        if (!o->output) {
                print(stdout, userdata);
                return EXIT_OK;
        }
        r = write_file(o->output, print, userdata);
        if (r >= 0)
                return EXIT_OK;
        complain("Cannot write %s: %s.", o->output, strerror(-r));
        return EXIT_FAILED;
}

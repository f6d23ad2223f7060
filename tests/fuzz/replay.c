/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Feeds files, and the files in directories, to a fuzz target. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "sysfs.h"

static const struct sysfs here = { .root = AT_FDCWD };
static size_t fed;

static int feed_file(const char *path) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r;

        r = sysfs_read_all(&here, &text, &size, path);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", path, strerror(-r));
                return r;
        }
        /* Said before, so that it is known which one it was. */
        printf("%s\n", path);
        fflush(stdout);
        (void) LLVMFuzzerTestOneInput((const uint8_t *) text, size);
        fed++;
        return 0;
}

static int feed_directory(const char *path) {
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        r = sysfs_list(&here, &names, "%s", path);
        for (size_t i = 0; r >= 0 && names[i]; i++) {
                char file[PATH_MAX];

                snprintf(file, sizeof(file), "%s/%s", path, names[i]);
                r = feed_file(file);
        }
        return r;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                struct stat st;

                if (stat(argv[i], &st) < 0) {
                        fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
                        return EXIT_FAILURE;
                }
                if ((S_ISDIR(st.st_mode) ? feed_directory : feed_file)(argv[i]) < 0)
                        return EXIT_FAILURE;
        }
        printf("%zu files\n", fed);
        /* Where there was nothing to feed, nothing was tested. */
        return fed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

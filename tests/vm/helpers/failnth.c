/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failnth N write FILE TEXT
 * failnth N load MODULE.ko
 * failnth N unload MODULE
 *
 * Does one thing while the Nth allocation of it fails, and prints how that ended, "ok"
 * or the name of an error, and "failed" or "untouched": whether there were as many
 * allocations at all.  The kernel must be made for it (CONFIG_FAULT_INJECTION), and
 * /sys/kernel/debug/failslab and fail_page_alloc say which allocations count.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int usage(void) {
        fprintf(stderr, "usage: failnth N write FILE TEXT | load FILE | unload MODULE\n");
        return 2;
}

int main(int argc, char **argv) {
        int nth, fd = -1, error = 0;
        char left[16] = "";
        long rc;

        if (argc < 4 || (!strcmp(argv[2], "write") && argc < 5))
                return usage();
        /* All is opened before, so that it does not count. */
        nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
        if (nth < 0) {
                perror("failnth: fail-nth");
                return 2;
        }
        if (strcmp(argv[2], "unload")) {
                fd = open(argv[3], (strcmp(argv[2], "load") ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
                if (fd < 0) {
                        perror(argv[3]);
                        return 2;
                }
        }
        if (write(nth, argv[1], strlen(argv[1])) < 0) {
                perror("failnth: fail-nth");
                return 2;
        }
        if (!strcmp(argv[2], "write"))
                rc = write(fd, argv[4], strlen(argv[4]));
        else if (!strcmp(argv[2], "load"))
                rc = syscall(SYS_finit_module, fd, "", 0);
        else
                rc = syscall(SYS_delete_module, argv[3], O_NONBLOCK);
        if (rc < 0)
                error = errno;
        /* What is left of N: nothing, if one has failed. */
        if (pread(nth, left, sizeof(left) - 1, 0) < 0 || pwrite(nth, "0", 1, 0) < 0) {
                perror("failnth: fail-nth");
                return 2;
        }
        printf("%s %s\n", error ? strerrorname_np(error) : "ok", atoi(left) ? "untouched" : "failed");
        return 0;
}

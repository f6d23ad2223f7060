/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline ACTION COUNT PID CMD...
 *
 * Runs CMD until the kernel has told COUNT times of this action (online, offline,
 * remove) on a memory block and CMD has ended.  Prints members of a JSON object:
 * milliseconds from the start of CMD to the first and to the last of them, and the CPU
 * time, in milliseconds, of CMD and of process PID with its children, as memmapd has
 * workers (0: of no process).
 *
 * The kernel tells of each block, whoever brings it online, in device_online(); so all
 * are measured by the same clock, with nobody polling beside them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Nothing that is measured takes longer; what hangs is to fail. */
#define PATIENCE_MS (1800 * 1000)

static double ms_of(clockid_t clock) {
        struct timespec t;

        if (clock_gettime(clock, &t) < 0)
                return 0;
        return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void die(const char *what) {
        perror(what);
        exit(1);
}

static double ms_of_process(int pid) {
        clockid_t clock;

        return clock_getcpuclockid(pid, &clock) == 0 ? ms_of(clock) : 0;
}

/* Of children that have ended, which the parent has waited for. */
static double ms_of_ended(int pid) {
        unsigned long user = 0, system = 0;
        char path[64];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        f = fopen(path, "re");
        if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
                         "%lu %lu", &user, &system) != 2)
                die(path);
        fclose(f);
        return (user + system) * 1e3 / sysconf(_SC_CLK_TCK);
}

static double ms_of_living(int pid) {
        double sum = 0;
        char path[64];
        int child;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
        f = fopen(path, "re");
        if (!f)
                die(path);
        while (fscanf(f, "%d", &child) == 1)
                sum += ms_of_process(child);
        fclose(f);
        return sum;
}

/* A child that ends between the two looks is counted twice; none is missed. */
static double ms_of_family(int pid) {
        return ms_of_process(pid) + ms_of_living(pid) + ms_of_ended(pid);
}

static int uevents(void) {
        struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
        int size = 64 << 20;
        int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
            bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                die("uevents");
        return fd;
}

/* How many of those waiting tell of @prefix, "online@/devices/system/memory/memory". */
static unsigned take(int fd, const char *prefix) {
        unsigned n = 0;
        char text[8192];
        ssize_t size;

        while ((size = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
                text[size] = 0;
                n += !strncmp(text, prefix, strlen(prefix));
        }
        if (errno != EAGAIN)
                die("recv");
        return n;
}

static pid_t start(char **argv) {
        pid_t pid = fork();

        if (pid < 0)
                die("fork");
        if (pid == 0) {
                execvp(argv[0], argv);
                perror(argv[0]);
                _exit(127);
        }
        return pid;
}

int main(int argc, char **argv) {
        double begun, first = 0, last = 0, end, cpu_before = 0, cpu = 0;
        unsigned count, seen = 0;
        struct pollfd p[2];
        struct rusage used;
        char prefix[64];
        int status = 0, watched;
        pid_t child;

        if (argc < 5) {
                fprintf(stderr, "usage: timeline ACTION COUNT PID CMD...\n");
                return 2;
        }
        snprintf(prefix, sizeof(prefix), "%s@/devices/system/memory/memory", argv[1]);
        count = strtoul(argv[2], NULL, 10);
        watched = atoi(argv[3]);

        p[0] = (struct pollfd) { .fd = uevents(), .events = POLLIN };
        if (watched)
                cpu_before = ms_of_family(watched);
        begun = ms_of(CLOCK_MONOTONIC);
        child = start(argv + 4);
        p[1] = (struct pollfd) { .fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
        while (seen < count || p[1].fd >= 0) {
                double now = ms_of(CLOCK_MONOTONIC);
                unsigned n;

                if (now - begun > PATIENCE_MS || poll(p, 2, PATIENCE_MS) <= 0) {
                        fprintf(stderr, "timeline: %u of %u blocks\n", seen, count);
                        return 1;
                }
                n = take(p[0].fd, prefix);
                now = ms_of(CLOCK_MONOTONIC);
                if (n && !seen)
                        first = now - begun;
                if (n && seen < count)
                        last = now - begun;
                seen += n;
                if (p[1].revents) {
                        if (waitpid(child, &status, 0) < 0)
                                die("waitpid");
                        if (status) {
                                fprintf(stderr, "timeline: %s: status %d\n", argv[4], status);
                                return 1;
                        }
                        close(p[1].fd);
                        p[1] = (struct pollfd) { .fd = -1 };
                }
        }
        end = ms_of(CLOCK_MONOTONIC) - begun;
        if (getrusage(RUSAGE_CHILDREN, &used) < 0)
                die("getrusage");
        if (watched)
                cpu = ms_of_family(watched) - cpu_before;
        cpu += used.ru_utime.tv_sec * 1e3 + used.ru_utime.tv_usec / 1e3 + used.ru_stime.tv_sec * 1e3 +
               used.ru_stime.tv_usec / 1e3;
        printf("\"blocks\": %u, \"first\": %.1f, \"last\": %.1f, \"end\": %.1f, \"cpu\": %.1f\n", seen,
               first, last, end, cpu);
        return 0;
}

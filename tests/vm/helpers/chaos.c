/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * chaos SECONDS SEED FIRST LAST DEVICE...
 *
 * Does to the module, all at once, what anybody may do at any time: processes plug
 * and unplug blocks of the devices, read whatever can be read, bind and unbind, take
 * the module out and put it back, and bring the memory blocks FIRST to LAST online and
 * offline as an operator would.  Signals come amid all that.  Ebb and flow: every few
 * seconds everything is taken out, as else the module could never go.
 *
 * Each process draws from a generator of its own, seeded by SEED.  An error that the
 * interface does not document for what was done ends it with status 1; else it
 * prints how often each thing ended in which way.  What state it leaves is random.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DRIVER "/sys/bus/dax/drivers/memmapd_kmem/"
#define MAX_ERRNO 134
#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

enum { PLUG, UNPLUG, WHERE, ONLINE, OFFLINE, BIND, UNBIND, NEW_ID, REMOVE_ID, RECLAIM,
       READ, RMMOD, INSMOD, N_ACTS };

/* What each may end with, besides success; ENOENT and ENODEV: it is not there now. */
static const struct {
        const char *name;
        int errors[12];
} acts[N_ACTS] = {
        [PLUG] = { "plug", { ENOENT, ENODEV, EEXIST, EINTR, ENOMEM } },
        [UNPLUG] = { "unplug", { ENOENT, ENODEV, EBUSY, EINTR, ENOMEM } },
        [WHERE] = { "memmap_on_memory", { ENOENT, ENODEV, EINTR, EOPNOTSUPP } },
        /* EPERM: refused by a notifier, as by ours while it is being added. */
        [ONLINE] = { "online", { ENOENT, ENODEV, EINVAL, EBUSY, EINTR, EPERM, ENOMEM } },
        [OFFLINE] = { "offline", { ENOENT, ENODEV, EINVAL, EBUSY, EINTR, ENOMEM } },
        [BIND] = { "bind", { ENOENT, ENODEV, EBUSY, EINTR, EINVAL } },
        [UNBIND] = { "unbind", { ENOENT, ENODEV } },
        [NEW_ID] = { "new_id", { ENOENT, ENODEV } },
        [REMOVE_ID] = { "remove_id", { ENOENT, ENODEV } },
        [RECLAIM] = { "reclaim", { ENOENT, ENODEV } },
        [READ] = { "read", { ENOENT, ENODEV, EINTR } },
        /* EAGAIN: it is in use. */
        [RMMOD] = { "rmmod", { EAGAIN, EBUSY } },
        [INSMOD] = { "insmod", { 0 } },
};

/* Seen by all processes. */
static struct shared {
        unsigned long count[N_ACTS][MAX_ERRNO];
        bool ebb;
        bool failed;
} *shared;

static uint64_t state;
static char **devices;
static unsigned n_devices, first, last;
static char module_path[256];

/* xorshift64*, seeded through splitmix64 so that seeds in a row have nothing in common. */
static void seed_with(uint64_t seed) {
        seed += 0x9e3779b97f4a7c15;
        seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
        seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
        state = (seed ^ (seed >> 31)) | 1;
}

static unsigned below(unsigned n) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return (unsigned) ((state * 0x2545f4914f6cdd1d) >> 33) % n;
}

static void doze(unsigned max_ms) {
        struct timespec t = { 0, (long) below(max_ms) * 1000000 };

        nanosleep(&t, NULL);
}

static void fail(const char *format, ...) {
        va_list args;

        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
        fflush(stdout);
        shared->failed = true;
        _exit(1);
}

/* Counts how ACT ended; undocumented ways are the end. */
static void count(int act, const char *what, int error) {
        bool known = error == 0;

        for (unsigned i = 0; i < N_ELEMENTS(acts[act].errors); i++)
                known |= error == acts[act].errors[i];
        if (!known || error >= MAX_ERRNO)
                fail("chaos: %s %s: %s", acts[act].name, what, strerror(error));
        __atomic_fetch_add(&shared->count[act][error], 1, __ATOMIC_RELAXED);
}

/* Writes TEXT to a file; 0 or an errno. */
static int write_to(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

        if (fd < 0)
                return errno;
        if (write(fd, text, strlen(text)) < 0)
                error = errno;
        close(fd);
        return error;
}

static const char *device(void) { return devices[below(n_devices)]; }

/* ---------------------------------------------------------------- the processes */

static long blocks_of(const char *dev) {
        char path[128], text[32] = "";
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/memmapd/blocks", dev);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        if (read(fd, text, sizeof(text) - 1) < 0)
                text[0] = 0;
        close(fd);
        return atol(text);
}

static void plug(void) {
        const char *dev = device();
        long n = blocks_of(dev);
        char path[128], text[64];
        int act = shared->ebb || below(5) < 2 ? UNPLUG : PLUG;

        if (!n) {
                doze(50);
                return;
        }
        if (below(10) == 0) {
                act = WHERE;
                snprintf(text, sizeof(text), "%u", below(2));
        } else if (below(2)) {
                snprintf(text, sizeof(text), "%u", below((unsigned) n));
        } else {
                snprintf(text, sizeof(text), "%u-%u", below((unsigned) n), below((unsigned) n));
        }
        snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/memmapd/%s", dev, acts[act].name);
        count(act, text, write_to(path, text));
}

static void online(void) {
        int act = (shared->ebb && below(4)) || below(5) < 2 ? OFFLINE : ONLINE;
        char path[128];

        /* One that is there, most of the time. */
        for (int try = 0; try < 10; try++) {
                snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%u/state",
                         first + below(last - first + 1));
                if (access(path, F_OK) == 0)
                        break;
        }
        count(act, path, write_to(path, act == ONLINE ? "online_movable" : "offline"));
        doze(20);
}

static void bind(void) {
        static const int all[] = { BIND, UNBIND, NEW_ID, NEW_ID, REMOVE_ID, RECLAIM, RECLAIM };
        int act = shared->ebb && below(2) ? RECLAIM : all[below(N_ELEMENTS(all))];
        const char *text = act == RECLAIM ? "1" : device();
        char path[128];

        snprintf(path, sizeof(path), DRIVER "%s", acts[act].name);
        count(act, text, write_to(path, text));
        doze(400);
}

/* The map: as long as it should be, and of the letters it may have. */
static void read_map(const char *dev) {
        char path[128], map[4096];
        long n = blocks_of(dev), off = n ? below((unsigned) n + 2) : 0;
        ssize_t got;
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/memmapd/map", dev);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        got = fd < 0 ? -1 : pread(fd, map, 1 + below(sizeof(map) - 1), off);
        count(READ, path, got < 0 ? errno : 0);
        for (ssize_t i = 0; i < got; i++)
                if (!strchr(".dsr-", map[i]) || !map[i])
                        fail("chaos: %s has a byte %#x", path, map[i]);
        if (n && got > (n > off ? n - off : 0))
                fail("chaos: %s has %zd bytes from %ld on", path, got, off);
        if (fd >= 0)
                close(fd);
}

static void look(void) {
        static const char *const names[] = { "block_size", "trimmed", "memmap_size",
                                             "memmap_on_memory", "memmap_on_memory_supported" };
        char path[128], text[4096];
        int fd;

        read_map(device());
        if (below(2))
                snprintf(path, sizeof(path), DRIVER "orphans");
        else
                snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/memmapd/%s", device(),
                         names[below(N_ELEMENTS(names))]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        count(READ, path, fd < 0 || read(fd, text, sizeof(text)) < 0 ? errno : 0);
        if (fd >= 0)
                close(fd);
        doze(10);
}

static void insert(void) {
        int fd = open(module_path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                fail("chaos: %s: %m", module_path);
        /* A loading may be cut short by a signal. */
        while (syscall(SYS_finit_module, fd, "", 0) < 0)
                if (errno != EINTR)
                        count(INSMOD, module_path, errno);
        count(INSMOD, module_path, 0);
        close(fd);
}

static void module(void) {
        int error = syscall(SYS_delete_module, "memmapd_kmem", O_NONBLOCK) < 0 ? errno : 0;

        count(RMMOD, "", error);
        doze(400);
        if (error)
                return;
        insert();
        for (unsigned i = 0; i < n_devices; i++)
                count(NEW_ID, devices[i], write_to(DRIVER "new_id", devices[i]));
}

/* ---------------------------------------------------------------- all of them */

static void (*const work[])(void) = { plug, plug, plug, online, online, bind, look, module };
static pid_t pids[N_ELEMENTS(work)];

static void noted(int number) { (void) number; }

static pid_t begin(unsigned i, uint64_t seed) {
        struct sigaction action = { .sa_handler = noted };
        pid_t pid = fork();

        if (pid)
                return pid;
        seed_with(seed * N_ELEMENTS(work) + i);
        sigaction(SIGUSR1, &action, NULL);
        for (;;)
                work[i]();
}

/* What has never worked has not been tested. */
static bool all_done(void) {
        /* The chance to meet a device that has an id and no driver is small. */
        for (int act = 0; act < N_ACTS; act++)
                if (act != BIND && !shared->count[act][0])
                        return false;
        return true;
}

/* The parent: time, tides and signals.  A slow machine gets more of the time. */
static void conduct(unsigned seconds) {
        time_t now, start = time(NULL);

        while ((now = time(NULL)) < start + 6 * (time_t) seconds && !shared->failed) {
                if (now >= start + (time_t) seconds && all_done())
                        break;
                shared->ebb = (now - start) % 8 >= 5;
                doze(300);
                /* The module's own process is not to lose its word. */
                kill(pids[below(N_ELEMENTS(work) - 1)], SIGUSR1);
        }
}

/* Ends the processes; one that does not end hangs in the kernel. */
static bool end(unsigned patience) {
        unsigned left = N_ELEMENTS(work);

        for (unsigned i = 0; i < N_ELEMENTS(work); i++)
                kill(pids[i], i + 1 < N_ELEMENTS(work) ? SIGKILL : SIGTERM);
        for (unsigned t = 0; left && t < patience * 10; t++) {
                while (left && waitpid(-1, NULL, WNOHANG) > 0)
                        left--;
                usleep(100000);
        }
        if (left)
                printf("chaos: %u processes hang\n", left);
        return !left;
}

static void report(void) {
        for (int act = 0; act < N_ACTS; act++) {
                printf("chaos: %-16s", acts[act].name);
                for (int e = 0; e < MAX_ERRNO; e++)
                        if (shared->count[act][e])
                                printf(" %lu %s", shared->count[act][e],
                                       e ? strerrorname_np(e) : "ok");
                putchar('\n');
        }
}

int main(int argc, char **argv) {
        struct utsname uts;
        uint64_t seed;
        bool ok;

        if (argc < 6)
                return 2;
        seed = strtoull(argv[2], NULL, 10);
        first = (unsigned) atoi(argv[3]);
        last = (unsigned) atoi(argv[4]);
        devices = argv + 5;
        n_devices = (unsigned) argc - 5;
        uname(&uts);
        snprintf(module_path, sizeof(module_path), "/lib/modules/%s/extra/memmapd_kmem.ko",
                 uts.release);
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
        if (shared == MAP_FAILED)
                return 2;

        printf("chaos: seed %s\n", argv[2]);
        fflush(stdout);
        seed_with(seed ^ 0xffff);
        for (unsigned i = 0; i < N_ELEMENTS(work); i++)
                pids[i] = begin(i, seed);
        conduct((unsigned) atoi(argv[1]));
        ok = end(300);
        report();
        if (!all_done())
                printf("chaos: not everything has succeeded\n");
        return ok && !shared->failed && all_done() ? 0 : 1;
}

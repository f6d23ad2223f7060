/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel, for tests of the execution of plans.  The linker hands sysfs_write() to
 * this file (--wrap): it changes the made-up tree as the real one would, and fails where
 * it is told to.  So it does with the time.
 */
#pragma once

#include "unit.h"

#include <errno.h>
#include <time.h>

#include "exec.h"
#include "probe.h"
#include "tree.h"

#define DAX "sys/bus/dax/devices/dax0.0"
#define MEMMAPD DAX "/memmapd"
#define MEMORY "sys/devices/system/memory/memory"
#define PAGE 4096ULL

#define N 6
#define FIRST 32                        /* number of the first block */

/* One line for what is written, and what goes wrong with it. */
struct fault {
        const char *line;
        int error;                      /* negative */
        int times;
};

static struct kernel {
        struct tree tree;
        char map[N + 1];
        bool altmap, disobedient;       /* the latter: all memmaps go to RAM */
        uint64_t ram_free;              /* bytes of node 0 */
        uint64_t reserve;               /* bytes of these that the policy leaves alone */
        uint64_t seed_total, seed_free; /* of node 1 */
        struct fault faults[8];
        void (*before)(const char *line);
        char log[2048];
        int sleeps;
        uint64_t ms, write_ms;          /* the time, and what a write takes of it */
        struct pressure limits;
        const char *pressure[8];        /* after so many sleeps; NULL: as before */

        char events[2048];
        struct exec_event last, diverged;
        size_t reports, refuse_report;  /* the n-th report is refused; 0: none */
} k;

static inline void write_zones(void) {
        static const char format[] =
                "Node %d, zone   Normal\n  pages free     %llu\n        min      0\n"
                "        low      0\n        high     0\n        managed  %llu\n"
                "        protection: (0, 0, 0, 0)\n";
        char zones[512], nodes[2][256];

        snprintf(nodes[0], sizeof(nodes[0]), format, 0, k.ram_free / PAGE, GiB / PAGE);
        snprintf(nodes[1], sizeof(nodes[1]), format, 1, k.seed_free / PAGE, k.seed_total / PAGE);
        snprintf(zones, sizeof(zones), "%s%s", nodes[0], nodes[1]);
        tree_put(&k.tree, "proc/zoneinfo", "%s", zones);
        tree_put(&k.tree, "proc/buddyinfo",
                 "Node 0, zone Normal 0 0 0 0 0 0 0 0 0 0 0\n"
                 "Node 1, zone Normal 0 0 0 0 0 0 0 0 0 %llu 0\n", k.seed_free / PAGE / 512);
}

static inline void write_block(int number, const char *state, const char *zones) {
        char path[128];

        snprintf(path, sizeof(path), MEMORY "%d/state", number);
        tree_put(&k.tree, path, "%s\n", state);
        snprintf(path, sizeof(path), MEMORY "%d/valid_zones", number);
        tree_put(&k.tree, path, "%s\n", zones);
}

static inline void take_block_away(int number) {
        char path[128];

        snprintf(path, sizeof(path), MEMORY "%d", number);
        tree_delete(&k.tree, path);
        k.map[number - FIRST] = '.';
        tree_put(&k.tree, MEMMAPD "/map", "%s", k.map);
}

static inline void bring_online(int number, const char *zone) {
        write_block(number, "online", zone);
        if (strcmp(zone, "Normal") != 0)
                return;
        k.seed_total += BLOCK_SIZE;
        k.seed_free += BLOCK_SIZE;
        write_zones();
}

static inline char place_memmap(void) {
        if (k.altmap && !k.disobedient)
                return 'd';
        if (k.seed_free >= MEMMAP_SIZE && !k.disobedient) {
                k.seed_free -= MEMMAP_SIZE;
                return 's';
        }
        k.ram_free -= MEMMAP_SIZE;
        return 'r';
}

static inline int plug(size_t i) {
        if (k.map[i] != '.')
                return -EEXIST;
        k.map[i] = place_memmap();
        tree_put(&k.tree, MEMMAPD "/map", "%s", k.map);
        write_block(FIRST + (int) i, "offline", "Normal Movable");
        write_zones();
        return 0;
}

static inline int unplug(int i) {
        if (k.map[i] == '.')
                return -ENOENT;
        take_block_away(FIRST + i);
        return 0;
}

static inline void bind_to(const char *driver) {
        char target[128];

        snprintf(target, sizeof(target), "../../../bus/dax/drivers/%s", driver);
        tree_link(&k.tree, DAX "/driver", target);
}

static inline void show_pressure(void) {
        const char *now = (size_t) k.sleeps < COUNT(k.pressure) ? k.pressure[k.sleeps] : NULL;

        if (now)
                tree_put(&k.tree, "proc/pressure/memory", "some avg10=%s avg60=0.00\n", now);
}

/* The line of the log for a write, without the parts that are always the same. */
static inline void make_line(const char *path, const char *text, char *buf, size_t size) {
        const char *name = base_of(path);
        char driver[32];
        int number;

        if (sscanf(path, MEMORY "%d/state", &number) == 1)
                snprintf(buf, size, "%d %s", number, text);
        else if (sscanf(path, "sys/bus/dax/drivers/%31[^/]/", driver) == 1)
                snprintf(buf, size, "%s %s", driver, name);
        else
                snprintf(buf, size, "%s %s", name, text);
}

static inline int fault_of(const char *line) {
        for (size_t i = 0; i < COUNT(k.faults); i++) {
                struct fault *f = &k.faults[i];

                if (f->line && f->times > 0 && strcmp(f->line, line) == 0) {
                        f->times--;
                        return f->error;
                }
        }
        return 0;
}

static inline int act(const char *line) {
        char driver[32], what[32];
        int number;

        if (sscanf(line, "plug %d", &number) == 1)
                return plug((size_t) number);
        if (sscanf(line, "unplug %d", &number) == 1)
                return unplug(number);
        if (sscanf(line, "memmap_on_memory %d", &number) == 1)
                k.altmap = number == 1;
        else if (sscanf(line, "%d online_%31s", &number, what) == 2)
                bring_online(number, strcmp(what, "kernel") == 0 ? "Normal" : "Movable");
        else if (sscanf(line, "%31s %31s", driver, what) == 2) {
                if (strcmp(what, "unbind") == 0)
                        tree_delete(&k.tree, DAX "/driver");
                else if (strcmp(what, "bind") == 0 || strcmp(what, "new_id") == 0)
                        bind_to(driver);
        }
        return 0;
}

static inline void append(char *to, size_t size, const char *line) {
        size_t n = strlen(to);

        assert_true((size_t) snprintf(to + n, size - n, "%s%s", n ? ", " : "", line) < size - n);
}

int __wrap_sysfs_write(const struct sysfs *s, const char *text, const char *format, ...)
        _printf_(3, 4);
int __wrap_nanosleep(const struct timespec *t, struct timespec *rest);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_sysfs_write(const struct sysfs *s, const char *text, const char *format, ...) {
        char path[SYSFS_PATH_MAX], line[SYSFS_PATH_MAX + 32];
        va_list ap;
        int r;

        assert_ptr_equal(s, &k.tree.sysfs);
        va_start(ap, format);
        vsnprintf(path, sizeof(path), format, ap);
        va_end(ap);
        make_line(path, text, line, sizeof(line));
        append(k.log, sizeof(k.log), line);
        if (k.before)
                k.before(line);
        k.ms += k.write_ms;
        r = fault_of(line);
        return r < 0 ? r : act(line);
}

/* Nobody shall wait for the tests. */
int __wrap_nanosleep(const struct timespec *t, struct timespec *rest) {
        (void) rest;
        assert_true(t->tv_sec > 0 || t->tv_nsec > 0);
        k.sleeps++;
        show_pressure();
        return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *t) {
        (void) clock;
        *t = (struct timespec) { (time_t) (k.ms / 1000), (long) (k.ms % 1000) * 1000000 };
        return 0;
}

/* A device on node 1 that is bound, RAM for 100 memmaps, no seeds. */
static inline int make_machine(void **state) {
        (void) state;
        k = (struct kernel) { .ram_free = 100 * MEMMAP_SIZE, .write_ms = 60 };
        memset(k.map, '.', N);
        tree_make(&k.tree);
        tree_put(&k.tree, "sys/devices/system/memory/block_size_bytes", "8000000\n");
        tree_put(&k.tree, "sys/devices/system/node/node0/distance", "10 20\n");
        tree_put(&k.tree, "sys/devices/system/node/node1/distance", "20 10\n");
        tree_put(&k.tree, "sys/module/memory_hotplug/parameters/memmap_on_memory", "Y\n");
        tree_dir(&k.tree, "sys/bus/dax/drivers/memmapd_kmem");
        tree_link(&k.tree, DAX, "../../../devices/platform/hmem.0/dax0.0");
        tree_put(&k.tree, "sys/devices/platform/hmem.0/dax0.0/size", "%llu\n", N * BLOCK_SIZE);
        tree_put(&k.tree, DAX "/target_node", "1\n");
        tree_put(&k.tree, DAX "/numa_node", "0\n");
        tree_put(&k.tree, DAX "/resource", "0x%llx\n", FIRST * BLOCK_SIZE);
        tree_put(&k.tree, MEMMAPD "/blocks", "%d\n", N);
        tree_put(&k.tree, MEMMAPD "/block_size", "%llu\n", BLOCK_SIZE);
        tree_put(&k.tree, MEMMAPD "/memmap_size", "%llu\n", MEMMAP_SIZE);
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "1\n");
        tree_put(&k.tree, MEMMAPD "/map", "%s", k.map);
        bind_to("memmapd_kmem");
        write_zones();
        return 0;
}

static inline int remove_machine(void **state) {
        (void) state;
        tree_remove(&k.tree);
        return 0;
}

static inline void add_fault(const char *line, int error, int times) {
        for (size_t i = 0; i < COUNT(k.faults); i++)
                if (!k.faults[i].line) {
                        k.faults[i] = (struct fault) { line, error, times };
                        return;
                }
        fail();
}

/* Events as text: "plug 0 r", "retried 16", "failed online 3 5", "diverged plug 2". */
static inline int on_event(void *userdata, const struct exec_event *e) {
        char line[64];

        (void) userdata;
        if (e->kind == EXEC_STEP_DONE && e->step == STEP_PLUG)
                snprintf(line, sizeof(line), "plug %zu %c", e->block,
                         letter_of_placement(e->placement));
        else if (e->kind == EXEC_STEP_DONE && e->step == STEP_ONLINE)
                snprintf(line, sizeof(line), "online %zu", e->block);
        else if (e->kind == EXEC_STEP_DONE)
                snprintf(line, sizeof(line), "%s", step_to_string(e->step));
        else if (e->kind == EXEC_STEP_RETRIED)
                snprintf(line, sizeof(line), "retried %d", e->error);
        else if (e->kind == EXEC_STEP_FAILED)
                snprintf(line, sizeof(line), "failed %s %zu %d", step_to_string(e->step),
                         e->block, e->error);
        else if (e->kind == EXEC_PACED && e->error)
                snprintf(line, sizeof(line), "not paced %d", e->error);
        else if (e->kind == EXEC_PACED)
                snprintf(line, sizeof(line), "%s %d", pace_to_string(e->pace), (int) e->pressure);
        else if (e->kind == EXEC_DIVERGED)
                snprintf(line, sizeof(line), "diverged %s %zu", step_to_string(e->step), e->block);
        else
                snprintf(line, sizeof(line), "end %d", e->error);
        append(k.events, sizeof(k.events), line);
        if (e->kind == EXEC_DIVERGED)
                k.diverged = *e;
        k.last = *e;
        return ++k.reports == k.refuse_report ? -EPIPE : 0;
}

/* Looks, decides, plans and carries out, as the daemon does.  Returns what exec_run() does. */
static inline int run_with(enum memmap_mode mode, enum action action, bool stray_device) {
        const struct policy policy = { .defaults = {
                .given = SETTING_MEMMAP | SETTING_RAM_RESERVE | SETTING_ORDER | SETTING_ACTION |
                        SETTING_PRESSURE,
                .memmap = mode, .ram_reserve.value = k.reserve, .order = ORDER_ASCENDING, .action = action, .pressure = k.limits,
        } };
        struct exec_job job = { .sysfs = &k.tree.sysfs, .report = on_event };
        struct decision *decision;
        struct plan *plan;
        struct model *m;
        int r;

        assert_int_equal(probe(&k.tree.sysfs, &m), 0);
        m->devices[0].stray_device = stray_device;
        assert_int_equal(decide(m, &policy, &m->devices[0], &decision), 0);
        assert_int_equal(decision->verdict, VERDICT_TAKE);
        assert_int_equal(plan_make(m, &m->devices[0], decision, &plan), 0);
        job.model = m;
        job.device = &m->devices[0];
        job.decision = decision;
        job.plan = plan;
        r = exec_run(&job);
        plan_free(plan);
        decision_free(decision);
        model_free(m);
        /* Whatever happens, that is the last word. */
        assert_int_equal(k.last.kind, EXEC_END);
        assert_int_equal(k.last.error, -r);
        return r;
}

static inline int run(enum memmap_mode mode) {
        return run_with(mode, ACTION_ONLINE, false);
}

static inline void assert_states(const char *expected) {
        char states[N + 1] = "";

        for (int i = 0; i < N; i++) {
                struct block b = { .number = FIRST + (uint64_t) i };

                probe_block(&k.tree.sysfs, &b);
                states[i] = b.state == BLOCK_ABSENT ? '.' : b.state != BLOCK_ONLINE ? '-' :
                        letter_of_zone(b.zone);
        }
        assert_string_equal(states, expected);
}

#define ON_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)

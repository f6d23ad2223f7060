/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The execution of plans.  The linker hands sysfs_write() to this file (--wrap),
 * which is the kernel: it changes the made-up tree as the real one would, and
 * fails where it is told to.
 */
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

static void write_zones(void) {
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

static void write_block(int number, const char *state, const char *zones) {
        char path[128];

        snprintf(path, sizeof(path), MEMORY "%d/state", number);
        tree_put(&k.tree, path, "%s\n", state);
        snprintf(path, sizeof(path), MEMORY "%d/valid_zones", number);
        tree_put(&k.tree, path, "%s\n", zones);
}

static void take_block_away(int number) {
        char path[128];

        snprintf(path, sizeof(path), MEMORY "%d", number);
        tree_delete(&k.tree, path);
        k.map[number - FIRST] = '.';
        tree_put(&k.tree, MEMMAPD "/map", "%s", k.map);
}

static void bring_online(int number, const char *zone) {
        write_block(number, "online", zone);
        if (strcmp(zone, "Normal") != 0)
                return;
        k.seed_total += BLOCK_SIZE;
        k.seed_free += BLOCK_SIZE;
        write_zones();
}

static char place_memmap(void) {
        if (k.altmap && !k.disobedient)
                return 'd';
        if (k.seed_free >= MEMMAP_SIZE && !k.disobedient) {
                k.seed_free -= MEMMAP_SIZE;
                return 's';
        }
        k.ram_free -= MEMMAP_SIZE;
        return 'r';
}

static int plug(size_t i) {
        if (k.map[i] != '.')
                return -EEXIST;
        k.map[i] = place_memmap();
        tree_put(&k.tree, MEMMAPD "/map", "%s", k.map);
        write_block(FIRST + (int) i, "offline", "Normal Movable");
        write_zones();
        return 0;
}

static void bind_to(const char *driver) {
        char target[128];

        snprintf(target, sizeof(target), "../../../bus/dax/drivers/%s", driver);
        tree_link(&k.tree, DAX "/driver", target);
}

static void show_pressure(void) {
        const char *now = (size_t) k.sleeps < COUNT(k.pressure) ? k.pressure[k.sleeps] : NULL;

        if (now)
                tree_put(&k.tree, "proc/pressure/memory", "some avg10=%s avg60=0.00\n", now);
}

/* The line of the log for a write, without the parts that are always the same. */
static void make_line(const char *path, const char *text, char *buf, size_t size) {
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

static int fault_of(const char *line) {
        for (size_t i = 0; i < COUNT(k.faults); i++) {
                struct fault *f = &k.faults[i];

                if (f->line && f->times > 0 && strcmp(f->line, line) == 0) {
                        f->times--;
                        return f->error;
                }
        }
        return 0;
}

static int act(const char *line) {
        char driver[32], what[32];
        int number;

        if (sscanf(line, "plug %d", &number) == 1)
                return plug((size_t) number);
        if (sscanf(line, "unplug %d", &number) == 1)
                take_block_away(FIRST + number);
        else if (sscanf(line, "memmap_on_memory %d", &number) == 1)
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

static void append(char *to, size_t size, const char *line) {
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
static int make_machine(void **state) {
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

static int remove_machine(void **state) {
        (void) state;
        tree_remove(&k.tree);
        return 0;
}

static void add_fault(const char *line, int error, int times) {
        for (size_t i = 0; i < COUNT(k.faults); i++)
                if (!k.faults[i].line) {
                        k.faults[i] = (struct fault) { line, error, times };
                        return;
                }
        fail();
}

/* Events as text: "plug 0 r", "retried 16", "failed online 3 5", "diverged plug 2". */
static int on_event(void *userdata, const struct exec_event *e) {
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
static int run_with(enum memmap_mode mode, enum action action, bool stray_device) {
        const struct policy policy = { .defaults = {
                .given = SETTING_MEMMAP | SETTING_RAM_RESERVE | SETTING_ORDER | SETTING_ACTION |
                        SETTING_PRESSURE,
                .memmap = mode, .order = ORDER_ASCENDING, .action = action, .pressure = k.limits,
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

static int run(enum memmap_mode mode) {
        return run_with(mode, ACTION_ONLINE, false);
}

static void assert_states(const char *expected) {
        char states[N + 1] = "";

        for (int i = 0; i < N; i++) {
                struct block b = { .number = FIRST + (uint64_t) i };

                probe_block(&k.tree.sysfs, &b);
                states[i] = b.state == BLOCK_ABSENT ? '.' : b.state != BLOCK_ONLINE ? '-' :
                        letter_of_zone(b.zone);
        }
        assert_string_equal(states, expected);
}

/* All goes well */

static void steps_are_written_in_order(void **state) {
        (void) state;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.log, "memmap_on_memory 1, plug 0, 32 online_movable, "
                            "plug 1, 33 online_movable, plug 2, 34 online_movable, "
                            "plug 3, 35 online_movable, plug 4, 36 online_movable, "
                            "plug 5, 37 online_movable");
        assert_string_equal(k.events, "place, plug 0 d, online 0, plug 1 d, online 1, "
                            "plug 2 d, online 2, plug 3 d, online 3, plug 4 d, online 4, "
                            "plug 5 d, online 5, end 0");
        assert_int_equal(k.sleeps, 0);
}

static void seed_comes_online_in_the_kernel_zone(void **state) {
        (void) state;
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        assert_int_equal(run(MEMMAP_SEED), 0);
        assert_states("kmmmmm");
        assert_string_equal(k.map, "rsssss");
        assert_size(k.ram_free, 99 * MEMMAP_SIZE);
}

static void plug_alone_leaves_offline(void **state) {
        (void) state;
        assert_int_equal(run_with(MEMMAP_RAM, ACTION_PLUG, false), 0);
        assert_states("------");
        assert_string_equal(k.map, "rrrrrr");
}

/* Errors */

static void busy_block_is_tried_again(void **state) {
        (void) state;
        add_fault("33 online_movable", -EBUSY, 2);
        add_fault("plug 2", -EAGAIN, 1);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_int_equal(k.sleeps, 3);
        assert_non_null(strstr(k.events, "plug 1 d, retried 16, retried 16, online 1, "
                               "retried 11, plug 2 d, online 2"));
        assert_states("mmmmmm");
}

static void interrupted_write_is_tried_again(void **state) {
        (void) state;
        add_fault("plug 0", -EINTR, 3);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_states("mmmmmm");
}

static void block_that_stays_busy_is_given_back(void **state) {
        (void) state;
        add_fault("33 online_movable", -EBUSY, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_int_equal(k.sleeps, 3);
        assert_non_null(strstr(k.log, "plug 1, 33 online_movable, 33 online_movable, "
                               "33 online_movable, 33 online_movable, unplug 1, plug 2"));
        assert_non_null(strstr(k.events, "failed online 1 16, plug 2 d"));
        assert_states("m.mmmm");
}

static void permanent_failure_costs_one_block(void **state) {
        (void) state;
        add_fault("34 online_movable", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_int_equal(k.sleeps, 0);
        assert_non_null(strstr(k.log, "34 online_movable, unplug 2, plug 3"));
        assert_non_null(strstr(k.events, "failed online 2 5"));
        assert_states("mm.mmm");
        assert_string_equal(k.map, "dd.ddd");
}

static void failed_plug_costs_one_block(void **state) {
        (void) state;
        add_fault("plug 2", -EINVAL, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        /* Nothing to bring online, nothing to undo. */
        assert_null(strstr(k.log, "34 online_movable"));
        assert_null(strstr(k.log, "unplug"));
        assert_non_null(strstr(k.events, "failed plug 2 22, plug 3 d"));
        assert_states("mm.mmm");
}

static void three_failures_in_a_row_end_it(void **state) {
        (void) state;
        add_fault("33 online_movable", -EIO, 100);
        add_fault("34 online_movable", -EIO, 100);
        add_fault("35 online_movable", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), -EIO);
        assert_null(strstr(k.log, "plug 4"));
        assert_states("m.....");
}

static void three_plugs_in_a_row_end_it(void **state) {
        (void) state;
        add_fault("plug 0", -EIO, 100);
        add_fault("plug 1", -EIO, 100);
        add_fault("plug 2", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), -EIO);
        assert_null(strstr(k.log, "plug 3"));
}

static void failures_here_and_there_do_not_end_it(void **state) {
        (void) state;
        add_fault("32 online_movable", -EIO, 100);
        add_fault("33 online_movable", -EIO, 100);
        add_fault("35 online_movable", -EIO, 100);
        add_fault("36 online_movable", -EIO, 100);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_states("..m..m");
}

static void failures_of_plugs_here_and_there_do_not_end_it(void **state) {
        (void) state;
        add_fault("plug 0", -EIO, 100);
        add_fault("plug 2", -EIO, 100);
        add_fault("plug 4", -EIO, 100);
        assert_int_equal(run_with(MEMMAP_RAM, ACTION_PLUG, false), 0);
        assert_states(".-.-.-");
}

static void what_ails_the_machine_ends_it_at_once(void **state) {
        static const int errors[] = { -ENOMEM, -ENODEV };

        for (size_t i = 0; i < COUNT(errors); i++) {
                add_fault("plug 1", errors[i], 1);
                assert_int_equal(run(MEMMAP_DEVICE), errors[i]);
                assert_null(strstr(k.log, "plug 2"));
                remove_machine(state);
                make_machine(state);
        }
}

static void failed_place_ends_it(void **state) {
        (void) state;
        add_fault("memmap_on_memory 1", -EOPNOTSUPP, 1);
        assert_int_equal(run(MEMMAP_DEVICE), -EOPNOTSUPP);
        assert_string_equal(k.log, "memmap_on_memory 1");
        assert_string_equal(k.events, "failed place 0 95, end 95");
}

static void nobody_listens_any_more(void **state) {
        (void) state;
        k.refuse_report = 3;
        assert_int_equal(run(MEMMAP_DEVICE), -EPIPE);
        assert_null(strstr(k.log, "plug 1"));
}

static void truncate_map(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                memset(k.map + 2, 0, N - 2);
}

static void map_that_does_not_show_the_block_is_a_failure(void **state) {
        (void) state;
        k.before = truncate_map;
        assert_int_equal(run(MEMMAP_DEVICE), -EIO);
        assert_non_null(strstr(k.events, "online 1, failed plug 2 5, failed plug 3 5"));
}

/* The kernel does other than it was asked */

static void disobey_from_the_third(const char *line) {
        if (strcmp(line, "plug 2") == 0)
                k.disobedient = true;
}

static void stray_in_ram_ends_it_before_the_next(void **state) {
        (void) state;
        k.before = disobey_from_the_third;
        assert_int_equal(run(MEMMAP_DEVICE), -ESTALE);
        assert_null(strstr(k.log, "plug 3"));
        /* Where it is, is told: the daemon counts it. */
        assert_non_null(strstr(k.events, "diverged plug 2, plug 2 r, end 116"));
        assert_true(k.diverged.stray);
        assert_int_equal(k.diverged.planned, PLACEMENT_DEVICE);
        assert_true(strlen(k.diverged.text) > 0);
}

static void stray_from_a_seed_ends_it_too(void **state) {
        (void) state;
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        k.before = disobey_from_the_third;
        assert_int_equal(run(MEMMAP_SEED), -ESTALE);
        assert_int_equal(k.diverged.planned, PLACEMENT_SEED);
        assert_string_equal(k.map, "rsr...");
}

/* A seed instead of RAM harms nobody. */
static void better_than_planned_is_no_divergence(void **state) {
        (void) state;
        k.seed_total = BLOCK_SIZE;
        k.seed_free = BLOCK_SIZE;
        bring_online(99, "Normal");
        assert_int_equal(run(MEMMAP_RAM), 0);
        assert_states("mmmmmm");
}

static void eat_ram(const char *line) {
        if (strcmp(line, "33 online_movable") == 0) {
                k.ram_free = MEMMAP_SIZE - PAGE;
                write_zones();
        }
}

static void ram_is_looked_at_again_and_again(void **state) {
        (void) state;
        k.before = eat_ram;
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rr....");
        assert_non_null(strstr(k.events, "online 1, diverged plug 2, end 116"));
        assert_false(k.diverged.stray);
}

/* 100 memmaps would fit: a moment later, the next 50 do. */
static void look_holds_for_a_moment(void **state) {
        (void) state;
        k.before = eat_ram;
        k.write_ms = 1;
        assert_int_equal(run(MEMMAP_RAM), 0);
        assert_string_equal(k.map, "rrrrrr");
}

static void leave_ram_for_one(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                k.ram_free = 2 * MEMMAP_SIZE - PAGE;
}

/* Half of what was there is for others. */
static void look_holds_for_half_of_what_it_found(void **state) {
        (void) state;
        k.before = leave_ram_for_one;
        k.write_ms = 1;
        k.ram_free = 6 * MEMMAP_SIZE + MEMMAP_SIZE / 2;
        write_zones();
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rrr...");
}

static void what_needs_no_ram_does_not_look_at_it(void **state) {
        (void) state;
        k.before = eat_ram;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
}

static void after_a_stray_it_looks_all_the_same(void **state) {
        (void) state;
        k.before = eat_ram;
        assert_int_equal(run_with(MEMMAP_DEVICE, ACTION_ONLINE, true), -ESTALE);
        assert_string_equal(k.map, "dd....");
}

static void eat_seeds(const char *line) {
        if (strcmp(line, "33 online_movable") == 0) {
                k.seed_free = MEMMAP_SIZE - PAGE;
                write_zones();
        }
}

static void seeds_are_looked_at_again_and_again(void **state) {
        (void) state;
        tree_put(&k.tree, MEMMAPD "/memmap_on_memory_supported", "0 no\n");
        k.before = eat_seeds;
        assert_int_equal(run(MEMMAP_SEED), -ESTALE);
        assert_string_equal(k.map, "rs....");
        assert_false(k.diverged.stray);
}

static void take_node_away(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                tree_delete(&k.tree, "sys/devices/system/node/node0");
}

static void payer_that_goes_ends_it(void **state) {
        (void) state;
        k.before = take_node_away;
        assert_int_equal(run(MEMMAP_RAM), -ESTALE);
        assert_string_equal(k.map, "rr....");
}

/* Others */

static void plug_behind_our_back(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                plug(2);
}

static void block_that_somebody_plugged_is_ours_too(void **state) {
        (void) state;
        k.before = plug_behind_our_back;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_states("mmmmmm");
}

static void online_behind_our_back(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                bring_online(33, "Movable");
}

static void race_that_somebody_won_is_no_failure(void **state) {
        (void) state;
        k.before = online_behind_our_back;
        add_fault("33 online_movable", -EINVAL, 1);
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_null(strstr(k.log, "unplug"));
        assert_states("mmmmmm");
}

static void online_in_another_zone(const char *line) {
        if (strcmp(line, "33 online_movable") == 0)
                bring_online(33, "Normal");
}

static void other_zone_is_not_fought_over(void **state) {
        (void) state;
        k.before = online_in_another_zone;
        add_fault("33 online_movable", -EINVAL, 1);
        assert_int_equal(run(MEMMAP_DEVICE), -ESTALE);
        assert_non_null(strstr(k.events, "diverged online 1, end 116"));
        assert_false(k.diverged.stray);
        assert_null(strstr(k.log, "unplug"));
        assert_states("mk....");
}

/* What is online by the time its turn comes is not written to. */
static void online_at_once(const char *line) {
        if (strcmp(line, "33 online_movable") == 0) {
                plug(2);
                bring_online(34, "Movable");
        }
}

static void block_online_already_is_not_written_to(void **state) {
        (void) state;
        k.before = online_at_once;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_null(strstr(k.log, "34 online_movable"));
        assert_non_null(strstr(k.events, "plug 2 d, online 2"));
}

/* Blocks 0 and 1 are plugged; while 0 comes online, somebody unplugs 1. */
static void vanish(const char *line) {
        if (strcmp(line, "32 online_movable") == 0)
                take_block_away(33);
}

static void block_that_vanished_is_passed_over(void **state) {
        (void) state;
        plug(0);
        plug(1);
        k.before = vanish;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_null(strstr(k.log, "33 online"));
        assert_null(strstr(k.events, "failed"));
        assert_null(strstr(k.events, "online 1"));
        assert_states("m.mmmm");
}

/* Binding */

static void bound_from_no_driver(void **state) {
        (void) state;
        tree_delete(&k.tree, DAX "/driver");
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        /* The id does not stay, or the device would come back by itself. */
        assert_string_equal(k.log, "memmapd_kmem new_id, memmapd_kmem remove_id");
        assert_string_equal(k.events, "bind, end 0");
}

static void bound_from_kmem(void **state) {
        (void) state;
        bind_to("kmem");
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.log, "kmem unbind, memmapd_kmem new_id, memmapd_kmem remove_id");
}

static void old_driver_comes_back_if_it_cannot_be_bound(void **state) {
        (void) state;
        bind_to("kmem");
        add_fault("memmapd_kmem new_id", -EINVAL, 1);
        assert_int_equal(run(MEMMAP_DEVICE), -EINVAL);
        assert_string_equal(k.log, "kmem unbind, memmapd_kmem new_id, memmapd_kmem remove_id, "
                            "kmem bind");
        assert_string_equal(k.events, "failed bind 0 22, end 22");
}

static void unbind_that_fails_ends_it(void **state) {
        (void) state;
        bind_to("kmem");
        add_fault("kmem unbind", -EBUSY, 100);
        assert_int_equal(run(MEMMAP_DEVICE), -EBUSY);
        assert_string_equal(k.log, "kmem unbind");
}

static void bind_elsewhere(const char *line) {
        if (strcmp(line, "memmapd_kmem remove_id") == 0)
                bind_to("device_dax");
}

static void device_that_another_driver_got_is_not_ours(void **state) {
        (void) state;
        tree_delete(&k.tree, DAX "/driver");
        k.before = bind_elsewhere;
        assert_int_equal(run(MEMMAP_DEVICE), -EBUSY);
}

static void unbind_it(const char *line) {
        if (strcmp(line, "memmapd_kmem remove_id") == 0)
                tree_delete(&k.tree, DAX "/driver");
}

static void probe_that_failed_is_told(void **state) {
        (void) state;
        tree_delete(&k.tree, DAX "/driver");
        k.before = unbind_it;
        assert_int_equal(run(MEMMAP_DEVICE), -ENODEV);
}

/* Pressure */

static void waits_and_slows_down(void **state) {
        (void) state;
        k.limits = (struct pressure) { .slow = 1000, .stop = 4000 };
        k.pressure[0] = "40.00";
        k.pressure[2] = "12.34";
        k.pressure[5] = "0.00";
        show_pressure();
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.events, "place, stopped 4000, stopped 4000, slow 1234, plug 0 d, "
                            "online 0, plug 1 d, online 1, plug 2 d, online 2, full 0, "
                            "plug 3 d, online 3, plug 4 d, online 4, plug 5 d, online 5, end 0");
        assert_int_equal(k.sleeps, 5);
        assert_states("mmmmmm");
}

static void pressure_that_is_not_told(void **state) {
        (void) state;
        k.limits.stop = 1;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        assert_string_equal(k.events, "place, not paced 2, plug 0 d, online 0, plug 1 d, online 1, "
                            "plug 2 d, online 2, plug 3 d, online 3, plug 4 d, online 4, "
                            "plug 5 d, online 5, end 0");
        assert_int_equal(k.sleeps, 0);
}

static void pressure_that_cannot_be(void **state) {
        static const char *const texts[] = { "", "banana", "-1.00", "101.00", "5" };

        (void) state;
        for (size_t i = 0; i < COUNT(texts); i++) {
                char expected[32];

                remove_machine(state);
                make_machine(state);
                k.limits.stop = 1;
                k.pressure[0] = texts[i];
                show_pressure();
                assert_int_equal(run(MEMMAP_DEVICE), 0);
                snprintf(expected, sizeof(expected), "place, not paced %d, plug 0", EBADMSG);
                assert_memory_equal(k.events, expected, strlen(expected));
        }
}

static void nobody_listens_while_it_waits(void **state) {
        (void) state;
        k.limits.stop = 1000;
        k.pressure[0] = "50.00";
        show_pressure();
        k.refuse_report = 3;
        assert_int_equal(run(MEMMAP_DEVICE), -EPIPE);
        assert_states("......");
}

/* Taking back */

static int take_back(size_t n, const size_t *blocks) {
        struct step steps[N];
        struct plan plan = { .n_steps = n, .steps = steps };
        struct decision decision = {};
        struct exec_job job = {
                .sysfs = &k.tree.sysfs, .report = on_event, .plan = &plan, .decision = &decision,
        };
        struct model *m;
        int r;

        for (size_t i = 0; i < n; i++)
                steps[i] = (struct step) { .kind = STEP_TAKE_BACK, .block = blocks[i] };
        k.events[0] = k.log[0] = '\0';
        assert_int_equal(probe(&k.tree.sysfs, &m), 0);
        job.model = m;
        job.device = &m->devices[0];
        r = exec_run(&job);
        model_free(m);
        return r;
}

/* All that can be, whatever the others do. */
static void each_that_can_be_is_taken_back(void **state) {
        static const size_t blocks[] = { 5, 4, 3, 2, 1, 0 };

        (void) state;
        assert_int_equal(run(MEMMAP_DEVICE), 0);
        take_block_away(FIRST + 5);
        for (int i = 1; i < 5; i++) {
                static char lines[5][16];

                snprintf(lines[i], sizeof(lines[i]), "unplug %d", i);
                add_fault(lines[i], -EBUSY, 100);
        }
        assert_int_equal(take_back(6, blocks), 0);
        assert_non_null(strstr(k.events, "failed take back 4 16"));
        assert_non_null(strstr(k.events, "failed take back 1 16"));
        assert_states(".mmmm.");
}

#define ON_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_MACHINE(steps_are_written_in_order),
                ON_MACHINE(seed_comes_online_in_the_kernel_zone),
                ON_MACHINE(plug_alone_leaves_offline),
                ON_MACHINE(busy_block_is_tried_again),
                ON_MACHINE(interrupted_write_is_tried_again),
                ON_MACHINE(block_that_stays_busy_is_given_back),
                ON_MACHINE(permanent_failure_costs_one_block),
                ON_MACHINE(failed_plug_costs_one_block),
                ON_MACHINE(three_failures_in_a_row_end_it),
                ON_MACHINE(three_plugs_in_a_row_end_it),
                ON_MACHINE(failures_here_and_there_do_not_end_it),
                ON_MACHINE(failures_of_plugs_here_and_there_do_not_end_it),
                ON_MACHINE(what_ails_the_machine_ends_it_at_once),
                ON_MACHINE(failed_place_ends_it),
                ON_MACHINE(nobody_listens_any_more),
                ON_MACHINE(map_that_does_not_show_the_block_is_a_failure),
                ON_MACHINE(stray_in_ram_ends_it_before_the_next),
                ON_MACHINE(stray_from_a_seed_ends_it_too),
                ON_MACHINE(better_than_planned_is_no_divergence),
                ON_MACHINE(ram_is_looked_at_again_and_again),
                ON_MACHINE(look_holds_for_a_moment),
                ON_MACHINE(look_holds_for_half_of_what_it_found),
                ON_MACHINE(what_needs_no_ram_does_not_look_at_it),
                ON_MACHINE(after_a_stray_it_looks_all_the_same),
                ON_MACHINE(seeds_are_looked_at_again_and_again),
                ON_MACHINE(payer_that_goes_ends_it),
                ON_MACHINE(block_that_somebody_plugged_is_ours_too),
                ON_MACHINE(race_that_somebody_won_is_no_failure),
                ON_MACHINE(other_zone_is_not_fought_over),
                ON_MACHINE(block_online_already_is_not_written_to),
                ON_MACHINE(block_that_vanished_is_passed_over),
                ON_MACHINE(bound_from_no_driver),
                ON_MACHINE(bound_from_kmem),
                ON_MACHINE(old_driver_comes_back_if_it_cannot_be_bound),
                ON_MACHINE(unbind_that_fails_ends_it),
                ON_MACHINE(device_that_another_driver_got_is_not_ours),
                ON_MACHINE(probe_that_failed_is_told),
                ON_MACHINE(waits_and_slows_down),
                ON_MACHINE(pressure_that_is_not_told),
                ON_MACHINE(pressure_that_cannot_be),
                ON_MACHINE(nobody_listens_while_it_waits),
                ON_MACHINE(each_that_can_be_is_taken_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "exec.h"
#include "names.h"
#include "probe.h"
#include "users.h"

#define DEVICE "sys/bus/dax/devices/%s"
#define MEMORY "sys/devices/system/memory/memory%llu"

/* So many blocks may fail one after the other before it is no use to go on. */
#define MAX_FAILURES 3
#define MAX_TRIES 4
#define FIRST_BACKOFF_MS 20

struct run {
        const struct exec_job *job;
        int failures[_STEP_MAX];        /* in a row, of steps of that kind */
};

static const struct block *block_of(const struct run *run, const struct step *step) {
        return &run->job->device->blocks[step->block];
}

static unsigned long long number_of(const struct run *run, const struct step *step) {
        return block_of(run, step)->number;
}

static int report(const struct run *run, const struct step *step, enum exec_event_kind kind,
                  int error) {
        struct exec_event e = {
                .kind = kind,
                .step = step->kind,
                .block = step->block,
                .placement = step->placement,
                .error = -error,
        };

        return run->job->report(run->job->userdata, &e);
}

static int _printf_(4, 5) diverged(const struct run *run, const struct step *step, bool stray,
                                   const char *format, ...) {
        struct exec_event e = {
                .kind = EXEC_DIVERGED, .step = step->kind, .block = step->block,
                .planned = step->placement, .stray = stray,
        };
        va_list ap;
        int r;

        va_start(ap, format);
        vsnprintf(e.text, sizeof(e.text), format, ap);
        va_end(ap);
        r = run->job->report(run->job->userdata, &e);
        return r < 0 ? r : -ESTALE;
}

/* Errors that time may cure; all others are for good. */
static bool is_transient(int error) {
        return error == -EAGAIN || error == -EINTR || error == -EBUSY;
}

static void wait_ms(long ms) {
        struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

        while (nanosleep(&t, &t) < 0 && errno == EINTR)
                ;
}

static int write_with_retries(const struct run *run, const struct step *step, const char *text,
                              const char *path) {
        long backoff = FIRST_BACKOFF_MS;

        for (int try = 1;; try++) {
                int r = sysfs_write(run->job->sysfs, text, "%s", path);

                if (r >= 0 || !is_transient(r) || try == MAX_TRIES)
                        return r;
                r = report(run, step, EXEC_STEP_RETRIED, r);
                if (r < 0)
                        return r;
                wait_ms(backoff);
                backoff *= 5;
        }
}

/* BIND */

static int driver_of(const struct run *run, char *buf, size_t size) {
        char link[SYSFS_PATH_MAX];
        int r;

        r = sysfs_link(run->job->sysfs, link, sizeof(link), DEVICE "/driver",
                       run->job->device->name);
        if (r < 0)
                return r;
        snprintf(buf, size, "%s", base_of(link));
        return 0;
}

/*
 * The id is taken back once the device is bound: should the operator unbind it,
 * it must not come back by itself.
 */
static int bind_to_module(const struct run *run) {
        const char *name = run->job->device->name;
        char driver[32];
        int r;

        r = sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers/" MODULE_NAME "/new_id");
        (void) sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers/" MODULE_NAME "/remove_id");
        if (r < 0)
                return r;
        if (driver_of(run, driver, sizeof(driver)) < 0)
                return -ENODEV;
        return strcmp(driver, MODULE_NAME) == 0 ? 0 : -EBUSY;
}

/* What was true when it was decided may not be so any more. */
static bool is_in_use(const struct run *run, const char *driver) {
        const struct device *d = run->job->device;

        if (strcmp(driver, "device_dax") == 0)
                return users_of_node(run->job->sysfs, d->name);
        if (strcmp(driver, "kmem") != 0)
                return true;
        for (size_t i = 0; i < d->n_blocks; i++) {
                struct block now = { .number = d->blocks[i].number };

                probe_block(run->job->sysfs, &now);
                if (now.state == BLOCK_ONLINE || now.state == BLOCK_GOING)
                        return true;
        }
        return false;
}

static int do_bind(struct run *run, const struct step *step) {
        const char *name = run->job->device->name;
        char old[32] = "";
        int r;

        (void) step;
        if (driver_of(run, old, sizeof(old)) >= 0) {
                if (strcmp(old, MODULE_NAME) == 0)
                        return 0;
                if (is_in_use(run, old))
                        return -EBUSY;
                r = sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers/%s/unbind", old);
                if (r < 0)
                        return r;
        }
        r = bind_to_module(run);
        if (r < 0 && old[0])
                (void) sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers/%s/bind", old);
        return r;
}

/* HAND BACK */

/* Slow where device_dax makes a memmap for the whole device. */
static int do_hand_back(struct run *run, const struct step *step) {
        const char *name = run->job->device->name;
        char driver[32];
        int r;

        (void) step;
        r = sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers_probe");
        if (r < 0)
                return r;
        return driver_of(run, driver, sizeof(driver)) < 0 ? -ENODEV : 0;
}

/* PLACE */

static int do_place(struct run *run, const struct step *step) {
        return sysfs_write(run->job->sysfs, step->placement == PLACEMENT_DEVICE ? "1" : "0",
                           DEVICE "/memmapd/memmap_on_memory", run->job->device->name);
}

/* PLUG */

static int read_placement(const struct run *run, size_t block, enum placement *ret) {
        _cleanup_(closep) int fd = sysfs_open(run->job->sysfs, O_RDONLY, DEVICE "/memmapd/map",
                                              run->job->device->name);
        char c;

        if (fd < 0)
                return fd;
        if (pread(fd, &c, 1, (off_t) block) != 1)
                return -EIO;
        *ret = placement_from_map(c);
        return 0;
}

/* Whether the kernel may end up taking RAM for the block of @step. */
static bool may_cost_ram(const struct run *run, const struct step *step) {
        return step->placement != PLACEMENT_DEVICE || run->job->device->stray_device;
}

/*
 * Whether the memmap is to be reckoned with in RAM.  Then it must leave the
 * reserve alone; what ends up there by surprise may touch it, once.
 */
static bool is_expected_in_ram(const struct run *run, const struct step *step) {
        const struct device *d = run->job->device;

        return step->placement == PLACEMENT_RAM || d->stray_device || d->stray_seed;
}

/* 0 if @now, the machine as it is, allows for @step. */
static int check_nodes(const struct run *run, const struct step *step, const struct model *now) {
        const struct exec_job *job = run->job;
        const struct node *target = model_node(now, job->device->target_node);
        const struct node *before = model_node(job->model, job->decision->payer);
        const struct node *found = model_node(now, job->decision->payer);
        struct budget budget;
        struct node payer;

        if (!before || !found)
                return diverged(run, step, false, "node %d, which was to pay, is gone",
                                job->decision->payer);
        payer = *found;
        payer.promised = before->promised;
        budget = budget_of(&payer, job->decision->settings.ram_reserve);
        if ((is_expected_in_ram(run, step) ? budget.total : budget.headroom) <
            job->device->memmap_size)
                return diverged(run, step, false, "node %d has no RAM to spare any more",
                                payer.id);
        if (step->placement == PLACEMENT_SEED &&
            (!target || seed_room(target, job->device->memmap_size) == 0))
                return diverged(run, step, false, "the seeds on node %d are full before their "
                                "time", job->device->target_node);
        return 0;
}

/*
 * The kernel takes RAM without asking when there is no room elsewhere.  So what
 * there is now is looked at before each add, not what there was when decided.
 */
static int check_budget(const struct run *run, const struct step *step) {
        struct model now = *run->job->model;
        int r;

        if (!may_cost_ram(run, step))
                return 0;
        r = probe_nodes(run->job->sysfs, &now.nodes, &now.n_nodes);
        if (r < 0)
                return r;
        r = check_nodes(run, step, &now);
        nodes_free(now.nodes, now.n_nodes);
        return r;
}

/* RAM where something else was meant is what must not happen twice. */
static int check_placement(const struct run *run, const struct step *step, enum placement got) {
        if (got == PLACEMENT_NONE)
                return -EIO;
        if (got == PLACEMENT_RAM && step->placement != PLACEMENT_RAM)
                return diverged(run, step, true, "the kernel put the memmap into RAM instead of %s",
                                step->placement == PLACEMENT_SEED ? "a seed" : "the block");
        return 0;
}

static int do_plug(struct run *run, struct step *step) {
        char path[SYSFS_PATH_MAX], index[24];
        enum placement got;
        int r;

        r = check_budget(run, step);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), DEVICE "/memmapd/plug", run->job->device->name);
        snprintf(index, sizeof(index), "%zu", step->block);
        r = write_with_retries(run, step, index, path);
        /* Somebody else plugged it: what counts is that it is there. */
        if (r < 0 && r != -EEXIST)
                return r;
        r = read_placement(run, step->block, &got);
        if (r < 0)
                return r;
        r = check_placement(run, step, got);
        step->placement = got;
        /* The daemon must know of the block even if the run ends here. */
        if (r == -ESTALE)
                (void) report(run, step, EXEC_STEP_DONE, 0);
        return r;
}

/* ONLINE */

/* A block that cannot come online is given back, so that nothing is half there. */
static void undo_plug(const struct run *run, const struct step *step) {
        char index[24];

        snprintf(index, sizeof(index), "%zu", step->block);
        (void) sysfs_write(run->job->sysfs, index, DEVICE "/memmapd/unplug",
                           run->job->device->name);
}

static struct block look_at(const struct run *run, const struct step *step) {
        struct block now = { .number = number_of(run, step) };

        probe_block(run->job->sysfs, &now);
        return now;
}

static int do_online(struct run *run, const struct step *step) {
        const char *how = step->zone == ZONE_KERNEL ? "online_kernel" : "online_movable";
        struct block now = look_at(run, step);
        char path[SYSFS_PATH_MAX];
        int r = 0;

        /* Its plug failed, or somebody took it away. */
        if (now.state == BLOCK_ABSENT)
                return -ECANCELED;
        if (now.state != BLOCK_ONLINE) {
                snprintf(path, sizeof(path), MEMORY "/state", number_of(run, step));
                r = write_with_retries(run, step, how, path);
                now = look_at(run, step);
        }
        /* Whoever won a race: the state is what counts. */
        if (now.state != BLOCK_ONLINE) {
                undo_plug(run, step);
                return r < 0 ? r : -EIO;
        }
        if (now.zone != step->zone)
                return diverged(run, step, false, "somebody else brought it online in the %s zone",
                                zone_to_string(now.zone));
        return 0;
}

static int do_step(struct run *run, struct step *step) {
        switch (step->kind) {
        case STEP_HAND_BACK:
                return do_hand_back(run, step);
        case STEP_BIND:
                return do_bind(run, step);
        case STEP_PLACE:
                return do_place(run, step);
        case STEP_PLUG:
                return do_plug(run, step);
        case STEP_ONLINE:
                return do_online(run, step);
        default:
                return -EINVAL;
        }
}

/* Whether one block's failure may cost that block alone. */
static bool costs_one_block(const struct step *step, int error) {
        return (step->kind == STEP_PLUG || step->kind == STEP_ONLINE) && error != -ENOMEM &&
                error != -ENODEV && error != -EPIPE;
}

static int run_step(struct run *run, struct step *step) {
        int r = do_step(run, step);

        if (r == -ECANCELED)
                return 0;
        if (r == -ESTALE)
                return r;
        if (r >= 0) {
                run->failures[step->kind] = 0;
                return report(run, step, EXEC_STEP_DONE, 0);
        }
        if (report(run, step, EXEC_STEP_FAILED, r) < 0)
                return -EPIPE;
        if (!costs_one_block(step, r) || ++run->failures[step->kind] == MAX_FAILURES)
                return r;
        return 0;
}

int exec_run(const struct exec_job *job) {
        struct run run = { .job = job };
        struct exec_event end = { .kind = EXEC_END };
        int r = 0;

        for (size_t i = 0; i < job->plan->n_steps && r >= 0; i++) {
                struct step step = job->plan->steps[i];

                r = run_step(&run, &step);
        }
        end.error = -r;
        (void) job->report(job->userdata, &end);
        return r;
}

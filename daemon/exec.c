/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "exec-run.h"
#include "names.h"
#include "probe.h"

#define MEMORY "sys/devices/system/memory/memory%llu"

/* So many blocks may fail one after the other before it is no use to go on. */
#define MAX_FAILURES 3
#define MAX_TRIES 4
#define FIRST_BACKOFF_MS 20

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
                .zone = step->zone,
                .error = -error,
        };

        return run->job->report(run->job->userdata, &e);
}

int exec_diverged(const struct run *run, const struct step *step, bool stray,
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

void exec_wait_ms(long ms) {
        struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

        while (nanosleep(&t, &t) < 0 && errno == EINTR)
                ;
}

int exec_write(const struct run *run, const struct step *step, const char *text,
               const char *path) {
        long backoff = FIRST_BACKOFF_MS;

        for (int try = 1;; try++) {
                int r = sysfs_write(run->job->sysfs, text, "%s", path);

                if (r >= 0 || !is_transient(r) || try == MAX_TRIES)
                        return r;
                r = report(run, step, EXEC_STEP_RETRIED, r);
                if (r < 0)
                        return r;
                exec_wait_ms(backoff);
                backoff *= 5;
        }
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

/* RAM where something else was meant is what must not happen twice. */
static int check_placement(const struct run *run, const struct step *step, enum placement got) {
        if (got == PLACEMENT_NONE)
                return -EIO;
        if (got == PLACEMENT_RAM && step->placement != PLACEMENT_RAM)
                return exec_diverged(run, step, true, "the kernel put the memmap into RAM instead of %s",
                                step->placement == PLACEMENT_SEED ? "a seed" : "the block");
        return 0;
}

static int do_plug(struct run *run, struct step *step) {
        char path[SYSFS_PATH_MAX], index[24];
        enum placement got;
        int r;

        r = exec_check_budget(run, step, run->job->device->memmap_size);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), DEVICE "/memmapd/plug", run->job->device->name);
        snprintf(index, sizeof(index), "%zu", step->block);
        r = exec_write(run, step, index, path);
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

        /* The kernel's own driver gives back all or nothing. */
        if (backend_is_whole(run->job->decision->backend))
                return;
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
        enum block_state before = probe_block_state(run->job->sysfs, number_of(run, step));
        const char *how = step->zone == ZONE_KERNEL ? "online_kernel" : "online_movable";
        char path[SYSFS_PATH_MAX];
        struct block now;
        int r = 0;

        /* Its plug failed, or somebody took it away. */
        if (before == BLOCK_ABSENT)
                return -ECANCELED;
        if (before != BLOCK_ONLINE) {
                snprintf(path, sizeof(path), MEMORY "/state", number_of(run, step));
                r = exec_write(run, step, how, path);
        }
        now = look_at(run, step);
        /* Whoever won a race: the state is what counts. */
        if (now.state != BLOCK_ONLINE) {
                undo_plug(run, step);
                return r < 0 ? r : -EIO;
        }
        if (now.zone != step->zone)
                return exec_diverged(run, step, false, "somebody else brought memory%llu online in the "
                                     "%s zone", number_of(run, step), zone_to_string(now.zone));
        return 0;
}

static int do_step(struct run *run, struct step *step) {
        switch (step->kind) {
        case STEP_HAND_BACK:
                return exec_hand_back(run, step);
        case STEP_TAKE_BACK:
                return exec_take_back(run, step);
        case STEP_BIND:
                return exec_bind(run, step);
        case STEP_PLACE:
                return exec_place(run, step);
        case STEP_PLUG:
                return do_plug(run, step);
        case STEP_ONLINE:
                return do_online(run, step);
        case STEP_OFFLINE:
                return exec_offline(run, step);
        case STEP_UNPLUG:
                return exec_unplug(run, step);
        case STEP_UNBIND:
                return exec_unbind(run, step);
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
        int r = exec_pace(run, step);

        if (r < 0)
                return r;
        r = do_step(run, step);
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
        /* Each that can be taken back is. */
        if (step->kind == STEP_TAKE_BACK)
                return 0;
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

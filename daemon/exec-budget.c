/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the machine, as it is now, can still bear the next step.  What was there when
 * it was decided may be gone by now, and the kernel takes RAM without asking.
 *
 * A look at all zones of the machine costs as much as plugging a block.  So one that finds
 * plenty holds for a while: for half of what it found, the other half being for whatever
 * else grows meanwhile, and not for long.  What is long for a machine, the look itself
 * tells: nobody takes memory faster than the machine does anything.
 */
#include <time.h>

#include "exec-run.h"
#include "probe.h"

#define LOOK_HOLDS_MS 50
#define LOOK_HOLDS_FACTOR 20            /* a 20th of the time at most goes into looking */
#define LOOK_HOLDS_MAX_MS 500
#define MIB (1024 * 1024)

/*
 * The worker itself takes RAM that was there when it was decided what it does: page tables,
 * and each page that it writes to.  So much less is not another machine; held against the
 * last memmap that fits, it would stop at that each time it is planned anew.
 */
#define WORKER_BYTES MIB

static uint64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* Whether the last look was for memmaps like this one, and for this one, too. */
static bool look_holds(struct run *run, const struct step *step) {
        struct look *look = &run->look;

        if (look->memmaps == 0 || look->placement != step->placement || now_ms() > look->until)
                return false;
        look->memmaps--;
        return true;
}

/* A look that began at @since found room for @found memmaps like @step's, this included. */
static void look_found(struct run *run, const struct step *step, uint64_t since, uint64_t found) {
        uint64_t now = now_ms(), holds = (now - since) * LOOK_HOLDS_FACTOR;

        if (holds < LOOK_HOLDS_MS)
                holds = LOOK_HOLDS_MS;
        if (holds > LOOK_HOLDS_MAX_MS)
                holds = LOOK_HOLDS_MAX_MS;
        run->look = (struct look) {
                .placement = step->placement,
                .memmaps = found / 2 > 0 ? found / 2 - 1 : 0,
                .until = now + holds,
        };
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

/* Bytes that the node can bear of memmap by @step. */
static uint64_t bearable(const struct run *run, const struct step *step, const struct budget *b) {
        uint64_t leave = b->reserve > WORKER_BYTES ? b->reserve - WORKER_BYTES : 0;

        if (!is_expected_in_ram(run, step))
                return b->headroom;
        return b->headroom > leave ? b->headroom - leave : 0;
}

/* Sets @ret to how often @now, the machine as it is, allows for @bytes of memmap by @step. */
static int check_nodes(const struct run *run, const struct step *step, uint64_t bytes,
                       const struct model *now, uint64_t *ret) {
        const struct exec_job *job = run->job;
        const struct node *target = model_node(now, job->device->target_node);
        const struct node *before = model_node(job->model, job->decision->payer);
        const struct node *found = model_node(now, job->decision->payer);
        struct budget budget;
        struct node payer;
        uint64_t seeds;

        if (!before || !found)
                return exec_diverged(run, step, false, "node %d, which was to pay, is gone",
                                     job->decision->payer);
        payer = *found;
        payer.promised = before->promised;
        budget = budget_of(&payer, job->decision->settings.ram_reserve);
        *ret = bearable(run, step, &budget) / bytes;
        if (*ret == 0)
                return exec_diverged(run, step, false, "node %d has no RAM to spare any more",
                                     payer.id);
        if (step->placement != PLACEMENT_SEED)
                return 0;
        seeds = target ? seed_room(target, job->device->memmap_size) : 0;
        if (seeds == 0)
                return exec_diverged(run, step, false, "the seeds on node %d are full before "
                                     "their time", job->device->target_node);
        if (seeds < *ret)
                *ret = seeds;
        return 0;
}

int exec_check_budget(struct run *run, const struct step *step, uint64_t bytes) {
        struct model now = *run->job->model;
        uint64_t since = now_ms(), found = 0;
        int r;

        if (!may_cost_ram(run, step) || look_holds(run, step))
                return 0;
        r = probe_nodes(run->job->sysfs, &now.nodes, &now.n_nodes);
        if (r < 0)
                return r;
        r = check_nodes(run, step, bytes, &now, &found);
        nodes_free(now.nodes, now.n_nodes);
        if (r >= 0)
                look_found(run, step, since, found);
        return r;
}

int exec_check_available(const struct run *run, const struct step *step) {
        uint64_t size = run->job->model->block_size, leave = run->job->leave, available;
        int r;

        if (run->job->force)
                return 0;
        r = probe_available(run->job->sysfs, &available);
        if (r < 0)
                return r;
        if (available >= size + leave)
                return 0;
        return exec_diverged(run, step, false, "only %llu MiB of memory are available by now, "
                             "and %llu MiB are to be left", (unsigned long long) available / MIB,
                             (unsigned long long) leave / MIB);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking memory out: mm/memory_hotplug.c, offline_pages(), and the drivers' unbind. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "exec-run.h"
#include "names.h"
#include "probe.h"

static enum block_state state_of(const struct run *run, size_t block) {
        return probe_block_state(run->job->sysfs, run->job->device->blocks[block].number);
}

/* What is offline or gone is refused by the kernel, and is as it should be. */
static int take_offline(const struct run *run, const struct step *step) {
        char path[SYSFS_PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "sys/devices/system/memory/memory%llu/state",
                 (unsigned long long) run->job->device->blocks[step->block].number);
        r = exec_write(run, step, "offline", path);
        /* Whoever took it off: the state is what counts. */
        return r < 0 && state_of(run, step->block) != BLOCK_ONLINE ? 0 : r;
}

int exec_offline(const struct run *run, const struct step *step) {
        int r;

        /* What is not online needs no room elsewhere. */
        if (state_of(run, step->block) != BLOCK_ONLINE)
                return 0;
        r = exec_check_available(run, step);
        return r < 0 ? r : take_offline(run, step);
}

int exec_unplug(const struct run *run, const struct step *step) {
        char path[SYSFS_PATH_MAX], index[24];
        int r;

        snprintf(path, sizeof(path), DEVICE "/memmapd/unplug", run->job->device->name);
        snprintf(index, sizeof(index), "%zu", step->block);
        r = exec_write(run, step, index, path);
        /* Somebody else was faster. */
        return r < 0 && state_of(run, step->block) == BLOCK_ABSENT ? 0 : r;
}

/*
 * Taken in a moment ago, it is not missed: no memory has to be left for it.  The kernel's
 * own driver gives back all or nothing: its blocks only go offline, until it is unbound.
 */
int exec_take_back(const struct run *run, const struct step *step) {
        return backend_is_whole(run->job->decision->backend) ? take_offline(run, step) :
                exec_unplug(run, step);
}

/* What a driver leaves behind in use is lost to it: kmem's until the next boot. */
static bool any_in_use(const struct run *run) {
        for (size_t i = 0; i < run->job->device->n_blocks; i++) {
                enum block_state s = state_of(run, i);

                if (s == BLOCK_ONLINE || s == BLOCK_GOING)
                        return true;
        }
        return false;
}

/* Newer kernels want kmem to be told before (drivers/dax/kmem.c, since 7.3). */
static int unplug_kmem(const struct run *run) {
        const char *name = run->job->device->name;
        _cleanup_(closep) int fd = sysfs_open(run->job->sysfs, O_PATH, DEVICE "/state", name);

        return fd < 0 ? 0 : sysfs_write(run->job->sysfs, "unplugged", DEVICE "/state", name);
}

int exec_unbind(const struct run *run, const struct step *step) {
        char driver[32];
        int r;

        (void) step;
        if (exec_driver(run, driver, sizeof(driver)) < 0)
                return 0;
        if (any_in_use(run))
                return -EBUSY;
        r = strcmp(driver, KMEM_NAME) == 0 ? unplug_kmem(run) : 0;
        if (r >= 0)
                r = sysfs_write(run->job->sysfs, run->job->device->name, DRIVER "/unbind", driver);
        if (r < 0)
                return r;
        return exec_driver(run, driver, sizeof(driver)) < 0 ? 0 : -EBUSY;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking out again what was just taken in. */
#include <errno.h>

#include "exec-run.h"
#include "probe.h"

/* The kernel's own driver gives back all or nothing: its blocks only go offline. */
static int take_offline(const struct run *run, const struct step *step, unsigned long long number) {
        char path[SYSFS_PATH_MAX];

        snprintf(path, sizeof(path), "sys/devices/system/memory/memory%llu/state", number);
        return exec_write(run, step, "offline", path);
}

int exec_take_back(const struct run *run, const struct step *step) {
        struct block now = { .number = run->job->device->blocks[step->block].number };
        char path[SYSFS_PATH_MAX], index[24];

        probe_block(run->job->sysfs, &now);
        /* Somebody else was faster. */
        if (now.state == BLOCK_ABSENT)
                return 0;
        if (backend_is_whole(run->job->decision->backend))
                return now.state == BLOCK_OFFLINE ? 0 : take_offline(run, step, now.number);
        snprintf(path, sizeof(path), DEVICE "/memmapd/unplug", run->job->device->name);
        snprintf(index, sizeof(index), "%zu", step->block);
        return exec_write(run, step, index, path);
}

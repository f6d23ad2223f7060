/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's own driver: drivers/dax/kmem.c, drivers/dax/bus.c. */
#include <errno.h>
#include <string.h>

#include "auto-online.h"
#include "exec-run.h"
#include "names.h"
#include "state.h"

static bool is_bound(const struct run *run) {
        char driver[32];

        return exec_driver(run, driver, sizeof(driver)) >= 0 && strcmp(driver, KMEM_NAME) == 0;
}

/* 1, and its name: another device waits that no driver has. */
static int find_another(const struct run *run, char *buf, size_t size) {
        _cleanup_(strv_freep) char **names = NULL;
        char link[SYSFS_PATH_MAX];
        int r;

        r = sysfs_list(run->job->sysfs, &names, "sys/bus/dax/devices");
        if (r < 0)
                return r;
        for (size_t i = 0; names[i]; i++) {
                if (strcmp(names[i], run->job->device->name) == 0 ||
                    sysfs_link(run->job->sysfs, link, sizeof(link), DEVICE "/driver",
                               names[i]) >= 0)
                        continue;
                snprintf(buf, size, "%s", names[i]);
                return 1;
        }
        return 0;
}

/*
 * For a device that is not of the driver's own type.  A new id makes the driver look
 * at all devices (do_id_store()), and take those that wait for a decision.
 */
static int bind_by_id(const struct run *run, const struct step *step) {
        const char *name = run->job->device->name;
        char other[32];
        int r;

        r = find_another(run, other, sizeof(other));
        if (r > 0)
                return exec_diverged(run, step, false, "%s has no driver, and kmem would take it as "
                                     "well if it was told to take this one", other);
        if (r < 0)
                return r;
        r = sysfs_write(run->job->sysfs, name, DRIVER "/new_id", KMEM_NAME);
        (void) sysfs_write(run->job->sysfs, name, DRIVER "/remove_id", KMEM_NAME);
        return r;
}

static int bind_to_kmem(const struct run *run, const struct step *step) {
        int r = sysfs_write(run->job->sysfs, run->job->device->name, DRIVER "/bind", KMEM_NAME);

        if (r == -ENODEV)
                r = bind_by_id(run, step);
        if (r < 0)
                return r;
        return is_bound(run) ? 0 : -ENODEV;
}

int exec_bind_kmem(struct run *run, const struct step *step) {
        const struct exec_job *job = run->job;
        struct step cost = { .kind = step->kind, .placement = PLACEMENT_RAM };
        int lock, r;

        if (job->decision->ram_cost > 0) {
                r = exec_check_budget(run, &cost, job->decision->ram_cost);
                if (r < 0)
                        return r;
        }
        r = auto_online_hold(job->sysfs, &lock);
        if (r < 0)
                return r;
        r = state_adopt(job->sysfs, job->device->name);
        if (r >= 0)
                r = bind_to_kmem(run, step);
        auto_online_release(job->sysfs, lock);
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "exec-run.h"
#include "names.h"
#include "probe.h"
#include "state.h"
#include "users.h"

/* BIND */

int exec_driver(const struct run *run, char *buf, size_t size) {
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
        if (exec_driver(run, driver, sizeof(driver)) < 0)
                return -ENODEV;
        return strcmp(driver, MODULE_NAME) == 0 ? 0 : -EBUSY;
}

/* What was true when it was decided may not be so any more. */
static bool is_in_use(const struct run *run, const char *driver) {
        const struct device *d = run->job->device;

        if (strcmp(driver, "device_dax") == 0)
                return users_of_node(run->job->sysfs, d->name);
        if (strcmp(driver, KMEM_NAME) != 0)
                return true;
        for (size_t i = 0; i < d->n_blocks; i++) {
                struct block now = { .number = d->blocks[i].number };

                probe_block(run->job->sysfs, &now);
                if (now.state == BLOCK_ONLINE || now.state == BLOCK_GOING)
                        return true;
        }
        return false;
}

int exec_bind(struct run *run, const struct step *step) {
        bool whole = backend_is_whole(run->job->decision->backend);
        const char *name = run->job->device->name;
        char old[32] = "";
        int r;

        if (exec_driver(run, old, sizeof(old)) >= 0) {
                if (strcmp(old, MODULE_NAME) == 0)
                        return whole ? -EBUSY : 0;
                if (is_in_use(run, old))
                        return -EBUSY;
                if (whole && strcmp(old, KMEM_NAME) == 0)
                        return state_adopt(run->job->sysfs, name);
                r = sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers/%s/unbind", old);
                if (r < 0)
                        return r;
        }
        r = whole ? exec_bind_kmem(run, step) : bind_to_module(run);
        if (r < 0 && old[0])
                (void) sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers/%s/bind", old);
        return r;
}

/* HAND BACK */

/* Slow where device_dax makes a memmap for the whole device. */
int exec_hand_back(const struct run *run, const struct step *step) {
        const char *name = run->job->device->name;
        char driver[32];
        int r;

        (void) step;
        r = sysfs_write(run->job->sysfs, name, "sys/bus/dax/drivers_probe");
        if (r < 0)
                return r;
        return exec_driver(run, driver, sizeof(driver)) < 0 ? -ENODEV : 0;
}

/* PLACE */

static int place_whole(const struct run *run, const struct step *step) {
        uint64_t wanted = step->placement == PLACEMENT_DEVICE, got;
        const char *name = run->job->device->name;
        int r;

        r = sysfs_write(run->job->sysfs, wanted ? "1" : "0", DEVICE "/memmap_on_memory", name);
        if (r == -EOPNOTSUPP)
                return exec_diverged(run, step, true, "the kernel does not put the memmaps onto "
                                     "this device");
        if (r < 0)
                return r;
        r = sysfs_read_u64(run->job->sysfs, &got, 10, DEVICE "/memmap_on_memory", name);
        if (r < 0)
                return r;
        return got == wanted ? 0 : -EIO;
}

int exec_place(const struct run *run, const struct step *step) {
        if (backend_is_whole(run->job->decision->backend))
                return place_whole(run, step);
        return sysfs_write(run->job->sysfs, step->placement == PLACEMENT_DEVICE ? "1" : "0",
                           DEVICE "/memmapd/memmap_on_memory", run->job->device->name);
}

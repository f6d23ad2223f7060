/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cxl-run.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "marks.h"
#include "names.h"
#include "users.h"

#define DEVICES "sys/bus/cxl/devices"

void cxl_tell(const struct cxl_run *run, enum exec_event_kind kind, const char *subject, int error,
              const char *format, ...) {
        struct exec_event e = { .kind = kind, .error = -error };
        va_list ap;

        snprintf(e.subject, sizeof(e.subject), "%s", subject);
        va_start(ap, format);
        vsnprintf(e.text, sizeof(e.text), format, ap);
        va_end(ap);
        (void) run->report(run->userdata, &e);
}

int cxl_renew(struct cxl_run *run) {
        int r;

        if (run->ctx)
                cxl_unref(run->ctx);
        run->ctx = NULL;
        r = cxl_new(&run->ctx);
        if (r < 0)
                return r;
        /* What goes wrong is told by us, with what to do about it. */
        cxl_set_log_priority(run->ctx, LOG_CRIT);
        return 0;
}

struct cxl_memdev *cxl_find_memdev(const struct cxl_run *run, const char *name) {
        struct cxl_memdev *memdev;

        cxl_memdev_foreach(run->ctx, memdev)
                if (strcmp(cxl_memdev_get_devname(memdev), name) == 0)
                        return memdev;
        return NULL;
}

struct cxl_region *cxl_find_region(const struct cxl_run *run, const char *name) {
        struct cxl_decoder *decoder;
        struct cxl_region *region;
        struct cxl_bus *bus;

        cxl_bus_foreach(run->ctx, bus)
                cxl_decoder_foreach(cxl_bus_get_port(bus), decoder)
                        cxl_region_foreach(decoder, region)
                                if (strcmp(cxl_region_get_devname(region), name) == 0)
                                        return region;
        return NULL;
}

static struct cxl_port *port_of(struct cxl_memdev *memdev) {
        struct cxl_endpoint *endpoint = cxl_memdev_get_endpoint(memdev);

        return endpoint ? cxl_endpoint_get_port(endpoint) : NULL;
}

struct cxl_decoder *cxl_free_decoder(struct cxl_memdev *memdev) {
        struct cxl_port *port = port_of(memdev);
        struct cxl_decoder *decoder;

        if (port)
                cxl_decoder_foreach(port, decoder)
                        if (cxl_decoder_get_size(decoder) == 0 && !cxl_decoder_is_locked(decoder))
                                return decoder;
        return NULL;
}

bool cxl_is_used(struct cxl_memdev *memdev) {
        struct cxl_port *port = port_of(memdev);
        struct cxl_decoder *decoder;

        if (port)
                cxl_decoder_foreach(port, decoder)
                        if (cxl_decoder_get_dpa_size(decoder) > 0 ||
                            cxl_decoder_get_size(decoder) > 0 || cxl_decoder_is_locked(decoder))
                                return true;
        return false;
}

void cxl_free_memory(const struct cxl_run *run, const char *name) {
        struct cxl_memdev *memdev = cxl_find_memdev(run, name);
        struct cxl_port *port = memdev ? port_of(memdev) : NULL;
        struct cxl_decoder *decoder;

        if (!port)
                return;
        cxl_decoder_foreach(port, decoder) {
                char region[24];

                if (sysfs_read(run->job->sysfs, region, sizeof(region), DEVICES "/%s/region",
                               cxl_decoder_get_devname(decoder)) >= 0 && region[0])
                        continue;
                if (cxl_decoder_get_dpa_size(decoder) > 0 &&
                    cxl_decoder_get_mode(decoder) == CXL_DECODER_MODE_RAM)
                        (void) cxl_decoder_set_dpa_size(decoder, 0);
        }
}

/* The decoders let go of their memory as well; a target that was never set is none. */
static int clear_targets(struct cxl_region *region) {
        unsigned int ways = cxl_region_get_interleave_ways(region);

        for (unsigned int i = 0; i < ways && ways <= MEMDEVS_MAX; i++) {
                struct cxl_decoder *decoder = cxl_region_get_target_decoder(region, (int) i);
                int r;

                if (!decoder)
                        continue;
                r = cxl_region_clear_target(region, (int) i);
                if (r == 0)
                        r = cxl_decoder_set_dpa_size(decoder, 0);
                if (r < 0)
                        return r;
        }
        return 0;
}

int cxl_destroy(struct cxl_region *region, const char **ret_what) {
        int r = 0;

        *ret_what = "its decoders cannot be reset";
        if (cxl_region_decode_is_committed(region) > 0)
                r = cxl_region_decode_reset(region);
        if (r < 0) {
                /* It is whole; its memory can be used again. */
                (void) cxl_region_enable(region);
                return r;
        }
        *ret_what = "an expander does not let go of it";
        r = clear_targets(region);
        if (r < 0)
                return r;
        *ret_what = "it cannot be deleted";
        return cxl_region_delete(region);
}

/* EJECT */

/* Somebody may have taken it in again since it was drained. */
static bool holds_memory(const struct sysfs *s, const char *region) {
        _cleanup_(strv_freep) char **devices = NULL;
        bool holds = false;
        int r;

        r = sysfs_list(s, &devices, "sys/bus/dax/devices");
        /* Who cannot tell does not take it apart. */
        if (r < 0)
                return r != -ENOENT;
        for (char **d = devices; *d && !holds; d++) {
                char link[SYSFS_PATH_MAX], of[64], driver[32];

                if (sysfs_link(s, link, sizeof(link), "sys/bus/dax/devices/%s", *d) < 0)
                        continue;
                path_part(link, 2, of, sizeof(of));
                if (strcmp(of, region) != 0)
                        continue;
                holds = users_of_node(s, *d);
                if (sysfs_link(s, link, sizeof(link), "sys/bus/dax/devices/%s/driver", *d) < 0)
                        continue;
                path_part(link, 0, driver, sizeof(driver));
                holds |= strcmp(driver, MODULE_NAME) == 0 || strcmp(driver, KMEM_NAME) == 0;
        }
        return holds;
}

static int take_apart(struct cxl_run *run, const char *name) {
        struct cxl_region *region = cxl_find_region(run, name);
        const char *what = "";
        char mode[16];
        int r;

        if (!region)
                return 0;
        if (sysfs_read(run->job->sysfs, mode, sizeof(mode), DEVICES "/%s/mode", name) < 0 ||
            strcmp(mode, "ram") != 0) {
                cxl_tell(run, EXEC_STEP_FAILED, name, -EPERM, "is not of volatile memory, and stays");
                return -EPERM;
        }
        if (holds_memory(run->job->sysfs, name)) {
                cxl_tell(run, EXEC_STEP_FAILED, name, -EBUSY, "is in use again (somebody has taken "
                         "its memory in, or has its device open), and stays as it is");
                return -EBUSY;
        }
        r = cxl_region_disable(region);
        if (r < 0) {
                cxl_tell(run, EXEC_STEP_FAILED, name, r, "cannot be disabled: %s; it stays as it is",
                         strerror(-r));
                return r;
        }
        r = cxl_destroy(region, &what);
        if (r < 0) {
                cxl_tell(run, EXEC_STEP_FAILED, name, r, "is not taken apart, as %s: %s; \"cxl "
                         "destroy-region -f %s\" tries again", what, strerror(-r), name);
                return r;
        }
        cxl_tell(run, EXEC_STEP_DONE, name, 0, "is destroyed");
        return 0;
}

static void disable(struct cxl_run *run, const char *name) {
        struct cxl_memdev *memdev = cxl_find_memdev(run, name);
        int r;

        if (!memdev)
                return;
        if (cxl_is_used(memdev)) {
                cxl_tell(run, EXEC_DIVERGED, name, 0, "is not disabled, as other memory of it is in use; "
                         "it must not be pulled");
                return;
        }
        r = cxl_memdev_disable_invalidate(memdev);
        if (r < 0)
                cxl_tell(run, EXEC_STEP_FAILED, name, r, "cannot be disabled: %s; it must not be "
                         "pulled; \"cxl disable-memdev %s\" tries again",
                         strerror(-r), name);
        else
                cxl_tell(run, EXEC_STEP_DONE, name, 0, "is disabled");
}

static int eject(struct cxl_run *run) {
        int r;

        for (size_t i = 0; i < run->job->n_regions; i++) {
                r = take_apart(run, run->job->regions[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < run->job->n_memdevs; i++) {
                r = cxl_renew(run);
                if (r < 0)
                        return r;
                /* As a worker may have been killed between the two. */
                cxl_free_memory(run, run->job->memdevs[i].name);
                disable(run, run->job->memdevs[i].name);
        }
        return 0;
}

static void restore(struct cxl_run *run) {
        for (size_t i = 0; i < run->job->n_memdevs; i++) {
                const char *name = run->job->memdevs[i].name;
                struct cxl_memdev *memdev = cxl_find_memdev(run, name);
                int r = memdev ? cxl_memdev_enable(memdev) : -ENODEV;

                if (r < 0)
                        cxl_tell(run, EXEC_STEP_FAILED, name, r, "It cannot be enabled: %s",
                                 strerror(-r));
                else
                        cxl_tell(run, EXEC_STEP_DONE, name, 0, "It is enabled again");
        }
}

/* libcxl always looks at /sys, and the daemon may have been told another place. */
static bool is_of_this_machine(const struct sysfs *s) {
        uint64_t ours;
        struct stat st;

        return sysfs_inode(s, &ours, DEVICES "/") >= 0 && stat("/" DEVICES "/", &st) >= 0 &&
                st.st_ino == ours;
}

static int work(struct cxl_run *run) {
        int r;

        if (!is_of_this_machine(run->job->sysfs)) {
                cxl_tell(run, EXEC_STEP_FAILED, "", -EXDEV, "libcxl looks at /sys only, and memmapd "
                         "runs with another --sysroot");
                return -EXDEV;
        }
        r = cxl_renew(run);
        if (r < 0) {
                cxl_tell(run, EXEC_STEP_FAILED, "", r, "libcxl cannot be used: %s", strerror(-r));
                return r;
        }
        switch (run->job->task) {
        case CXL_CREATE:
                cxl_create(run);
                break;
        case CXL_CONVERGE:
                cxl_converge(run);
                break;
        case CXL_EJECT:
                r = eject(run);
                break;
        case CXL_RESTORE:
                restore(run);
                break;
        }
        if (run->ctx)
                cxl_unref(run->ctx);
        return r;
}

const char cxl_module_version[] = VERSION;

void cxl_module_work(const void *job, exec_report report, void *userdata) {
        struct cxl_run run = { .job = job, .report = report, .userdata = userdata };
        int r = work(&run);

        (void) report(userdata, &(struct exec_event) { .kind = EXEC_END, .error = r < 0 ? -r : 0 });
}

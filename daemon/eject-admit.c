/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What belongs to a region or an expander, and whether all of it can be removed. */
#include "eject-run.h"

#include <errno.h>
#include <string.h>

#include "cxl.h"
#include "expander.h"
#include "users.h"

#define REGION "sys/bus/cxl/devices/%s"

static bool has(const char names[][24], size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

static int add_region(const struct manager *m, struct eject *e, const char *region,
                      struct refusal *why) {
        char mode[16];

        if (sysfs_read(m->sysfs, mode, sizeof(mode), REGION "/mode", region) < 0)
                return operate_refuse(why, "NoDevice", "There is no region %s, or the kernel does not "
                                      "say what it is made of", region);
        if (strcmp(mode, "ram") != 0)
                return operate_refuse(why, "Refused", "%s is not of volatile memory (\"%s\"): memmapd "
                                      "leaves it alone", region, mode);
        snprintf(e->regions[e->n_regions++], sizeof(e->regions[0]), "%s", region);
        return 0;
}

static void add_memdev(struct eject *e, const struct expander *x) {
        if (e->n_memdevs < MEMDEVS_MAX)
                snprintf(e->memdevs[e->n_memdevs++], sizeof(e->memdevs[0]), "%s", x->dev.name);
}

/* Only a region that can be taken apart is worth being drained. */
static int check_locks(const struct eject *e, const struct expander *all, size_t n,
                       struct refusal *why) {
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < all[i].n_regions; k++)
                        if (all[i].locked && has(e->regions, e->n_regions, all[i].regions[k]))
                                return operate_refuse(why, "Refused", "The firmware has locked a "
                                                      "decoder of %s: %s stays until the next boot; "
                                                      "its devices can be removed", all[i].dev.name,
                                                      all[i].regions[k]);
        return 0;
}

static void note_partners(struct eject *e, const struct expander *all, size_t n) {
        size_t used = 0;

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < all[i].n_regions; k++)
                        if (has(e->regions, e->n_regions, all[i].regions[k]) &&
                            !has(e->memdevs, e->n_memdevs, all[i].dev.name) &&
                            used < sizeof(e->partners)) {
                                used += (size_t) snprintf(e->partners + used,
                                                          sizeof(e->partners) - used, "%s%s",
                                                          used ? ", " : "", all[i].dev.name);
                                break;
                        }
}

/* An expander: with all its regions, and so with what others have of these. */
static int gather_memdev(const struct manager *m, struct eject *e, const struct expander *all,
                         size_t n, struct refusal *why) {
        const struct expander *x = NULL;

        for (size_t i = 0; i < n; i++)
                if (strcmp(all[i].dev.name, e->name) == 0)
                        x = &all[i];
        if (!x)
                return operate_refuse(why, "NoDevice", "There is no expander %s", e->name);
        if (!x->enabled)
                return operate_refuse(why, "Refused", "%s is disabled already", e->name);
        if (x->used && x->n_regions == 0)
                return operate_refuse(why, "Refused", "A decoder of %s is locked, or has memory that "
                                      "is in no region; see \"cxl list -D -m %s\"", e->name, e->name);
        for (size_t i = 0; i < x->n_regions; i++) {
                int r = add_region(m, e, x->regions[i], why);

                if (r < 0)
                        return r;
        }
        add_memdev(e, x);
        note_partners(e, all, n);
        return 0;
}

static int gather_region(const struct manager *m, struct eject *e, const struct expander *all,
                         size_t n, struct refusal *why) {
        int r = add_region(m, e, e->name, why);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (has(all[i].regions, all[i].n_regions, e->name))
                        add_memdev(e, &all[i]);
        return 0;
}

/* Whether a device has memory to be taken out; if not, that nobody uses it otherwise. */
static int check_device(struct manager *m, struct record *r, struct device *d,
                        const struct command *command, struct refusal *why) {
        struct command own = *command;
        struct operation *op = NULL;
        struct refusal inner;

        if (d->holder == HOLDER_NONE || (d->holder == HOLDER_DEVICE_DAX &&
                                         !users_of_node(m->sysfs, d->name)))
                return 0;
        if (d->holder == HOLDER_DEVICE_DAX)
                return operate_refuse(why, "Refused", "Somebody has /dev/%s open", d->name);
        own.device = d->name;
        if (operate_admit(m, r, d, &own, &op, &inner) < 0)
                return operate_refuse(why, inner.name, "%s: %s", d->name, inner.text);
        operation_free(op);
        return 1;
}

static int gather_devices(struct manager *m, struct eject *e, const struct command *command,
                          struct refusal *why) {
        for (struct record *r = m->records; r; r = r->next) {
                struct device *d = model_device(m->model, r->name);
                int n;

                if (!d || d->backing != BACKING_CXL || !has(e->regions, e->n_regions, d->region))
                        continue;
                n = check_device(m, r, d, command, why);
                if (n < 0)
                        return n;
                if (n > 0 && e->n_devices == MEMDEVS_MAX)
                        return operate_refuse(why, "Refused", "%s has more than %d devices; remove "
                                              "some of them first", e->name, MEMDEVS_MAX);
                if (n > 0)
                        snprintf(e->devices[e->n_devices++], sizeof(e->devices[0]), "%s", d->name);
        }
        return 0;
}

int eject_admit(struct manager *m, struct eject *e, const struct command *command,
                struct refusal *why) {
        _cleanup_(freep) struct expander *all = NULL;
        size_t n;
        int r;

        if (m->dry_run)
                return operate_refuse(why, "Refused", "memmapd runs with --dry-run");
        if (!cxl_is_possible())
                return operate_refuse(why, "Failed", "This memmapd was built without libcxl: it can "
                                      "remove devices, such as dax0.0, and cxl(1) regions");
        r = probe_expanders(m->sysfs, &all, &n);
        if (r < 0)
                return operate_refuse(why, "Failed", "Cannot read CXL from sysfs: %s", strerror(-r));
        r = strncmp(e->name, "mem", 3) == 0 ? gather_memdev(m, e, all, n, why) :
                gather_region(m, e, all, n, why);
        if (r >= 0)
                r = check_locks(e, all, n, why);
        if (r < 0)
                return r;
        for (const struct eject *o = m->ejects; o; o = o->next)
                for (size_t i = 0; i < o->n_memdevs + o->n_regions; i++)
                        if (i < o->n_memdevs ? has(e->memdevs, e->n_memdevs, o->memdevs[i]) :
                            has(e->regions, e->n_regions, o->regions[i - o->n_memdevs]))
                                return operate_refuse(why, "Busy", "%s is being removed by an order "
                                                      "that was given before", o->name);
        return gather_devices(m, e, command, why);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For doctor: what is wrong with devices before anybody decides on them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fields.h"
#include "findings.h"
#include "format.h"
#include "state.h"

static void look_at_error(struct findings *f, const struct device *d) {
        bool denied = d->error == -EACCES || d->error == -EPERM;

        findings_add(f, "permissions", denied ? FINDING_NOTE : FINDING_WRONG,
                    finding_text("%s cannot be looked at: %s.", d->name, strerror(-d->error)),
                    denied ? finding_text("Run this as root: the kernel tells nobody else where a "
                                          "device lies.") :
                    finding_text("See what dmesg says of %s.", d->name));
}

/* The size of a block follows from that of RAM, and nothing sets it. */
static void look_at_size(struct findings *f, const struct model *m, const struct device *d) {
        const char *block = FORMAT_BYTES(m->block_size);

        if (d->n_blocks == 0)
                findings_add(f, "blocks", FINDING_WRONG,
                            finding_text("There is no whole memory block of %s in %s (%s).", block,
                                         d->name, FORMAT_BYTES(d->size)),
                            finding_text("Make it larger, with ndctl(1), cxl(1) or daxctl(1): from "
                                         "one multiple of %s to another.", block));
        else
                findings_add(f, "blocks", FINDING_NOTE,
                            finding_text("%s of %s fill no memory block of %s and are not used.",
                                         FORMAT_BYTES(d->trimmed), d->name, block),
                            finding_text("To use all, let it begin and end at multiples of %s, "
                                         "with ndctl(1), cxl(1) or daxctl(1).", block));
}

void look_at_blocks(struct findings *f, const struct model *m) {
        bool good = true;

        for (size_t i = 0; i < m->n_devices; i++) {
                const struct device *d = &m->devices[i];

                if (d->error == 0 && d->n_blocks > 0 && d->trimmed == 0)
                        continue;
                good = false;
                if (d->error < 0)
                        look_at_error(f, d);
                else
                        look_at_size(f, m, d);
        }
        if (good)
                findings_add(f, "blocks", FINDING_GOOD,
                            finding_text("Memory comes in blocks of %s%s.",
                                         FORMAT_BYTES(m->block_size), m->n_devices == 0 ? "" :
                                         ", and all devices are made of whole ones"), NULL);
}

/* What memmapd gave to that driver, or left to it, is as it should be. */
static bool is_taken_away(const struct sysfs *s, const struct device *d,
                          struct json_object *description) {
        struct json_object *device = json_device(description, d->name);

        if (d->holder != HOLDER_KMEM)
                return false;
        if (!device)
                return !description && !state_adopted(s, d->name);
        return strcmp(field_string(device, "verdict", ""), "ignore") != 0 &&
                !field_string(device, "backend", NULL);
}

void look_at_kmem(struct findings *f, const struct sysfs *s, const struct model *m,
                  struct json_object *description) {
        enum fix_state state;
        const struct device *d = NULL;

        for (size_t i = 0; i < m->n_devices && !d; i++)
                if (is_taken_away(s, &m->devices[i], description))
                        d = &m->devices[i];
        if (!d)
                return;
        findings_add(f, "kmem", FINDING_NOTE,
                    finding_text("The kernel's own driver had %s before memmapd could decide.",
                                 d->name),
                    fix_look(s, &fix_kmem, &state) >= 0 && state == FIX_THERE ?
                    finding_text("/%s is there: boot, and if kmem is in the initramfs, run "
                                 "update-initramfs -u before.", fix_kmem.path) :
                    finding_text("Enable memmapd, write\nblacklist kmem\nto /%s, and boot.\n"
                                 "memmapctl doctor --fix does the latter.", fix_kmem.path));
        findings_fix(f, &fix_kmem);
}

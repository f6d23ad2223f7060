/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "findings.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "format.h"
#include "names.h"

/* More movable memory than this for each byte of kernel memory is asking for trouble:
 * Documentation/admin-guide/mm/memory-hotplug.rst, "Zone Imbalances". */
#define RATIO_MAX 4

struct made_fix {
        struct made_fix *next;
        struct fix fix;
        char *text, path[SYSFS_PATH_MAX];
};

void findings_done(struct findings *f) {
        while (f->made) {
                struct made_fix *next = f->made->next;

                free(f->made->text);
                free(f->made);
                f->made = next;
        }
        for (size_t i = 0; i < f->n; i++) {
                free(f->list[i].what);
                free(f->list[i].remedy);
        }
        free(f->list);
        *f = (struct findings) { 0 };
}

char *finding_text(const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        return r < 0 ? NULL : s;
}

void findings_add(struct findings *f, const char *check, enum severity severity, char *what,
                  char *remedy) {
        struct finding *list = reallocarray(f->list, f->n + 1, sizeof(*list));

        if (list)
                f->list = list;
        if (!list || !what) {
                free(what);
                free(remedy);
                f->oom = true;
                return;
        }
        list[f->n++] = (struct finding) { check, severity, what, remedy, NULL };
}

void findings_fix(struct findings *f, const struct fix *fix) {
        if (f->n > 0)
                f->list[f->n - 1].fix = fix;
}

struct fix *findings_make_fix(struct findings *f, const char *directory, const char *path,
                              char *text, const char *then) {
        struct made_fix *made = text ? calloc(1, sizeof(*made)) : NULL;

        if (!made) {
                free(text);
                f->oom = true;
                return NULL;
        }
        snprintf(made->path, sizeof(made->path), "%s", path);
        made->text = text;
        made->fix = (struct fix) {
                .directory = directory, .path = made->path, .text = text, .then = then,
        };
        made->next = f->made;
        f->made = made;
        return &made->fix;
}

/* The kernel */

static void look_at_auto_online(struct findings *f, const struct sysfs *s) {
        char policy[32];

        if (sysfs_read(s, policy, sizeof(policy),
                       "sys/devices/system/memory/auto_online_blocks") < 0)
                return;
        if (strcmp(policy, "offline") == 0)
                findings_add(f, "auto-online", FINDING_GOOD,
                    finding_text("The kernel leaves new memory offline until it is told."), NULL);
        else
                findings_add(f, "auto-online", FINDING_NOTE,
                    finding_text("The kernel brings memory online by itself (auto_online_blocks is "
                                 "\"%s\"): what its own driver takes before memmapd starts is in "
                                 "use before anybody decides.", policy),
                    finding_text("Boot with memhp_default_state=offline."));
}

static void look_at_firmware_memory(struct findings *f, const struct sysfs *s) {
        _cleanup_(freep) char *line = NULL;

        if (sysfs_read_all(s, &line, NULL, "proc/cmdline") < 0)
                return;
        if (strstr(line, "efi=nosoftreserve"))
                findings_add(f, "soft-reserve", FINDING_NOTE,
                    finding_text("Memory that the firmware set aside is RAM from the start "
                                 "(efi=nosoftreserve), with its memmap in RAM."),
                    finding_text("Boot without efi=nosoftreserve to have memmapd decide."));
}

/* ACPI0017 stands for the machine's CXL, see drivers/cxl/acpi.c. */
static void look_at_cxl(struct findings *f, const struct sysfs *s) {
        _cleanup_(closep) int acpi = sysfs_open(s, O_PATH, "sys/bus/acpi/devices/ACPI0017:00");
        _cleanup_(closep) int root = sysfs_open(s, O_PATH, "sys/bus/cxl/devices/root0");

        if (acpi < 0)
                return;
        if (root >= 0)
                findings_add(f, "cxl", FINDING_GOOD,
                    finding_text("The kernel has taken the machine's CXL."), NULL);
        else
                findings_add(f, "cxl", FINDING_WRONG,
                    finding_text("The machine has CXL, and the kernel does not drive it."),
                    finding_text("Run \"modprobe cxl_acpi\", or use a kernel with "
                                 "CONFIG_CXL_ACPI."));
        if (!HAVE_LIBCXL)
                findings_add(f, "libraries", FINDING_NOTE,
                    finding_text("This memmapd was built without libcxl: it makes no regions of "
                                 "CXL, and takes none apart."),
                    finding_text("Use cxl(1), or install libcxl 76 or later and build memmapd "
                                 "with -Dlibcxl=enabled."));
}

void look_at_kernel(struct findings *f, const struct sysfs *s, const struct model *m) {
        look_at_module(f, s, m);
        look_at_memmap_on_memory(f, s, m);
        look_at_auto_online(f, s);
        look_at_udev(f, s, m);
        look_at_firmware_memory(f, s);
        look_at_cxl(f, s);
}

/* Memory */

void look_at_zones(struct findings *f, const struct model *m) {
        uint64_t all = 0, kernel = 0, movable;

        for (size_t i = 0; i < m->n_nodes; i++) {
                all += m->nodes[i].total;
                kernel += m->nodes[i].kernel_total;
        }
        movable = all > kernel ? all - kernel : 0;
        if (kernel == 0)
                return;
        if (movable / RATIO_MAX <= kernel)
                findings_add(f, "zones", FINDING_GOOD,
                    finding_text("%s of the memory is movable, %s the kernel can use for itself.",
                                 FORMAT_BYTES(movable), FORMAT_BYTES(kernel)), NULL);
        else
                findings_add(f, "zones", FINDING_WRONG,
                    finding_text("%s of the memory is movable, and only %s the kernel can use for "
                                 "itself: it may run out of memory with much of it free.",
                                 FORMAT_BYTES(movable), FORMAT_BYTES(kernel)),
                    finding_text("Use \"zone\": \"auto\" in the policy; see memmapd-policy(5)."));
}

/* memmapd */

static void look_at_devices(struct findings *f, struct json_object *description) {
        struct json_object *devices = field_get(description, "devices", json_type_array);
        size_t n = devices ? json_object_array_length(devices) : 0, good = 0;

        for (size_t i = 0; i < n; i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);
                const char *state = field_string(d, "state", "unknown");
                const char *name = field_string(d, "name", "?");

                if (strcmp(state, "refused") == 0 || strcmp(state, "degraded") == 0 ||
                    strcmp(state, "unknown") == 0)
                        findings_add(f, "device", FINDING_WRONG,
                            finding_text("%s is %s: %s", name, state,
                                         field_string(d, "message", "")),
                            finding_text("See \"memmapctl explain %s\".", name));
                else
                        good++;
        }
        if (n == 0)
                findings_add(f, "device", FINDING_NOTE, finding_text("There are no dax devices."),
                             NULL);
        else if (good == n)
                findings_add(f, "device", FINDING_GOOD,
                    finding_text("%zu dax device%s, and nothing wrong with %s.", n,
                                 n == 1 ? "" : "s", n == 1 ? "it" : "them"), NULL);
}

static void look_at_policy(struct findings *f, struct json_object *daemon) {
        struct json_object *warnings = field_get(daemon, "policy_warnings", json_type_array);
        const char *error = field_string(daemon, "policy_error", NULL);

        if (error)
                findings_add(f, "policy", FINDING_WRONG,
                    finding_text("The policy files are not in force as they are: %s", error),
                    finding_text("Mend it; see \"memmapctl check\"."));
        else if (warnings && json_object_array_length(warnings) > 0)
                findings_add(f, "policy", FINDING_NOTE,
                    finding_text("There are warnings about the policy."),
                    finding_text("See \"memmapctl check\"."));
        else
                findings_add(f, "policy", FINDING_GOOD,
                    finding_text("The policy in force is %s.",
                                 field_string(daemon, "policy", "built in")), NULL);
}

void look_at_daemon(struct findings *f, const struct sysfs *s, struct json_object *description) {
        struct json_object *daemon = field_get(description, "daemon", json_type_object);
        int autoprobe = 0;

        findings_add(f, "daemon", field_bool(daemon, "dry_run") ? FINDING_NOTE : FINDING_GOOD,
            finding_text("memmapd %s is running%s.", field_string(daemon, "version", "?"),
                 field_bool(daemon, "dry_run") ? " and changes nothing (dry run)" : ""), NULL);
        if (sysfs_read_int(s, &autoprobe, "sys/bus/dax/drivers_autoprobe") >= 0 && autoprobe)
                findings_add(f, "claim", FINDING_WRONG,
                    finding_text("The kernel's own drivers still take new dax devices first "
                                 "(drivers_autoprobe is 1)."),
                    finding_text("Run \"systemctl restart memmapd-claim\"."));
        look_at_policy(f, daemon);
        look_at_devices(f, description);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands between this machine and its dax memory: facts about the machine, and
 * what to do about each.  Reads, and changes nothing.
 */
#pragma once

#include <json-c/json.h>
#include <stddef.h>

#include "ctl.h"
#include "fix.h"
#include "model.h"
#include "sysfs.h"

enum severity {
        FINDING_GOOD,
        FINDING_NOTE,           /* works, and could do better */
        FINDING_WRONG,          /* does not work as it should */
        _FINDING_MAX,
};

struct finding {
        const char *check;      /* what was looked at, a stable word */
        enum severity severity;
        char *what;             /* a sentence */
        char *remedy;           /* what to do, or NULL */
        const struct fix *fix;  /* what "doctor --fix" does about it, or NULL */
};

struct findings {
        size_t n;
        struct finding *list;
        struct made_fix *made;  /* fixes that are not the same on every machine */
        bool oom;               /* something is missing from the list */
};

void findings_done(struct findings *f);

/* For those that look: @what and @remedy are freed with the list, and may be NULL for
 * want of memory. */
void findings_add(struct findings *f, const char *check, enum severity severity, char *what,
                  char *remedy);
char *finding_text(const char *format, ...) _printf_(1, 2);

/* Of the last one. */
void findings_fix(struct findings *f, const struct fix *fix);

/* One that lives as long as the list; NULL for want of memory.  @text is freed with it. */
struct fix *findings_make_fix(struct findings *f, const char *directory, const char *path,
                              char *text, const char *then);

/* Of what the kernel was built, as far as that is told. */
void look_at_config(struct findings *f, const struct sysfs *s);

/* The machine has no memory that can be added, so that there is no model of it. */
void look_at_no_hotplug(struct findings *f);

/* What the kernel and its files say. */
void look_at_kernel(struct findings *f, const struct sysfs *s, const struct model *m);

/* The parts of it that are in files of their own. */
void look_at_module(struct findings *f, const struct sysfs *s, const struct model *m);
void look_at_memmap_on_memory(struct findings *f, const struct sysfs *s, const struct model *m);

/* Whether the devices are made of whole memory blocks, and can be looked at at all. */
void look_at_blocks(struct findings *f, const struct model *m);

/* Devices that the kernel's own driver had first.  @description: NULL if memmapd did not
 * say which of those are its own. */
void look_at_kmem(struct findings *f, const struct sysfs *s, const struct model *m,
                  struct json_object *description);

/* How much memory the kernel can use for itself, to that it cannot. */
void look_at_zones(struct findings *f, const struct model *m);

/* Rules of udev that do what memmapd is to do. */
void look_at_udev(struct findings *f, const struct sysfs *s, const struct model *m);

/* @description: what memmapd says, see memmapctl(1). */
void look_at_daemon(struct findings *f, const struct sysfs *s, struct json_object *description);

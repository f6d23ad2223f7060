/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands between this machine and its dax memory: facts about the machine, and
 * what to do about each.  Reads, and changes nothing.
 */
#pragma once

#include <json-c/json.h>
#include <stddef.h>

#include "ctl.h"
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
};

struct findings {
        size_t n;
        struct finding *list;
        bool oom;               /* something is missing from the list */
};

void findings_done(struct findings *f);

/* What the kernel and its files say. */
void look_at_kernel(struct findings *f, const struct sysfs *s, const struct model *m);

/* How much memory the kernel can use for itself, to that it cannot. */
void look_at_zones(struct findings *f, const struct model *m);

/* @description: what memmapd says, see memmapctl(1). */
void look_at_daemon(struct findings *f, const struct sysfs *s, struct json_object *description);

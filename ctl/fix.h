/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What "doctor --fix" can change: files that are not there yet.  One that somebody else
 * made is never touched.
 */
#pragma once

#include <stdbool.h>

#include "sysfs.h"

struct fix {
        const char *directory;  /* made if it is missing, unless what it is in is missing too */
        const char *path;       /* both without the first slash */
        const char *text;       /* of the whole file */
        const char *command;    /* to be run after it, or NULL; without the first slash */
        const char *then;       /* when it is in effect */
};

enum fix_state {
        FIX_MISSING,
        FIX_THERE,              /* as it would be written */
        FIX_FOREIGN,            /* a file of this name with something else in it */
};

extern const struct fix fix_boot_parameter, fix_kmem;

/* Negative errno: nobody knows. */
int fix_look(const struct sysfs *s, const struct fix *fix, enum fix_state *ret);

/* Whole or not at all.  -EEXIST: there is such a file. */
int fix_write(const struct sysfs *s, const struct fix *fix);

/* GRUB is there, and reads what is below etc/default/grub.d: Debian's does. */
bool fix_has_grub(const struct sysfs *s);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backends: which driver takes a device's memory in, and what that one can do.
 */
#pragma once

#include <stdbool.h>

#include "model.h"

enum backend {
        BACKEND_AUTO,           /* no backend yet: in a policy, the best there is */
        BACKEND_CHUNKED,        /* memmapd_kmem: block by block, each as decided */
        BACKEND_NATIVE,         /* kmem, told where the memmaps of the device go */
        BACKEND_PLAIN,          /* kmem, all memmaps in RAM */
        _BACKEND_MAX,
};

/*
 * The backend for @d when @asked for by the policy; BACKEND_AUTO if it cannot be
 * had, then *@ret_why says why not, in words.
 */
enum backend backend_choose(const struct model *m, const struct device *d, enum backend asked,
                            const char **ret_why);

/* Whether it is the kernel's own driver, which adds a device as a whole. */
bool backend_is_whole(enum backend b);

/* The driver of the backend is bound to the device. */
bool backend_holds(enum backend b, const struct device *d);

const char *backend_to_string(enum backend b);
int backend_from_string(const char *s);

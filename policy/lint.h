/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies that can be carried out and yet cannot be meant as they are written.
 */
#pragma once

#include "policy.h"

enum contradiction {
        CONTRADICTION_NONE,
        CONTRADICTION_OFFLINE,          /* memmaps into seeds, and blocks stay offline */
        CONTRADICTION_FORBIDDEN,        /* memmaps into seeds, and no seeds allowed */
        CONTRADICTION_BACKEND,          /* a backend that cannot place memmaps like that */
        CONTRADICTION_LIMIT,            /* a backend that takes in all or nothing */
        CONTRADICTION_USE_ZONE,         /* a zone that is no good for the use */
        CONTRADICTION_USE_MEMMAP,       /* a place for memmaps that is not */
        CONTRADICTION_USE_PREFER,       /* a place that leaves nothing to prefer */
};

/* What @own brings about, laid on @below; what is wrong with @below alone does not count. */
enum contradiction lint_settings(const struct settings *below, const struct settings *own);

/* covers.c */

/* Whether each device that @special matches is matched by @general as well: true if sure. */
bool lint_covers(const struct match *general, const struct match *special);

/* The first rule in front of rule @i that takes all devices it could match, or NULL. */
const struct rule *lint_shadow(const struct policy *p, size_t i);

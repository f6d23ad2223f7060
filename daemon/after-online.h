/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "after_online" of the policy: what is set on the machine for devices that are online,
 * and put back when the last one that asked for it is taken out.  What is to be done is
 * decided in policy/after.h; here it is done, looked at, told and remembered.
 */
#pragma once

#include <json-c/json.h>

#include "after.h"

struct after;
struct manager;
struct record;

/* What became of a wish of a device. */
enum after_outcome {
        AFTER_NOT_YET,
        AFTER_IS_SET,
        AFTER_IS_MISSING,       /* the kernel has no such file */
        AFTER_HAS_FAILED,
        AFTER_DIFFERS,          /* from what was written */
        AFTER_WAS_CHANGED,      /* by somebody else */
        AFTER_IS_ANOTHERS,      /* another device was first, with another value */
        _AFTER_OUTCOME_MAX,
};

struct after_note {
        enum after_outcome outcome;
        char text[320];
};

/* All devices, after each look at the machine. */
void after_online_look(struct manager *m);

struct after *after_free(struct after *a);

/* What a device asks for and what became of it, or NULL if it asks for nothing. */
struct json_object *after_online_describe(const struct manager *m, const struct record *r);

/* All that is set now, for whom and over what. */
struct json_object *after_online_describe_all(const struct manager *m);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects of a JSON tree, whose keys are known beforehand. */
#pragma once

#include "json-decode.h"

/* A key, and what takes its value.  A list of them ends with {}. */
struct field {
        const char *key;
        int (*decode)(
                        struct decoder *d, const struct json_path *path,
                        struct json_object *value, void *target);
        unsigned int given;             /* what to set in the section's */
};

/* Fields whose values go to the same target.  A list of them ends with {}. */
struct section {
        const struct field *fields;
        void *target;
        unsigned int *given;            /* may be NULL */
};

/* Where fields belong, for those found elsewhere.  A list of them ends with {}. */
struct home {
        const struct field *fields;
        const char *where;
};

/* Takes each member, and refuses those that no section has. */
int decode_object(
                struct decoder *d, const struct json_path *path, struct json_object *object,
                const char *remedy, const struct section *sections);

int require_key(
                struct decoder *d, const struct json_path *path, struct json_object *object,
                const char *key, const char *remedy);

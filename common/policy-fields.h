/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of a policy file that say something about devices. */
#pragma once

#include "json-object.h"

/* Into a struct settings. */
extern const struct field settings_fields[];

/* Into a struct match. */
extern const struct field match_fields[];

/* For people and editors: anywhere, and into nothing. */
extern const struct field common_fields[];

int decode_ignored(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of a policy file that say something about devices. */
#pragma once

#include "amount.h"
#include "json-object.h"

/* Into a struct settings. */
extern const struct field settings_fields[];

/* Into a struct match; see decode_conditions(). */
extern const struct field match_fields[];

/* For people and editors: anywhere, and into nothing. */
extern const struct field common_fields[];

/* What a rule is to match, and what of it stands within "all", "any" and "not". */
int decode_conditions(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                struct match *m);

int decode_amount(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                enum amount_kind kind, struct amount *ret);

int decode_bytes(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                uint64_t *ret);

int decode_ignored(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of json-c's tree to values of C.
 *
 * Each decode_*() takes a value of one type and leaves *ret alone if it is
 * another: -EINVAL, with the decoder's error saying what is expected, what was
 * found, and where.  @remedy says what to write instead.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "json-locate.h"
#include "policy-error.h"

struct decoder {
        const char *text;               /* what the tree was made of */
        size_t size;
        const struct home *homes;       /* see json-object.h */
        struct policy_error *error;
};

_printf_(4, 5)
int refuse(
                struct decoder *d, const struct json_path *path, enum json_part part,
                const char *format, ...);

int refuse_type(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, const char *remedy);

/* The string is the value's. */
int decode_string(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, const char **ret);

int decode_nonempty(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, const char **ret);

int decode_integer(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, int64_t min, int64_t max, int64_t *ret);

int decode_bool(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                bool *ret);

/*
 * One of @words, the last of which is NULL: those that a file may use of all
 * that @from_string knows.  Returns what that makes of it.
 */
int decode_word(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *const *words, int (*from_string)(const char *s));

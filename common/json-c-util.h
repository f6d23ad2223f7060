/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What json-c leaves out. */
#pragma once

#include <stdint.h>

#include <json-c/json.h>

#include "util.h"

static inline void json_putp(struct json_object **o) {
        json_object_put(*o);
}

static inline void json_tokener_freep(struct json_tokener **t) {
        if (*t)
                json_tokener_free(*t);
}

/* Adds a key with a string; null for NULL, and for one that is empty. */
static inline void json_add_string(struct json_object *object, const char *key, const char *s) {
        json_object_object_add(object, key, s && s[0] ? json_object_new_string(s) : NULL);
}

/* Adds a key with a number.  -EEXIST if the object has the key; then *ret_first is its number. */
int json_add_new(struct json_object *object, const char *key, int64_t number, int64_t *ret_first);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the description.  Any field may be absent or null, and any object
 * passed in may be NULL.
 */
#pragma once

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl.h"
#include "json-c-util.h"

/* A member of that type, or NULL. */
struct json_object *field_get(struct json_object *o, const char *key, enum json_type type);

const char *field_string(struct json_object *o, const char *key, const char *fallback);
int64_t field_int(struct json_object *o, const char *key, int64_t fallback);
uint64_t field_size(struct json_object *o, const char *key);
bool field_bool(struct json_object *o, const char *key);

void json_print_to(FILE *f, struct json_object *o, enum json_mode mode);
void json_print(struct json_object *o, enum json_mode mode);

/* The device of that name in the description, or NULL.  Not to be put. */
struct json_object *json_device(struct json_object *description, const char *name);

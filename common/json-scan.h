/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tokens of a JSON text, one at a time, as strict as RFC 8259 and in part
 * stricter, see json-parse.h.
 *
 * What takes a path blames it: -EINVAL with the scanner's error filled.
 */
#pragma once

#include <stdbool.h>

#include <json-c/json.h>

#include "json-path.h"
#include "policy-error.h"

struct scanner {
        const char *text, *at, *end;
        struct json_tokener *tokener;           /* for keys, so that they read as json-c's do */
        struct policy_error *error;
};

_printf_(4, 5)
int scan_fault(
                struct scanner *s, const struct json_path *path, const char *at,
                const char *format, ...);

/* "expected ..., found ...": what stands here. */
int scan_unexpected(struct scanner *s, const struct json_path *path, const char *expected);

bool scan_next_is(const struct scanner *s, char c);

/* Takes the character if it is the next. */
bool scan_take(struct scanner *s, char c);

void scan_space(struct scanner *s);

/* A string, to be put, which begins here.  Also -ENOMEM. */
int scan_key(struct scanner *s, const struct json_path *path, struct json_object **ret);

/* A string, a number, true, false or null. */
int scan_scalar(struct scanner *s, const struct json_path *path);

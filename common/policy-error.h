/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a policy file, and where. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "json-path.h"
#include "util.h"

struct policy_error {
        bool warning;                   /* it holds all the same */
        char pointer[256];              /* JSON pointer (RFC 6901), "" for the whole file */
        int line, column;               /* from 1, columns in characters; 0 if not known */
        char message[512];
};

/* @error may be NULL if nobody asks, here and in policy_error_file(). */
_printf_(5, 0)
void policy_error_set(
                struct policy_error *error, const struct json_path *path, int line, int column,
                const char *format, va_list ap);

/* For what has no place in the text.  Returns @r, a negative errno; %m is its meaning. */
_printf_(3, 4)
int policy_error_file(struct policy_error *error, int r, const char *format, ...);

/*
 * "FILE:LINE:COLUMN: warning: /pointer: message", without what is not known or not so.
 * NULL: no memory.
 */
char *policy_error_format(const struct policy_error *error, const char *file);

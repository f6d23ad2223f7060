/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things are in a JSON text; json-c knows no lines. */
#pragma once

#include <stddef.h>

#include "json-path.h"

enum json_part {
        JSON_KEY,                       /* what stands before the colon */
        JSON_VALUE,
};

/*
 * Line and column of a part of a text that json_parse() took, both counted
 * from 1, columns in characters.  -ENOENT if it is not there, -ENOMEM.
 */
int json_locate(
                const char *text, size_t size,
                const struct json_path *path, enum json_part part,
                int *ret_line, int *ret_column);

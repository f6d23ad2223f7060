/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for people, by libsmartcols. */
#pragma once

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stddef.h>

#include "ctl.h"

#define CELL_MAX 96

struct table_column {
        const char *name;
        int flags;
};

static inline void table_unrefp(struct libscols_table **t) {
        scols_unref_table(*t);
}

/* NULL: out of memory. */
struct libscols_table *table_new(
                const struct options *o, const struct table_column *columns, size_t n);

/* @r: negative if it could not be made. */
enum exit_code table_print(struct libscols_table *table, int r);

/*
 * "seed 495, ram 1": the members of @counts named by @keys that are not zero, "-" if
 * there are none.
 */
const char *format_counts(char buf[static CELL_MAX], struct json_object *counts,
                          const char *const *keys);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Amounts of memory as people write them, "512M", "1GiB", "2.5%", and of time, "5s". */
#pragma once

#include "policy.h"

enum amount_kind {
        AMOUNT_BYTES,
        AMOUNT_BYTES_OR_SHARE,
};

/* Returns what is wrong, such as "has an unknown unit", or NULL. */
const char *amount_parse(const char *s, enum amount_kind kind, struct amount *ret);

/* "5s", in microseconds; from 1 ms to a day. */
const char *duration_parse(const char *s, uint64_t *ret_usec);

/* What to write, in a file that takes integers as well. */
const char *amount_remedy(enum amount_kind kind);

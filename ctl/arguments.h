/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is typed: times, and blocks of a device. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "90", "90s", "10min" or "1h".  -1: it is none. */
int parse_time(const char *s, uint64_t *ret_usec);

/* "10".  -1: it is none. */
int parse_count(const char *s, uint64_t *ret);

/*
 * A time in the past, in microseconds since 1970: "2026-01-31 12:00:00", "2026-01-31",
 * "12:00" of today, "today", "yesterday", or "-10min" from now.  -1: it is none.
 */
int parse_since(const char *s, uint64_t *ret_usec);

/* "3", "5-7", "1,4-6": appended to the @n blocks of *@blocks.  -1: it is none. */
int parse_blocks(const char *s, uint64_t **blocks, size_t *n);

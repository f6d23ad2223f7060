/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers for people. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FORMAT_BYTES_MAX 32

/* Cut off after one decimal, never rounded up. */
const char *format_bytes_as(char buf[static FORMAT_BYTES_MAX], uint64_t bytes,
                            const char *between, const char *after);

/* "4 GiB", "1.2 GiB", "512 B". */
static inline const char *format_bytes(char buf[static FORMAT_BYTES_MAX], uint64_t bytes) {
        return format_bytes_as(buf, bytes, " ", "iB");
}

/* One word: "4G", "1.2G", "512B". */
static inline const char *format_bytes_short(char buf[static FORMAT_BYTES_MAX], uint64_t bytes) {
        return format_bytes_as(buf, bytes, "", "");
}

/* The same, in a buffer that lives as long as the enclosing block. */
#define FORMAT_BYTES(bytes) format_bytes((char[FORMAT_BYTES_MAX]) { 0 }, (bytes))

#define FORMAT_TIME_MAX 40

/* "2026-01-31T12:00:00.000", as local time; @usec since 1970. */
const char *format_time(char buf[static FORMAT_TIME_MAX], uint64_t usec);

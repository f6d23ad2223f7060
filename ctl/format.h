/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers for people. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FORMAT_BYTES_MAX 32

/* "4 GiB", "1.2 GiB", "512 B": cut off after one decimal, never rounded up. */
const char *format_bytes(char buf[static FORMAT_BYTES_MAX], uint64_t bytes);

/* The same, in a buffer that lives as long as the enclosing block. */
#define FORMAT_BYTES(bytes) format_bytes((char[FORMAT_BYTES_MAX]) { 0 }, (bytes))

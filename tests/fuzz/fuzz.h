/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What fuzz targets share.  Each is one function of libFuzzer's: built with
 * clang it is fed at random by ./dev fuzz, built with gcc it is fed files by
 * replay.c, in every run of the unit tests.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input is. */
#define MUST(x)                                                                         \
        do {                                                                            \
                if (!(x)) {                                                             \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
                        abort();                                                        \
                }                                                                       \
        } while (0)

/* The input as a string: it ends at the first NUL.  To be freed. */
static inline char *string_of(const uint8_t *data, size_t size) {
        char *s = strndup((const char *) data, size);

        MUST(s);
        return s;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of an enum, by value. */
#pragma once

#include <stddef.h>
#include <string.h>

static inline int word_index(const char *const *words, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(words[i], s) == 0)
                        return (int) i;
        return -1;
}

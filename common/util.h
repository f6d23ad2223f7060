/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleanup by scope, and what else every file wants. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/* For types whose free function takes and returns the pointer. */
#define DEFINE_CLEANUP(type, function)                          \
        static inline void function##p(type *p) {               \
                if (*p)                                         \
                        *p = function(*p);                      \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static inline void fclosep(FILE **f) {
        if (*f)
                fclose(*f);
}

static inline void *steal(void *p) {
        void **pp = p, *t = *pp;

        *pp = NULL;
        return t;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of policy files share. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy-json.h"
#include "util.h"

DEFINE_CLEANUP(struct policy *, policy_free)

/* What *ret holds before a call that is to fail. */
#define UNTOUCHED ((struct policy *) -1)

/* Whole policies around a text, which begins in line 2, column 1. */
#define DEFAULTS(text) "{ \"version\": 1, \"defaults\": {\n" text " } }"
#define RULES(text) "{ \"version\": 1, \"rules\": [\n" text " ] }"
#define MATCH(text)                                                                     \
        "{ \"version\": 1, \"rules\": [ { \"name\": \"n\", \"match\": {\n" text " } } ] }"

static inline struct policy *decode(const char *text) {
        struct policy_error error = {};
        struct policy *p = NULL;
        int r;

        r = policy_decode(text, strlen(text), &p, &error);
        if (r < 0)
                fail_msg("%s\nrefused at %s:%d:%d: %s", text,
                         error.pointer, error.line, error.column, error.message);
        assert_non_null(p);
        return p;
}

/* A text to be refused, where, and a part of what is to be said. */
struct refusal {
        const char *text;
        const char *pointer;
        int line, column;
        const char *message;
};

static inline void assert_refused_bytes(
                const char *text, size_t size, const struct refusal *expected) {
        struct policy_error error = {};
        struct policy *p = UNTOUCHED;
        int r;

        r = policy_decode(text, size, &p, &error);
        if (r != -EINVAL)
                fail_msg("not refused: %s", text);
        assert_ptr_equal(p, UNTOUCHED);
        if (strcmp(error.pointer, expected->pointer) != 0 ||
            error.line != expected->line || error.column != expected->column ||
            !strstr(error.message, expected->message))
                fail_msg("%s\nrefused as    %s:%d:%d: %s\nand not as    %s:%d:%d: %s", text,
                         error.pointer, error.line, error.column, error.message,
                         expected->pointer, expected->line, expected->column, expected->message);
        /* It does not matter whether anybody asks why. */
        assert_int_equal(policy_decode(text, size, &p, NULL), -EINVAL);
}

static inline void assert_refused(const struct refusal *refusals, size_t n) {
        for (size_t i = 0; i < n; i++)
                assert_refused_bytes(refusals[i].text, strlen(refusals[i].text), &refusals[i]);
}

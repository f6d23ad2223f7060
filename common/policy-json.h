/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policy files: JSON to struct policy, and nothing taken for granted.
 *
 * What is accepted is what policy/policy.schema.json describes, and a little
 * less: what a schema cannot say (names are unique, min_size is not above
 * max_size, no key is given twice) is checked here.
 */
#pragma once

#include <stddef.h>

#include "policy-error.h"
#include "policy.h"

enum {
        POLICY_SIZE_MAX = 1024 * 1024,          /* bytes of a file */
        POLICY_RULES_MAX = 1000,                /* rules of a policy */
        POLICY_NAME_MAX = 100,                  /* bytes of a rule's name */
        POLICY_NODE_MAX = 1023,                 /* the largest target_node */
        POLICY_MATCH_LIST = 100,                /* conditions of an "all" or "any" */
        POLICY_MATCH_DEPTH = 4,                 /* of these and "not" within each other */
};

/*
 * On failure *ret stays as it was and @error, which may be NULL, says what is
 * wrong: -EINVAL if the text is no policy, -ENOMEM.
 */
int policy_decode(
                const char *text, size_t size,
                struct policy **ret, struct policy_error *error);

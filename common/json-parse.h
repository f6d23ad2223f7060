/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON text to json-c's tree, strictly.
 *
 * json-c builds the tree, but forgives too much for a file that decides over
 * memory: it takes NaN, single quotes, raw control characters and malformed
 * UTF-8, keeps the last of two equal keys, clamps huge integers, cuts keys at
 * a NUL, and knows no lines.  All that is refused beforehand, so that what
 * json-c then reads is what the file says.
 */
#pragma once

#include <stddef.h>

#include <json-c/json.h>

#include "policy-error.h"

/*
 * Takes one JSON object as RFC 8259 has it, in UTF-8, with nothing in it that
 * json-c would change: no key twice in an object, integers within 64 bits, no
 * NUL and no half of a surrogate pair in a string.  -EINVAL with @error
 * filled, or -ENOMEM.
 */
int json_parse(
                const char *text, size_t size,
                struct json_object **ret, struct policy_error *error);

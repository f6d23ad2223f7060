/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <stddef.h>

#define CXL_SUBJECT_MAX 512

/* Whom a member of "regions" is about: "mem0, mem1 (region0)".  Returns @buf. */
const char *cxl_subject(char buf[static CXL_SUBJECT_MAX], struct json_object *region);

/* What is under way with regions and expanders, and what failed; nothing if nothing is. */
void print_cxl(struct json_object *description);

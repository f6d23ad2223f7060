/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found in policies, as JSON: see "check" in memmapctl(1). */
#pragma once

#include <json-c/json.h>

#include "policy-files.h"

struct json_object *report_new(void);

/* Of one policy, be it of one file or of several. */
void report_add(struct json_object *report, const struct policy_files *f);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

/* What is under way with regions and expanders, and what failed; nothing if nothing is. */
void print_cxl(struct json_object *description);

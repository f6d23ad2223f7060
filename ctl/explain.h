/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of what explain prints, for others. */
#pragma once

#include <json-c/json.h>

/* The reasons of a device, each on a line. */
void print_reasons(struct json_object *device);

/* What the policy sets on the machine for it, and what became of that. */
void print_after_online(struct json_object *device);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings as a policy file has them, for those who are to compare them. */
#pragma once

#include <json-c/json.h>

#include "policy.h"

/* All of them, with their keys, as far as they are in force: given or not. */
struct json_object *settings_to_json(const struct settings *s);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which settings another policy has for a device, and whether that means anything as
 * things are: not all of them are about where memory goes.
 */
#pragma once

#include <json-c/json.h>

#include "manager.h"

struct diff_ask {
        const struct record *record;    /* NULL: there is none */
        const struct device *device;
        const struct settings *old, *new;
        const struct decision *decision;        /* by the new ones */
        bool decides_otherwise;
};

/* A new array; NULL if memory ran out. */
struct json_object *diff_settings(const struct diff_ask *ask);

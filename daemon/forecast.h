/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would be done with the devices of a machine, this one or a recorded one, if
 * memmapd met them now.  Nothing is done.
 */
#pragma once

#include <json-c/json.h>

#include "policy-files.h"
#include "sysfs.h"

struct forecast {
        const struct policy_files *files;       /* without an error */
        bool fresh;                     /* as if nothing had been taken in yet */
        bool module;                    /* as if memmapd_kmem were loaded */
};

/*
 * Returns 0 and in @ret what describe() says, the devices as they would be decided on
 * one after the other; each has "plan" as well, see memmapctl(1).
 */
int forecast(const struct sysfs *s, const struct forecast *f, struct json_object **ret);

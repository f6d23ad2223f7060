/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must outlive the daemon but not the boot: which devices are done with,
 * and what was decided for them.  Kept below RUN_DIR, a file a device.
 *
 * The kernel shows what is there; it cannot show whether a block that is missing
 * is still to come or was taken out by hand.  This tells them apart.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "sysfs.h"

/* @failed: some blocks could not be taken in, which may be tried again. */
int state_settle(const struct sysfs *s, const char *device, bool failed,
                 struct json_object *decision);

/* @ret: a new reference to the decision, or NULL if none was kept. */
bool state_settled(const struct sysfs *s, const char *device, bool *ret_failed,
                   struct json_object **ret);

void state_forget(const struct sysfs *s, const char *device);

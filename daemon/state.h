/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must outlive the daemon but not the boot: which devices are done with, what
 * was decided for them, which of those that the kernel's driver holds are ours, and what
 * an operator ordered.
 * Kept below RUN_DIR, a file a device.
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

/*
 * Memmapd has bound the device to the kernel's own driver, or is about to: what
 * comes online in it is then not a stranger's.
 */
int state_adopt(const struct sysfs *s, const char *device);
bool state_adopted(const struct sysfs *s, const char *device);

/* What an operator ordered; NULL: nothing is in force any more. */
int state_order(const struct sysfs *s, const char *device, struct json_object *orders);
/* A new reference, or NULL. */
struct json_object *state_orders(const struct sysfs *s, const char *device);

/* It is to be taken in again. */
void state_forget(const struct sysfs *s, const char *device);

/* It is gone. */
void state_forget_device(const struct sysfs *s, const char *device);

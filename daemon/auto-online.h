/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel brings blocks online as they are added, if its auto_online_blocks says
 * so: all of them at once, in its own order and zone.  While the kernel's own driver
 * is being bound, that is held back.
 *
 * What it was is kept below RUN_DIR meanwhile, so that whoever comes next can put it
 * back if we are killed.
 */
#pragma once

#include <stdbool.h>

#include "sysfs.h"

/* Only one at a time holds it; others wait.  @ret_lock: for auto_online_release(). */
int auto_online_hold(const struct sysfs *s, int *ret_lock);

/* Put it back, unless somebody else has changed it since. */
void auto_online_release(const struct sysfs *s, int lock);

/* Somebody does: the kernel's own driver is being bound to a device. */
bool auto_online_is_held(const struct sysfs *s);

/* After a crash: put it back, unless somebody holds it now. */
void auto_online_recover(const struct sysfs *s);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy of what the probe reads, to look at the machine again later, elsewhere, or
 * with another policy.  It has the paths of the original below another directory, so
 * that probe() takes it for a machine.
 */
#pragma once

#include <stdbool.h>

#include "sysfs.h"

/* Is told of what is there and cannot be read. */
typedef void (*snapshot_missed)(void *userdata, const char *path, int error);

/* @to: an empty directory.  A negative errno if it cannot be written. */
int snapshot_record(const struct sysfs *from, const struct sysfs *to,
                    snapshot_missed missed, void *userdata);

/* Whether the path, or something below it, is recorded where it is there. */
bool snapshot_covers(const char *path);

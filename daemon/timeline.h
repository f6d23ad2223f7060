/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When each block of a device was plugged and came online, and what became of memory
 * meanwhile: eight bytes a block and a bounded number of samples.
 */
#pragma once

#include <json-c/json.h>

#include "exec.h"

struct timeline;

/* Begins now. */
struct timeline *timeline_new(const char *device);
struct timeline *timeline_free(struct timeline *t);

/* From now on @payer pays for memmaps; -1: nobody, or it is not known yet. */
void timeline_go_on(struct timeline *t, const struct sysfs *s, const struct device *d, int payer);

/* Something became of a step; @t may be NULL, as memory is short at times. */
void timeline_note(struct timeline *t, const struct sysfs *s, const struct exec_event *e);

/* No more comes of this plan. */
void timeline_pause(struct timeline *t, const struct sysfs *s);

/* As Manager.Timeline() returns it. */
struct json_object *timeline_describe(const struct timeline *t);

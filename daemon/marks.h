/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must outlive the daemon of regions and expanders, below RUN_DIR: which region is
 * being made, which expanders an operator took out, and what he ordered of them.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "sysfs.h"

/* A region of that name is about to be made of these; until that is done or undone. */
int marks_begin_region(const struct sysfs *s, const char *region, struct json_object *memdevs);
void marks_end_region(const struct sysfs *s, const char *region);

/* One that was begun, and a new reference to what it is made of; -ENOENT if there is none. */
int marks_begun_region(const struct sysfs *s, char *ret, size_t size,
                       struct json_object **ret_memdevs);

/* It was taken out by an operator: this one, not another that comes under the same name. */
int marks_remove(const struct sysfs *s, const char *memdev);
bool marks_removed(const struct sysfs *s, const char *memdev);
void marks_restore(const struct sysfs *s, const char *memdev);

/* An order under way; NULL: it has come to its end. */
int marks_order(const struct sysfs *s, const char *name, struct json_object *order);
/* All of them, by name, in a new object; NULL if memory ran out. */
struct json_object *marks_orders(const struct sysfs *s);

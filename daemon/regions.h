/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions, as the policy wants them made ("create_region"), and as an operator has them
 * taken apart: what is common is that only one worker at a time has to do with CXL.
 */
#pragma once

#include "manager.h"

/* Part of every look at the machine; after the devices, whose removal comes before. */
void regions_look(struct manager *m);
struct regions *regions_free(struct regions *r);

/* An expander that was taken out is enabled; -EBUSY: a worker is at something else. */
int regions_restore(struct manager *m, const char *memdev);

/* Regions that are being made or could not be: a new object, NULL if memory ran out. */
struct json_object *regions_describe(const struct manager *m);

/*
 * Expanders in no region of which another policy would have one made, or not, or in another
 * way: a new array, NULL if memory ran out.
 */
struct json_object *regions_diff(const struct manager *m, const struct policy *p);

/* What failed is tried again, as if the expanders had just come. */
void regions_renew(struct manager *m);

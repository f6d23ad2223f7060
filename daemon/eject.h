/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An operator has an expander or a region removed: the dax devices on it are removed as
 * by an order each, then the regions are taken apart and the expanders disabled.
 *
 * As with devices, what was ordered is kept below RUN_DIR and looked at from one look to
 * the next.  Until a region is taken apart, all of it can be undone, and is if any device
 * cannot be removed.
 */
#pragma once

#include "operate.h"

struct eject *ejects_free(struct eject *all);

/* Whether it is the name of a region or an expander, as opposed to that of a device. */
bool eject_is_target(const char *name);

/* As operate() and those beside it, for such names. */
int eject(struct manager *m, const struct command *command, struct refusal *ret);
int eject_cancel(struct manager *m, const char *name, struct refusal *ret);
/* What was removed may be used again; what failed is tried again. */
int eject_restore(struct manager *m, const char *name, struct refusal *ret);

/* Part of every look; whether there is an order under way, so that no region is made. */
bool eject_look(struct manager *m);

/* The device's own order has come to its end. */
void eject_device_ended(struct record *r, const struct operation_end *end);

/* All orders that are under way. */
struct json_object *eject_describe(const struct manager *m);

/* The order that a device goes by, or NULL. */
const char *eject_order_of(const struct manager *m, const char *device);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.memmapd1 on the system bus.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager.h"

/* Without a bus the daemon does its work all the same: then *ret is NULL. */
int bus_new(struct manager *m, sd_bus **ret);

/* Tell whoever listens that the device of @r changed. */
void bus_device_changed(sd_bus *bus, const struct record *r);

/*
 * ... or came forward by a step, under its own @name or that of the order it goes by, or
 * that an operator's order has come to its end.
 */
void bus_device_progressed(sd_bus *bus, const char *name, const struct record *r);
void bus_regions_changed(sd_bus *bus, const char *json);
void bus_operation_finished(sd_bus *bus, const char *name, const struct operation_end *end);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An object on the bus for each device, with properties that tell when they change. */
#pragma once

#include <systemd/sd-bus.h>

#include "manager.h"

int bus_devices_add(sd_bus *bus, struct manager *m);

/* The record is there: just made, or about to go. */
void bus_device_came(sd_bus *bus, const struct record *r);
void bus_device_goes(sd_bus *bus, const struct record *r);

/* Its state, and what is said of it; or how far it is. */
void bus_device_state_changed(sd_bus *bus, const struct record *r);
void bus_device_online_changed(sd_bus *bus, const struct record *r);

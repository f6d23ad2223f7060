/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The methods by which an operator gives orders; userdata is the manager.
 */
#pragma once

#include <systemd/sd-bus.h>

int bus_remove(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_offline(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_online(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_cancel(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_hold(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_release(sd_bus_message *message, void *userdata, sd_bus_error *error);
int bus_apply(sd_bus_message *message, void *userdata, sd_bus_error *error);

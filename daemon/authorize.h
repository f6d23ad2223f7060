/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who may change something: root, and whom polkit lets, if polkit is there.
 */
#pragma once

#include <systemd/sd-bus.h>

/*
 * Has @act handle @message, now or when polkit has said yes.  Everything that @act
 * returns or sets in its error is answered to the caller.
 */
int authorize(sd_bus_message *message, const char *action, sd_bus_message_handler_t act,
              void *userdata, sd_bus_error *error);

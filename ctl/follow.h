/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives memmapd an order, and waits for what comes of it. */
#pragma once

#include <systemd/sd-bus.h>

#include "ctl.h"

struct follow;

/* @device lives longer than this. */
enum exit_code follow_new(const struct options *o, const char *device, struct follow **ret);
struct follow *follow_free(struct follow *f);
DEFINE_CLEANUP(struct follow *, follow_free)

sd_bus *follow_bus(struct follow *f);

/*
 * Calls @m of @method, and waits for the end if something is begun by it; says then what
 * came of it.  @otherwise is what to say if it is done with the answer.
 */
enum exit_code follow_call(struct follow *f, const char *method, sd_bus_message *m,
                           const char *otherwise);

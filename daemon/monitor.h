/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Listens to udev.  An event is no more than a hint to look: what is there is
 * read from sysfs, so that a lost event costs time and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util.h"

struct monitor;

/* @memory: a memory block changed; else a dax or CXL device did, or events were lost. */
typedef void (*monitor_handler)(void *userdata, bool memory);

int monitor_new(sd_event *event, monitor_handler handler, void *userdata, struct monitor **ret);
struct monitor *monitor_free(struct monitor *m);
DEFINE_CLEANUP(struct monitor *, monitor_free)

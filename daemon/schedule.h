/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thing to be done before long, however often it is asked for.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "util.h"

struct schedule;

int schedule_new(sd_event *event, void (*act)(void *userdata), void *userdata,
                 struct schedule **ret);
struct schedule *schedule_free(struct schedule *s);

/* Whether it is due; if so, it counts as done. */
bool schedule_take(struct schedule *s);

/* In @usec, or earlier if that was asked for before. */
void schedule_in(struct schedule *s, uint64_t usec);

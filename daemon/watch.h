/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells that files changed.  One call for what comes in one go, when it has been
 * quiet for a moment; what changed is for the caller to find out.
 */
#pragma once

#include <systemd/sd-event.h>

#include "util.h"

struct watch;

int watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
              struct watch **ret);
struct watch *watch_free(struct watch *w);

/* Nothing is watched any more. */
void watch_clear(struct watch *w);

/* What is in the directory.  If it does not exist, its coming. */
int watch_directory(struct watch *w, const char *path);

/* What a symbolic link leads to.  Returns 1; 0: it is no link, or leads to nothing. */
int watch_target(struct watch *w, const char *path);

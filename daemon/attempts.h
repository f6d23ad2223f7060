/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions that do not exist yet: being made, waiting for more expanders, or failed.  Each
 * is kept for as long as the expanders it is about are there and in no region.
 */
#pragma once

#include <json-c/json.h>

#include "cxl.h"

enum attempt_state {
        ATTEMPT_MAKING,
        ATTEMPT_WAITING,        /* for more expanders */
        ATTEMPT_FAILED,
        ATTEMPT_PLANNED,        /* dry run */
        _ATTEMPT_STATE_MAX,
};

struct attempts;

struct attempts *attempts_free(struct attempts *all);

/*
 * Takes the place of what was known of the same expanders, and of the same region; if there
 * is no memory for it, nothing is known.  @region may be "".  @memdevs: names with spaces
 * in between.
 */
void attempts_begin(struct attempts **all, const char *region, const char *memdevs);
/* What the worker says of it: @subject is the region or an expander of it, or "" for all. */
void attempts_tell(struct attempts **all, const char *subject, enum attempt_state state,
                   const char *text);
/* The region is there. */
void attempts_end(struct attempts **all, const char *subject);
/* The worker is lost. */
void attempts_lose(struct attempts *all, const char *why);
/* The worker has ended: what it was at and said nothing of is over. */
void attempts_settle(struct attempts **all);

/*
 * Forgets what is not so any more: @wanted are the expanders that a region could be made of.
 * A region that failed and still exists, half made, stays.
 */
void attempts_prune(struct attempts **all, const struct sysfs *s, const struct cxl_job *wanted);

/* @tries there were; @next_usec until the next one, 0 if there will be none. */
struct json_object *attempts_describe(const struct attempts *all, unsigned int tries,
                                      uint64_t next_usec);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What several verbs tell of a device. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "table.h"

/* All there are, NULL behind them. */
extern const char *const device_states[];

bool device_state_is(struct json_object *d, const char *state);

/* A state that somebody should look into. */
bool device_needs_attention(struct json_object *d);

/* As libsmartcols has them, or NULL. */
const char *device_state_color(struct json_object *d);

/* "1", or "-" if it has none. */
const char *device_node(char buf[static CELL_MAX], struct json_object *d);

/* Bytes of @blocks blocks; @description is what the device is from. */
uint64_t device_bytes(struct json_object *description, uint64_t blocks);

/* "serial 0x64 health ok": what is known of an expander or NVDIMM, after a blank each. */
void print_memdev_facts(struct json_object *memdev);

/* The one of that name; if there is none, that is said.  @ret is @description's. */
enum exit_code device_find(struct json_object *description, const char *name,
                           struct json_object **ret);

/* Leaves only the devices that were named, in the order in which they were. */
enum exit_code device_choose(struct json_object *description, int n, char **names);

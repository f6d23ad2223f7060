/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon, as its callers see it.  These functions tell the user what went
 * wrong and return what memmapctl is to exit with.
 */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "ctl.h"
#include "policy-files.h"

/* The object that Describe() returns, its format checked.  To be put. */
enum exit_code call_describe(struct json_object **ret);

/* The object that Timeline() returns, likewise. */
enum exit_code call_timeline(const char *device, struct json_object **ret);

/* Whether there is a memmapd to ask; says nothing if not. */
bool memmapd_runs(void);

/* What Diff() returns; @files are good.  To be put. */
enum exit_code call_diff(const struct policy_files *files, struct json_object **ret);

enum exit_code call_reload(void);

/* For those who need more of the bus than an answer. */
enum exit_code bus_open(sd_bus **ret);
int bus_call_new(sd_bus *bus, const char *method, sd_bus_message **ret);
enum exit_code call_failed(const char *method, const sd_bus_error *error, int r);

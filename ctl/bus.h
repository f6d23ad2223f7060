/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon, as its callers see it.  These functions tell the user what went
 * wrong and return what memmapctl is to exit with.
 */
#pragma once

#include <json-c/json.h>

#include "ctl.h"
#include "policy-files.h"

/* The object that Describe() returns, its format checked.  To be put. */
enum exit_code call_describe(struct json_object **ret);

/* What Diff() returns; @files are good.  To be put. */
enum exit_code call_diff(const struct policy_files *files, struct json_object **ret);

enum exit_code call_reload(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy files, and what is found in them. */
#pragma once

#include "ctl.h"
#include "policy-files.h"

/*
 * Reads the files as parts of one policy, in this order; without any, what is
 * installed.  Only that has to be as memmapd wants it: other files are yet to be
 * put in place, which gives them another owner.  NULL: out of memory, and told.
 */
struct policy_files *files_read(const struct options *o, int n, char **paths);

/* On stderr, a line each. */
void files_complain(const struct policy_files *f, bool warnings);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is right, and yet most likely not meant: findings that are warnings. */
#pragma once

#include "policy-files.h"

/* Rules that others of their file leave no device. */
int warn_of_shadows(
                struct policy_files *f, const struct policy_file *file, const struct policy *p);

/* The defaults of a file, @own, over those of the files before it. */
int warn_of_defaults(
                struct policy_files *f, const struct policy_file *file,
                const struct settings *below, const struct settings *own);

/* All rules, when all files are there. */
int warn_of_rules(struct policy_files *f);

/* policy-files.c: @error: negative errno, 0 for a warning. */
int finding_add(
                struct policy_files *f, const char *path, int error,
                const struct policy_error *what);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy files as they are on the disk: what may be read, and what may be believed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policy-error.h"
#include "policy.h"

/*
 * The bytes of a regular file, up to one more than a policy may have, and a NUL.  A
 * symbolic link is followed.
 *
 * @guarded: -EPERM if somebody else than root, or than who runs this, could have
 * written the file or exchanged it; that is asked of what was opened.
 *
 * Returns 1 if the path is a link to /dev/null, which says that there is to be no
 * file.  -ENOENT: there is none; -ENOLINK: a link leads to none; -EISDIR, -EBADF
 * (something else that is not a regular file), what open(2) and read(2) return.
 */
int policy_file_load(
                const char *path, bool guarded,
                char **ret_text, size_t *ret_size, struct policy_error *error);

/* Whether a directory can be believed to hold what root put there. */
int policy_file_check_directory(const char *path, int fd, struct policy_error *error);

/* Loads, unguarded, and decodes.  -EFBIG: too large; -EINVAL, -ENOMEM: see policy_decode(). */
int policy_read_file(const char *path, struct policy **ret, struct policy_error *error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody probably meant to write. */
#pragma once

#include <stddef.h>

/*
 * How many letters to insert, drop, change or swap to make @known of @given,
 * or SIZE_MAX if that is too much for a slip.
 */
size_t suggest_distance(const char *given, const char *known);

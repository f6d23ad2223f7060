/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the memory is wanted for, and what follows from that. */
#pragma once

#include "lint.h"
#include "policy.h"

/* Whether blocks must not have their memmaps on themselves. */
bool use_is_whole(const struct use *u);

/* What is wanted takes the place of how things were to be done below. */
void use_lay(struct settings *base, const struct settings *over);

/* What is left open is as the use needs it. */
void use_apply(struct settings *s);

/* What was said beside it and does not go with it. */
enum contradiction use_contradiction(const struct settings *s);

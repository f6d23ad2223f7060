/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The zones that blocks were to come online in: somebody else may be faster, and choose
 * another one.
 */
#pragma once

#include "manager.h"

/* What @decision is about to bring online; what is online by now is not its doing. */
void meant_note(struct record *r, const struct device *d, const struct decision *decision);

void meant_forget(struct record *r);

/* How many blocks came online in another zone. */
size_t meant_missed(const struct record *r, const struct device *d);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine as it would be if no dax device had been taken in, to decide from the
 * start again.
 */
#pragma once

#include "model.h"

/*
 * Takes all blocks of dax devices out of the model, with what they brought to their
 * nodes, and gives RAM back what their memmaps take of it.  Where it cannot be known
 * how much of it is free, none is: what is decided then is rather too careful.
 */
void model_make_fresh(struct model *m);

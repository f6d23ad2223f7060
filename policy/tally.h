/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the dax devices of a machine have together.
 *
 * It is counted once for all of them: a decision about one of a thousand devices does not
 * look at the blocks of the others.  And it belongs to what was seen of the nodes at the
 * same time: a block that has come online since is in neither.
 */
#pragma once

#include "model.h"

/* To be called when nodes and blocks have been seen, or were made up. */
void model_tally(struct model *m);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A letter for each block, as others see it: documented in memmapctl(1). */
#pragma once

#include <stdbool.h>

#include "model.h"

char placement_letter(enum placement p, bool plugged);
char block_letter(const struct block *b);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdlib.h>

#include "decide.h"

struct record;

struct turn {
        struct device *device;
        struct record *record;
        int priority;
        uint64_t arrival;               /* of the device: a number that grows */
        bool undecided;                 /* it is being measured, and has no promise yet */
};

/* By the rule that matches. */
int turn_priority(const struct policy *p, const struct device *d);

void turns_sort(struct turn *turns, size_t n);

/* One of those before @i that it has to wait for, or NULL. */
const struct turn *turns_ahead(const struct turn *turns, size_t i);

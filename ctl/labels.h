/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

/* @userdata: the description, NULL if memmapd does not run. */
void print_labels(FILE *f, void *userdata);

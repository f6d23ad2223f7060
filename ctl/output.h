/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* To the standard output, or into a file that is replaced as a whole. */
#pragma once

#include <stdio.h>

#include "ctl.h"

typedef void (*output_print)(FILE *f, void *userdata);

enum exit_code output(const struct options *o, output_print print, void *userdata);

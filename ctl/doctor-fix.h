/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "doctor --fix": what could be written is shown, and written once somebody says yes. */
#pragma once

#include "findings.h"

/* Says nothing on the standard output if that is for JSON. */
enum exit_code doctor_fix(const struct options *o, const struct sysfs *root,
                          const struct findings *f);

/* "missing", "there", "foreign" or, of a file that cannot be read, "unknown". */
const char *fix_word(const struct sysfs *root, const struct fix *fix);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of rules for udev, as far as one has to understand them to see that they bring
 * memory online.  Whether their other conditions hold on this machine is not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct udev_file {
        size_t *lines;          /* that bring memory online; a first and a last one each, from 1 */
        size_t n_lines;         /* pairs of them */
        bool does_more;         /* it has rules that do something else */
};

/* -ENOMEM. */
int udev_file_parse(const char *text, struct udev_file *ret);
void udev_file_done(struct udev_file *f);

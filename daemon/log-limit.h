/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No message more than once a minute for the same thing: a state that lasts is met again
 * at each look, and would fill the journal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

#define LOG_LIMIT_USEC (60 * 1000000ULL)
/* As many are remembered, a failure for each block of a large device among them. */
#define LOG_LIMIT_THINGS 4096

/* All zero to begin with; where nothing was said, no page of it is ever touched. */
struct log_limit {
        size_t n_said;
        struct {
                uint64_t thing, device;         /* hashes */
                uint64_t until_usec;
                unsigned int left_out;
        } said[LOG_LIMIT_THINGS];
};

/*
 * Whether @text is to be said.  If so, @ret_left_out is how often it was not in the
 * minute before.  The same thing is said in the same words about the same device, block
 * and step; of a device, other figures make no difference.
 */
bool log_limit_pass(struct log_limit *l, const struct log_about *about, const char *text,
                    uint64_t now_usec, unsigned int *ret_left_out);

/* What is said of @device from here on is of something new.  NULL: all is. */
void log_limit_anew(struct log_limit *l, const char *device);

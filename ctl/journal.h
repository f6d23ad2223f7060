/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memmapd said, as the journal has it. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-journal.h>

#include "ctl.h"

static inline void journal_closep(sd_journal **j) {
        sd_journal_close(*j);
}

/*
 * The messages about @device, or all of them if it is NULL; @directory: where the journal
 * is, or NULL.  Complains if there is none that can be read.
 */
enum exit_code journal_open(const char *directory, const char *device, sd_journal **ret);

/*
 * Goes to the @n-th message from the end, but none before @since (in microseconds).
 * Returns 1 if there is one, 0 if not, or a negative error; what comes then is next.
 */
int journal_seek(sd_journal *j, uint64_t n, uint64_t since);

/* The message that it is at: a line, with @catalog what it means and what to do below. */
void journal_print(sd_journal *j, bool colors, bool catalog);

/* The same as an object, which is new. */
struct json_object *journal_describe(sd_journal *j, bool catalog);

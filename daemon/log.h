/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages: to the journal with their fields if it listens on stderr, else to
 * stderr as plain lines.
 */
#pragma once

#include <syslog.h>

#include "util.h"

/* What a message is about; every part may be left out. */
struct log_about {
        const char *message_id;         /* MESSAGE_* of names.h */
        const char *device;
        const char *step;
        const char *block;              /* memory block, "memory34" */
        int error;                      /* positive errno */
};

/* The same is said once a minute, see log-limit.h. */
void log_about(int priority, struct log_about about, const char *format, ...) _printf_(3, 4);

/* What is said of @device from here on is of something new, also within that minute:
 * somebody gave an order, or another device has that name.  NULL: whatever is said. */
void log_anew(const char *device);

#define log_error(...) log_about(LOG_ERR, (struct log_about) {}, __VA_ARGS__)
#define log_warning(...) log_about(LOG_WARNING, (struct log_about) {}, __VA_ARGS__)
#define log_info(...) log_about(LOG_INFO, (struct log_about) {}, __VA_ARGS__)

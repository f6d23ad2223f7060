/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "policy-error.h"

void policy_error_set(
                struct policy_error *error, const struct json_path *path, int line, int column,
                const char *format, va_list ap) {
        if (!error)
                return;

        error->line = line;
        error->column = column;
        json_path_format(path, error->pointer, sizeof(error->pointer));
        vsnprintf(error->message, sizeof(error->message), format, ap);
}

int policy_error_file(struct policy_error *error, int r, const char *format, ...) {
        const struct json_path root = {};
        va_list ap;

        errno = -r;
        va_start(ap, format);
        policy_error_set(error, &root, 0, 0, format, ap);
        va_end(ap);
        return r;
}

char *policy_error_format(const struct policy_error *error, const char *file) {
        const char *separator = error->pointer[0] != '\0' ? ": " : "";
        const char *kind = error->warning ? "warning: " : "";
        char place[32] = "", *s;

        if (error->line > 0)
                snprintf(place, sizeof(place), "%d:%d:", error->line, error->column);
        if (asprintf(&s, "%s:%s %s%s%s%s", file, place, kind, error->pointer, separator,
                     error->message) < 0)
                return NULL;
        return s;
}

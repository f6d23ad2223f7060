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
        char *s;
        int r;

        if (error->line > 0)
                r = asprintf(&s, "%s:%d:%d: %s%s%s", file, error->line, error->column,
                             error->pointer, separator, error->message);
        else
                r = asprintf(&s, "%s: %s%s%s", file, error->pointer, separator, error->message);
        return r < 0 ? NULL : s;
}

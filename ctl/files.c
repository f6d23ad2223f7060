/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include <stdio.h>

struct policy_files *files_read(const struct options *o, int n, char **paths) {
        _cleanup_(policy_files_freep) struct policy_files *f = policy_files_new();
        int r = f ? 0 : -1;

        if (r >= 0 && n == 0)
                r = policy_files_add_installed(f, o->sysroot ?: "");
        for (int i = 0; i < n && r >= 0; i++)
                r = policy_files_add(f, paths[i], false);
        if (r >= 0)
                r = policy_files_finish(f);
        if (r >= 0)
                return steal(&f);
        complain("Out of memory.");
        return NULL;
}

void files_complain(const struct policy_files *f, bool warnings) {
        for (size_t i = 0; i < f->n_findings; i++) {
                _cleanup_(freep) char *text = NULL;

                if (f->findings[i].what.warning && !warnings)
                        continue;
                text = policy_error_format(&f->findings[i].what, f->findings[i].path);
                /* As a compiler would say it, for editors: without our name in front. */
                fprintf(stderr, "%s\n", text ? text : f->findings[i].path);
        }
}

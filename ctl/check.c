/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "policy-file.h"
#include "policy-json.h"

DEFINE_CLEANUP(struct policy *, policy_free)

static enum exit_code check_file(const char *path) {
        _cleanup_(policy_freep) struct policy *policy = NULL;
        _cleanup_(freep) char *message = NULL;
        struct policy_error error = {};
        int r = policy_read_file(path, &policy, &error);

        if (r >= 0) {
                printf("%s: good, %zu %s\n", path, policy->n_rules,
                       policy->n_rules == 1 ? "rule" : "rules");
                return EXIT_OK;
        }
        message = policy_error_format(&error, path);
        /* As a compiler would say it, for editors: without our name in front. */
        fprintf(stderr, "%s\n", message ? message : strerror(-r));
        return EXIT_FAILED;
}

enum exit_code verb_check(const struct options *o, int argc, char **argv) {
        enum exit_code code = EXIT_OK;

        (void) o;
        for (int i = 0; i < argc; i++)
                if (check_file(argv[i]) != EXIT_OK)
                        code = EXIT_FAILED;
        return code;
}

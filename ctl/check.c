/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "fields.h"
#include "files.h"
#include "report.h"

/* For each policy, be it of one file or of several. */
typedef void (*check_handler)(const struct policy_files *f, void *userdata);

static const char *rules_word(size_t n) {
        return n == 1 ? "rule" : "rules";
}

/* Text */

static void print_set(const struct policy_files *f, void *userdata) {
        bool *installed = userdata;

        for (size_t i = 0; i < f->n_files; i++) {
                const struct policy_file *file = &f->files[i];

                if (file->masked)
                        printf("%s: masked\n", file->path);
                else if (file->good)
                        printf("%s: good, %zu %s\n", file->path, file->n_rules,
                               rules_word(file->n_rules));
        }
        if (*installed && f->n_files == 0)
                puts("There is no policy file; what is built in holds.");
        if (f->policy && f->n_files > 1)
                printf("Together: good, %zu %s\n", f->policy->n_rules,
                       rules_word(f->policy->n_rules));
        /* What is good comes before what is not, also where both go to the same place. */
        fflush(stdout);
        files_complain(f, true);
}

/* JSON */

static void report_set(const struct policy_files *f, void *userdata) {
        report_add(userdata, f);
}

/* Both */

static enum exit_code check_set(const struct options *o, int n, char **paths,
                                check_handler handler, void *userdata) {
        _cleanup_(policy_files_freep) struct policy_files *f = files_read(o, n, paths);

        if (!f)
                return EXIT_FAILED;
        handler(f, userdata);
        return f->n_errors > 0 ? EXIT_FAILED : EXIT_OK;
}

/* One policy, or as many as there are files. */
static enum exit_code check_all(const struct options *o, int n, char **paths,
                                check_handler handler, void *userdata) {
        enum exit_code code = EXIT_OK;

        if (o->merge || n == 0)
                return check_set(o, n, paths, handler, userdata);
        for (int i = 0; i < n; i++)
                if (check_set(o, 1, paths + i, handler, userdata) != EXIT_OK)
                        code = EXIT_FAILED;
        return code;
}

enum exit_code verb_check(const struct options *o, int argc, char **argv) {
        bool installed = argc == 0;
        _cleanup_(json_putp) struct json_object *report = NULL;
        enum exit_code code;

        if (o->json == JSON_OFF)
                return check_all(o, argc, argv, print_set, &installed);
        report = report_new();
        code = check_all(o, argc, argv, report_set, report);
        json_print(report, o->json);
        return code;
}

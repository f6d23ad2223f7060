/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "fields.h"
#include "files.h"

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

struct report {
        struct json_object *files, *findings, *rules;
};

static struct json_object *number_or_null(int n) {
        return n > 0 ? json_object_new_int(n) : NULL;
}

static struct json_object *describe_file(const struct policy_file *file) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "path", json_object_new_string(file->path));
        json_object_object_add(o, "good", json_object_new_boolean(file->good));
        json_object_object_add(o, "masked", json_object_new_boolean(file->masked));
        json_object_object_add(o, "rules", json_object_new_uint64(file->n_rules));
        return o;
}

static struct json_object *describe_finding(const struct policy_finding *f) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "path", json_object_new_string(f->path));
        json_object_object_add(o, "line", number_or_null(f->what.line));
        json_object_object_add(o, "column", number_or_null(f->what.column));
        json_object_object_add(o, "pointer", json_object_new_string(f->what.pointer));
        json_object_object_add(o, "warning", json_object_new_boolean(f->what.warning));
        json_object_object_add(o, "message", json_object_new_string(f->what.message));
        return o;
}

static struct json_object *describe_rule(const struct rule *rule) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "name", json_object_new_string(rule->name));
        json_object_object_add(o, "file", json_object_new_string(rule->file));
        return o;
}

static void report_set(const struct policy_files *f, void *userdata) {
        struct report *report = userdata;

        for (size_t i = 0; i < f->n_files; i++)
                json_object_array_add(report->files, describe_file(&f->files[i]));
        for (size_t i = 0; i < f->n_findings; i++)
                json_object_array_add(report->findings, describe_finding(&f->findings[i]));
        for (size_t i = 0; f->policy && i < f->policy->n_rules; i++)
                json_object_array_add(report->rules, describe_rule(&f->policy->rules[i]));
}

static void print_report(const struct options *o, const struct report *report, bool good) {
        _cleanup_(json_putp) struct json_object *all = json_object_new_object();

        json_object_object_add(all, "format", json_object_new_int(1));
        json_object_object_add(all, "good", json_object_new_boolean(good));
        json_object_object_add(all, "files", report->files);
        json_object_object_add(all, "findings", report->findings);
        json_object_object_add(all, "rules", report->rules);
        json_print(all, o->json);
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
        struct report report;
        enum exit_code code;

        if (o->json == JSON_OFF)
                return check_all(o, argc, argv, print_set, &installed);
        report = (struct report) {
                json_object_new_array(), json_object_new_array(), json_object_new_array(),
        };
        code = check_all(o, argc, argv, report_set, &report);
        print_report(o, &report, code == EXIT_OK);
        return code;
}

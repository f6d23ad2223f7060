/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include "names.h"

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

struct json_object *report_new(void) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "format", json_object_new_int(REPORT_FORMAT));
        json_object_object_add(o, "good", json_object_new_boolean(true));
        json_object_object_add(o, "files", json_object_new_array());
        json_object_object_add(o, "findings", json_object_new_array());
        json_object_object_add(o, "rules", json_object_new_array());
        return o;
}

void report_add(struct json_object *report, const struct policy_files *f) {
        struct json_object *files = json_object_object_get(report, "files");
        struct json_object *findings = json_object_object_get(report, "findings");
        struct json_object *rules = json_object_object_get(report, "rules");

        for (size_t i = 0; i < f->n_files; i++)
                json_object_array_add(files, describe_file(&f->files[i]));
        for (size_t i = 0; i < f->n_findings; i++)
                json_object_array_add(findings, describe_finding(&f->findings[i]));
        for (size_t i = 0; f->policy && i < f->policy->n_rules; i++)
                json_object_array_add(rules, describe_rule(&f->policy->rules[i]));
        if (f->n_errors > 0)
                json_object_object_add(report, "good", json_object_new_boolean(false));
}

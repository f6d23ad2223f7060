/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "json-c-util.h"
#include "json-locate.h"
#include "lint.h"
#include "policy-warn.h"
#include "text.h"

enum { WARNINGS_MAX = 50 };             /* nobody reads more */

static const struct json_path root = {};
static const struct json_path defaults = { .parent = &root, .key = "defaults" };
static const struct json_path rules = { .parent = &root, .key = "rules" };

_printf_(4, 5)
static int warn(
                struct policy_files *f, const struct policy_file *file,
                const struct json_path *path, const char *format, ...) {
        struct policy_error what = { .warning = true };
        int line = 0, column = 0;
        va_list ap;

        if (f->n_findings - f->n_errors >= WARNINGS_MAX)
                return 0;
        /* A message without a line is better than none. */
        (void) json_locate(file->text, file->size, path, JSON_VALUE, &line, &column);
        va_start(ap, format);
        policy_error_set(&what, path, line, column, format, ap);
        va_end(ap);
        return finding_add(f, file->path, 0, &what);
}

static int warn_of_settings(
                struct policy_files *f, const struct policy_file *file,
                const struct json_path *path,
                const struct settings *below, const struct settings *own) {
        struct json_path at = { .parent = path };

        switch (lint_settings(below, own)) {
        case CONTRADICTION_OFFLINE:
                at.key = own->given & SETTING_MEMMAP ? "memmap" : "action";
                return warn(f, file, &at, "\"memmap\" comes to be \"seed\", and \"action\" "
                            "\"plug\": every device is refused, as seeds have to come online");
        case CONTRADICTION_FORBIDDEN:
                at.key = "allow_seeds";
                return warn(f, file, &at, "this has no effect, as \"memmap\" comes to be \"seed\"; "
                            "it is for \"auto\" and \"mixed\"");
        case CONTRADICTION_BACKEND:
                at.key = own->given & SETTING_MEMMAP ? "memmap" : "backend";
                return warn(f, file, &at, "\"memmap\" comes to be what \"backend\" cannot do: "
                            "every device is refused");
        case CONTRADICTION_USE_ZONE:
                at.key = own->given & SETTING_ZONE ? "zone" : "use";
                return warn(f, file, &at, "\"zone\" comes to be \"%s\", by which the memory is no good "
                            "for its \"use\": there are %s", below->use.removable || own->use.removable ?
                            "kernel" : "movable", below->use.removable || own->use.removable ?
                            "blocks that cannot be removed" : "no 1 GiB pages");
        case CONTRADICTION_USE_MEMMAP:
                at.key = own->given & SETTING_MEMMAP ? "memmap" : "use";
                return warn(f, file, &at, "\"memmap\" comes to be a place by which the memory is no "
                            "good for its \"use\"");
        case CONTRADICTION_USE_PREFER:
                at.key = own->given & SETTING_MEMMAP ? "memmap" : "use";
                return warn(f, file, &at, "\"memmap\" comes to leave nothing to \"prefer\" in \"use\", "
                            "which has no effect");
        case CONTRADICTION_LIMIT:
                at.key = own->given & SETTING_MAX_SIZE ? "max_size" : "backend";
                return warn(f, file, &at, "\"backend\" comes to take in a device as a whole: every "
                            "device that is larger than \"max_size\" is refused");
        default:
                return 0;
        }
}

int warn_of_defaults(
                struct policy_files *f, const struct policy_file *file,
                const struct settings *below, const struct settings *own) {
        return warn_of_settings(f, file, &defaults, below, own);
}

int warn_of_shadows(
                struct policy_files *f, const struct policy_file *file, const struct policy *p) {
        int r = 0;

        for (size_t i = 1; i < p->n_rules && r >= 0; i++) {
                struct json_path at = { .parent = &rules, .index = i };
                const struct rule *other = lint_shadow(p, i);
                char quoted[QUOTE_SIZE];

                if (other)
                        r = warn(f, file, &at, "no device gets to this rule: /rules/%zu, \"%s\", "
                                 "matches %s", other->index, quote(other->name, quoted),
                                 other->match.given ? "all that it could match" : "every device");
        }
        return r;
}

static const struct policy_file *file_of(const struct policy_files *f, const struct rule *rule) {
        for (size_t i = 0; i < f->n_files; i++)
                if (strcmp(f->files[i].path, rule->file) == 0)
                        return &f->files[i];
        return NULL;
}

/* @names: of the rules so far, with their indices. */
static int warn_of_name(struct policy_files *f, size_t i, struct json_object *names) {
        const struct rule *rule = &f->policy->rules[i], *upper;
        struct json_path element = { .parent = &rules }, at = { .parent = &element, .key = "name" };
        char quoted[QUOTE_SIZE];
        int64_t first;
        int r;

        r = json_add_new(names, rule->name, (int64_t) i, &first);
        if (r != -EEXIST)
                return r;
        upper = &f->policy->rules[first];
        element.index = upper->index;
        return warn(f, file_of(f, upper), &at, "/rules/%zu of %s is \"%s\" too; with a name of its "
                    "own, it is seen which of them decided", rule->index, rule->file,
                    quote(rule->name, quoted));
}

int warn_of_rules(struct policy_files *f) {
        _cleanup_(json_putp) struct json_object *names = json_object_new_object();
        const struct policy *p = f->policy;
        const struct settings below = policy_resolve(p, NULL);
        int r = names ? 0 : -ENOMEM;

        for (size_t i = 0; i < p->n_rules && r >= 0; i++) {
                struct json_path at = { .parent = &rules, .index = p->rules[i].index };

                r = warn_of_settings(f, file_of(f, &p->rules[i]), &at, &below,
                                     &p->rules[i].settings);
                if (r >= 0)
                        r = warn_of_name(f, i, names);
        }
        return r;
}

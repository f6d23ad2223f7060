/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json-c-util.h"
#include "json-parse.h"
#include "lint.h"
#include "policy-fields.h"
#include "policy-json.h"
#include "text.h"

DEFINE_CLEANUP(struct policy *, policy_free)

/* What was given side by side must go together; what is laid on something else may not. */
static int check_settings(
                struct decoder *d, const struct json_path *path, const struct settings *s) {
        const struct settings nothing = {};
        struct json_path at = { .parent = path, .key = "memmap" };

        switch (lint_settings(&nothing, s)) {
        case CONTRADICTION_OFFLINE:
                return refuse(d, &at, JSON_VALUE, "\"seed\" does not go with \"action\": \"plug\", "
                              "as seeds have to come online; drop one of them");
        case CONTRADICTION_FORBIDDEN:
                return refuse(d, &at, JSON_VALUE, "\"seed\" does not go with "
                              "\"allow_seeds\": false; drop one of them");
        case CONTRADICTION_BACKEND:
                return refuse(d, &at, JSON_VALUE, "\"%s\" does not go with \"backend\": \"%s\", "
                              "which cannot do that; drop one of them",
                              memmap_mode_to_string(s->memmap), backend_to_string(s->backend));
        case CONTRADICTION_LIMIT:
                at.key = "max_size";
                return refuse(d, &at, JSON_VALUE, "this does not go with \"backend\": \"%s\", which "
                              "takes in a device as a whole; drop one of them",
                              backend_to_string(s->backend));
        case CONTRADICTION_USE_ZONE:
                at.key = "zone";
                return refuse(d, &at, JSON_VALUE, "\"%s\" does not go with \"use\": %s",
                              zone_mode_to_string(s->zone), s->use.removable ?
                              "what is to be removed must be movable; drop one of them" :
                              "1 GiB pages need the kernel zone; drop one of them");
        case CONTRADICTION_USE_MEMMAP:
                return refuse(d, &at, JSON_VALUE, "\"%s\" does not go with \"use\": %s",
                              memmap_mode_to_string(s->memmap), s->memmap == MEMMAP_SEED ?
                              "seeds cannot be removed; drop one of them" :
                              "such blocks hold no 1 GiB pages, and their huge pages keep their "
                              "memmaps; drop one of them");
        case CONTRADICTION_USE_PREFER:
                return refuse(d, &at, JSON_VALUE, "\"%s\" leaves nothing to \"prefer\" in \"use\"; drop "
                              "one of them", memmap_mode_to_string(s->memmap));
        default:
                return 0;
        }
}

/* A rule */

static int decode_name(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct rule *rule = target;
        const char *s = NULL;
        int r;

        r = decode_nonempty(d, path, value, "say in a few words what the rule is for", &s);
        if (r < 0)
                return r;
        if (strlen(s) > POLICY_NAME_MAX)
                return refuse(d, path, JSON_VALUE, "the name has %zu bytes; shorten it to %d "
                              "and put the rest into \"comment\"", strlen(s), POLICY_NAME_MAX);
        if (!text_printable(s))
                return refuse(d, path, JSON_VALUE, "the name has a control character, which "
                              "cannot be printed; remove it");

        rule->name = strdup(s);
        return rule->name ? 0 : -ENOMEM;
}

static int decode_match(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct rule *rule = target;

        return decode_conditions(d, path, value, &rule->match);
}

static const struct field rule_fields[] = {
        { "name", decode_name },
        { "match", decode_match },
        {},
};

static int decode_rule(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                struct rule *rule) {
        const struct section sections[] = {
                { rule_fields, rule },
                { settings_fields, &rule->settings, &rule->settings.given },
                { common_fields },
                {},
        };
        int r;

        r = decode_object(d, path, value, "write { \"name\": \"...\", \"match\": {}, ... }",
                          sections);
        if (r < 0)
                return r;
        r = require_key(d, path, value, "name", "say in a few words what the rule is for");
        if (r < 0)
                return r;
        r = require_key(d, path, value, "match", "add \"match\": {} to match every device");
        if (r < 0)
                return r;
        return check_settings(d, path, &rule->settings);
}

/* @names: of the rules so far, with their indices. */
static int check_name_unique(
                struct decoder *d, const struct json_path *path, const char *name,
                struct json_object *names) {
        struct json_path at = { .parent = path, .key = "name" };
        char quoted[QUOTE_SIZE];
        int64_t first;
        int r;

        r = json_add_new(names, name, (int64_t) path->index, &first);
        if (r != -EEXIST)
                return r;
        return refuse(d, &at, JSON_VALUE, "the name \"%s\" is taken by /rules/%lld; "
                      "give each rule its own", quote(name, quoted), (long long) first);
}

/* The file */

static int decode_rules(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        _cleanup_(json_putp) struct json_object *names = NULL;
        struct policy *p = target;
        size_t n;
        int r;

        if (!json_object_is_type(value, json_type_array))
                return refuse_type(d, path, value, "an array", "write [ {...}, {...} ]");
        n = json_object_array_length(value);
        if (n == 0)
                return 0;
        if (n > POLICY_RULES_MAX)
                return refuse(d, path, JSON_VALUE, "these are %zu rules; a policy has no need of "
                              "more than %d", n, POLICY_RULES_MAX);

        names = json_object_new_object();
        p->rules = calloc(n, sizeof(p->rules[0]));
        if (!names || !p->rules)
                return -ENOMEM;
        p->n_rules = n;

        for (size_t i = 0; i < n; i++) {
                struct json_path at = { .parent = path, .index = i };

                p->rules[i].index = i;
                r = decode_rule(d, &at, json_object_array_get_idx(value, i), &p->rules[i]);
                if (r < 0)
                        return r;
                r = check_name_unique(d, &at, p->rules[i].name, names);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int decode_defaults(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct policy *p = target;
        const struct section sections[] = {
                { settings_fields, &p->defaults, &p->defaults.given },
                { common_fields },
                {},
        };
        int r;

        r = decode_object(d, path, value, "write { \"memmap\": \"auto\", ... }", sections);
        return r < 0 ? r : check_settings(d, path, &p->defaults);
}

static int decode_version(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        int64_t version;

        (void) target;
        return decode_integer(d, path, value, "the number 1, the only version so far", 1, 1,
                              &version);
}

static const struct field root_fields[] = {
        { "version", decode_version },
        { "defaults", decode_defaults },
        { "rules", decode_rules },
        { "$schema", decode_ignored },
        {},
};

/*
 * The version comes first, wherever it stands: what follows from it, such as
 * keys that are not known here, is not the mistake to tell of.
 */
static int check_version(
                struct decoder *d, const struct json_path *root, struct json_object *tree) {
        struct json_path path = { .parent = root, .key = "version" };
        int r;

        r = require_key(d, root, tree, path.key, "add \"version\": 1");
        if (r < 0)
                return r;
        return decode_version(d, &path, json_object_object_get(tree, path.key), NULL);
}

static int decode_root(struct decoder *d, struct json_object *tree, struct policy *p) {
        const struct json_path root = {};
        const struct section sections[] = { { root_fields, p }, { common_fields }, {} };
        int r;

        r = check_version(d, &root, tree);
        if (r < 0)
                return r;
        return decode_object(d, &root, tree, "write { \"version\": 1, ... }", sections);
}

static int decode_text(struct decoder *d, struct policy **ret) {
        _cleanup_(json_putp) struct json_object *tree = NULL;
        _cleanup_(policy_freep) struct policy *p = NULL;
        int r;

        r = json_parse(d->text, d->size, &tree, d->error);
        if (r < 0)
                return r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        r = decode_root(d, tree, p);
        if (r < 0)
                return r;

        *ret = steal(&p);
        return 0;
}

int policy_decode(
                const char *text, size_t size,
                struct policy **ret, struct policy_error *error) {
        static const struct home homes[] = {
                { root_fields, "at the top of the file" },
                { settings_fields, "into \"defaults\" or a rule" },
                { rule_fields, "into a rule" },
                { match_fields, "into the \"match\" of a rule" },
                {},
        };
        struct decoder d = {
                .text = size > 0 ? text : "",
                .size = size,
                .homes = homes,
                .error = error,
        };
        int r;

        if (size > POLICY_SIZE_MAX)
                return policy_error_file(error, -EINVAL, "the file is larger than %d KiB; "
                                         "a policy has no need of that", POLICY_SIZE_MAX / 1024);
        r = decode_text(&d, ret);
        if (r == -ENOMEM)
                return policy_error_file(error, r, "out of memory");
        return r;
}

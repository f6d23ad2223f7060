/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json-c-util.h"
#include "json-parse.h"
#include "json-scan.h"
#include "text.h"

static int check_value(struct scanner *s, const struct json_path *path);

static int check_unique(
                struct scanner *s, const struct json_path *path, const char *at,
                struct json_object *seen) {
        char quoted[QUOTE_SIZE];
        int64_t first;
        int line, column, r;

        r = json_add_new(seen, path->key, at - s->text, &first);
        if (r != -EEXIST)
                return r;

        text_position(s->text, s->text + first, &line, &column);
        return scan_fault(s, path, at, "duplicate key \"%s\"; remove this one or the first, "
                          "in line %d, column %d", quote(path->key, quoted), line, column);
}

static int check_member(
                struct scanner *s, const struct json_path *parent, struct json_object *seen) {
        _cleanup_(json_putp) struct json_object *key = NULL;
        struct json_path path = { .parent = parent };
        const char *at = s->at;
        int r;

        if (!scan_next_is(s, '"'))
                return scan_unexpected(s, parent, "a key in double quotes");
        r = scan_key(s, parent, &key);
        if (r < 0)
                return r;
        path.key = json_object_get_string(key);
        r = check_unique(s, &path, at, seen);
        if (r < 0)
                return r;

        scan_space(s);
        if (!scan_take(s, ':'))
                return scan_unexpected(s, &path, "a colon after the key");
        scan_space(s);
        return check_value(s, &path);
}

/* After a comma another item is due; a comma before the end is worth its own message. */
static int check_comma(struct scanner *s, const struct json_path *path, char closing) {
        const char *comma = s->at;
        char expected[64];

        if (!scan_take(s, ',')) {
                snprintf(expected, sizeof(expected), "a comma or \"%c\" after the value", closing);
                return scan_unexpected(s, path, expected);
        }
        scan_space(s);
        if (scan_next_is(s, closing))
                return scan_fault(s, path, comma, "a comma before \"%c\"; remove it", closing);
        return 0;
}

static int check_object(struct scanner *s, const struct json_path *path) {
        _cleanup_(json_putp) struct json_object *seen = NULL;
        int r;

        seen = json_object_new_object();
        if (!seen)
                return -ENOMEM;

        scan_take(s, '{');
        scan_space(s);
        if (scan_take(s, '}'))
                return 0;
        for (;;) {
                r = check_member(s, path, seen);
                if (r < 0)
                        return r;
                scan_space(s);
                if (scan_take(s, '}'))
                        return 0;
                r = check_comma(s, path, '}');
                if (r < 0)
                        return r;
        }
}

static int check_array(struct scanner *s, const struct json_path *path) {
        int r;

        scan_take(s, '[');
        scan_space(s);
        if (scan_take(s, ']'))
                return 0;
        for (size_t i = 0;; i++) {
                struct json_path element = { .parent = path, .index = i };

                r = check_value(s, &element);
                if (r < 0)
                        return r;
                scan_space(s);
                if (scan_take(s, ']'))
                        return 0;
                r = check_comma(s, path, ']');
                if (r < 0)
                        return r;
        }
}

static int check_value(struct scanner *s, const struct json_path *path) {
        bool object = scan_next_is(s, '{');

        if (!object && !scan_next_is(s, '['))
                return scan_scalar(s, path);

        if (json_path_depth(path) >= JSON_DEPTH_MAX)
                return scan_fault(s, path, s->at, "nested too deeply; %d levels are the most",
                                  JSON_DEPTH_MAX);
        return object ? check_object(s, path) : check_array(s, path);
}

static int check_text(struct scanner *s) {
        static const char mark[] = "\xef\xbb\xbf";
        const struct json_path root = {};
        int r;

        if (s->end - s->at >= 3 && memcmp(s->at, mark, 3) == 0)
                return scan_fault(s, &root, s->at, "the file begins with a byte order mark; "
                                  "save it as UTF-8 without one");

        scan_space(s);
        if (!scan_next_is(s, '{'))
                return scan_unexpected(s, &root, "an object, \"{ ... }\"");
        r = check_value(s, &root);
        if (r < 0)
                return r;

        scan_space(s);
        if (s->at < s->end)
                return scan_unexpected(s, &root, "nothing after the last \"}\"");
        return 0;
}

/*
 * From a text that passed check_text().  Not with JSON_TOKENER_STRICT: it adds nothing to
 * that, and json-c 0.18 then refuses every character beyond ASCII.
 */
static int build_tree(
                struct json_tokener *tokener, const char *text, size_t size,
                struct json_object **ret, struct policy_error *error) {
        struct json_object *tree;
        enum json_tokener_error e;

        json_tokener_reset(tokener);
        json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
        tree = json_tokener_parse_ex(tokener, text, (int) size);
        if (tree) {
                *ret = tree;
                return 0;
        }

        e = json_tokener_get_error(tokener);
        if (e == json_tokener_success)          /* what it says when memory runs out */
                return -ENOMEM;
        return policy_error_file(error, -EINVAL, "json-c refuses the file: %s",
                                 json_tokener_error_desc(e));
}

int json_parse(
                const char *text, size_t size,
                struct json_object **ret, struct policy_error *error) {
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
        struct scanner s = {
                .text = text,
                .at = text,
                .end = text + size,
                .tokener = tokener,
                .error = error,
        };
        int r;

        if (!tokener)
                return -ENOMEM;
        r = check_text(&s);
        if (r < 0)
                return r;
        return build_tree(tokener, text, size, ret, error);
}

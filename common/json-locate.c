/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "json-c-util.h"
#include "json-locate.h"
#include "json-scan.h"
#include "text.h"

/* Brackets need only be counted, as the text is known to be good. */
static int skip_value(struct scanner *s, const struct json_path *path) {
        size_t depth = 0;
        int r;

        do {
                scan_space(s);
                if (scan_take(s, '{') || scan_take(s, '['))
                        depth++;
                else if (scan_take(s, '}') || scan_take(s, ']'))
                        depth--;
                else if (!scan_take(s, ',') && !scan_take(s, ':')) {
                        r = scan_scalar(s, path);
                        if (r < 0)
                                return r;
                }
        } while (depth > 0);
        return 0;
}

/* From before an item to before the next; -ENOENT after the last one. */
static int skip_item(struct scanner *s, const struct json_path *path) {
        int r;

        r = skip_value(s, path);
        if (r < 0)
                return r;
        scan_space(s);
        if (!scan_take(s, ','))
                return -ENOENT;
        scan_space(s);
        return 0;
}

static int seek_member(struct scanner *s, const struct json_path *path, enum json_part part) {
        const char *at;
        bool found;
        int r;

        if (!scan_take(s, '{'))
                return -ENOENT;
        scan_space(s);

        for (;;) {
                _cleanup_(json_putp) struct json_object *key = NULL;

                at = s->at;
                if (!scan_next_is(s, '"'))
                        return -ENOENT;
                r = scan_key(s, path, &key);
                if (r < 0)
                        return r;
                found = strcmp(json_object_get_string(key), path->key) == 0;
                if (found && part == JSON_KEY) {
                        s->at = at;
                        return 0;
                }

                scan_space(s);
                scan_take(s, ':');
                scan_space(s);
                if (found)
                        return 0;
                r = skip_item(s, path);
                if (r < 0)
                        return r;
        }
}

static int seek_element(struct scanner *s, const struct json_path *path, enum json_part part) {
        int r;

        if (part == JSON_KEY || !scan_take(s, '['))
                return -ENOENT;
        scan_space(s);
        if (scan_next_is(s, ']'))
                return -ENOENT;

        for (size_t i = 0; i < path->index; i++) {
                r = skip_item(s, path);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int seek(struct scanner *s, const struct json_path *path, enum json_part part) {
        int r;

        if (!path->parent) {
                scan_space(s);
                return part == JSON_VALUE ? 0 : -ENOENT;
        }

        r = seek(s, path->parent, JSON_VALUE);
        if (r < 0)
                return r;
        return path->key ? seek_member(s, path, part) : seek_element(s, path, part);
}

int json_locate(
                const char *text, size_t size,
                const struct json_path *path, enum json_part part,
                int *ret_line, int *ret_column) {
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
        struct scanner s = {
                .text = text,
                .at = text,
                .end = text + size,
                .tokener = tokener,
        };
        int r;

        if (!tokener)
                return -ENOMEM;
        r = seek(&s, path, part);
        if (r < 0)
                return r;
        text_position(text, s.at, ret_line, ret_column);
        return 0;
}

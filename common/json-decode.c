/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "json-decode.h"
#include "text.h"

int refuse(
                struct decoder *d, const struct json_path *path, enum json_part part,
                const char *format, ...) {
        int line = 0, column = 0;
        va_list ap;

        /* A message without a line is better than none. */
        (void) json_locate(d->text, d->size, path, part, &line, &column);
        va_start(ap, format);
        policy_error_set(d->error, path, line, column, format, ap);
        va_end(ap);
        return -EINVAL;
}

static const char *describe(struct json_object *value) {
        switch (json_object_get_type(value)) {
        case json_type_boolean:
                return json_object_get_boolean(value) ? "true" : "false";
        case json_type_int:
        case json_type_double:
                return "a number";
        case json_type_string:
                return "a string";
        case json_type_array:
                return "an array";
        case json_type_object:
                return "an object";
        case json_type_null:
        default:
                return "null";
        }
}

int refuse_type(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, const char *remedy) {
        return refuse(d, path, JSON_VALUE, "expected %s, found %s; %s",
                      expected, describe(value), remedy);
}

int decode_string(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, const char **ret) {
        if (!json_object_is_type(value, json_type_string))
                return refuse_type(d, path, value, "a string", remedy);
        *ret = json_object_get_string(value);
        return 0;
}

int decode_nonempty(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, const char **ret) {
        const char *s = NULL;
        int r;

        r = decode_string(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        if (s[0] == '\0')
                return refuse(d, path, JSON_VALUE, "the string is empty; %s", remedy);
        *ret = s;
        return 0;
}

int decode_integer(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, int64_t min, int64_t max, int64_t *ret) {
        char quoted[QUOTE_SIZE];
        int64_t i;

        if (json_object_is_type(value, json_type_double))
                return refuse(d, path, JSON_VALUE,
                              "expected %s, found %s; write it without fraction and exponent",
                              expected, quote(json_object_get_string(value), quoted));
        if (!json_object_is_type(value, json_type_int))
                return refuse(d, path, JSON_VALUE, "expected %s, found %s",
                              expected, describe(value));

        i = json_object_get_int64(value);
        if (i < min || i > max)
                return refuse(d, path, JSON_VALUE, "expected %s, found %lld",
                              expected, (long long) i);
        *ret = i;
        return 0;
}

int decode_bool(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                bool *ret) {
        if (!json_object_is_type(value, json_type_boolean))
                return refuse(d, path, JSON_VALUE, "expected true or false, found %s%s",
                              describe(value),
                              json_object_is_type(value, json_type_string) ?
                              "; write it without quotes" : "");
        *ret = json_object_get_boolean(value);
        return 0;
}

static bool contains(const char *const *words, const char *s) {
        for (; *words; words++)
                if (strcmp(*words, s) == 0)
                        return true;
        return false;
}

int decode_word(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *const *words, int (*from_string)(const char *s)) {
        char remedy[128] = "use ", quoted[QUOTE_SIZE];
        const char *s = NULL;
        int r;

        for (const char *const *w = words; *w; w++)
                list_word(remedy, sizeof(remedy), *w, w == words, !w[1]);

        r = decode_string(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        r = contains(words, s) ? from_string(s) : -1;
        if (r < 0)
                return refuse(d, path, JSON_VALUE, "unknown %s \"%s\"; %s",
                              path->key, quote(s, quoted), remedy);
        return r;
}

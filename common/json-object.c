/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "json-object.h"
#include "suggest.h"
#include "text.h"

static const struct field *find_field(const struct field *fields, const char *key) {
        for (; fields->key; fields++)
                if (strcmp(fields->key, key) == 0)
                        return fields;
        return NULL;
}

/* Where the key would have been right, or NULL. */
static const char *find_home(const struct decoder *d, const char *key) {
        for (const struct home *h = d->homes; h->fields; h++)
                if (find_field(h->fields, key))
                        return h->where;
        return NULL;
}

/* The key that was probably meant, or NULL. */
static const char *nearest_key(const struct section *sections, const char *key) {
        const char *nearest = NULL;
        size_t least = SIZE_MAX;

        for (; sections->fields; sections++)
                for (const struct field *f = sections->fields; f->key; f++) {
                        size_t distance = suggest_distance(key, f->key);

                        if (distance < least) {
                                nearest = f->key;
                                least = distance;
                        }
                }
        return nearest;
}

static void list_keys(const struct section *sections, char *buffer, size_t size) {
        buffer[0] = '\0';
        for (const struct section *s = sections; s->fields; s++)
                for (const struct field *f = s->fields; f->key; f++)
                        list_word(buffer, size, f->key,
                                  s == sections && f == s->fields,
                                  !s[1].fields && !f[1].key);
}

static int refuse_key(
                struct decoder *d, const struct json_path *path, const struct section *sections) {
        char quoted[QUOTE_SIZE], keys[384];
        const char *nearest, *where;

        quote(path->key, quoted);

        where = find_home(d, path->key);
        if (where)
                return refuse(d, path, JSON_KEY, "unknown key \"%s\" here; it belongs %s",
                              quoted, where);

        nearest = nearest_key(sections, path->key);
        if (nearest)
                return refuse(d, path, JSON_KEY, "unknown key \"%s\"; did you mean \"%s\"?",
                              quoted, nearest);

        list_keys(sections, keys, sizeof(keys));
        return refuse(d, path, JSON_KEY, "unknown key \"%s\"; use %s", quoted, keys);
}

static int decode_member(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const struct section *sections) {
        int r;

        for (const struct section *s = sections; s->fields; s++) {
                const struct field *f = find_field(s->fields, path->key);

                if (!f)
                        continue;
                r = f->decode(d, path, value, s->target);
                if (r >= 0 && s->given)
                        *s->given |= f->given;
                return r;
        }
        return refuse_key(d, path, sections);
}

int decode_object(
                struct decoder *d, const struct json_path *path, struct json_object *object,
                const char *remedy, const struct section *sections) {
        int r;

        if (!json_object_is_type(object, json_type_object))
                return refuse_type(d, path, object, "an object", remedy);

        json_object_object_foreach(object, key, value) {
                struct json_path member = { .parent = path, .key = key };

                r = decode_member(d, &member, value, sections);
                if (r < 0)
                        return r;
        }
        return 0;
}

int require_key(
                struct decoder *d, const struct json_path *path, struct json_object *object,
                const char *key, const char *remedy) {
        if (json_object_object_get_ex(object, key, NULL))
                return 0;
        return refuse(d, path, JSON_VALUE, "the key \"%s\" is missing; %s", key, remedy);
}

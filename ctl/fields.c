/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fields.h"

#include <stdio.h>
#include <string.h>

struct json_object *field_get(struct json_object *o, const char *key, enum json_type type) {
        struct json_object *member;

        if (!json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, key, &member) ||
            !json_object_is_type(member, type))
                return NULL;
        return member;
}

const char *field_string(struct json_object *o, const char *key, const char *fallback) {
        struct json_object *member = field_get(o, key, json_type_string);

        return member ? json_object_get_string(member) : fallback;
}

int64_t field_int(struct json_object *o, const char *key, int64_t fallback) {
        struct json_object *member = field_get(o, key, json_type_int);

        return member ? json_object_get_int64(member) : fallback;
}

uint64_t field_size(struct json_object *o, const char *key) {
        struct json_object *member = field_get(o, key, json_type_int);

        return member ? json_object_get_uint64(member) : 0;
}

bool field_bool(struct json_object *o, const char *key) {
        struct json_object *member = field_get(o, key, json_type_boolean);

        return member && json_object_get_boolean(member);
}

void json_print_to(FILE *f, struct json_object *o, enum json_mode mode) {
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

        if (mode == JSON_PRETTY)
                flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
        fprintf(f, "%s\n", json_object_to_json_string_ext(o, flags));
}

void json_print(struct json_object *o, enum json_mode mode) {
        json_print_to(stdout, o, mode);
}

struct json_object *json_device(struct json_object *description, const char *name) {
        struct json_object *devices = field_get(description, "devices", json_type_array);
        size_t n = devices ? json_object_array_length(devices) : 0;

        for (size_t i = 0; i < n; i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);

                if (strcmp(field_string(d, "name", ""), name) == 0)
                        return d;
        }
        return NULL;
}

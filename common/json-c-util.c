/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-c-util.h"

int json_add_new(struct json_object *object, const char *key, int64_t number, int64_t *ret_first) {
        struct json_object *value;

        if (json_object_object_get_ex(object, key, &value)) {
                *ret_first = json_object_get_int64(value);
                return -EEXIST;
        }

        value = json_object_new_int64(number);
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(object, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

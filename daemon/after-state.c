/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "after-state.h"

#include <errno.h>
#include <string.h>

#include "json-c-util.h"
#include "names.h"

/* RUN_DIR without the slash: relative to the root. */
#define DIRECTORY (RUN_DIR + 1)
#define KEPT (RUN_DIR "/after-online.json" + 1)

static struct json_object *to_json(const struct after_item *i) {
        struct json_object *o = json_object_new_object();

        if (!o)
                return NULL;
        json_object_object_add(o, "setting", json_object_new_string(after_knob_to_string(i->knob)));
        json_object_object_add(o, "node", json_object_new_int(i->node));
        json_object_object_add(o, "device", json_object_new_string(i->owner));
        json_object_object_add(o, "before", json_object_new_string(i->kept.before));
        json_object_object_add(o, "wanted", json_object_new_string(i->kept.wanted));
        json_object_object_add(o, "set", json_object_new_string(i->kept.set));
        json_object_object_add(o, "begun", json_object_new_boolean(i->kept.begun));
        json_object_object_add(o, "lost", json_object_new_boolean(i->kept.lost));
        return o;
}

static bool get_text(struct json_object *o, const char *key, char *buf, size_t size) {
        struct json_object *v;

        if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string) ||
            (size_t) json_object_get_string_len(v) >= size)
                return false;
        snprintf(buf, size, "%s", json_object_get_string(v));
        return true;
}

static bool is_true(struct json_object *o, const char *key) {
        struct json_object *v;

        return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

static struct after_item *from_json(struct json_object *o) {
        struct after_item *i = calloc(1, sizeof(*i));
        struct json_object *node;
        char setting[32];
        int knob = -1;

        if (!i)
                return NULL;
        if (get_text(o, "setting", setting, sizeof(setting)))
                knob = after_knob_from_string(setting);
        if (knob < 0 || !json_object_object_get_ex(o, "node", &node) ||
            !get_text(o, "device", i->owner, sizeof(i->owner)) ||
            !get_text(o, "before", i->kept.before, sizeof(i->kept.before)) ||
            !get_text(o, "wanted", i->kept.wanted, sizeof(i->kept.wanted)) ||
            !get_text(o, "set", i->kept.set, sizeof(i->kept.set))) {
                free(i);
                return NULL;
        }
        i->knob = (enum after_knob) knob;
        i->node = json_object_get_int(node);
        i->kept.begun = is_true(o, "begun");
        i->kept.lost = is_true(o, "lost");
        return i;
}

struct after_item *after_items_load(const struct sysfs *s) {
        _cleanup_(json_putp) struct json_object *list = NULL;
        _cleanup_(freep) char *text = NULL;
        struct after_item *items = NULL, **end = &items;

        if (sysfs_read_all(s, &text, NULL, KEPT) < 0)
                return NULL;
        list = json_tokener_parse(text);
        if (!json_object_is_type(list, json_type_array))
                return NULL;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                *end = from_json(json_object_array_get_idx(list, i));
                if (*end)
                        end = &(*end)->next;
        }
        return items;
}

int after_items_save(const struct sysfs *s, const struct after_item *items) {
        _cleanup_(json_putp) struct json_object *list = json_object_new_array();
        int r;

        if (!items)
                return sysfs_remove(s, KEPT);
        if (!list)
                return -ENOMEM;
        for (const struct after_item *i = items; i; i = i->next)
                json_object_array_add(list, to_json(i));
        r = sysfs_make_dir(s, "run");
        if (r >= 0)
                r = sysfs_make_dir(s, DIRECTORY);
        return r < 0 ? r : sysfs_put(s, json_object_to_json_string(list), KEPT);
}

struct after_item *after_items_free(struct after_item *items) {
        while (items) {
                struct after_item *next = items->next;

                free(items);
                items = next;
        }
        return NULL;
}

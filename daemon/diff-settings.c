/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff-settings.h"

#include <string.h>

#include "json-c-util.h"
#include "settings-json.h"

/* When a setting counts. */
enum kind {
        KIND_DECIDES,           /* it is part of the decision */
        KIND_TAKES,             /* while the device is taken in */
        KIND_AFTER,             /* while it is online */
        KIND_BEFORE,            /* before there is a device */
};

enum effect {
        EFFECT_NOW,             /* something else is done */
        EFFECT_LATER,           /* nothing is, until the device is taken in anew */
        EFFECT_NONE,
};

static const struct setting {
        const char *key;
        enum kind kind;
        const char *now;        /* of KIND_TAKES: what becomes of it */
} settings[] = {
        { "action", KIND_DECIDES, NULL }, { "memmap", KIND_DECIDES, NULL },
        { "ram_reserve", KIND_DECIDES, NULL }, { "zone", KIND_DECIDES, NULL },
        { "movable_ratio", KIND_DECIDES, NULL }, { "order", KIND_DECIDES, NULL },
        { "allow_seeds", KIND_DECIDES, NULL }, { "backend", KIND_DECIDES, NULL },
        { "max_size", KIND_DECIDES, NULL }, { "use", KIND_DECIDES, NULL },
        { "on_failure", KIND_TAKES, "it counts as soon as a block fails" },
        { "retry", KIND_TAKES, "it counts as soon as a block fails" },
        { "priority", KIND_TAKES, "it counts among the devices that are not decided on yet" },
        { "pressure", KIND_TAKES, "it counts while the device is taken in" },
        { "create_region", KIND_BEFORE, NULL },
        { "after_online", KIND_AFTER, NULL },
};

static enum effect effect_of(const struct setting *s, const struct diff_ask *ask,
                             const char **ret_text) {
        bool takes = ask->decision->verdict == VERDICT_TAKE;
        bool asks = ask->record && ask->record->asks;

        if (s->kind == KIND_BEFORE) {
                *ret_text = "nothing: the device has its region";
                return EFFECT_NONE;
        }
        if (s->kind == KIND_AFTER && asks) {
                *ret_text = "it is set, or put back, at once";
                return EFFECT_NOW;
        }
        if (s->kind == KIND_AFTER && takes) {
                *ret_text = "it is set once the device is online";
                return EFFECT_NOW;
        }
        if (s->kind == KIND_TAKES && takes) {
                *ret_text = s->now;
                return EFFECT_NOW;
        }
        if (s->kind == KIND_DECIDES && ask->decides_otherwise) {
                *ret_text = "something else is decided";
                return EFFECT_NOW;
        }
        if (ask->device->settled) {
                *ret_text = "nothing now: it counts when the device is taken in anew";
                return EFFECT_LATER;
        }
        *ret_text = s->kind == KIND_DECIDES ? "nothing: the same is decided" :
                "nothing: the device is not taken in";
        return EFFECT_NONE;
}

static struct json_object *describe_one(const struct setting *s, const struct diff_ask *ask,
                                        struct json_object *old, struct json_object *new) {
        static const char *const effects[] = {
                [EFFECT_NOW] = "now", [EFFECT_LATER] = "later", [EFFECT_NONE] = "none",
        };
        struct json_object *o = json_object_new_object();
        const char *text;
        enum effect effect = effect_of(s, ask, &text);

        json_add_string(o, "key", s->key);
        json_object_object_add(o, "old", json_object_get(old));
        json_object_object_add(o, "new", json_object_get(new));
        json_add_string(o, "effect", effects[effect]);
        json_add_string(o, "text", text);
        return o;
}

struct json_object *diff_settings(const struct diff_ask *ask) {
        _cleanup_(json_putp) struct json_object *old = settings_to_json(ask->old);
        _cleanup_(json_putp) struct json_object *new = settings_to_json(ask->new);
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < ELEMENTSOF(settings); i++) {
                struct json_object *a = json_object_object_get(old, settings[i].key);
                struct json_object *b = json_object_object_get(new, settings[i].key);

                if (!json_object_equal(a, b))
                        json_object_array_add(list, describe_one(&settings[i], ask, a, b));
        }
        return list;
}

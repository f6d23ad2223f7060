/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operation.h"

#include <errno.h>
#include <string.h>

#include "words.h"

static const char *const kind_words[_OPERATION_MAX] = {
        [OPERATION_OFFLINE] = "offline",
        [OPERATION_ONLINE] = "online",
        [OPERATION_REMOVE] = "remove",
};

static const char *const result_words[_RESULT_MAX] = {
        [RESULT_DONE] = "done",
        [RESULT_BROUGHT_BACK] = "brought-back",
        [RESULT_KEPT] = "kept",
        [RESULT_INCOMPLETE] = "incomplete",
};

const char *operation_to_string(enum operation_kind k) {
        return kind_words[k];
}

const char *operation_result_to_string(enum operation_result r) {
        return result_words[r];
}

int operation_new(enum operation_kind kind, const struct device *d, struct operation **ret) {
        _cleanup_(operation_freep) struct operation *op = calloc(1, sizeof(*op));

        if (!op)
                return -ENOMEM;
        op->kind = kind;
        op->n_blocks = d->n_blocks;
        op->wanted = calloc(d->n_blocks + 1, sizeof(*op->wanted));
        if (kind == OPERATION_OFFLINE)
                op->asked = calloc(d->n_blocks + 1, sizeof(*op->asked));
        if (!op->wanted || (kind == OPERATION_OFFLINE && !op->asked))
                return -ENOMEM;
        memcpy(op->wanted, d->blocks, d->n_blocks * sizeof(*op->wanted));
        *ret = steal(&op);
        return 0;
}

struct operation *operation_free(struct operation *op) {
        if (!op)
                return NULL;
        sd_event_source_disable_unref(op->timer);
        plan_free(op->plan);
        free(op->asked);
        free(op->wanted);
        free(op);
        return NULL;
}

/* One letter a block: "-" offline, "k" and "m" online, "." absent; "r", "d", "s". */
static char letter_of_state(const struct block *b) {
        if (b->state == BLOCK_ABSENT)
                return '.';
        if (b->state != BLOCK_ONLINE)
                return '-';
        return b->zone == ZONE_MOVABLE ? 'm' : 'k';
}

static struct block block_of(char state, char place) {
        struct block b = {};

        if (state == '.')
                return b;
        b.state = state == '-' ? BLOCK_OFFLINE : BLOCK_ONLINE;
        if (b.state == BLOCK_ONLINE)
                b.zone = state == 'm' ? ZONE_MOVABLE : ZONE_KERNEL;
        b.placement = place == 'r' ? PLACEMENT_RAM : place == 'd' ? PLACEMENT_DEVICE :
                place == 's' ? PLACEMENT_SEED : PLACEMENT_NONE;
        return b;
}

static struct json_object *text_of(const char *text, size_t n) {
        return json_object_new_string_len(text, (int) n);
}

struct json_object *operation_to_json(const struct operation *op) {
        _cleanup_(freep) char *states = calloc(op->n_blocks + 1, 1);
        _cleanup_(freep) char *places = calloc(op->n_blocks + 1, 1);
        _cleanup_(freep) char *asked = calloc(op->n_blocks + 1, 1);
        struct json_object *o = json_object_new_object();

        if (!states || !places || !asked || !o) {
                json_object_put(o);
                return NULL;
        }
        for (size_t i = 0; i < op->n_blocks; i++) {
                states[i] = letter_of_state(&op->wanted[i]);
                places[i] = ".rds"[op->wanted[i].placement];
                asked[i] = op->asked && op->asked[i] ? 'x' : '.';
        }
        json_object_object_add(o, "kind", json_object_new_string(kind_words[op->kind]));
        json_object_object_add(o, "back", json_object_new_boolean(op->back));
        json_object_object_add(o, "keep", json_object_new_boolean(op->keep));
        json_object_object_add(o, "force", json_object_new_boolean(op->force));
        json_object_object_add(o, "deadline_usec", json_object_new_uint64(op->deadline_usec));
        json_object_object_add(o, "why", json_object_new_string(op->why));
        json_object_object_add(o, "states", text_of(states, op->n_blocks));
        json_object_object_add(o, "places", text_of(places, op->n_blocks));
        json_object_object_add(o, "asked", text_of(asked, op->n_blocks));
        return o;
}

static const char *string_of(struct json_object *o, const char *key) {
        struct json_object *v;

        return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ?
                json_object_get_string(v) : "";
}

static bool is_true(struct json_object *o, const char *key) {
        struct json_object *v;

        return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

static void read_blocks(struct operation *op, const struct device *d, const char *states,
                        const char *places, const char *asked) {
        for (size_t i = 0; i < op->n_blocks; i++) {
                op->wanted[i] = block_of(states[i], places[i]);
                op->wanted[i].number = d->blocks[i].number;
                if (op->asked)
                        op->asked[i] = asked[i] == 'x';
        }
}

int operation_from_json(struct json_object *o, const struct device *d, struct operation **ret) {
        _cleanup_(operation_freep) struct operation *op = NULL;
        const char *states = string_of(o, "states"), *places = string_of(o, "places");
        const char *asked = string_of(o, "asked");
        int kind = word_index(kind_words, _OPERATION_MAX, string_of(o, "kind")), r;
        struct json_object *v;

        if (kind < 0 || strlen(states) != d->n_blocks || strlen(places) != d->n_blocks ||
            strlen(asked) != d->n_blocks)
                return -EBADMSG;
        r = operation_new((enum operation_kind) kind, d, &op);
        if (r < 0)
                return r;
        op->back = is_true(o, "back");
        op->keep = is_true(o, "keep");
        op->force = is_true(o, "force");
        if (json_object_object_get_ex(o, "deadline_usec", &v))
                op->deadline_usec = json_object_get_uint64(v);
        snprintf(op->why, sizeof(op->why), "%s", string_of(o, "why"));
        read_blocks(op, d, states, places, asked);
        *ret = steal(&op);
        return 0;
}

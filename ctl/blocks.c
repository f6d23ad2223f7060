/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blocks.h"

#include <string.h>

#include "fields.h"

bool blocks_get(struct blocks *ret, struct json_object *device) {
        struct blocks b = {
                .map = field_string(device, "map", ""),
                .states = field_string(device, "states", ""),
        };

        b.n = strlen(b.map);
        b.seeds = strchr(b.map, 's');
        /* A memmapd that is older does not tell the states. */
        if (b.n == 0 || strlen(b.states) != b.n)
                return false;
        *ret = b;
        return true;
}

static bool is_seed(const struct blocks *b, size_t i) {
        return b->seeds && b->states[i] == 'k';
}

static enum block_kind kind_online(char place, bool kernel) {
        switch (place) {
        case 'r':
                return kernel ? BLOCK_KIND_RAM_KERNEL : BLOCK_KIND_RAM;
        case 'd':
                return kernel ? BLOCK_KIND_DEVICE_KERNEL : BLOCK_KIND_DEVICE;
        case 's':
                return kernel ? BLOCK_KIND_HOSTED_KERNEL : BLOCK_KIND_HOSTED;
        default:
                return BLOCK_KIND_UNKNOWN;
        }
}

enum block_kind block_kind(const struct blocks *b, size_t i) {
        switch (b->states[i]) {
        case '.':
                return BLOCK_KIND_ABSENT;
        case 'x':
                return BLOCK_KIND_FAILED;
        case '-':
                return BLOCK_KIND_OFFLINE;
        case 'k':
        case 'm':
                return is_seed(b, i) ? BLOCK_KIND_SEED :
                        kind_online(b->map[i], b->states[i] == 'k');
        default:
                return BLOCK_KIND_BETWEEN;
        }
}

static const char *state_word(char state) {
        switch (state) {
        case '.':
                return "absent";
        case 'x':
                return "failed";
        case '-':
                return "offline";
        case 'k':
        case 'm':
                return "online";
        default:
                return "between";
        }
}

static const char *memmap_word(char place) {
        switch (place) {
        case 'r':
                return "ram";
        case 'd':
                return "device";
        case 's':
                return "seed";
        default:
                return NULL;
        }
}

static void add(struct json_object *o, const char *key, const char *word) {
        json_object_object_add(o, key, word ? json_object_new_string(word) : NULL);
}

static struct json_object *run(const struct blocks *b, size_t from, size_t to) {
        struct json_object *o = json_object_new_object();
        char state = b->states[from];

        json_object_object_add(o, "from", json_object_new_uint64(from));
        json_object_object_add(o, "to", json_object_new_uint64(to));
        add(o, "state", state_word(state));
        add(o, "zone", state == 'k' ? "kernel" : state == 'm' ? "movable" : NULL);
        add(o, "memmap", memmap_word(b->map[from]));
        json_object_object_add(o, "seed", json_object_new_boolean(is_seed(b, from)));
        return o;
}

struct json_object *blocks_runs(struct json_object *device) {
        struct json_object *list = json_object_new_array();
        struct blocks b;

        if (!blocks_get(&b, device))
                return list;
        for (size_t from = 0, to; from < b.n; from = to + 1) {
                for (to = from; to + 1 < b.n && b.map[to + 1] == b.map[from] &&
                                b.states[to + 1] == b.states[from];)
                        to++;
                json_object_array_add(list, run(&b, from, to));
        }
        return list;
}

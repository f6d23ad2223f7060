/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <stdio.h>
#include <string.h>

#include "fields.h"

const char *const device_states[] = {
        "unknown", "ignored", "refused", "planned", "working", "online", "plugged", "degraded",
        "leaving", "returning", "removed", "held", "rolled-back", "waiting", NULL,
};

bool device_state_is(struct json_object *d, const char *state) {
        return strcmp(field_string(d, "state", ""), state) == 0;
}

bool device_needs_attention(struct json_object *d) {
        return device_state_is(d, "refused") || device_state_is(d, "degraded") ||
                device_state_is(d, "rolled-back") || device_state_is(d, "unknown");
}

const char *device_state_color(struct json_object *d) {
        static const char *const on_its_way[] = {
                "working", "planned", "waiting", "leaving", "returning",
        };

        if (device_state_is(d, "refused"))
                return "red";
        if (device_needs_attention(d))
                return "yellow";
        if (device_state_is(d, "online") || device_state_is(d, "plugged"))
                return "green";
        for (size_t i = 0; i < ELEMENTSOF(on_its_way); i++)
                if (device_state_is(d, on_its_way[i]))
                        return "cyan";
        return NULL;
}

const char *device_node(char buf[static CELL_MAX], struct json_object *d) {
        int64_t node = field_int(d, "target_node", -1);

        if (node < 0)
                return "-";
        snprintf(buf, CELL_MAX, "%" PRId64, node);
        return buf;
}

uint64_t device_bytes(struct json_object *description, uint64_t blocks) {
        struct json_object *kernel = field_get(description, "kernel", json_type_object);

        return blocks * field_size(kernel, "block_size");
}

void print_memdev_facts(struct json_object *memdev) {
        static const struct {
                const char *key, *label;
        } facts[] = {
                { "serial",             "serial" },
                { "vendor_id",          "vendor" },
                { "device_id",          "device" },
                { "health",             "health" },
                { "firmware",           "firmware" },
        };
        int64_t class = field_int(memdev, "qos_class", -1);
        int64_t node = field_int(memdev, "numa_node", -1);

        for (size_t i = 0; i < ELEMENTSOF(facts); i++) {
                const char *fact = field_string(memdev, facts[i].key, NULL);

                if (fact)
                        printf(" %s %s", facts[i].label, fact);
        }
        if (class >= 0)
                printf(" QoS class %" PRId64, class);
        if (node >= 0)
                printf(" at node %" PRId64, node);
}

enum exit_code device_find(struct json_object *description, const char *name,
                           struct json_object **ret) {
        *ret = json_device(description, name);
        if (*ret)
                return EXIT_OK;
        complain("There is no device %s.", name);
        return EXIT_NO_DEVICE;
}

enum exit_code device_choose(struct json_object *description, int n, char **names) {
        _cleanup_(json_putp) struct json_object *chosen = json_object_new_array();

        for (int i = 0; i < n; i++) {
                struct json_object *d;
                enum exit_code code = device_find(description, names[i], &d);

                if (code != EXIT_OK)
                        return code;
                json_object_array_add(chosen, json_object_get(d));
        }
        json_object_object_add(description, "devices", json_object_get(chosen));
        return EXIT_OK;
}

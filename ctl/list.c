/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line for each device, in words without blanks: for scripts, and for a glance. */
#include <stdio.h>

#include "bus.h"
#include "device.h"
#include "fields.h"
#include "format.h"

/* Version of the JSON that is printed. */
#define LIST_FORMAT 1

static const struct table_column columns[] = {
        { "DEVICE", 0 },
        { "STATE", 0 },
        { "SIZE", SCOLS_FL_RIGHT },
        { "ONLINE", SCOLS_FL_RIGHT },
        { "NODE", SCOLS_FL_RIGHT },
        { "BACKING", 0 },
        { "REGION", 0 },
};

enum { COLUMN_STATE = 1 };

static uint64_t bytes_online(struct json_object *description, struct json_object *d) {
        return device_bytes(description,
                            field_size(field_get(d, "blocks", json_type_object), "online"));
}

static int table_add(struct libscols_table *table, struct json_object *description,
                     struct json_object *d) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        const char *color = device_state_color(d);
        char size[FORMAT_BYTES_MAX], online[FORMAT_BYTES_MAX], node[CELL_MAX];
        const char *const cells[ELEMENTSOF(columns)] = {
                field_string(d, "name", "?"),
                field_string(d, "state", "unknown"),
                format_bytes_short(size, field_size(d, "size")),
                format_bytes_short(online, bytes_online(description, d)),
                device_node(node, d),
                field_string(d, "backing", "-"),
                field_string(d, "region", "-"),
        };

        if (!line)
                return -1;
        for (size_t c = 0; c < ELEMENTSOF(columns); c++)
                if (scols_line_set_data(line, c, cells[c]) < 0)
                        return -1;
        return color ? scols_cell_set_color(scols_line_get_cell(line, COLUMN_STATE), color) : 0;
}

static enum exit_code print_table(const struct options *o, struct json_object *description,
                                  struct json_object *devices, size_t n) {
        _cleanup_(table_unrefp) struct libscols_table *table =
                table_new(o, columns, ELEMENTSOF(columns));
        int r = table ? scols_table_enable_noheadings(table, o->no_legend) : -1;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = table_add(table, description, json_object_array_get_idx(devices, i));
        return table_print(table, r);
}

/* The same names and values as in the description. */
static struct json_object *summary(struct json_object *description, struct json_object *d) {
        static const char *const keys[] = {
                "name", "state", "size", "target_node", "backing", "region",
        };
        struct json_object *o = json_object_new_object(), *value;

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                value = NULL;
                (void) json_object_object_get_ex(d, keys[i], &value);
                json_object_object_add(o, keys[i], json_object_get(value));
        }
        json_object_object_add(o, "online", json_object_new_uint64(bytes_online(description, d)));
        return o;
}

static void print_json(const struct options *o, struct json_object *description,
                       struct json_object *devices, size_t n) {
        _cleanup_(json_putp) struct json_object *all = json_object_new_object();
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < n; i++)
                json_object_array_add(list, summary(description,
                                                    json_object_array_get_idx(devices, i)));
        json_object_object_add(all, "format", json_object_new_int(LIST_FORMAT));
        json_object_object_add(all, "devices", list);
        json_print(all, o->json);
}

enum exit_code verb_list(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        enum exit_code code = call_describe(&description);
        struct json_object *devices = field_get(description, "devices", json_type_array);
        size_t n = devices ? json_object_array_length(devices) : 0;

        (void) argc, (void) argv;
        if (code != EXIT_OK)
                return code;
        if (o->json != JSON_OFF)
                print_json(o, description, devices, n);
        else if (n > 0)
                return print_table(o, description, devices, n);
        else if (!o->no_legend)
                puts("There are no dax devices.");
        return EXIT_OK;
}

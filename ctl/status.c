/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "cxl-status.h"
#include "device.h"
#include "fields.h"
#include "format.h"
#include "table.h"

enum column {
        COLUMN_DEVICE,
        COLUMN_SIZE,
        COLUMN_NODE,
        COLUMN_BACKING,
        COLUMN_STATE,
        COLUMN_ONLINE,
        COLUMN_MEMMAP,
        COLUMN_ZONE,
        COLUMN_PROGRESS,
        COLUMN_RULE,
        _COLUMN_MAX,
};

static const struct table_column columns[_COLUMN_MAX] = {
        [COLUMN_DEVICE] = { "DEVICE", 0 },
        [COLUMN_SIZE] = { "SIZE", SCOLS_FL_RIGHT },
        [COLUMN_NODE] = { "NODE", SCOLS_FL_RIGHT },
        [COLUMN_BACKING] = { "BACKING", 0 },
        [COLUMN_STATE] = { "STATE", 0 },
        [COLUMN_ONLINE] = { "ONLINE", SCOLS_FL_RIGHT },
        [COLUMN_MEMMAP] = { "MEMMAP", 0 },
        [COLUMN_ZONE] = { "ZONE", 0 },
        [COLUMN_PROGRESS] = { "PROGRESS", SCOLS_FL_RIGHT },
        [COLUMN_RULE] = { "RULE", 0 },
};

/* It is not as fast as it could be, and says why. */
static bool waits(struct json_object *d) {
        struct json_object *progress = field_get(d, "progress", json_type_object);

        return device_state_is(d, "waiting") ||
                strcmp(field_string(progress, "pace", "full"), "full") != 0;
}

/* "10/64", or "-" if there is nothing to have a share of. */
static const char *format_share(char buf[static CELL_MAX], uint64_t part, uint64_t whole) {
        if (whole == 0)
                return "-";
        snprintf(buf, CELL_MAX, "%" PRIu64 "/%" PRIu64, part, whole);
        return buf;
}

static const char *format_zone(char buf[static CELL_MAX], struct json_object *d) {
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        bool kernel = field_size(blocks, "kernel") > 0, movable = field_size(blocks, "movable") > 0;

        if (kernel && movable)
                return format_counts(buf, blocks, (const char *[]) { "kernel", "movable", NULL });
        if (kernel || movable)
                return kernel ? "kernel" : "movable";
        /* Nothing is online yet: what it is going to be. */
        if (device_state_is(d, "planned") || device_state_is(d, "working"))
                return field_string(d, "zone", "-");
        return "-";
}

static const char *cell(char buf[static CELL_MAX], struct json_object *d, enum column c) {
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        struct json_object *progress = field_get(d, "progress", json_type_object);

        switch (c) {
        case COLUMN_DEVICE:
                return field_string(d, "name", "?");
        case COLUMN_SIZE:
                return format_bytes(buf, field_size(d, "size"));
        case COLUMN_NODE:
                return device_node(buf, d);
        case COLUMN_BACKING:
                return field_string(d, "backing", "-");
        case COLUMN_STATE:
                return field_string(d, "state", "unknown");
        case COLUMN_ONLINE:
                return format_share(buf, field_size(blocks, "online"), field_size(blocks, "total"));
        case COLUMN_MEMMAP:
                return format_counts(buf, field_get(d, "memmap", json_type_object),
                                     (const char *[]) { "device", "seed", "ram", NULL });
        case COLUMN_ZONE:
                return format_zone(buf, d);
        case COLUMN_PROGRESS:
                return format_share(buf, field_size(progress, "done"),
                                    field_size(progress, "total"));
        case COLUMN_RULE:
                return field_string(d, "rule", "-");
        default:
                return "";
        }
}

static int table_add(struct libscols_table *table, struct json_object *d) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        const char *color = device_state_color(d);

        if (!line)
                return -1;
        for (int c = 0; c < _COLUMN_MAX; c++) {
                char buf[CELL_MAX] = "";

                if (scols_line_set_data(line, (size_t) c, cell(buf, d, (enum column) c)) < 0)
                        return -1;
        }
        if (!color)
                return 0;
        return scols_cell_set_color(scols_line_get_cell(line, COLUMN_STATE), color);
}

static enum exit_code print_table(const struct options *o, struct json_object *devices) {
        _cleanup_(table_unrefp) struct libscols_table *table = table_new(o, columns, _COLUMN_MAX);
        size_t n = json_object_array_length(devices);
        int r = table ? 0 : -1;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = table_add(table, json_object_array_get_idx(devices, i));
        return table_print(table, r);
}

/* The main file, if there is one, is the first of all. */
static size_t count_drop_ins(struct json_object *daemon, const char *main_file) {
        struct json_object *files = field_get(daemon, "policy_files", json_type_array);
        size_t n = files ? json_object_array_length(files) : 0;
        const char *first = NULL;

        if (n > 0)
                first = json_object_get_string(json_object_array_get_idx(files, 0));
        return n - (first && strcmp(first, main_file) == 0);
}

static void print_policy(struct json_object *daemon) {
        struct json_object *warnings = field_get(daemon, "policy_warnings", json_type_array);
        const char *main_file = field_string(daemon, "policy", "none");
        const char *error = field_string(daemon, "policy_error", NULL);
        size_t drop_ins = count_drop_ins(daemon, main_file);

        printf(", policy %s", main_file);
        if (drop_ins > 0)
                printf(" and %zu drop-in%s", drop_ins, drop_ins > 1 ? "s" : "");
        puts(field_bool(daemon, "dry_run") ? ", dry run: nothing is changed" : "");
        if (error)
                printf("The policy file is not in force as it is now: %s\n", error);
        if (warnings && json_object_array_length(warnings) > 0)
                puts("There are warnings about the policy: see \"memmapctl check\".");
}

static void print_daemon(struct json_object *description) {
        struct json_object *daemon = field_get(description, "daemon", json_type_object);

        printf("memmapd %s", field_string(daemon, "version", "?"));
        print_policy(daemon);
}

static void print_kernel(struct json_object *description) {
        struct json_object *kernel = field_get(description, "kernel", json_type_object);
        const char *why = field_string(kernel, "memmap_on_memory_why", NULL);

        printf("Kernel: blocks of %s, memmapd_kmem %s, ",
               FORMAT_BYTES(field_size(kernel, "block_size")),
               field_bool(kernel, "module") ? "loaded" : "not loaded");
        if (field_bool(kernel, "memmap_on_memory"))
                puts("memmap on memory possible");
        else
                printf("no memmap on memory%s%s\n", why && *why ? ": " : "", why ? why : "");
        why = field_string(kernel, "module_why", NULL);
        if (why)
                printf("Only the kernel's own driver can take memory in: %s\n", why);
}

static void print_notes(struct json_object *devices) {
        size_t n = json_object_array_length(devices);
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);
                const char *message = field_string(d, "message", NULL);

                if ((!device_needs_attention(d) && !waits(d)) || !message || !*message)
                        continue;
                printf("%s%s: %s\n", any ? "" : "\n", field_string(d, "name", "?"), message);
                any = true;
        }
        if (any)
                puts("See \"memmapctl explain DEVICE\" for the details.");
}

static enum exit_code print_text(const struct options *o, struct json_object *description) {
        struct json_object *devices = field_get(description, "devices", json_type_array);
        enum exit_code code;

        print_daemon(description);
        print_kernel(description);
        puts("");
        if (!devices || json_object_array_length(devices) == 0) {
                puts("There are no dax devices.");
                print_cxl(description);
                return EXIT_OK;
        }
        code = print_table(o, devices);
        if (code == EXIT_OK) {
                print_notes(devices);
                print_cxl(description);
        }
        return code;
}

enum exit_code verb_status(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        enum exit_code code = call_describe(&description);

        if (code == EXIT_OK && argc > 0)
                code = device_choose(description, argc, argv);
        if (code != EXIT_OK)
                return code;
        if (o->json == JSON_OFF)
                return print_text(o, description);
        json_print(description, o->json);
        return EXIT_OK;
}

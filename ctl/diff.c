/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "fields.h"
#include "files.h"
#include "table.h"

enum column {
        COLUMN_DEVICE,
        COLUMN_STATE,
        COLUMN_OUTCOME,
        COLUMN_VERDICT,
        COLUMN_MEMMAP,
        COLUMN_ZONE,
        COLUMN_ORDER,
        COLUMN_RULE,
        _COLUMN_MAX,
};

static const struct table_column columns[_COLUMN_MAX] = {
        [COLUMN_DEVICE] = { "DEVICE", 0 },
        [COLUMN_STATE] = { "STATE", 0 },
        [COLUMN_OUTCOME] = { "OUTCOME", 0 },
        [COLUMN_VERDICT] = { "VERDICT", 0 },
        [COLUMN_MEMMAP] = { "MEMMAP", 0 },
        [COLUMN_ZONE] = { "ZONE", 0 },
        [COLUMN_ORDER] = { "ORDER", 0 },
        [COLUMN_RULE] = { "RULE", 0 },
};

static bool outcome_is(struct json_object *d, const char *outcome) {
        return strcmp(field_string(d, "outcome", ""), outcome) == 0;
}

static const char *format_outcome(struct json_object *d) {
        return outcome_is(d, "stays") ? "stays as it is" : field_string(d, "outcome", "?");
}

/* What one of the policies makes of the device; its settings count if it is taken. */
static const char *format_side(char buf[static CELL_MAX], struct json_object *side,
                               enum column c) {
        static const char *const places[] = { "device", "seed", "ram", NULL };
        const char *verdict = field_string(side, "verdict", "-");
        bool taken = strcmp(verdict, "take") == 0 || strcmp(verdict, "settled") == 0;

        if (c == COLUMN_VERDICT)
                return verdict;
        if (c == COLUMN_RULE)
                return field_string(side, "rule", "-");
        if (!taken)
                return "-";
        switch (c) {
        case COLUMN_MEMMAP:
                return format_counts(buf, field_get(side, "memmap", json_type_object), places);
        case COLUMN_ZONE:
                return field_string(side, "zone", "-");
        default:
                return field_string(side, "order", "-");
        }
}

static const char *format_both(char buf[static 3 * CELL_MAX], struct json_object *d,
                               enum column c) {
        char from_buf[CELL_MAX], to_buf[CELL_MAX];
        const char *from = format_side(from_buf, field_get(d, "old", json_type_object), c);
        const char *to = format_side(to_buf, field_get(d, "new", json_type_object), c);

        snprintf(buf, 3 * CELL_MAX, "%s%s%s", from, strcmp(from, to) != 0 ? " -> " : "",
                 strcmp(from, to) != 0 ? to : "");
        return buf;
}

static const char *cell(char buf[static 3 * CELL_MAX], struct json_object *d, enum column c) {
        switch (c) {
        case COLUMN_DEVICE:
                return field_string(d, "name", "?");
        case COLUMN_STATE:
                return field_string(d, "state", "unknown");
        case COLUMN_OUTCOME:
                return format_outcome(d);
        default:
                return format_both(buf, d, c);
        }
}

static int table_add(struct libscols_table *table, struct json_object *d) {
        struct libscols_line *line = scols_table_new_line(table, NULL);

        if (!line)
                return -1;
        for (int c = 0; c < _COLUMN_MAX; c++) {
                char buf[3 * CELL_MAX];

                if (scols_line_set_data(line, (size_t) c, cell(buf, d, (enum column) c)) < 0)
                        return -1;
        }
        if (!outcome_is(d, "changes"))
                return 0;
        return scols_cell_set_color(scols_line_get_cell(line, COLUMN_OUTCOME), "yellow");
}

static void print_reasons(struct json_object *d) {
        struct json_object *new = field_get(d, "new", json_type_object);
        struct json_object *reasons = field_get(new, "reasons", json_type_array);
        size_t n = reasons ? json_object_array_length(reasons) : 0;

        printf("\n%s:\n", field_string(d, "name", "?"));
        for (size_t i = 0; i < n; i++)
                printf("  %zu. %s\n", i + 1,
                       field_string(json_object_array_get_idx(reasons, i), "text", "?"));
}

static void print_change(const char *key, struct json_object *o) {
        struct json_object *old = json_object_object_get(o, "old");
        struct json_object *new = json_object_object_get(o, "new");

        printf("  %s: %s -> ", key, json_object_to_json_string_ext(old, JSON_C_TO_STRING_PLAIN));
        printf("%s", json_object_to_json_string_ext(new, JSON_C_TO_STRING_PLAIN));
}

/* All that differ: most of it is said nowhere else. */
static void print_settings(struct json_object *d) {
        struct json_object *list = field_get(d, "settings", json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        if (n > 0)
                printf("\n%s, settings:\n", field_string(d, "name", "?"));
        for (size_t i = 0; i < n; i++) {
                struct json_object *s = json_object_array_get_idx(list, i);

                print_change(field_string(s, "key", "?"), s);
                printf(" (%s)\n", field_string(s, "text", "?"));
        }
}

/* In no region; and so of no device. */
static void print_expanders(struct json_object *answer) {
        struct json_object *list = field_get(answer, "expanders", json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        for (size_t i = 0; i < n; i++) {
                struct json_object *e = json_object_array_get_idx(list, i);

                printf("\n%s, settings:\n", field_string(e, "name", "?"));
                print_change("create_region", e);
                puts("");
        }
}

static enum exit_code print_text(const struct options *o, struct json_object *devices, size_t n) {
        _cleanup_(table_unrefp) struct libscols_table *table = table_new(o, columns, _COLUMN_MAX);
        int r = table ? 0 : -1;
        enum exit_code code;

        if (n == 0) {
                puts("There are no dax devices.");
                return EXIT_OK;
        }
        for (size_t i = 0; i < n && r >= 0; i++)
                r = table_add(table, json_object_array_get_idx(devices, i));
        code = table_print(table, r);
        for (size_t i = 0; i < n && code == EXIT_OK; i++)
                if (outcome_is(json_object_array_get_idx(devices, i), "changes"))
                        print_reasons(json_object_array_get_idx(devices, i));
        for (size_t i = 0; i < n && code == EXIT_OK; i++)
                print_settings(json_object_array_get_idx(devices, i));
        return code;
}

static bool has_effect(struct json_object *d) {
        struct json_object *list = field_get(d, "settings", json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        for (size_t i = 0; i < n; i++)
                if (strcmp(field_string(json_object_array_get_idx(list, i), "effect", ""),
                           "now") == 0)
                        return true;
        return false;
}

static bool any_changes(struct json_object *answer, struct json_object *devices, size_t n) {
        struct json_object *expanders = field_get(answer, "expanders", json_type_array);

        for (size_t i = 0; i < n; i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);

                if (outcome_is(d, "changes") || has_effect(d))
                        return true;
        }
        return expanders && json_object_array_length(expanders) > 0;
}

static enum exit_code compare(const struct options *o, const struct policy_files *f) {
        _cleanup_(json_putp) struct json_object *answer = NULL;
        enum exit_code code = call_diff(f, &answer);
        struct json_object *devices;
        size_t n;

        if (code != EXIT_OK)
                return code == EXIT_NOT_RUNNING ? code : EXIT_TROUBLE;
        devices = field_get(answer, "devices", json_type_array);
        n = devices ? json_object_array_length(devices) : 0;
        if (o->json != JSON_OFF)
                json_print(answer, o->json);
        else if (print_text(o, devices, n) != EXIT_OK)
                return EXIT_TROUBLE;
        else
                print_expanders(answer);
        return any_changes(answer, devices, n) ? EXIT_DIFFERENT : EXIT_OK;
}

enum exit_code verb_diff(const struct options *o, int argc, char **argv) {
        _cleanup_(policy_files_freep) struct policy_files *f = files_read(o, argc, argv);

        if (!f)
                return EXIT_TROUBLE;
        if (f->n_errors == 0)
                return compare(o, f);
        files_complain(f, false);
        return EXIT_TROUBLE;
}

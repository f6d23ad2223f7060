/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device on a screen: what it is, what became of it, and what was said of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "bus.h"
#include "device.h"
#include "fields.h"
#include "format.h"
#include "journal.h"

#define LINES_DEFAULT 5

static _printf_(2, 3) void line(const char *label, const char *format, ...) {
        va_list ap;

        printf("%11s: ", label);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        putchar('\n');
}

/* As systemctl has it. */
static void print_dot(const struct options *o, struct json_object *d) {
        static const struct {
                const char *name, *escape;
        } colors[] = {
                { "red", "\033[31m" }, { "yellow", "\033[33m" },
                { "green", "\033[32m" }, { "cyan", "\033[36m" },
        };
        const char *color = o->colors ? device_state_color(d) : NULL;

        for (size_t i = 0; color && i < ELEMENTSOF(colors); i++)
                if (strcmp(colors[i].name, color) == 0)
                        printf("%s", colors[i].escape);
        printf("*%s ", color ? "\033[m" : "");
}

static void print_head(const struct options *o, struct json_object *d) {
        const char *message = field_string(d, "message", NULL);

        print_dot(o, d);
        printf("%s - %s of %s memory\n", field_string(d, "name", "?"),
               FORMAT_BYTES(field_size(d, "size")), field_string(d, "backing", "unknown"));
        if (message && *message)
                line("State", "%s: %s", field_string(d, "state", "unknown"), message);
        else
                line("State", "%s", field_string(d, "state", "unknown"));
}

static void print_work(struct json_object *d) {
        struct json_object *progress = field_get(d, "progress", json_type_object);
        struct json_object *operation = field_get(d, "operation", json_type_object);

        if (progress)
                line("Progress", "%" PRIu64 " of %" PRIu64 " steps, at %s pace",
                     field_size(progress, "done"), field_size(progress, "total"),
                     field_string(progress, "pace", "full"));
        if (operation)
                line("Order", "%s%s", field_string(operation, "kind", "?"),
                     field_bool(operation, "back") ? ", and back" : "");
        if (field_bool(d, "held"))
                line("Held", "the policy does nothing to it");
}

/* Of the reasons, the one that says where the memmaps go; the last of them, as they lead on. */
static const char *main_reason(struct json_object *d) {
        static const char *const codes[] = { "fits", "device", "seeds", "mixed", "whole" };
        struct json_object *reasons = field_get(d, "reasons", json_type_array);
        const char *text = NULL;

        for (size_t i = 0; reasons && i < json_object_array_length(reasons); i++) {
                struct json_object *r = json_object_array_get_idx(reasons, i);

                for (size_t j = 0; j < ELEMENTSOF(codes); j++)
                        if (strcmp(field_string(r, "code", ""), codes[j]) == 0)
                                text = field_string(r, "text", NULL);
        }
        return text;
}

static void print_decision(struct json_object *d) {
        const char *verdict = field_string(d, "verdict", NULL), *why = main_reason(d);
        const char *rule = field_string(d, "rule", NULL);

        if (!verdict)
                return;
        line("Decided", "%s by %s%s%s, memmap %s, zone %s, order %s", verdict,
             rule ? "rule \"" : "the defaults", rule ?: "", rule ? "\"" : "",
             field_string(d, "memmap_mode", "-"), field_string(d, "zone", "-"),
             field_string(d, "order", "-"));
        /* What stands against it is in the message above. */
        if (why && strcmp(verdict, "take") == 0)
                line("Why", "%s", why);
}

static void print_place(struct json_object *d) {
        const char *uuid = field_string(d, "uuid", NULL);
        struct json_object *list = field_get(d, "memdevs", json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;
        const char *decoder = field_string(d, "decoder", NULL);
        char node[CELL_MAX];

        line("Place", "node %s, region %s%s%s", device_node(node, d), field_string(d, "region", "-"),
             decoder ? " of " : "", decoder ?: "");
        for (size_t i = 0; i < n; i++) {
                struct json_object *dev = json_object_array_get_idx(list, i);

                printf("%11s: %s", "Made of", field_string(dev, "name", "?"));
                print_memdev_facts(dev);
                puts("");
        }
        if (uuid)
                line("Made of", "a namespace, UUID %s", uuid);
        line("Driver", "%s, backend %s", field_string(d, "driver", "none"),
             field_string(d, "backend", "none"));
}

/* In MiB alone, so that they can be compared. */
static void print_sizes(struct json_object *description, struct json_object *d) {
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        struct json_object *memmap = field_get(d, "memmap", json_type_object);
        uint64_t block = device_bytes(description, 1) >> 20;
        uint64_t each = field_size(memmap, "bytes_per_block");
        char places[CELL_MAX];

        if (!blocks)
                return;
        line("Online", "%" PRIu64 " of %" PRIu64 " MiB, %" PRIu64 " of %" PRIu64 " blocks of %"
             PRIu64 " MiB", field_size(blocks, "online") * block, field_size(d, "size") >> 20,
             field_size(blocks, "online"), field_size(blocks, "total"), block);
        if (field_size(blocks, "online") > 0)
                line("Zones", "kernel %" PRIu64 " MiB, movable %" PRIu64 " MiB",
                     field_size(blocks, "kernel") * block, field_size(blocks, "movable") * block);
        if (field_size(blocks, "plugged") > 0)
                line("Memmaps", "%" PRIu64 " MiB, %" PRIu64 " KiB for each block: %s",
                     field_size(blocks, "plugged") * each >> 20, each >> 10,
                     format_counts(places, memmap,
                                   (const char *[]) { "ram", "device", "seed", NULL }));
        if (field_size(blocks, "failed") > 0)
                line("Failed", "%" PRIu64 " block%s", field_size(blocks, "failed"),
                     field_size(blocks, "failed") > 1 ? "s" : "");
        if (field_size(d, "trimmed") > 0)
                line("Lost", "%" PRIu64 " MiB, to alignment", field_size(d, "trimmed") >> 20);
}

/* What it says, but for what cannot be read. */
static enum exit_code lines_wanted(const struct options *o, uint64_t *ret) {
        *ret = LINES_DEFAULT;
        if (!o->lines || parse_count(o->lines, ret) >= 0)
                return EXIT_OK;
        complain("--lines takes a number, not \"%s\".", o->lines);
        return EXIT_USAGE;
}

static void print_messages(const struct options *o, sd_journal *j, uint64_t n) {
        int r = j && n > 0 ? journal_seek(j, n, 0) : 0;

        if (r > 0)
                puts("");
        for (; r > 0; r = sd_journal_next(j))
                journal_print(j, o->colors, o->catalog);
}

static void print_json(const struct options *o, struct json_object *d, sd_journal *j,
                       uint64_t n) {
        struct json_object *messages = json_object_new_array();

        for (int r = j && n > 0 ? journal_seek(j, n, 0) : 0; r > 0; r = sd_journal_next(j))
                json_object_array_add(messages, journal_describe(j, o->catalog));
        json_object_object_add(d, "log", messages);
        json_print(d, o->json);
}

enum exit_code verb_show(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        _cleanup_(journal_closep) sd_journal *j = NULL;
        struct json_object *d;
        enum exit_code code;
        uint64_t lines;

        (void) argc;
        code = lines_wanted(o, &lines);
        if (code == EXIT_OK)
                code = call_describe(&description);
        if (code == EXIT_OK)
                code = device_find(description, argv[0], &d);
        if (code != EXIT_OK)
                return code;
        /* Without its journal it is still the device; that it cannot be read is said. */
        if (lines > 0)
                (void) journal_open(o->directory, argv[0], &j);
        if (o->json != JSON_OFF) {
                print_json(o, d, j, lines);
                return EXIT_OK;
        }
        print_head(o, d);
        print_work(d);
        print_decision(d);
        print_place(d);
        print_sizes(description, d);
        print_messages(o, j, lines);
        return EXIT_OK;
}

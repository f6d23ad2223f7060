/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "device.h"
#include "explain.h"
#include "fields.h"
#include "format.h"

static void print_header(struct json_object *d) {
        const char *region = field_string(d, "region", NULL);
        const char *decoder = field_string(d, "decoder", NULL);
        const char *message = field_string(d, "message", NULL);
        int64_t node = field_int(d, "target_node", -1);
        uint64_t size = field_size(d, "size");

        printf("%s: %s\n", field_string(d, "name", "?"), field_string(d, "state", "unknown"));
        if (message && *message)
                printf("%s\n", message);
        printf("\n%s (%" PRIu64 " bytes) of %s memory", FORMAT_BYTES(size), size,
               field_string(d, "backing", "unknown"));
        if (region && *region)
                printf(" in %s", region);
        if (decoder)
                printf(" of %s", decoder);
        if (node >= 0)
                printf(", for node %" PRId64, node);
        printf("; driver %s, backend %s\n", field_string(d, "driver", "none"),
               field_string(d, "backend", "none"));
}

/* What is not known is left out. */
static void print_memdevs(struct json_object *d) {
        struct json_object *list = field_get(d, "memdevs", json_type_array);
        const char *uuid = field_string(d, "uuid", NULL);
        size_t n = list ? json_object_array_length(list) : 0;

        if (n == 0 && !uuid)
                return;
        puts("\nMade of");
        if (uuid)
                printf("  namespace  UUID %s\n", uuid);
        for (size_t i = 0; i < n; i++) {
                struct json_object *dev = json_object_array_get_idx(list, i);

                printf("  %-10s", field_string(dev, "name", "?"));
                print_memdev_facts(dev);
                puts("");
        }
}

static void print_decision(struct json_object *d) {
        static const struct {
                const char *key, *label;
        } settings[] = {
                { "verdict",            "Verdict" },
                { "action",             "Action" },
                { "memmap_mode",        "Memmap" },
                { "zone",               "Zone" },
                { "order",              "Order" },
        };
        const char *rule = field_string(d, "rule", NULL);
        const char *file = field_string(d, "rule_file", NULL);

        puts("\nDecision");
        if (rule && file)
                printf("  %-10s \"%s\" (%s)\n", "Rule", rule, file);
        else if (rule)
                printf("  %-10s \"%s\"\n", "Rule", rule);
        else
                printf("  %-10s none matched, the defaults apply\n", "Rule");
        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                printf("  %-10s %s\n", settings[i].label,
                       field_string(d, settings[i].key, "-"));
}

static void print_term(char sign, const char *label, uint64_t bytes) {
        printf("  %c %-24s %12s %20" PRIu64 " bytes\n", sign, label, FORMAT_BYTES(bytes), bytes);
}

/* The sum that was compared: what the node can pay, and what all would cost. */
static void print_budget(struct json_object *d) {
        struct json_object *budget = field_get(d, "budget", json_type_object);
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        struct json_object *memmap = field_get(d, "memmap", json_type_object);
        uint64_t each = field_size(memmap, "bytes_per_block");
        uint64_t total = field_size(blocks, "total");
        char label[64];

        if (!budget)
                return;
        printf("\nBudget of node %" PRId64 ", which pays for memmaps in RAM, when it was decided\n",
               field_int(budget, "node", -1));
        print_term(' ', "free", field_size(budget, "free"));
        print_term('+', "reclaimable", field_size(budget, "reclaimable"));
        print_term('-', "watermarks", field_size(budget, "watermark"));
        print_term('-', "reserve of the policy", field_size(budget, "reserve"));
        print_term('-', "promised to others", field_size(budget, "promised"));
        print_term('=', "budget, not below 0", field_size(budget, "total"));
        if (each == 0 || total == 0)
                return;
        snprintf(label, sizeof(label), "%" PRIu64 " memmaps of %s", total, FORMAT_BYTES(each));
        puts("Cost, if all blocks had theirs there");
        print_term(' ', label, total * each);
}

void print_reasons(struct json_object *d) {
        struct json_object *reasons = field_get(d, "reasons", json_type_array);
        size_t n = reasons ? json_object_array_length(reasons) : 0;

        if (n == 0)
                return;
        puts("\nReasons");
        for (size_t i = 0; i < n; i++) {
                struct json_object *r = json_object_array_get_idx(reasons, i);

                printf("  %zu. %s\n", i + 1,
                       field_string(r, "text", field_string(r, "code", "?")));
        }
}

static void print_blocks(struct json_object *d) {
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        uint64_t trimmed = field_size(d, "trimmed");

        if (!blocks)
                return;
        printf("\nBlocks\n"
               "  %" PRIu64 " in all, %" PRIu64 " wanted, %" PRIu64 " plugged, %" PRIu64
               " failed\n"
               "  %" PRIu64 " online: %" PRIu64 " movable, %" PRIu64 " kernel\n",
               field_size(blocks, "total"), field_size(blocks, "wanted"),
               field_size(blocks, "plugged"), field_size(blocks, "failed"),
               field_size(blocks, "online"), field_size(blocks, "movable"),
               field_size(blocks, "kernel"));
        if (trimmed > 0)
                printf("  %s (%" PRIu64 " bytes) lost to alignment\n",
                       FORMAT_BYTES(trimmed), trimmed);
}

static const char *place_to_string(char place) {
        switch (place) {
        case 'r':
                return "in RAM";
        case 'd':
                return "on the block itself";
        case 's':
                return "in a seed block of the device";
        case '.':
                return "none, not plugged";
        default:
                return "in a place this memmapctl does not know";
        }
}

static void print_map(const char *map) {
        for (size_t from = 0, n; map[from] != '\0'; from += n) {
                char range[48];

                n = strspn(map + from, (char[]) { map[from], '\0' });
                if (n == 1)
                        snprintf(range, sizeof(range), "block %zu", from);
                else
                        snprintf(range, sizeof(range), "blocks %zu to %zu", from, from + n - 1);
                printf("  %-24s %s\n", range, place_to_string(map[from]));
        }
}

static void print_memmaps(struct json_object *d) {
        static const struct {
                const char *key;
                char place;
        } places[] = {
                { "ram",        'r' },
                { "device",     'd' },
                { "seed",       's' },
        };
        struct json_object *memmap = field_get(d, "memmap", json_type_object);
        uint64_t each = field_size(memmap, "bytes_per_block");
        const char *map = field_string(d, "map", "");
        bool any = false;

        if (!memmap)
                return;
        puts("\nMemmaps, as they are now");
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                uint64_t n = field_size(memmap, places[i].key);

                if (n == 0)
                        continue;
                printf("  %" PRIu64 " %s: %s (%" PRIu64 " bytes)\n", n,
                       place_to_string(places[i].place), FORMAT_BYTES(n * each), n * each);
                any = true;
        }
        if (any)
                print_map(map);
        else
                puts("  none, as no block is plugged");
}

void print_after_online(struct json_object *d) {
        struct json_object *list = field_get(d, "after_online", json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        if (n > 0)
                puts("\nAfter online");
        for (size_t i = 0; i < n; i++) {
                struct json_object *o = json_object_array_get_idx(list, i);

                printf("  %-18s %-8s %s\n", field_string(o, "setting", "?"),
                       field_string(o, "value", "?"),
                       field_string(o, "text", "Once all of it is online."));
        }
}

static void print_text(struct json_object *d) {
        print_header(d);
        print_memdevs(d);
        print_decision(d);
        print_budget(d);
        print_reasons(d);
        print_blocks(d);
        print_memmaps(d);
        print_after_online(d);
}

enum exit_code verb_explain(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        enum exit_code code = call_describe(&description);
        struct json_object *d;

        (void) argc;
        if (code == EXIT_OK)
                code = device_find(description, argv[0], &d);
        if (code != EXIT_OK)
                return code;
        if (o->json == JSON_OFF)
                print_text(d);
        else
                json_print(d, o->json);
        return EXIT_OK;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blocks of devices, drawn: where each memmap is, in which zone it is, and whether. */
#include <stdio.h>
#include <sys/ioctl.h>

#include "arguments.h"
#include "blocks.h"
#include "bus.h"
#include "device.h"
#include "fields.h"
#include "format.h"

/* Version of the JSON that is printed. */
#define MAP_FORMAT 1

/* A device is to fit on a screen; what its blocks are is seen from afar as well. */
#define ROWS_MAX 16
#define LABEL_WIDTH 6
#define COLUMNS_MIN (LABEL_WIDTH + 1 + 8)
#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX 10000

static const struct {
        char letter;
        const char *color, *meaning;
} kinds[_BLOCK_KIND_MAX] = {
        [BLOCK_KIND_ABSENT] = { '.', "\033[90m", "not plugged" },
        [BLOCK_KIND_FAILED] = { 'x', "\033[1;41m", "a step on it failed" },
        [BLOCK_KIND_OFFLINE] = { 'o', "\033[30;47m", "plugged, and offline" },
        [BLOCK_KIND_BETWEEN] = { '~', "\033[30;47m", "coming online, or going" },
        [BLOCK_KIND_SEED] = { '#', "\033[1;30;43m",
                              "kernel zone, can hold memmaps of others (seed)" },
        [BLOCK_KIND_RAM] = { 'r', "\033[30;44m", "movable, memmap in RAM" },
        [BLOCK_KIND_RAM_KERNEL] = { 'R', "\033[1;37;44m", "kernel zone, memmap in RAM" },
        [BLOCK_KIND_DEVICE] = { 'd', "\033[30;42m", "movable, memmap on the block itself" },
        [BLOCK_KIND_DEVICE_KERNEL] = { 'D', "\033[1;37;42m",
                                       "kernel zone, memmap on the block itself" },
        [BLOCK_KIND_HOSTED] = { 's', "\033[30;46m", "movable, memmap in a seed" },
        [BLOCK_KIND_HOSTED_KERNEL] = { 'S', "\033[1;37;46m", "kernel zone, memmap in a seed" },
        [BLOCK_KIND_UNKNOWN] = { '?', "", "online, nobody can tell where its memmap is" },
};

/* What is seen in a cell: a failure before all, a seed before the rest, else the most. */
static enum block_kind kind_of_cell(const struct blocks *b, size_t from, size_t n) {
        size_t counts[_BLOCK_KIND_MAX] = { 0 };
        enum block_kind most = BLOCK_KIND_ABSENT;

        for (size_t i = from; i < from + n && i < b->n; i++)
                counts[block_kind(b, i)]++;
        if (counts[BLOCK_KIND_FAILED] > 0)
                return BLOCK_KIND_FAILED;
        if (counts[BLOCK_KIND_SEED] > 0)
                return BLOCK_KIND_SEED;
        for (int k = 0; k < _BLOCK_KIND_MAX; k++)
                if (counts[k] > counts[most])
                        most = (enum block_kind) k;
        return most;
}

static void print_cell(const struct options *o, enum block_kind kind) {
        if (o->colors)
                printf("%s%c\033[m", kinds[kind].color, kinds[kind].letter);
        else
                putchar(kinds[kind].letter);
}

/* Of the terminal, as it says or as somebody else does. */
static unsigned int width(void) {
        const char *env = getenv("COLUMNS");
        struct winsize size;
        uint64_t n;

        if (env && parse_count(env, &n) >= 0 && n > 0 && n < COLUMNS_MAX)
                return (unsigned int) n;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                return size.ws_col;
        return COLUMNS_DEFAULT;
}

/* A power of two, so that the numbers before the rows are round. */
static size_t cells_in_row(unsigned int columns) {
        size_t cells = 8;

        if (columns < COLUMNS_MIN)
                columns = COLUMNS_MIN;
        while (cells * 2 <= columns - LABEL_WIDTH - 1)
                cells *= 2;
        return cells;
}

static void print_cells(const struct options *o, const struct blocks *b, unsigned int *seen) {
        size_t cells = cells_in_row(width()), per_cell = 1;

        while (b->n > per_cell * cells * ROWS_MAX)
                per_cell *= 2;
        if (per_cell > 1)
                printf("1 cell = %zu blocks; a failure or a seed among them is shown, else what "
                       "most are\n", per_cell);
        for (size_t row = 0; row < b->n; row += cells * per_cell) {
                printf("%*zu ", LABEL_WIDTH, row);
                for (size_t i = row; i < b->n && i < row + cells * per_cell; i += per_cell) {
                        enum block_kind kind = kind_of_cell(b, i, per_cell);

                        *seen |= 1U << kind;
                        print_cell(o, kind);
                }
                puts("");
        }
}

static void print_device(const struct options *o, struct json_object *description,
                         struct json_object *d, unsigned int *seen) {
        struct blocks b;

        printf("%s: %s, %s", field_string(d, "name", "?"), field_string(d, "state", "unknown"),
               FORMAT_BYTES(field_size(d, "size")));
        if (blocks_get(&b, d)) {
                printf(", %zu blocks of %s\n", b.n, FORMAT_BYTES(device_bytes(description, 1)));
                print_cells(o, &b, seen);
        } else
                puts(", nothing is known of its blocks");
        puts("");
}

/* Of what is to be seen alone. */
static void print_legend(const struct options *o, unsigned int seen) {
        for (int k = 0; k < _BLOCK_KIND_MAX; k++) {
                if (!(seen & 1U << k))
                        continue;
                print_cell(o, (enum block_kind) k);
                printf(" %s\n", kinds[k].meaning);
        }
}

static void print_text(const struct options *o, struct json_object *description,
                       struct json_object *devices) {
        size_t n = devices ? json_object_array_length(devices) : 0;
        unsigned int seen = 0;

        if (n == 0)
                puts("There are no dax devices.");
        for (size_t i = 0; i < n; i++)
                print_device(o, description, json_object_array_get_idx(devices, i), &seen);
        if (!o->no_legend)
                print_legend(o, seen);
}

static void print_json(const struct options *o, struct json_object *description,
                       struct json_object *devices) {
        _cleanup_(json_putp) struct json_object *all = json_object_new_object();
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; devices && i < json_object_array_length(devices); i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);
                struct json_object *one = json_object_new_object();

                json_object_object_add(one, "name", json_object_get(
                                               field_get(d, "name", json_type_string)));
                json_object_object_add(one, "runs", blocks_runs(d));
                json_object_array_add(list, one);
        }
        json_object_object_add(all, "format", json_object_new_int(MAP_FORMAT));
        json_object_object_add(all, "block_size",
                               json_object_new_uint64(device_bytes(description, 1)));
        json_object_object_add(all, "devices", list);
        json_print(all, o->json);
}

enum exit_code verb_map(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        enum exit_code code = call_describe(&description);
        struct json_object *devices;

        if (code == EXIT_OK && argc > 0)
                code = device_choose(description, argc, argv);
        if (code != EXIT_OK)
                return code;
        devices = field_get(description, "devices", json_type_array);
        if (o->json == JSON_OFF)
                print_text(o, description, devices);
        else
                print_json(o, description, devices);
        return EXIT_OK;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a device was taken in, over time: its blocks, and below them the memory. */
#include <stdio.h>
#include <string.h>

#include "blocks.h"
#include "bus.h"
#include "fields.h"
#include "format.h"
#include "output.h"
#include "svg.h"

#define LEFT 80.0
#define TOP 60.0
#define WIDTH 1000.0
#define RIGHT 20.0
#define ROW_MAX 10.0                    /* of a block; less if there are many */
#define BLOCKS_HEIGHT_MAX 480.0
#define GRAPH_HEIGHT 100.0
#define GAP 40.0
#define LEGEND_LINE 18.0
#define TICKS_MAX 10

static const char style[] =
        "text{font:12px sans-serif}.title{font-size:16px}.end{text-anchor:end}"
        ".middle{text-anchor:middle}.paper{fill:#fff}.frame{fill:#f6f6f6}"
        ".grid{stroke:#ddd}.curve{fill:none;stroke:#333;stroke-width:1.5}"
        "rect{shape-rendering:crispEdges}.plugged{fill:#bbb}.seed{fill:#e6a700}.ram{fill:#4a7fd0}.ram-kernel{fill:#27487a}"
        ".device{fill:#52a852}.device-kernel{fill:#2c6b2c}.hosted{fill:#2fa3a3}"
        ".hosted-kernel{fill:#156363}.unknown{fill:#8a6fb0}.failed{fill:#d03030}";

/* What has become of a block; the others are not drawn. */
static const struct {
        const char *class, *meaning;
} kinds[_BLOCK_KIND_MAX] = {
        [BLOCK_KIND_FAILED] = { "failed", "a step on it failed" },
        [BLOCK_KIND_SEED] = { "seed", "online in the kernel zone, can hold memmaps of others" },
        [BLOCK_KIND_RAM] = { "ram", "online, memmap in RAM" },
        [BLOCK_KIND_RAM_KERNEL] = { "ram-kernel", "online in the kernel zone, memmap in RAM" },
        [BLOCK_KIND_DEVICE] = { "device", "online, memmap on the block itself" },
        [BLOCK_KIND_DEVICE_KERNEL] = { "device-kernel",
                                       "online in the kernel zone, memmap on the block itself" },
        [BLOCK_KIND_HOSTED] = { "hosted", "online, memmap in a seed" },
        [BLOCK_KIND_HOSTED_KERNEL] = { "hosted-kernel",
                                       "online in the kernel zone, memmap in a seed" },
        [BLOCK_KIND_UNKNOWN] = { "unknown", "online, nobody can tell where its memmap is" },
};

struct plot {
        FILE *f;
        enum json_mode json;
        struct json_object *timeline;
        struct blocks blocks;
        struct json_object *plugged, *online, *samples;
        double usec;                    /* how long all of it took */
        double row, blocks_height;
        bool waited;                    /* some block was plugged and not online at once */
        unsigned int seen;              /* kinds */
};

static double x_of(const struct plot *p, double usec) {
        return LEFT + usec / p->usec * WIDTH;
}

/* -1: it has no such time. */
static double time_of(struct json_object *times, size_t i) {
        struct json_object *t = json_object_array_get_idx(times, i);

        return t ? (double) json_object_get_int64(t) : -1;
}

static double sample_of(const struct plot *p, size_t i, const char *key) {
        return (double) field_size(json_object_array_get_idx(p->samples, i), key);
}

/* 1, 2 or 5 of some unit of time, for ten lines at most. */
static double tick_step(double usec) {
        static const double factors[] = { 2, 2.5, 2 };
        double step = 1;

        for (size_t i = 0; usec / step > TICKS_MAX; i++)
                step *= factors[i % ELEMENTSOF(factors)];
        return step;
}

static void draw_ticks(const struct plot *p, double bottom) {
        double step = tick_step(p->usec);

        for (double t = 0; t <= p->usec; t += step) {
                svg_line(p->f, "grid", x_of(p, t), TOP, x_of(p, t), bottom);
                if (p->usec < 1e6)
                        svg_text(p->f, "middle", x_of(p, t), TOP - 6, "%g ms", t / 1e3);
                else
                        svg_text(p->f, "middle", x_of(p, t), TOP - 6, "%g s", t / 1e6);
        }
}

static void draw_block(struct plot *p, size_t i) {
        double plugged = time_of(p->plugged, i), online = time_of(p->online, i);
        double y = TOP + (double) i * p->row, end = online >= 0 ? online : p->usec;
        enum block_kind kind = block_kind(&p->blocks, i);
        const char *class = kinds[kind].class;

        if (plugged >= 0 && end > plugged) {
                p->waited = true;
                svg_rect(p->f, "plugged", x_of(p, plugged), y, (end - plugged) / p->usec * WIDTH,
                         p->row);
        }
        if (kind == BLOCK_KIND_FAILED)
                svg_rect(p->f, class, LEFT, y, WIDTH, p->row);
        else if (online >= 0 && class)
                svg_rect(p->f, class, x_of(p, online), y, (p->usec - online) / p->usec * WIDTH,
                         p->row);
}

static void draw_blocks(struct plot *p) {
        svg_text(p->f, "end", LEFT - 6, TOP + 10, "block 0");
        if (p->blocks.n > 1)
                svg_text(p->f, "end", LEFT - 6, TOP + p->blocks_height, "%zu", p->blocks.n - 1);
        for (size_t i = 0; i < p->blocks.n; i++)
                draw_block(p, i);
}

/* @key of the samples, from 0 up. */
static void draw_graph(const struct plot *p, double top, const char *key, const char *what,
                       int64_t node) {
        size_t n = p->samples ? json_object_array_length(p->samples) : 0;
        double most = 1;

        for (size_t i = 0; i < n; i++)
                most = sample_of(p, i, key) > most ? sample_of(p, i, key) : most;
        svg_text(p->f, "", LEFT, top - 4, "%s node %" PRId64, what, node);
        svg_text(p->f, "end", LEFT - 6, top + 10, "%s", FORMAT_BYTES((uint64_t) most));
        svg_text(p->f, "end", LEFT - 6, top + GRAPH_HEIGHT, "0");
        svg_curve_begin(p->f, "curve");
        for (size_t i = 0; i < n; i++)
                svg_curve_point(p->f, x_of(p, sample_of(p, i, "usec")),
                                top + GRAPH_HEIGHT * (1 - sample_of(p, i, key) / most));
        svg_curve_end(p->f);
}

static void draw_meaning(const struct plot *p, double *y, const char *class, const char *meaning) {
        svg_rect(p->f, class, LEFT, *y - 10, 12, 12);
        svg_text(p->f, "", LEFT + 18, *y, "%s", meaning);
        *y += LEGEND_LINE;
}

static void draw_legend(const struct plot *p, double y) {
        if (p->waited)
                draw_meaning(p, &y, "plugged", "plugged, not online yet");
        for (int k = 0; k < _BLOCK_KIND_MAX; k++)
                if (p->seen & 1U << k)
                        draw_meaning(p, &y, kinds[k].class, kinds[k].meaning);
}

static void draw(FILE *f, void *userdata) {
        struct plot *p = userdata;
        double graphs = TOP + p->blocks_height + GAP;
        double bottom = graphs + 2 * GRAPH_HEIGHT + GAP;
        char began[FORMAT_TIME_MAX];

        p->f = f;
        svg_begin(f, LEFT + WIDTH + RIGHT,
                  bottom + (__builtin_popcount(p->seen) + 3) * LEGEND_LINE, style);
        svg_text(f, "title", LEFT, 24, "%s: %zu blocks in %.3f s, from %s",
                 field_string(p->timeline, "name", "?"), p->blocks.n, p->usec / 1e6,
                 format_time(began, field_size(p->timeline, "began")));
        svg_rect(f, "frame", LEFT, TOP, WIDTH, p->blocks_height);
        svg_rect(f, "frame", LEFT, graphs, WIDTH, GRAPH_HEIGHT);
        svg_rect(f, "frame", LEFT, graphs + GRAPH_HEIGHT + GAP, WIDTH, GRAPH_HEIGHT);
        draw_ticks(p, bottom);
        draw_blocks(p);
        draw_graph(p, graphs, "free", "Free memory of the node that pays for memmaps,",
                   field_int(p->timeline, "payer", -1));
        draw_graph(p, graphs + GRAPH_HEIGHT + GAP, "total", "Memory of",
                   field_int(p->timeline, "target_node", -1));
        draw_legend(p, bottom + 2 * LEGEND_LINE);
        svg_end(f);
}

static void print_json(FILE *f, void *userdata) {
        const struct plot *p = userdata;

        json_print_to(f, p->timeline, p->json);
}

static bool plot_init(struct plot *p, const struct options *o, struct json_object *timeline) {
        *p = (struct plot) {
                .json = o->json,
                .timeline = timeline,
                .plugged = field_get(timeline, "plugged", json_type_array),
                .online = field_get(timeline, "online", json_type_array),
                .samples = field_get(timeline, "samples", json_type_array),
                .usec = (double) field_size(timeline, "usec"),
        };
        if (!p->plugged || !p->online || !blocks_get(&p->blocks, timeline) || p->usec <= 0)
                return false;
        p->row = BLOCKS_HEIGHT_MAX / (double) p->blocks.n;
        p->row = p->row < ROW_MAX ? p->row : ROW_MAX;
        p->blocks_height = p->row * (double) p->blocks.n;
        for (size_t i = 0; i < p->blocks.n; i++)
                if (kinds[block_kind(&p->blocks, i)].class)
                        p->seen |= 1U << block_kind(&p->blocks, i);
        return true;
}

enum exit_code verb_plot(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *timeline = NULL;
        enum exit_code code = call_timeline(argv[0], &timeline);
        struct plot p;
        bool drawable;

        (void) argc;
        if (code != EXIT_OK)
                return code;
        drawable = plot_init(&p, o, timeline);
        if (o->json != JSON_OFF)
                return output(o, print_json, &p);
        if (drawable)
                return output(o, draw, &p);
        complain("There is nothing to draw of %s yet.", argv[0]);
        return EXIT_FAILED;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers for Prometheus.  The text is OpenMetrics and at the same time what node_exporter
 * reads from files, which is the older format: so there are gauges alone, as the two have
 * different names for counters, and one metric is called _info without being of that type.
 */
#include <stdio.h>
#include <time.h>

#include "bus.h"
#include "device.h"
#include "fields.h"
#include "labels.h"
#include "output.h"

enum source {
        SOURCE_DEVICE,          /* a member of the device */
        SOURCE_BLOCKS,          /* a member of "blocks": a number of them, to be bytes */
        SOURCE_BLOCK_COUNT,     /* ... to stay a number */
        SOURCE_MEMMAP,          /* a member of "memmap": a number of memmaps, to be bytes */
        SOURCE_BUDGET,          /* a member of "budget" */
        SOURCE_PROGRESS,        /* a member of "progress" */
        SOURCE_FLAG,            /* a member of the device that is true or false */
};

struct series {
        enum source source;
        const char *key;
        const char *label, *value;      /* one more label, or NULL */
};

#define SERIES_MAX 4

static const struct family {
        const char *name, *unit, *help; /* the unit ends the name; NULL: none */
        struct series series[SERIES_MAX];
} families[] = {
        { "memmapd_device_size_bytes", "bytes", "Size of the device.",
          { { SOURCE_DEVICE, "size" } } },
        { "memmapd_device_wanted_bytes", "bytes", "What of it is to be taken in.",
          { { SOURCE_BLOCKS, "wanted" } } },
        { "memmapd_device_plugged_bytes", "bytes", "What of it is added to the machine.",
          { { SOURCE_BLOCKS, "plugged" } } },
        { "memmapd_device_online_bytes", "bytes", "What of it is online, by zone.",
          { { SOURCE_BLOCKS, "kernel", "zone", "kernel" },
            { SOURCE_BLOCKS, "movable", "zone", "movable" } } },
        { "memmapd_device_trimmed_bytes", "bytes", "What of it is lost to alignment.",
          { { SOURCE_DEVICE, "trimmed" } } },
        { "memmapd_device_memmap_bytes", "bytes",
          "Memmaps of its blocks, by where they are.",
          { { SOURCE_MEMMAP, "ram", "place", "ram" },
            { SOURCE_MEMMAP, "device", "place", "device" },
            { SOURCE_MEMMAP, "seed", "place", "seed" } } },
        { "memmapd_device_ram_budget_bytes", "bytes",
          "What RAM could spare for its memmaps when it was decided on.",
          { { SOURCE_BUDGET, "total" } } },
        { "memmapd_device_failed_blocks", NULL, "Memory blocks on which a step failed.",
          { { SOURCE_BLOCK_COUNT, "failed" } } },
        { "memmapd_device_plan_steps", NULL, "Steps of the plan under way, 0 if there is none.",
          { { SOURCE_PROGRESS, "total" } } },
        { "memmapd_device_plan_done_steps", NULL, "Those of them that are done.",
          { { SOURCE_PROGRESS, "done" } } },
        { "memmapd_device_held", NULL, "Whether the policy does nothing to it, by an order.",
          { { SOURCE_FLAG, "held" } } },
};

/* Backslash, quote and newline, as the format wants them. */
static void print_label(FILE *f, const char *name, const char *value) {
        fprintf(f, "%s=\"", name);
        for (; *value; value++)
                if (*value == '\n')
                        fputs("\\n", f);
                else if (*value == '\\' || *value == '"')
                        fprintf(f, "\\%c", *value);
                else
                        fputc(*value, f);
        fputc('"', f);
}

static void print_head(FILE *f, const char *name, const char *unit, const char *help) {
        fprintf(f, "# TYPE %s gauge\n", name);
        if (unit)
                fprintf(f, "# UNIT %s %s\n", name, unit);
        fprintf(f, "# HELP %s %s\n", name, help);
}

static void print_one(FILE *f, const char *name, const char *help, uint64_t value) {
        print_head(f, name, NULL, help);
        fprintf(f, "%s %" PRIu64 "\n", name, value);
}

/* The labels of all that is said about a device. */
static void print_device_labels(FILE *f, struct json_object *d) {
        char node[CELL_MAX];

        print_label(f, "device", field_string(d, "name", ""));
        fputc(',', f);
        print_label(f, "node", field_int(d, "target_node", -1) < 0 ? "" : device_node(node, d));
        fputc(',', f);
        print_label(f, "region", field_string(d, "region", ""));
}

static uint64_t value_of(struct json_object *description, struct json_object *d,
                         const struct series *s) {
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        struct json_object *memmap = field_get(d, "memmap", json_type_object);

        switch (s->source) {
        case SOURCE_DEVICE:
                return field_size(d, s->key);
        case SOURCE_BLOCKS:
                return device_bytes(description, field_size(blocks, s->key));
        case SOURCE_BLOCK_COUNT:
                return field_size(blocks, s->key);
        case SOURCE_MEMMAP:
                return field_size(memmap, s->key) * field_size(memmap, "bytes_per_block");
        case SOURCE_BUDGET:
                return field_size(field_get(d, "budget", json_type_object), s->key);
        case SOURCE_PROGRESS:
                return field_size(field_get(d, "progress", json_type_object), s->key);
        case SOURCE_FLAG:
        default:
                return field_bool(d, s->key);
        }
}

static void print_series(FILE *f, const char *name, struct json_object *description,
                         struct json_object *d, const struct series *s) {
        fprintf(f, "%s{", name);
        print_device_labels(f, d);
        if (s->label) {
                fputc(',', f);
                print_label(f, s->label, s->value);
        }
        fprintf(f, "} %" PRIu64 "\n", value_of(description, d, s));
}

static void print_family(FILE *f, const struct family *family, struct json_object *description,
                         struct json_object *devices, size_t n) {
        print_head(f, family->name, family->unit, family->help);
        for (size_t i = 0; i < n; i++)
                for (size_t s = 0; s < SERIES_MAX && family->series[s].key; s++)
                        print_series(f, family->name, description,
                                     json_object_array_get_idx(devices, i), &family->series[s]);
}

/* All states, each 1 or 0: then one that is over is seen to be. */
static void print_states(FILE *f, struct json_object *devices, size_t n) {
        static const char name[] = "memmapd_device_state";

        print_head(f, name, NULL, "Whether it is in this state, see memmapctl(1).");
        for (size_t i = 0; i < n; i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);

                for (size_t s = 0; device_states[s]; s++) {
                        fprintf(f, "%s{", name);
                        print_device_labels(f, d);
                        fputc(',', f);
                        print_label(f, "state", device_states[s]);
                        fprintf(f, "} %d\n", device_state_is(d, device_states[s]));
                }
        }
}

static void print_daemon(FILE *f, struct json_object *description) {
        struct json_object *daemon = field_get(description, "daemon", json_type_object);
        struct json_object *kernel = field_get(description, "kernel", json_type_object);
        struct json_object *warnings = field_get(daemon, "policy_warnings", json_type_array);

        print_head(f, "memmapd_info", NULL, "The version of memmapd that runs, always 1.");
        fputs("memmapd_info{", f);
        print_label(f, "version", field_string(daemon, "version", ""));
        fputs("} 1\n", f);
        print_one(f, "memmapd_policy_valid", "Whether the policy files are in force as they are now.",
                  !field_string(daemon, "policy_error", NULL));
        print_one(f, "memmapd_policy_warnings", "Warnings about the policy in force.",
                  warnings ? json_object_array_length(warnings) : 0);
        print_one(f, "memmapd_dry_run", "Whether memmapd only says what it would do.",
                  field_bool(daemon, "dry_run"));
        print_one(f, "memmapd_module_loaded", "Whether memmapd_kmem is loaded.",
                  field_bool(kernel, "module"));
        print_head(f, "memmapd_block_size_bytes", "bytes", "Size of a memory block.");
        fprintf(f, "memmapd_block_size_bytes %" PRIu64 "\n", device_bytes(description, 1));
}

/* @userdata: the description, NULL if memmapd does not run. */
static void print_metrics(FILE *f, void *userdata) {
        struct json_object *description = userdata;
        struct json_object *devices = field_get(description, "devices", json_type_array);
        size_t n = devices ? json_object_array_length(devices) : 0;

        print_one(f, "memmapd_up", "Whether memmapd runs and answers.", description != NULL);
        print_head(f, "memmapd_collected_timestamp_seconds", "seconds",
                   "When these numbers were collected, since 1970.");
        fprintf(f, "memmapd_collected_timestamp_seconds %" PRIu64 "\n", (uint64_t) time(NULL));
        if (description) {
                print_daemon(f, description);
                print_states(f, devices, n);
                for (size_t i = 0; i < ELEMENTSOF(families); i++)
                        print_family(f, &families[i], description, devices, n);
        }
        fputs("# EOF\n", f);
}

enum exit_code verb_metrics(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        /* That it does not run is what is measured: no failure, and no complaint each minute. */
        enum exit_code code = memmapd_runs() ? call_describe(&description) : EXIT_OK;

        (void) argc, (void) argv;
        if (code != EXIT_OK)
                return code;
        return output(o, o->labels ? print_labels : print_metrics, description);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memmapd would do, without memmapd. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "fields.h"
#include "files.h"
#include "forecast.h"
#include "format.h"
#include "snapshot-file.h"

static const char *memmap_words(struct json_object *run) {
        const char *memmap = field_string(run, "memmap", "");

        if (strcmp(memmap, "ram") == 0)
                return "memmap in RAM";
        if (strcmp(memmap, "device") == 0)
                return "memmap on the block";
        if (strcmp(memmap, "seed") == 0)
                return "memmap in a seed";
        return "no memmap";
}

static void print_run(struct json_object *run) {
        uint64_t from = field_size(run, "from"), to = field_size(run, "to");
        char range[64];

        if (from == to)
                snprintf(range, sizeof(range), "block %" PRIu64, from);
        else
                snprintf(range, sizeof(range), "blocks %" PRIu64 "-%" PRIu64, from, to);
        if (field_bool(run, "wanted"))
                printf("  %s: %s, %s%s\n", range, field_string(run, "zone", "?"),
                       memmap_words(run), field_bool(run, "seed") ? "; seeds for others" : "");
        else
                printf("  %s: left out, a step on them failed\n", range);
}

static void print_runs(struct json_object *plan) {
        struct json_object *runs = field_get(plan, "runs", json_type_array);
        size_t n = runs ? json_object_array_length(runs) : 0;

        for (size_t i = 0; i < n; i++)
                print_run(json_object_array_get_idx(runs, i));
}

static void print_cost(struct json_object *d, struct json_object *plan) {
        struct json_object *budget = field_get(d, "budget", json_type_object);

        if (!budget || field_size(plan, "steps") == 0)
                return;
        printf("  %" PRIu64 " steps, %s of RAM of the %s that node %" PRId64 " has to spare\n",
               field_size(plan, "steps"), FORMAT_BYTES(field_size(plan, "ram_cost")),
               FORMAT_BYTES(field_size(budget, "total")), field_int(budget, "node", -1));
}

static void print_device(struct json_object *d, uint64_t block_size) {
        struct json_object *blocks = field_get(d, "blocks", json_type_object);
        struct json_object *plan = field_get(d, "plan", json_type_object);
        int64_t node = field_int(d, "target_node", -1);
        uint64_t trimmed = field_size(d, "trimmed");

        printf("\n%s: %s. %s\n", field_string(d, "name", "?"), field_string(d, "state", "unknown"),
               field_string(d, "message", ""));
        printf("  %s of %s memory in %s", FORMAT_BYTES(field_size(d, "size")),
               field_string(d, "backing", "unknown"), field_string(d, "region", "?"));
        if (node >= 0)
                printf(", for node %" PRId64, node);
        printf("; %" PRIu64 " blocks of %s, %" PRIu64 " of them plugged",
               field_size(blocks, "total"), FORMAT_BYTES(block_size),
               field_size(blocks, "plugged"));
        if (trimmed > 0)
                printf(", %s lost to alignment", FORMAT_BYTES(trimmed));
        puts("");
        print_runs(plan);
        print_cost(d, plan);
        print_reasons(d);
        print_after_online(d);
}

static void print_text(struct json_object *description) {
        struct json_object *devices = field_get(description, "devices", json_type_array);
        struct json_object *kernel = field_get(description, "kernel", json_type_object);
        struct json_object *daemon = field_get(description, "daemon", json_type_object);
        size_t n = devices ? json_object_array_length(devices) : 0;

        printf("Policy: %s\n", field_string(daemon, "policy", "?"));
        if (n == 0)
                puts("There are no dax devices.");
        for (size_t i = 0; i < n; i++)
                print_device(json_object_array_get_idx(devices, i),
                             field_size(kernel, "block_size"));
}

static void closerootp(struct sysfs *s) {
        sysfs_close(s);
}

static enum exit_code look(const struct options *o, const struct forecast *f,
                           struct json_object **ret) {
        _cleanup_(closerootp) struct sysfs root = { .root = -1 };
        const char *path = o->snapshot ?: "/";
        int r;

        if (o->snapshot && snapshot_file_check(path) != EXIT_OK)
                return EXIT_FAILED;
        r = sysfs_open_root(&root, path);
        if (r >= 0)
                r = forecast(&root, f, ret);
        if (r >= 0)
                return EXIT_OK;
        complain("Cannot read %s: %s.", o->snapshot ? path : "the machine from /sys and /proc",
                 strerror(-r));
        return EXIT_FAILED;
}

enum exit_code verb_plan(const struct options *o, int argc, char **argv) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        _cleanup_(policy_files_freep) struct policy_files *files = NULL;
        struct forecast f = { .fresh = o->fresh, .module = o->module };
        enum exit_code code;

        (void) argc, (void) argv;
        /* The one named, or the one that memmapd would have. */
        files = files_read(o, o->policy ? 1 : 0, (char *[]) { (char *) o->policy });
        if (!files)
                return EXIT_FAILED;
        files_complain(files, false);
        if (!files->policy)
                return EXIT_FAILED;
        f.files = files;
        code = look(o, &f, &description);
        if (code != EXIT_OK)
                return code;
        if (o->json == JSON_OFF)
                print_text(description);
        else
                json_print(description, o->json);
        return EXIT_OK;
}

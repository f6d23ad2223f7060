/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Labels for a fleet: what Kubernetes' node-feature-discovery reads from files, a name
 * and a value on a line.  They say what a node has, not how it is doing this second; so
 * sizes are whole GiB.
 */
#include "labels.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "fields.h"

/* If nobody writes them anew, they are not to be believed. */
#define EXPIRY_SECONDS 600
/* Of Kubernetes, for a value. */
#define VALUE_MAX 63

static void print_expiry(FILE *f) {
        time_t at = time(NULL) + EXPIRY_SECONDS;
        char text[32];
        struct tm tm;

        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
        fprintf(f, "# +expiry-time=%s\n", text);
}

/* Other characters become "_", and an end that is neither letter nor digit goes. */
static void print_value(FILE *f, const char *name, const char *value) {
        char text[VALUE_MAX + 1];
        size_t n = 0;

        for (; *value && n < VALUE_MAX; value++) {
                if (n == 0 && !isalnum((unsigned char) *value))
                        continue;
                text[n++] = isalnum((unsigned char) *value) || strchr("-_.", *value) ? *value : '_';
        }
        while (n > 0 && !isalnum((unsigned char) text[n - 1]))
                n--;
        text[n] = '\0';
        fprintf(f, "memmapd.%s=%s\n", name, text);
}

static void print_bool(FILE *f, const char *name, bool value) {
        print_value(f, name, value ? "true" : "false");
}

static void print_number(FILE *f, const char *name, uint64_t value) {
        fprintf(f, "memmapd.%s=%" PRIu64 "\n", name, value);
}

/* All devices together. */
struct sums {
        uint64_t devices, attention;
        uint64_t online, movable;               /* blocks */
        uint64_t ram, device, seed;             /* memmaps */
};

static struct sums add_up(struct json_object *devices) {
        struct sums s = { .devices = devices ? json_object_array_length(devices) : 0 };

        for (size_t i = 0; i < s.devices; i++) {
                struct json_object *d = json_object_array_get_idx(devices, i);
                struct json_object *blocks = field_get(d, "blocks", json_type_object);
                struct json_object *memmap = field_get(d, "memmap", json_type_object);

                s.attention += device_needs_attention(d);
                s.online += field_size(blocks, "online");
                s.movable += field_size(blocks, "movable");
                s.ram += field_size(memmap, "ram");
                s.device += field_size(memmap, "device");
                s.seed += field_size(memmap, "seed");
        }
        return s;
}

static const char *place(const struct sums *s) {
        if (!!s->ram + !!s->device + !!s->seed > 1)
                return "mixed";
        return s->ram ? "ram" : s->device ? "device" : s->seed ? "seed" : "none";
}

void print_labels(FILE *f, void *userdata) {
        struct json_object *description = userdata;
        struct json_object *daemon = field_get(description, "daemon", json_type_object);
        struct json_object *kernel = field_get(description, "kernel", json_type_object);
        struct sums s = add_up(field_get(description, "devices", json_type_array));

        print_expiry(f);
        print_bool(f, "running", description);
        if (!description)
                return;
        print_value(f, "version", field_string(daemon, "version", ""));
        print_bool(f, "policy-valid", !field_string(daemon, "policy_error", NULL));
        print_bool(f, "module", field_bool(kernel, "module"));
        print_number(f, "devices", s.devices);
        print_number(f, "devices-need-attention", s.attention);
        print_number(f, "online-gib", device_bytes(description, s.online) >> 30);
        print_number(f, "movable-gib", device_bytes(description, s.movable) >> 30);
        print_value(f, "memmap", place(&s));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regions and expanders that are no devices: not yet, or not any more. */
#include "cxl-status.h"

#include <stdio.h>
#include <string.h>

#include "fields.h"

static void print_names(struct json_object *o, const char *key) {
        struct json_object *list = field_get(o, key, json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        for (size_t i = 0; i < n; i++)
                printf("%s%s", i == 0 ? "" : ", ",
                       json_object_get_string(json_object_array_get_idx(list, i)));
}

static void print_order(struct json_object *o) {
        const char *stage = field_string(o, "stage", "");
        bool back = strcmp(stage, "returning") == 0;

        printf("%s: ", field_string(o, "name", "?"));
        if (strcmp(stage, "dismantling") == 0) {
                printf("being removed; is being taken apart: ");
                print_names(o, "regions");
                puts(".");
                return;
        }
        printf(back ? "cannot be removed; what comes back: " :
               "being removed; memory is being taken out of ");
        print_names(o, "devices");
        printf(back ? ". %s\n" : ".\n", field_string(o, "why", ""));
}

const char *cxl_subject(char buf[static CXL_SUBJECT_MAX], struct json_object *region) {
        struct json_object *memdevs = field_get(region, "memdevs", json_type_array);
        const char *name = field_string(region, "name", NULL);
        size_t n = memdevs ? json_object_array_length(memdevs) : 0, used = 0;

        for (size_t i = 0; i < n && used < CXL_SUBJECT_MAX; i++)
                used += (size_t) snprintf(buf + used, CXL_SUBJECT_MAX - used, "%s%s", i > 0 ? ", " : "",
                                          json_object_get_string(json_object_array_get_idx(memdevs, i)));
        if (used < CXL_SUBJECT_MAX && (name || n == 0))
                snprintf(buf + used, CXL_SUBJECT_MAX - used, n == 0 ? "%s" : " (%s)", name ?: "CXL");
        return buf;
}

static void print_region(struct json_object *o) {
        const char *message = field_string(o, "message", "");
        uint64_t tries = field_size(o, "tries"), next = field_size(o, "next_try_usec");
        char subject[CXL_SUBJECT_MAX];

        printf("%s: ", cxl_subject(subject, o));
        if (strcmp(field_string(o, "state", ""), "making") == 0) {
                puts("a region is being made of it.");
                return;
        }
        printf("%s.", message);
        if (next > 0)
                printf(" Tried %" PRIu64 " time%s; tries again in %" PRIu64 " s.", tries,
                       tries == 1 ? "" : "s", (next + 999999) / 1000000);
        else if (tries > 0 && !strstr(message, "memmapctl reload"))
                printf(" \"memmapctl reload\" tries again.");
        puts("");
}

static bool print_all(struct json_object *description, const char *key,
                      void (*print)(struct json_object *o), bool first) {
        struct json_object *list = field_get(description, key, json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        if (n > 0 && first)
                puts("");
        for (size_t i = 0; i < n; i++)
                print(json_object_array_get_idx(list, i));
        return first && n == 0;
}

void print_cxl(struct json_object *description) {
        bool first = print_all(description, "orders", print_order, true);

        (void) print_all(description, "regions", print_region, first);
}

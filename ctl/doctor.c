/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "fields.h"
#include "findings.h"
#include "probe.h"
#include "snapshot-file.h"

static const char *const words[_FINDING_MAX] = {
        [FINDING_GOOD] = "good",
        [FINDING_NOTE] = "note",
        [FINDING_WRONG] = "wrong",
};

static const char *const colors[_FINDING_MAX] = {
        [FINDING_GOOD] = "\033[32m",
        [FINDING_NOTE] = "\033[33m",
        [FINDING_WRONG] = "\033[31m",
};

static void closerootp(struct sysfs *s) {
        sysfs_close(s);
}

/* Lines of a remedy below each other. */
static void print_remedy(const char *remedy) {
        for (; *remedy; remedy += strspn(remedy, "\n")) {
                int n = (int) strcspn(remedy, "\n");

                printf("       %.*s\n", n, remedy);
                remedy += n;
        }
}

static void print_text(const struct options *o, const struct findings *f) {
        for (size_t i = 0; i < f->n; i++) {
                const struct finding *one = &f->list[i];

                printf("%s%-5s%s  %s\n", o->colors ? colors[one->severity] : "",
                       words[one->severity], o->colors ? "\033[m" : "", one->what);
                if (one->remedy)
                        print_remedy(one->remedy);
        }
}

static void print_json(const struct options *o, const struct findings *f) {
        _cleanup_(json_putp) struct json_object *all = json_object_new_object();
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < f->n; i++) {
                const struct finding *one = &f->list[i];
                struct json_object *object = json_object_new_object();

                json_object_object_add(object, "check", json_object_new_string(one->check));
                json_object_object_add(object, "severity",
                                       json_object_new_string(words[one->severity]));
                json_object_object_add(object, "what", json_object_new_string(one->what));
                json_object_object_add(object, "remedy", one->remedy ?
                                       json_object_new_string(one->remedy) : NULL);
                json_object_array_add(list, object);
        }
        json_object_object_add(all, "format", json_object_new_int(1));
        json_object_object_add(all, "findings", list);
        json_print(all, o->json);
}

/* That of a snapshot, or of this machine. */
static enum exit_code look_at_machine(const struct options *o, const struct sysfs *root,
                                      struct findings *f) {
        _cleanup_(model_freep) struct model *m = NULL;
        int r = probe(root, &m);

        if (r < 0) {
                complain("Cannot read %s: %s.",
                         o->snapshot ?: "the machine from /sys and /proc", strerror(-r));
                return EXIT_FAILED;
        }
        look_at_kernel(f, root, m);
        look_at_zones(f, m);
        return EXIT_OK;
}

/* Without memmapd there is still a machine to look at. */
static enum exit_code ask_daemon(const struct sysfs *root, struct findings *f) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        enum exit_code code = call_describe(&description);

        if (code == EXIT_OK)
                look_at_daemon(f, root, description);
        return code;
}

enum exit_code verb_doctor(const struct options *o, int argc, char **argv) {
        _cleanup_(closerootp) struct sysfs root = { .root = -1 };
        _cleanup_(findings_done) struct findings f = { 0 };
        const char *path = o->snapshot ?: "/";
        enum exit_code code, asked = EXIT_OK;
        int r;

        (void) argc, (void) argv;
        if (o->snapshot && snapshot_file_check(path) != EXIT_OK)
                return EXIT_FAILED;
        r = sysfs_open_root(&root, path);
        if (r < 0) {
                complain("Cannot open %s: %s.", path, strerror(-r));
                return EXIT_FAILED;
        }
        if (!o->snapshot)
                asked = ask_daemon(&root, &f);
        code = look_at_machine(o, &root, &f);
        if (code != EXIT_OK)
                return code;
        if (o->json == JSON_OFF)
                print_text(o, &f);
        else
                print_json(o, &f);
        if (f.oom) {
                complain("Out of memory: something is missing above.");
                return EXIT_FAILED;
        }
        for (size_t i = 0; i < f.n; i++)
                if (f.list[i].severity == FINDING_WRONG)
                        return EXIT_FAILED;
        return asked;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "doctor-fix.h"
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

/* Paths are kept without the first slash. */
static struct json_object *json_slash(const char *path) {
        char text[SYSFS_PATH_MAX];

        snprintf(text, sizeof(text), "/%s", path);
        return json_object_new_string(text);
}

/* NULL: nothing is to be written. */
static struct json_object *describe_fix(const struct sysfs *root, const struct fix *fix) {
        struct json_object *object;

        if (!fix)
                return NULL;
        object = json_object_new_object();
        json_object_object_add(object, "state", json_object_new_string(fix_word(root, fix)));
        json_object_object_add(object, "path", json_slash(fix->path));
        json_object_object_add(object, "text", json_object_new_string(fix->text));
        json_object_object_add(object, "command", fix->command ? json_slash(fix->command) : NULL);
        return object;
}

static void print_json(const struct options *o, const struct sysfs *root,
                       const struct findings *f) {
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
                json_object_object_add(object, "fix", describe_fix(root, one->fix));
                json_object_array_add(list, object);
        }
        json_object_object_add(all, "format", json_object_new_int(1));
        json_object_object_add(all, "findings", list);
        json_print(all, o->json);
}

/* Root is that of a snapshot, or of this machine. */
static enum exit_code look_at_machine(const struct options *o, const struct sysfs *root,
                                      struct json_object *description, struct findings *f) {
        _cleanup_(model_freep) struct model *m = NULL;
        int r = probe(root, &m);

        look_at_config(f, root);
        if (r == -ENOENT) {
                look_at_no_hotplug(f);
                return EXIT_OK;
        }
        if (r < 0) {
                complain("Cannot read %s: %s.", o->snapshot ?: o->sysroot ?:
                         "the machine from /sys and /proc", strerror(-r));
                return EXIT_FAILED;
        }
        look_at_kernel(f, root, m);
        look_at_blocks(f, m);
        look_at_kmem(f, root, m, description);
        look_at_zones(f, m);
        return EXIT_OK;
}

/* Without memmapd there is still a machine to look at. */
static enum exit_code look(const struct options *o, const struct sysfs *root, struct findings *f) {
        _cleanup_(json_putp) struct json_object *description = NULL;
        enum exit_code code, asked = EXIT_OK;

        if (!o->snapshot && !o->sysroot) {
                asked = call_describe(&description);
                if (asked == EXIT_OK)
                        look_at_daemon(f, root, description);
        }
        code = look_at_machine(o, root, description, f);
        if (code == EXIT_OK && f->oom) {
                complain("Out of memory: something is missing below.");
                code = EXIT_FAILED;
        }
        return code == EXIT_OK ? asked : code;
}

static bool is_wrong(const struct findings *f) {
        for (size_t i = 0; i < f->n; i++)
                if (f->list[i].severity == FINDING_WRONG)
                        return true;
        return false;
}

/* JSON tells how things are after it. */
static enum exit_code fix(const struct options *o, const struct sysfs *root,
                          const struct findings *f) {
        enum exit_code code;

        if (o->json == JSON_OFF) {
                print_text(o, f);
                return doctor_fix(o, root, f);
        }
        code = doctor_fix(o, root, f);
        print_json(o, root, f);
        return code;
}

enum exit_code verb_doctor(const struct options *o, int argc, char **argv) {
        _cleanup_(closerootp) struct sysfs root = { .root = -1 };
        _cleanup_(findings_done) struct findings f = { 0 };
        const char *path = o->snapshot ?: o->sysroot ?: "/";
        enum exit_code code;
        int r;

        (void) argc, (void) argv;
        if (o->snapshot && snapshot_file_check(path) != EXIT_OK)
                return EXIT_FAILED;
        r = sysfs_open_root(&root, path);
        if (r < 0) {
                complain("Cannot open %s: %s.", path, strerror(-r));
                return EXIT_FAILED;
        }
        code = look(o, &root, &f);
        if (code == EXIT_FAILED)
                return code;
        if (o->fix)
                return fix(o, &root, &f);
        if (o->json == JSON_OFF)
                print_text(o, &f);
        else
                print_json(o, &root, &f);
        return is_wrong(&f) ? EXIT_FAILED : code;
}

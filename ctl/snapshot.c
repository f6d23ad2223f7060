/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "fields.h"
#include "snapshot-file.h"

/* Where a snapshot tells of itself, and the version of that. */
#define ABOUT "snapshot.json"
#define FORMAT 1

static void closerootp(struct sysfs *s) {
        sysfs_close(s);
}

static void on_missed(void *userdata, const char *path, int error) {
        struct json_object *list = userdata, *o = json_object_new_object();

        complain("Not recorded: /%s: %s.", path, strerror(error));
        json_object_object_add(o, "path", json_object_new_string(path));
        json_object_object_add(o, "error", json_object_new_string(strerror(error)));
        json_object_array_add(list, o);
}

static int write_about(const struct sysfs *to, struct json_object *missed) {
        _cleanup_(json_putp) struct json_object *o = json_object_new_object();
        struct utsname name;

        if (uname(&name) < 0)
                return -errno;
        json_object_object_add(o, "format", json_object_new_int(FORMAT));
        json_object_object_add(o, "memmapd", json_object_new_string(VERSION));
        json_object_object_add(o, "kernel", json_object_new_string(name.release));
        json_object_object_add(o, "machine", json_object_new_string(name.machine));
        json_object_object_add(o, "page_size", json_object_new_int64(sysconf(_SC_PAGESIZE)));
        json_object_object_add(o, "not_recorded", json_object_get(missed));
        return sysfs_put(to, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY), ABOUT);
}

static int record(const char *directory) {
        _cleanup_(closerootp) struct sysfs from = { .root = -1 }, to = { .root = -1 };
        _cleanup_(json_putp) struct json_object *missed = json_object_new_array();
        int r;

        /* Where memory lies is not for everybody to know. */
        if (mkdir(directory, 0700) < 0)
                return -errno;
        r = sysfs_open_root(&from, "/");
        if (r >= 0)
                r = sysfs_open_root(&to, directory);
        if (r >= 0)
                r = snapshot_record(&from, &to, on_missed, missed);
        return r < 0 ? r : write_about(&to, missed);
}

enum exit_code verb_snapshot(const struct options *o, int argc, char **argv) {
        int r = record(argv[0]);

        (void) o, (void) argc;
        if (r >= 0)
                return EXIT_OK;
        complain("Cannot make a snapshot in %s: %s.%s", argv[0], strerror(-r),
                 r == -EEXIST ? " Name a directory that is not there yet." : "");
        return EXIT_FAILED;
}

enum exit_code snapshot_file_check(const char *directory) {
        _cleanup_(closerootp) struct sysfs root = { .root = -1 };
        _cleanup_(json_putp) struct json_object *about = NULL;
        _cleanup_(freep) char *text = NULL;
        int r;

        r = sysfs_open_root(&root, directory);
        if (r >= 0)
                r = sysfs_read_all(&root, &text, NULL, ABOUT);
        if (r < 0) {
                complain("%s is no snapshot: %s.", directory, r == -ENOENT ?
                         "it has no " ABOUT : strerror(-r));
                return EXIT_FAILED;
        }
        about = json_tokener_parse(text);
        if (field_int(about, "format", -1) != FORMAT) {
                complain("%s: the snapshot is of format %" PRId64 ", this memmapctl knows %d.",
                         directory, field_int(about, "format", -1), FORMAT);
                return EXIT_FAILED;
        }
        if (field_int(about, "page_size", -1) != sysconf(_SC_PAGESIZE)) {
                complain("%s: the snapshot is of a machine with pages of %" PRId64 " bytes, here "
                         "they have %ld.", directory, field_int(about, "page_size", -1),
                         sysconf(_SC_PAGESIZE));
                return EXIT_FAILED;
        }
        return EXIT_OK;
}

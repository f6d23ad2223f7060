/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "marks.h"

#include <errno.h>
#include <string.h>

#include "json-c-util.h"
#include "names.h"

/* RUN_DIR without the slash: relative to the root. */
#define DIRECTORY (RUN_DIR + 1)
#define SUFFIX ".json"

static void file_of(const char *what, const char *name, char *buf, size_t size) {
        snprintf(buf, size, "%s/%s-%s" SUFFIX, DIRECTORY, what, name);
}

static int put(const struct sysfs *s, const char *what, const char *name, struct json_object *o) {
        char path[SYSFS_PATH_MAX];
        int r;

        r = sysfs_make_dir(s, "run");
        if (r >= 0)
                r = sysfs_make_dir(s, DIRECTORY);
        if (r < 0)
                return r;
        file_of(what, name, path, sizeof(path));
        return sysfs_put(s, json_object_to_json_string(o), path);
}

static struct json_object *get(const struct sysfs *s, const char *what, const char *name) {
        _cleanup_(freep) char *text = NULL;
        char path[SYSFS_PATH_MAX];

        file_of(what, name, path, sizeof(path));
        return sysfs_read_all(s, &text, NULL, path) < 0 ? NULL : json_tokener_parse(text);
}

static int drop(const struct sysfs *s, const char *what, const char *name) {
        char path[SYSFS_PATH_MAX];

        file_of(what, name, path, sizeof(path));
        return sysfs_remove(s, path);
}

/* The name that a file is about, if it is one of @what: "region-region0.json". */
static bool name_of(const char *file, const char *what, char *buf, size_t size) {
        size_t n = strlen(what), length = strlen(file);

        if (length <= n + 1 + strlen(SUFFIX) || strncmp(file, what, n) != 0 || file[n] != '-' ||
            strcmp(file + length - strlen(SUFFIX), SUFFIX) != 0)
                return false;
        snprintf(buf, size, "%.*s", (int) (length - n - 1 - strlen(SUFFIX)), file + n + 1);
        return true;
}

/* Regions */

int marks_begin_region(const struct sysfs *s, const char *region, struct json_object *memdevs) {
        return put(s, "region", region, memdevs);
}

void marks_end_region(const struct sysfs *s, const char *region) {
        (void) drop(s, "region", region);
}

int marks_begun_region(const struct sysfs *s, char *ret, size_t size,
                       struct json_object **ret_memdevs) {
        _cleanup_(strv_freep) char **files = NULL;
        int r;

        r = sysfs_list(s, &files, "%s", DIRECTORY);
        if (r < 0)
                return r;
        for (char **file = files; *file; file++) {
                if (!name_of(*file, "region", ret, size))
                        continue;
                *ret_memdevs = get(s, "region", ret);
                if (json_object_is_type(*ret_memdevs, json_type_array))
                        return 0;
                json_object_put(*ret_memdevs);
                marks_end_region(s, ret);
        }
        return -ENOENT;
}

/* Expanders */

static int identity(const struct sysfs *s, const char *memdev, uint64_t *ret) {
        return sysfs_inode(s, ret, "sys/bus/cxl/devices/%s/", memdev);
}

int marks_remove(const struct sysfs *s, const char *memdev) {
        _cleanup_(json_putp) struct json_object *o = json_object_new_object();
        uint64_t id;
        int r;

        r = identity(s, memdev, &id);
        if (r < 0)
                return r;
        json_object_object_add(o, "identity", json_object_new_uint64(id));
        return put(s, "removed", memdev, o);
}

bool marks_removed(const struct sysfs *s, const char *memdev) {
        _cleanup_(json_putp) struct json_object *o = get(s, "removed", memdev);
        struct json_object *v;
        uint64_t id;

        if (!o)
                return false;
        if (identity(s, memdev, &id) >= 0 && json_object_object_get_ex(o, "identity", &v) &&
            json_object_get_uint64(v) == id)
                return true;
        marks_restore(s, memdev);
        return false;
}

void marks_restore(const struct sysfs *s, const char *memdev) {
        (void) drop(s, "removed", memdev);
}

/* Orders */

int marks_order(const struct sysfs *s, const char *name, struct json_object *order) {
        return order ? put(s, "eject", name, order) : drop(s, "eject", name);
}

struct json_object *marks_orders(const struct sysfs *s) {
        _cleanup_(strv_freep) char **files = NULL;
        struct json_object *all = json_object_new_object();
        char name[64];

        if (!all || sysfs_list(s, &files, "%s", DIRECTORY) < 0)
                return all;
        for (char **file = files; *file; file++)
                if (name_of(*file, "eject", name, sizeof(name)))
                        json_object_object_add(all, name, get(s, "eject", name));
        return all;
}

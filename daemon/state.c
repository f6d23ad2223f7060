/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "json-c-util.h"
#include "names.h"
#include "state.h"

/* RUN_DIR without the slash: relative to the root. */
#define DIRECTORY (RUN_DIR + 1)

static void file_of(const char *what, const char *device, char *buf, size_t size) {
        snprintf(buf, size, "%s/%s-%s.json", DIRECTORY, what, device);
}

/* A device of the same name that came after another one is another one. */
static int identity(const struct sysfs *s, const char *device, uint64_t *ret) {
        return sysfs_inode(s, ret, "sys/bus/dax/devices/%s/", device);
}

static int put(const struct sysfs *s, const char *what, const char *device,
               struct json_object *o) {
        char path[SYSFS_PATH_MAX];
        uint64_t id;
        int r;

        r = identity(s, device, &id);
        if (r < 0)
                return r;
        json_object_object_add(o, "identity", json_object_new_uint64(id));
        r = sysfs_make_dir(s, "run");
        if (r >= 0)
                r = sysfs_make_dir(s, DIRECTORY);
        if (r < 0)
                return r;
        file_of(what, device, path, sizeof(path));
        return sysfs_put(s, json_object_to_json_string(o), path);
}

/* What was put for this very device, or NULL. */
static struct json_object *get(const struct sysfs *s, const char *what, const char *device) {
        _cleanup_(json_putp) struct json_object *o = NULL;
        _cleanup_(freep) char *text = NULL;
        char path[SYSFS_PATH_MAX];
        struct json_object *v;
        uint64_t id;

        file_of(what, device, path, sizeof(path));
        if (sysfs_read_all(s, &text, NULL, path) < 0 || identity(s, device, &id) < 0)
                return NULL;
        o = json_tokener_parse(text);
        if (!json_object_object_get_ex(o, "identity", &v) || json_object_get_uint64(v) != id)
                return NULL;
        return steal(&o);
}

int state_settle(const struct sysfs *s, const char *device, bool failed,
                 struct json_object *decision) {
        _cleanup_(json_putp) struct json_object *o = json_object_new_object();

        if (!o)
                return -ENOMEM;
        json_object_object_add(o, "failed", json_object_new_boolean(failed));
        json_object_object_add(o, "decision", json_object_get(decision));
        return put(s, "settled", device, o);
}

int state_adopt(const struct sysfs *s, const char *device) {
        _cleanup_(json_putp) struct json_object *o = json_object_new_object();

        return o ? put(s, "adopted", device, o) : -ENOMEM;
}

bool state_settled(const struct sysfs *s, const char *device, bool *ret_failed,
                   struct json_object **ret) {
        _cleanup_(json_putp) struct json_object *o = get(s, "settled", device);
        struct json_object *v;

        *ret = NULL;
        *ret_failed = false;
        if (!o)
                return false;
        if (json_object_object_get_ex(o, "failed", &v))
                *ret_failed = json_object_get_boolean(v);
        if (json_object_object_get_ex(o, "decision", &v) &&
            json_object_is_type(v, json_type_object))
                *ret = json_object_get(v);
        return true;
}

bool state_adopted(const struct sysfs *s, const char *device) {
        _cleanup_(json_putp) struct json_object *o = get(s, "adopted", device);

        return o;
}

int state_order(const struct sysfs *s, const char *device, struct json_object *orders) {
        char path[SYSFS_PATH_MAX];

        if (orders)
                return put(s, "orders", device, orders);
        file_of("orders", device, path, sizeof(path));
        return sysfs_remove(s, path);
}

struct json_object *state_orders(const struct sysfs *s, const char *device) {
        return get(s, "orders", device);
}

void state_forget(const struct sysfs *s, const char *device) {
        char path[SYSFS_PATH_MAX];

        file_of("settled", device, path, sizeof(path));
        (void) sysfs_remove(s, path);
}

void state_forget_device(const struct sysfs *s, const char *device) {
        char path[SYSFS_PATH_MAX];

        state_forget(s, device);
        (void) state_order(s, device, NULL);
        file_of("adopted", device, path, sizeof(path));
        (void) sysfs_remove(s, path);
}

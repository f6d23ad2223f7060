/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-device.h"

#include <errno.h>
#include <string.h>

#include "names.h"

static void free_strings(char **list) {
        for (char **s = list; s && *s; s++)
                free(*s);
        free(list);
}

/* NULL: out of memory. */
static char *path_of(const struct record *r) {
        char *path = NULL;

        return sd_bus_path_encode(BUS_PATH_DEVICES, r->name, &path) < 0 ? NULL : path;
}

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                sd_bus_error *error) {
        _cleanup_(freep) char *name = NULL;
        struct manager *m = userdata;
        int r;

        (void) bus, (void) interface, (void) error;
        r = sd_bus_path_decode(path, BUS_PATH_DEVICES, &name);
        if (r <= 0)
                return r;
        for (struct record *rec = m->records; rec; rec = rec->next)
                if (strcmp(rec->name, name) == 0) {
                        *ret = rec;
                        return 1;
                }
        return 0;
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                     sd_bus_error *error) {
        const struct manager *m = userdata;
        size_t n = 0, i = 0;
        char **list;

        (void) bus, (void) prefix, (void) error;
        for (const struct record *r = m->records; r; r = r->next)
                n++;
        list = calloc(n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (const struct record *r = m->records; r; r = r->next) {
                list[i] = path_of(r);
                if (!list[i++]) {
                        free_strings(list);
                        return -ENOMEM;
                }
        }
        *ret = list;
        return 0;
}

static const struct device *device_of(const struct record *r) {
        return r->manager->model ? model_device(r->manager->model, r->name) : NULL;
}

static uint64_t online_bytes(const struct record *r) {
        const struct device *d = device_of(r);

        return d ? device_count(d).online * r->manager->model->block_size : 0;
}

static int append_description(sd_bus_message *reply, const struct record *r) {
        struct json_object *o = describe_record(r);
        int e;

        if (!o)
                return sd_bus_message_append(reply, "s", "{}");
        e = sd_bus_message_append(reply, "s", json_object_to_json_string(o));
        json_object_put(o);
        return e;
}

static int property(sd_bus *bus, const char *path, const char *interface, const char *name,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct record *r = userdata;
        const struct device *d = device_of(r);

        (void) bus, (void) path, (void) interface, (void) error;
        if (strcmp(name, "Name") == 0)
                return sd_bus_message_append(reply, "s", r->name);
        if (strcmp(name, "State") == 0)
                return sd_bus_message_append(reply, "s", device_state_to_string(r->state));
        if (strcmp(name, "Message") == 0)
                return sd_bus_message_append(reply, "s", r->message);
        if (strcmp(name, "Size") == 0)
                return sd_bus_message_append(reply, "t", d ? d->size : 0);
        if (strcmp(name, "TargetNode") == 0)
                return sd_bus_message_append(reply, "i", d ? d->target_node : -1);
        if (strcmp(name, "Online") == 0)
                return sd_bus_message_append(reply, "t", online_bytes(r));
        return append_description(reply, r);
}

static const sd_bus_vtable device_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Name", "s", property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Size", "t", property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("TargetNode", "i", property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Message", "s", property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Online", "t", property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        /* Much of it changes with each block: that is not told. */
        SD_BUS_PROPERTY("Description", "s", property, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_VTABLE_END
};

int bus_devices_add(sd_bus *bus, struct manager *m) {
        int r;

        r = sd_bus_add_object_manager(bus, NULL, BUS_PATH);
        if (r < 0)
                return r;
        r = sd_bus_add_fallback_vtable(bus, NULL, BUS_PATH_DEVICES, BUS_INTERFACE_DEVICE,
                                       device_vtable, find, m);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(bus, NULL, BUS_PATH_DEVICES, enumerate, m);
}

void bus_device_came(sd_bus *bus, const struct record *r) {
        _cleanup_(freep) char *path = bus ? path_of(r) : NULL;

        if (path)
                (void) sd_bus_emit_object_added(bus, path);
}

void bus_device_goes(sd_bus *bus, const struct record *r) {
        _cleanup_(freep) char *path = bus ? path_of(r) : NULL;

        if (path)
                (void) sd_bus_emit_object_removed(bus, path);
}

void bus_device_state_changed(sd_bus *bus, const struct record *r) {
        _cleanup_(freep) char *path = bus ? path_of(r) : NULL;

        if (path)
                (void) sd_bus_emit_properties_changed(bus, path, BUS_INTERFACE_DEVICE, "State",
                                                      "Message", "Online", NULL);
}

void bus_device_online_changed(sd_bus *bus, const struct record *r) {
        _cleanup_(freep) char *path = bus ? path_of(r) : NULL;

        if (path)
                (void) sd_bus_emit_properties_changed(bus, path, BUS_INTERFACE_DEVICE, "Online",
                                                      NULL);
}

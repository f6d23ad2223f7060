/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of everything as JSON: what Manager.Describe() returns and
 * `memmapctl --json` prints.  Documented in memmapctl(1); fields are added, never
 * changed or taken away, as long as "format" is the same.
 */
#include <inttypes.h>
#include <string.h>

#include "eject.h"
#include "json-c-util.h"
#include "letters.h"
#include "manager.h"
#include "names.h"
#include "regions.h"

static void add_number(struct json_object *o, const char *key, uint64_t v) {
        json_object_object_add(o, key, json_object_new_uint64(v));
}

static void add_int(struct json_object *o, const char *key, int v) {
        json_object_object_add(o, key, json_object_new_int(v));
}

static void add_bool(struct json_object *o, const char *key, bool v) {
        json_object_object_add(o, key, json_object_new_boolean(v));
}

static struct json_object *describe_reasons(const struct decision *d) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < d->n_reasons; i++) {
                const struct reason *r = &d->reasons[i];
                struct json_object *o = json_object_new_object();
                char text[320];

                json_add_string(o, "code", reason_to_string(r->code));
                json_add_string(o, "text", reason_format(d, r, text, sizeof(text)));
                add_number(o, "a", r->a);
                add_number(o, "b", r->b);
                add_int(o, "node", r->node);
                json_object_array_add(list, o);
        }
        return list;
}

static struct json_object *describe_budget(const struct decision *d) {
        struct json_object *o;

        if (d->payer < 0)
                return NULL;
        o = json_object_new_object();
        add_int(o, "node", d->payer);
        add_number(o, "free", d->budget.free);
        add_number(o, "reclaimable", d->budget.reclaimable);
        add_number(o, "watermark", d->budget.watermark);
        add_number(o, "reserve", d->budget.reserve);
        add_number(o, "promised", d->budget.promised);
        add_number(o, "total", d->budget.total);
        return o;
}

struct json_object *describe_decision(const struct decision *d) {
        struct json_object *o = json_object_new_object();
        size_t wanted = 0;

        if (!o)
                return NULL;
        for (size_t i = 0; i < d->n_blocks; i++)
                wanted += d->targets[i].wanted;
        json_add_string(o, "verdict", verdict_to_string(d->verdict));
        json_add_string(o, "action", action_to_string(d->settings.action));
        json_add_string(o, "memmap_mode", memmap_mode_to_string(d->settings.memmap));
        json_add_string(o, "zone", zone_mode_to_string(d->settings.zone));
        json_add_string(o, "order", order_to_string(d->settings.order));
        add_int(o, "priority", d->settings.priority);
        json_add_string(o, "rule", d->rule ? d->rule->name : NULL);
        json_add_string(o, "rule_file", d->rule ? d->rule->file : NULL);
        add_number(o, "wanted", wanted);
        json_object_object_add(o, "limit", d->limit < d->n_blocks ?
                               json_object_new_uint64(d->limit) : NULL);
        json_object_object_add(o, "budget", describe_budget(d));
        json_object_object_add(o, "reasons", describe_reasons(d));
        return o;
}

/* The decision's fields stand in the device; one that has none gets nulls. */
static void add_decision(struct json_object *o, struct json_object *decision) {
        static const char *const keys[] = {
                "verdict", "action", "memmap_mode", "zone", "order", "priority", "limit", "rule", "rule_file",
                "budget",
                "reasons",
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                struct json_object *v = NULL;

                if (decision)
                        (void) json_object_object_get_ex(decision, keys[i], &v);
                json_object_object_add(o, keys[i], json_object_get(v));
        }
}

static struct json_object *describe_blocks(const struct record *r, const struct device *d,
                                           struct device_counts c) {
        struct json_object *o = json_object_new_object(), *wanted = NULL;

        if (r->decision)
                (void) json_object_object_get_ex(r->decision, "wanted", &wanted);
        add_number(o, "total", d->n_blocks);
        json_object_object_add(o, "wanted", json_object_get(wanted));
        add_number(o, "plugged", c.plugged);
        add_number(o, "online", c.online);
        add_number(o, "failed", c.failed);
        add_number(o, "kernel", c.kernel);
        add_number(o, "movable", c.movable);
        return o;
}

static struct json_object *describe_memmap(const struct device *d, struct device_counts c) {
        struct json_object *o = json_object_new_object();

        add_number(o, "ram", c.ram);
        add_number(o, "device", c.device);
        add_number(o, "seed", c.seed);
        add_number(o, "bytes_per_block", d->memmap_size);
        return o;
}

static struct json_object *describe_map(const struct device *d) {
        _cleanup_(freep) char *map = malloc(d->n_blocks + 1);

        if (!map)
                return NULL;
        for (size_t i = 0; i < d->n_blocks; i++)
                map[i] = placement_letter(d->blocks[i].placement,
                                          d->blocks[i].state != BLOCK_ABSENT);
        return json_object_new_string_len(map, (int) d->n_blocks);
}

static struct json_object *describe_states(const struct device *d) {
        _cleanup_(freep) char *states = malloc(d->n_blocks + 1);

        if (!states)
                return NULL;
        for (size_t i = 0; i < d->n_blocks; i++)
                states[i] = block_letter(&d->blocks[i]);
        return json_object_new_string_len(states, (int) d->n_blocks);
}

static struct json_object *describe_progress(const struct record *r) {
        struct json_object *o;

        if (!r->worker)
                return NULL;
        o = json_object_new_object();
        add_number(o, "done", r->done);
        add_number(o, "total", r->total);
        json_add_string(o, "pace", pace_to_string(r->pace));
        return o;
}

/* An operator's order that is under way. */
static struct json_object *describe_operation(const struct record *r) {
        struct json_object *o;

        if (!r->op)
                return NULL;
        o = json_object_new_object();
        json_add_string(o, "kind", operation_to_string(r->op->kind));
        add_bool(o, "back", r->op->back);
        json_add_string(o, "why", r->op->why);
        return o;
}

/* NULL: none of ours. */
static const char *backend_in_use(const struct device *d) {
        if (d->holder == HOLDER_MEMMAPD)
                return backend_to_string(BACKEND_CHUNKED);
        if (d->holder != HOLDER_KMEM || !d->adopted)
                return NULL;
        return backend_to_string(d->can_place ? BACKEND_NATIVE : BACKEND_PLAIN);
}

/* As in sysfs, and as a policy takes it: JSON's numbers are not that long. */
static void add_hex(struct json_object *o, const char *key, bool known, uint64_t v) {
        char text[24];

        snprintf(text, sizeof(text), "%#" PRIx64, v);
        json_add_string(o, key, known ? text : NULL);
}

/* What is not known is null. */
static struct json_object *describe_memdevs(const struct device *d) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < d->n_memdevs; i++) {
                const struct memdev *dev = &d->memdevs[i];
                struct json_object *o = json_object_new_object();

                json_add_string(o, "name", dev->name);
                add_hex(o, "serial", dev->known & MEMDEV_SERIAL, dev->serial);
                add_hex(o, "vendor_id", dev->known & MEMDEV_VENDOR, dev->vendor);
                add_hex(o, "device_id", dev->known & MEMDEV_PRODUCT, dev->product);
                json_object_object_add(o, "qos_class", dev->known & MEMDEV_QOS_CLASS ?
                                       json_object_new_int(dev->qos_class) : NULL);
                json_add_string(o, "health", dev->known & MEMDEV_HEALTH ?
                           health_to_string(dev->health) : NULL);
                json_add_string(o, "firmware", dev->firmware);
                json_object_object_add(o, "numa_node", dev->known & MEMDEV_NODE ?
                                       json_object_new_int(dev->numa_node) : NULL);
                json_object_array_add(list, o);
        }
        return list;
}

static struct json_object *describe_device(const struct manager *m, const struct record *r,
                                           const struct device *d) {
        struct device_counts c = device_count(d);
        struct json_object *o = json_object_new_object();

        json_add_string(o, "name", d->name);
        json_add_string(o, "backing", backing_to_string(d->backing));
        json_add_string(o, "region", d->region);
        json_add_string(o, "decoder", d->decoder);
        json_add_string(o, "uuid", d->uuid);
        json_object_object_add(o, "memdevs", describe_memdevs(d));
        add_int(o, "target_node", d->target_node);
        add_number(o, "size", d->size);
        add_number(o, "trimmed", d->trimmed);
        json_add_string(o, "driver", d->driver);
        json_add_string(o, "backend", backend_in_use(d));
        json_add_string(o, "state", device_state_to_string(r->state));
        json_add_string(o, "message", r->message);
        add_decision(o, r->decision);
        json_object_object_add(o, "blocks", describe_blocks(r, d, c));
        json_object_object_add(o, "memmap", describe_memmap(d, c));
        json_object_object_add(o, "map", describe_map(d));
        json_object_object_add(o, "states", describe_states(d));
        json_object_object_add(o, "progress", describe_progress(r));
        add_bool(o, "held", r->held);
        json_object_object_add(o, "operation", describe_operation(r));
        json_object_object_add(o, "after_online", after_online_describe(m, r));
        return o;
}

struct json_object *describe_record(const struct record *r) {
        const struct model *m = r->manager->model;
        const struct device *d = m ? model_device(r->manager->model, r->name) : NULL;

        return d ? describe_device(r->manager, r, d) : NULL;
}

/* The files of the policy in force, in the order in which they were laid. */
static struct json_object *describe_files(const struct policy_files *f) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; f && i < f->n_files; i++)
                if (!f->files[i].masked)
                        json_object_array_add(list, json_object_new_string(f->files[i].path));
        return list;
}

static struct json_object *describe_warnings(const struct policy_files *f) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; f && i < f->n_findings; i++) {
                _cleanup_(freep) char *text =
                        policy_error_format(&f->findings[i].what, f->findings[i].path);

                if (text)
                        json_object_array_add(list, json_object_new_string(text));
        }
        return list;
}

static struct json_object *describe_daemon(const struct manager *m) {
        struct json_object *o = json_object_new_object();

        json_add_string(o, "version", VERSION);
        add_bool(o, "dry_run", m->dry_run);
        json_add_string(o, "policy", manager_policy_used(m));
        json_object_object_add(o, "policy_files", describe_files(m->in_force));
        json_object_object_add(o, "policy_warnings", describe_warnings(m->in_force));
        json_add_string(o, "policy_error", m->policy_error);
        return o;
}

static struct json_object *describe_kernel(const struct model *m) {
        struct json_object *o = json_object_new_object();

        add_number(o, "block_size", m->block_size);
        add_bool(o, "memmap_on_memory", m->memmap_on_memory);
        json_add_string(o, "memmap_on_memory_why", m->memmap_on_memory_why);
        add_bool(o, "module", m->module_loaded);
        json_add_string(o, "module_why", m->module_why);
        add_bool(o, "kmem", m->kmem_loaded);
        return o;
}

struct json_object *describe(const struct manager *m) {
        struct json_object *o = json_object_new_object(), *list = json_object_new_array();

        add_int(o, "format", DESCRIBE_FORMAT);
        json_object_object_add(o, "daemon", describe_daemon(m));
        json_object_object_add(o, "kernel", m->model ? describe_kernel(m->model) : NULL);
        for (size_t i = 0; m->model && i < m->model->n_devices; i++) {
                const struct device *d = &m->model->devices[i];

                for (const struct record *r = m->records; r; r = r->next)
                        if (strcmp(r->name, d->name) == 0)
                                json_object_array_add(list, describe_device(m, r, d));
        }
        json_object_object_add(o, "devices", list);
        json_object_object_add(o, "after_online", after_online_describe_all(m));
        json_object_object_add(o, "orders", eject_describe(m));
        json_object_object_add(o, "regions", regions_describe(m));
        return o;
}

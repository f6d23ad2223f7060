/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy-fields.h"
#include "policy-json.h"
#include "text.h"

/* Conditions */

static int decode_backing(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "pmem", "cxl", "hmem", NULL };
        struct match *m = target;
        int r;

        r = decode_word(d, path, value, words, backing_from_string);
        if (r < 0)
                return r;
        m->backing = (enum backing) r;
        return 0;
}

static int decode_health(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "ok", "failing", NULL };
        struct match *m = target;
        int r;

        r = decode_word(d, path, value, words, health_from_string);
        if (r < 0)
                return r;
        m->health = (enum health) r;
        return 0;
}

static int decode_pattern(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, char **ret) {
        const char *s = NULL;
        int r;

        r = decode_nonempty(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int decode_device(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pattern(d, path, value, "write a name or a shell pattern, such as "
                              "\"dax0.*\"", &m->device);
}

static int decode_region(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pattern(d, path, value, "write a name or a shell pattern, such as "
                              "\"region*\"", &m->region);
}

static int decode_root_decoder(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pattern(d, path, value, "write a name or a shell pattern, such as "
                              "\"decoder0.*\"", &m->decoder);
}

static int decode_firmware(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pattern(d, path, value, "write a version or a shell pattern, such as "
                              "\"1.2*\"", &m->firmware);
}

static int decode_memdev(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pattern(d, path, value, "write a name or a shell pattern, such as \"mem0\" "
                              "or \"nmem*\"", &m->memdev);
}

/* Groups of digits with a "-" in between, as uuidgen prints it. */
static bool is_uuid(const char *s) {
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        for (size_t i = 0; i < sizeof(form) - 1; i++)
                if (form[i] == 'x' ? !isxdigit((unsigned char) s[i]) : s[i] != form[i])
                        return false;
        return s[sizeof(form) - 1] == '\0';
}

static int decode_uuid(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char remedy[] = "write it as \"ndctl list\" shows it, 32 digits in five groups";
        char quoted[QUOTE_SIZE];
        struct match *m = target;
        const char *s = NULL;
        int r;

        r = decode_nonempty(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        if (!is_uuid(s))
                return refuse(d, path, JSON_VALUE, "\"%s\" is no UUID; %s", quote(s, quoted), remedy);
        m->uuid = strdup(s);
        return m->uuid ? 0 : -ENOMEM;
}

/* An integer, or a string of hexadecimal digits as sysfs has them: "0x1af4". */
static int decode_number(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, size_t digits, int64_t max, uint64_t *ret) {
        char quoted[QUOTE_SIZE];
        const char *s;
        int64_t i = 0;
        size_t n;
        int r;

        if (!json_object_is_type(value, json_type_string)) {
                r = decode_integer(d, path, value, expected, 0, max, &i);
                if (r >= 0)
                        *ret = (uint64_t) i;
                return r;
        }
        s = json_object_get_string(value);
        n = s[0] == '0' && s[1] == 'x' ? strspn(s + 2, "0123456789abcdefABCDEF") : 0;
        if (n == 0 || n > digits || s[n + 2] != '\0')
                return refuse(d, path, JSON_VALUE, "expected %s, found \"%s\"", expected,
                              quote(s, quoted));
        *ret = strtoull(s + 2, NULL, 16);
        return 0;
}

static int decode_serial(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_number(d, path, value, "a serial number, such as 1000 or \"0x3e8\"", 16,
                             INT64_MAX, &m->serial);
}

static int decode_pci_id(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                unsigned int *ret) {
        uint64_t id = 0;
        int r;

        r = decode_number(d, path, value, "one of PCI's numbers, such as \"0x1af4\"", 4, UINT16_MAX,
                          &id);
        if (r >= 0)
                *ret = (unsigned int) id;
        return r;
}

static int decode_vendor_id(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pci_id(d, path, value, &m->vendor);
}

static int decode_device_id(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_pci_id(d, path, value, &m->product);
}

static int decode_qos_class(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;
        int64_t class = 0;
        int r;

        r = decode_integer(d, path, value, "an integer from 0 to 65535", 0, UINT16_MAX, &class);
        if (r >= 0)
                m->qos_class = (int) class;
        return r;
}

static int decode_node(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                int *ret) {
        char expected[64];
        int64_t node = -1;
        int r;

        snprintf(expected, sizeof(expected), "an integer from 0 to %d", POLICY_NODE_MAX);
        r = decode_integer(d, path, value, expected, 0, POLICY_NODE_MAX, &node);
        if (r < 0)
                return r;
        *ret = (int) node;
        return 0;
}

static int decode_target_node(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_node(d, path, value, &m->target_node);
}

static int decode_expander_node(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_node(d, path, value, &m->expander_node);
}

static int decode_min_size(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_bytes(d, path, value, &m->min_size);
}

static int decode_max_size(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_bytes(d, path, value, &m->max_size);
}

/* Conditions of conditions */

/* How many of "all", "any" and "not" lead here. */
static int combinators(const struct json_path *path) {
        int n = 0;

        for (; path && (!path->key || strcmp(path->key, "match") != 0); path = path->parent)
                n += path->key != NULL;
        return n;
}

static int check_depth(struct decoder *d, const struct json_path *path) {
        if (combinators(path) <= POLICY_MATCH_DEPTH)
                return 0;
        return refuse(d, path, JSON_VALUE, "more than %d of \"all\", \"any\" and \"not\" within each "
                      "other; make more than one rule of it", POLICY_MATCH_DEPTH);
}

static int decode_list(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                struct match **ret, size_t *ret_n) {
        static const char remedy[] = "write [ {...}, {...} ]";
        size_t n;
        int r;

        if (!json_object_is_type(value, json_type_array))
                return refuse_type(d, path, value, "an array", remedy);
        n = json_object_array_length(value);
        if (n == 0 || n > POLICY_MATCH_LIST)
                return refuse(d, path, JSON_VALUE, "these are %zu conditions; write from 1 to %d", n,
                              POLICY_MATCH_LIST);
        r = check_depth(d, path);
        if (r < 0)
                return r;
        *ret = calloc(n, sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        *ret_n = n;
        for (size_t i = 0; i < n && r >= 0; i++) {
                struct json_path at = { .parent = path, .index = i };

                r = decode_conditions(d, &at, json_object_array_get_idx(value, i), &(*ret)[i]);
        }
        return r;
}

static int decode_all(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_list(d, path, value, &m->all, &m->n_all);
}

static int decode_any(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;

        return decode_list(d, path, value, &m->any, &m->n_any);
}

static int decode_not(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;
        int r;

        r = check_depth(d, path);
        if (r < 0)
                return r;
        m->not = calloc(1, sizeof(*m->not));
        if (!m->not)
                return -ENOMEM;
        return decode_conditions(d, path, value, m->not);
}

const struct field match_fields[] = {
        { "backing", decode_backing, MATCH_BACKING },
        { "device", decode_device, MATCH_DEVICE },
        { "region", decode_region, MATCH_REGION },
        { "decoder", decode_root_decoder, MATCH_DECODER },
        { "target_node", decode_target_node, MATCH_TARGET_NODE },
        { "min_size", decode_min_size, MATCH_MIN_SIZE },
        { "max_size", decode_max_size, MATCH_MAX_SIZE },
        { "uuid", decode_uuid, MATCH_UUID },
        { "memdev", decode_memdev, MATCH_MEMDEV },
        { "serial", decode_serial, MATCH_SERIAL },
        { "vendor_id", decode_vendor_id, MATCH_VENDOR },
        { "device_id", decode_device_id, MATCH_PRODUCT },
        { "firmware", decode_firmware, MATCH_FIRMWARE },
        { "qos_class", decode_qos_class, MATCH_QOS_CLASS },
        { "expander_node", decode_expander_node, MATCH_EXPANDER_NODE },
        { "health", decode_health, MATCH_HEALTH },
        { "all", decode_all, MATCH_ALL },
        { "any", decode_any, MATCH_ANY },
        { "not", decode_not, MATCH_NOT },
        {},
};

int decode_conditions(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                struct match *m) {
        const struct section sections[] = {
                { match_fields, m, &m->given },
                { common_fields },
                {},
        };
        int r;

        r = decode_object(d, path, value, "write {} to match every device", sections);
        if (r < 0)
                return r;

        if (m->given & MATCH_MIN_SIZE && m->given & MATCH_MAX_SIZE && m->min_size > m->max_size) {
                struct json_path at = { .parent = path, .key = "min_size" };

                return refuse(d, &at, JSON_VALUE, "min_size is larger than max_size, "
                              "so that no device can match; exchange them or drop one");
        }
        return 0;
}

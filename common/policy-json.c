/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "json-locate.h"
#include "policy-json.h"
#include "util.h"

DEFINE_CLEANUP(struct policy *, policy_free)

/* What goes into a message of somebody else's text. */
enum { QUOTE_SIZE = 64 };

struct decoder;

/* A key, and what takes its value.  A list of them ends with {}. */
struct field {
        const char *key;
        int (*decode)(
                        struct decoder *d, const struct json_path *path,
                        struct json_object *value, void *target);
};

/* Fields whose values go to the same target.  A list of them ends with {}. */
struct section {
        const struct field *fields;
        void *target;
};

/* Where the fields belong, for those that are looked for in vain elsewhere. */
struct home {
        const struct field *fields;
        const char *where;
};

struct decoder {
        const char *text;
        size_t size;
        const struct home *homes;
        struct policy_error *error;
};

static void json_putp(struct json_object **o) {
        json_object_put(*o);
}

static void json_tokener_freep(struct json_tokener **t) {
        if (*t)
                json_tokener_free(*t);
}

/* Messages */

_printf_(4, 5)
static int refuse(
                struct decoder *d, const struct json_path *path, enum json_part part,
                const char *format, ...) {
        struct policy_error *e = d->error;
        va_list ap;

        *e = (struct policy_error) {};
        json_path_format(path, e->pointer, sizeof(e->pointer));
        /* A message without a line is better than none. */
        (void) json_locate(d->text, d->size, path, part, &e->line, &e->column);
        va_start(ap, format);
        vsnprintf(e->message, sizeof(e->message), format, ap);
        va_end(ap);
        return -EINVAL;
}

/* The same for what has no place in the text; passes the errno on. */
_printf_(3, 4)
static int refuse_file(struct policy_error *error, int r, const char *format, ...) {
        va_list ap;

        *error = (struct policy_error) {};
        errno = -r;
        va_start(ap, format);
        vsnprintf(error->message, sizeof(error->message), format, ap);
        va_end(ap);
        return r;
}

static const char *quote(const char *s, char buffer[static QUOTE_SIZE]) {
        json_printable(s, strlen(s), buffer, QUOTE_SIZE);
        return buffer;
}

/* "a", "b" or "c" */
static void list_word(char *buffer, size_t size, const char *word, bool first, bool last) {
        size_t used = strlen(buffer);

        snprintf(buffer + used, size - used, "%s\"%s\"",
                 first ? "" : last ? " or " : ", ", word);
}

static const char *describe(struct json_object *value) {
        switch (json_object_get_type(value)) {
        case json_type_boolean:
                return json_object_get_boolean(value) ? "true" : "false";
        case json_type_int:
        case json_type_double:
                return "a number";
        case json_type_string:
                return "a string";
        case json_type_array:
                return "an array";
        case json_type_object:
                return "an object";
        case json_type_null:
        default:
                return "null";
        }
}

static int refuse_type(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, const char *remedy) {
        return refuse(d, path, JSON_VALUE, "expected %s, found %s; %s",
                      expected, describe(value), remedy);
}

/* Keys */

static size_t min3(size_t a, size_t b, size_t c) {
        a = a < b ? a : b;
        return a < c ? a : c;
}

static char to_lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

enum { KEY_LENGTH_MAX = 32 };           /* for the distance; no key of ours is as long */

/* How many letters to insert, drop, change or swap to make one of the other. */
static size_t edit_distance(const char *a, const char *b) {
        size_t n = strlen(a), m = strlen(b);
        size_t rows[KEY_LENGTH_MAX + 1][KEY_LENGTH_MAX + 1];

        if (n > KEY_LENGTH_MAX || m > KEY_LENGTH_MAX)
                return SIZE_MAX;

        for (size_t i = 0; i <= n; i++)
                for (size_t j = 0; j <= m; j++) {
                        bool same;

                        if (i == 0 || j == 0) {
                                rows[i][j] = i + j;
                                continue;
                        }
                        same = to_lower(a[i - 1]) == to_lower(b[j - 1]);
                        rows[i][j] = min3(rows[i - 1][j] + 1,
                                          rows[i][j - 1] + 1,
                                          rows[i - 1][j - 1] + !same);
                        if (i > 1 && j > 1 &&
                            to_lower(a[i - 1]) == to_lower(b[j - 2]) &&
                            to_lower(a[i - 2]) == to_lower(b[j - 1]))
                                rows[i][j] = min3(rows[i][j], rows[i - 2][j - 2] + 1, SIZE_MAX);
                }
        return rows[n][m];
}

/* The key that was probably meant, or NULL. */
static const char *nearest_key(const struct section *sections, const char *key) {
        const char *nearest = NULL;
        size_t least = SIZE_MAX;

        for (; sections->fields; sections++)
                for (const struct field *f = sections->fields; f->key; f++) {
                        size_t distance = edit_distance(key, f->key);

                        if (distance < least && distance <= (strlen(f->key) + 2) / 4) {
                                nearest = f->key;
                                least = distance;
                        }
                }
        return nearest;
}

static const struct field *find_field(const struct field *fields, const char *key) {
        for (; fields->key; fields++)
                if (strcmp(fields->key, key) == 0)
                        return fields;
        return NULL;
}

/* Where the key would have been right, or NULL. */
static const char *find_home(const struct decoder *d, const char *key) {
        for (const struct home *h = d->homes; h->fields; h++)
                if (find_field(h->fields, key))
                        return h->where;
        return NULL;
}

static void list_keys(const struct section *sections, char *buffer, size_t size) {
        buffer[0] = '\0';
        for (const struct section *s = sections; s->fields; s++)
                for (const struct field *f = s->fields; f->key; f++)
                        list_word(buffer, size, f->key,
                                  s == sections && f == s->fields,
                                  !s[1].fields && !f[1].key);
}

static int refuse_key(
                struct decoder *d, const struct json_path *path, const struct section *sections) {
        char quoted[QUOTE_SIZE], keys[256];
        const char *nearest, *where;

        quote(path->key, quoted);

        where = find_home(d, path->key);
        if (where)
                return refuse(d, path, JSON_KEY, "unknown key \"%s\" here; it belongs %s",
                              quoted, where);

        nearest = nearest_key(sections, path->key);
        if (nearest)
                return refuse(d, path, JSON_KEY, "unknown key \"%s\"; did you mean \"%s\"?",
                              quoted, nearest);

        list_keys(sections, keys, sizeof(keys));
        return refuse(d, path, JSON_KEY, "unknown key \"%s\"; use %s", quoted, keys);
}

static int decode_member(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const struct section *sections) {
        for (const struct section *s = sections; s->fields; s++) {
                const struct field *f = find_field(s->fields, path->key);

                if (f)
                        return f->decode(d, path, value, s->target);
        }
        return refuse_key(d, path, sections);
}

static int decode_object(
                struct decoder *d, const struct json_path *path, struct json_object *object,
                const char *remedy, const struct section *sections) {
        int r;

        if (!json_object_is_type(object, json_type_object))
                return refuse_type(d, path, object, "an object", remedy);

        json_object_object_foreach(object, key, value) {
                struct json_path member = { .parent = path, .key = key };

                r = decode_member(d, &member, value, sections);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int require_key(
                struct decoder *d, const struct json_path *path, struct json_object *object,
                const char *key, const char *remedy) {
        if (json_object_object_get_ex(object, key, NULL))
                return 0;
        return refuse(d, path, JSON_VALUE, "the key \"%s\" is missing; %s", key, remedy);
}

/* Values */

static int decode_string(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, const char **ret) {
        if (!json_object_is_type(value, json_type_string))
                return refuse_type(d, path, value, "a string", remedy);
        *ret = json_object_get_string(value);
        return 0;
}

static int decode_nonempty(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *remedy, const char **ret) {
        const char *s = NULL;
        int r;

        r = decode_string(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        if (s[0] == '\0')
                return refuse(d, path, JSON_VALUE, "the string is empty; %s", remedy);
        *ret = s;
        return 0;
}

/* For people and editors, not for us. */
static int decode_ignored(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        const char *s = NULL;

        (void) target;
        return decode_string(d, path, value, "write any text in double quotes", &s);
}

static int decode_integer(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const char *expected, int64_t min, int64_t max, int64_t *ret) {
        char quoted[QUOTE_SIZE];
        int64_t i;

        if (json_object_is_type(value, json_type_double))
                return refuse(d, path, JSON_VALUE,
                              "expected %s, found %s; write it without fraction and exponent",
                              expected, quote(json_object_get_string(value), quoted));
        if (!json_object_is_type(value, json_type_int))
                return refuse(d, path, JSON_VALUE, "expected %s, found %s",
                              expected, describe(value));

        i = json_object_get_int64(value);
        if (i < min || i > max)
                return refuse(d, path, JSON_VALUE, "expected %s, found %lld",
                              expected, (long long) i);
        *ret = i;
        return 0;
}

static int decode_bool(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                bool *ret) {
        if (!json_object_is_type(value, json_type_boolean))
                return refuse(d, path, JSON_VALUE, "expected true or false, found %s%s",
                              describe(value),
                              json_object_is_type(value, json_type_string) ?
                              "; write it without quotes" : "");
        *ret = json_object_get_boolean(value);
        return 0;
}

/* The words that a file may use for an enum; there can be others that it may not. */
struct choice {
        const char *what;
        int (*from_string)(const char *s);
        const char *const *words;       /* the last one is NULL */
};

static int choice_find(const struct choice *c, const char *s) {
        for (const char *const *w = c->words; *w; w++)
                if (strcmp(*w, s) == 0)
                        return c->from_string(s);
        return -1;
}

/* Returns the value of the enum. */
static int decode_choice(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                const struct choice *choice) {
        char remedy[128] = "use ", quoted[QUOTE_SIZE];
        const char *s = NULL;
        int r;

        for (const char *const *w = choice->words; *w; w++)
                list_word(remedy, sizeof(remedy), *w, w == choice->words, !w[1]);

        r = decode_string(d, path, value, remedy, &s);
        if (r < 0)
                return r;
        r = choice_find(choice, s);
        if (r < 0)
                return refuse(d, path, JSON_VALUE, "unknown %s \"%s\"; %s",
                              choice->what, quote(s, quoted), remedy);
        return r;
}

/* Amounts */

enum amount_kind {
        AMOUNT_BYTES,
        AMOUNT_BYTES_OR_SHARE,
};

static const char *amount_remedy(enum amount_kind kind) {
        if (kind == AMOUNT_BYTES_OR_SHARE)
                return "write bytes as an integer, or a string such as \"512M\", \"1GiB\" "
                        "(K, M, G and T count in steps of 1024) or \"10%\"";
        return "write bytes as an integer, or a string such as \"512M\" or \"1GiB\" "
                "(K, M, G and T count in steps of 1024)";
}

/* The parts of "2.5%" or "512MiB". */
struct quantity {
        uint64_t whole;                 /* UINT64_MAX: as much or more */
        unsigned int hundredths;
        size_t n_decimals;
        const char *unit;
};

/* Returns what is wrong, or NULL. */
static const char *parse_quantity(const char *s, struct quantity *ret) {
        struct quantity q = {};
        size_t n, n_decimals = 0;

        n = strspn(s, "0123456789");
        if (n == 0)
                return "is not a size";
        if (n > 1 && s[0] == '0')
                return "begins with a zero";
        for (size_t i = 0; i < n; i++)
                if (__builtin_mul_overflow(q.whole, 10, &q.whole) ||
                    __builtin_add_overflow(q.whole, (unsigned int) (s[i] - '0'), &q.whole)) {
                        q.whole = UINT64_MAX;
                        break;
                }
        s += n;

        if (*s == '.') {
                n_decimals = strspn(++s, "0123456789");
                if (n_decimals == 0)
                        return "has no digit after the point";
                q.hundredths = (unsigned int) (s[0] - '0') * 10;
                if (n_decimals > 1)
                        q.hundredths += (unsigned int) (s[1] - '0');
        }
        q.n_decimals = n_decimals;
        q.unit = s + n_decimals;
        *ret = q;
        return NULL;
}

static const char *parse_share(const struct quantity *q, struct amount *ret) {
        if (q->n_decimals > 2)
                return "has more than two digits after the point";
        if (q->whole > 100 || (q->whole == 100 && q->hundredths > 0))
                return "is more than 100%";
        *ret = (struct amount) { .percent = true, .value = q->whole * 100 + q->hundredths };
        return NULL;
}

static const char *parse_bytes(const struct quantity *q, struct amount *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        uint64_t bytes;

        if (*q->unit == '\0')
                return "has no unit";
        unit = strchr(units, *q->unit);
        if (!unit || (q->unit[1] != '\0' && strcmp(q->unit + 1, "iB") != 0))
                return "has an unknown unit";
        if (q->n_decimals > 0)
                return "is a fraction, for which there are smaller units";
        if (__builtin_mul_overflow(q->whole, UINT64_C(1024) << (10 * (unit - units)), &bytes) ||
            bytes > INT64_MAX)
                return "is too large";
        *ret = (struct amount) { .value = bytes };
        return NULL;
}

static const char *parse_amount(const char *s, enum amount_kind kind, struct amount *ret) {
        struct quantity q;
        const char *problem;

        problem = parse_quantity(s, &q);
        if (problem)
                return problem;
        if (strcmp(q.unit, "%") != 0)
                return parse_bytes(&q, ret);
        if (kind == AMOUNT_BYTES)
                return "is a share, but a size is due";
        return parse_share(&q, ret);
}

static int decode_amount(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                enum amount_kind kind, struct amount *ret) {
        const char *remedy = amount_remedy(kind), *s, *problem;
        char quoted[QUOTE_SIZE];
        int64_t bytes;

        switch (json_object_get_type(value)) {
        case json_type_int:
                bytes = json_object_get_int64(value);
                if (bytes < 0)
                        return refuse(d, path, JSON_VALUE, "%lld is negative; %s",
                                      (long long) bytes, remedy);
                *ret = (struct amount) { .value = (uint64_t) bytes };
                return 0;
        case json_type_double:
                return refuse(d, path, JSON_VALUE, "%s is not an integer; %s",
                              quote(json_object_get_string(value), quoted), remedy);
        case json_type_string:
                s = json_object_get_string(value);
                problem = parse_amount(s, kind, ret);
                if (problem)
                        return refuse(d, path, JSON_VALUE, "\"%s\" %s; %s",
                                      quote(s, quoted), problem, remedy);
                return 0;
        default:
                return refuse_type(d, path, value, "a size", remedy);
        }
}

/* Settings */

static int decode_action(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "online", "plug", "ignore", NULL };
        static const struct choice choice = { "action", action_from_string, words };
        struct settings *s = target;
        int r;

        r = decode_choice(d, path, value, &choice);
        if (r < 0)
                return r;
        s->action = (enum action) r;
        s->given |= SETTING_ACTION;
        return 0;
}

static int decode_memmap(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "auto", "ram", "device", "seed", "mixed", NULL };
        static const struct choice choice = { "memmap", memmap_mode_from_string, words };
        struct settings *s = target;
        int r;

        r = decode_choice(d, path, value, &choice);
        if (r < 0)
                return r;
        s->memmap = (enum memmap_mode) r;
        s->given |= SETTING_MEMMAP;
        return 0;
}

static int decode_ram_reserve(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        int r;

        r = decode_amount(d, path, value, AMOUNT_BYTES_OR_SHARE, &s->ram_reserve);
        if (r < 0)
                return r;
        s->given |= SETTING_RAM_RESERVE;
        return 0;
}

static int decode_zone(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "movable", "kernel", NULL };
        static const struct choice choice = { "zone", zone_from_string, words };
        struct settings *s = target;
        int r;

        r = decode_choice(d, path, value, &choice);
        if (r < 0)
                return r;
        s->zone = (enum zone) r;
        s->given |= SETTING_ZONE;
        return 0;
}

static int decode_order(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "fast", "ascending", "descending", NULL };
        static const struct choice choice = { "order", order_from_string, words };
        struct settings *s = target;
        int r;

        r = decode_choice(d, path, value, &choice);
        if (r < 0)
                return r;
        s->order = (enum order) r;
        s->given |= SETTING_ORDER;
        return 0;
}

static int decode_allow_seeds(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct settings *s = target;
        int r;

        r = decode_bool(d, path, value, &s->allow_seeds);
        if (r < 0)
                return r;
        s->given |= SETTING_ALLOW_SEEDS;
        return 0;
}

/* Match */

static int decode_backing(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        static const char *const words[] = { "pmem", "cxl", "hmem", NULL };
        static const struct choice choice = { "backing", backing_from_string, words };
        struct match *m = target;
        int r;

        r = decode_choice(d, path, value, &choice);
        if (r < 0)
                return r;
        m->backing = (enum backing) r;
        m->given |= MATCH_BACKING;
        return 0;
}

static int decode_device(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;
        const char *s = NULL;
        int r;

        r = decode_nonempty(d, path, value,
                            "write a name or a shell pattern, such as \"dax0.*\"", &s);
        if (r < 0)
                return r;
        m->device = strdup(s);
        if (!m->device)
                return -ENOMEM;
        m->given |= MATCH_DEVICE;
        return 0;
}

static int decode_target_node(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        char expected[64];
        struct match *m = target;
        int64_t node = -1;
        int r;

        snprintf(expected, sizeof(expected), "an integer from 0 to %d", POLICY_NODE_MAX);
        r = decode_integer(d, path, value, expected, 0, POLICY_NODE_MAX, &node);
        if (r < 0)
                return r;
        m->target_node = (int) node;
        m->given |= MATCH_TARGET_NODE;
        return 0;
}

static int decode_min_size(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;
        struct amount a = {};
        int r;

        r = decode_amount(d, path, value, AMOUNT_BYTES, &a);
        if (r < 0)
                return r;
        m->min_size = a.value;
        m->given |= MATCH_MIN_SIZE;
        return 0;
}

static int decode_max_size(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct match *m = target;
        struct amount a = {};
        int r;

        r = decode_amount(d, path, value, AMOUNT_BYTES, &a);
        if (r < 0)
                return r;
        m->max_size = a.value;
        m->given |= MATCH_MAX_SIZE;
        return 0;
}

/* Objects */

static const struct field common_fields[] = {
        { "comment", decode_ignored },
        {},
};

static const struct field settings_fields[] = {
        { "action", decode_action },
        { "memmap", decode_memmap },
        { "ram_reserve", decode_ram_reserve },
        { "zone", decode_zone },
        { "order", decode_order },
        { "allow_seeds", decode_allow_seeds },
        {},
};

static const struct field match_fields[] = {
        { "backing", decode_backing },
        { "device", decode_device },
        { "target_node", decode_target_node },
        { "min_size", decode_min_size },
        { "max_size", decode_max_size },
        {},
};

static int decode_match(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct rule *rule = target;
        struct match *m = &rule->match;
        const struct section sections[] = { { match_fields, m }, { common_fields, NULL }, {} };
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

static bool name_printable(const char *name) {
        size_t n = strlen(name);
        uint32_t c;

        for (size_t i = 0; i < n; i += json_utf8(name + i, n - i, &c))
                if (json_utf8(name + i, n - i, &c) == 0 || json_unprintable(c))
                        return false;
        return true;
}

static int decode_name(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct rule *rule = target;
        const char *s = NULL;
        int r;

        r = decode_nonempty(d, path, value, "say in a few words what the rule is for", &s);
        if (r < 0)
                return r;
        if (strlen(s) > POLICY_NAME_MAX)
                return refuse(d, path, JSON_VALUE, "the name has %zu bytes; shorten it to %d "
                              "and put the rest into \"comment\"", strlen(s), POLICY_NAME_MAX);
        if (!name_printable(s))
                return refuse(d, path, JSON_VALUE, "the name has a control character, which "
                              "cannot be printed; remove it");

        rule->name = strdup(s);
        return rule->name ? 0 : -ENOMEM;
}

static const struct field rule_fields[] = {
        { "name", decode_name },
        { "match", decode_match },
        {},
};

static int decode_rule(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                struct rule *rule) {
        const struct section sections[] = {
                { rule_fields, rule },
                { settings_fields, &rule->settings },
                { common_fields, NULL },
                {},
        };
        int r;

        r = decode_object(d, path, value, "write { \"name\": \"...\", \"match\": {}, ... }",
                          sections);
        if (r < 0)
                return r;
        r = require_key(d, path, value, "name", "say in a few words what the rule is for");
        if (r < 0)
                return r;
        return require_key(d, path, value, "match", "add \"match\": {} to match every device");
}

/* @names: of the rules so far, with their indices. */
static int check_name_unique(
                struct decoder *d, const struct json_path *path, const char *name,
                struct json_object *names) {
        struct json_path at = { .parent = path, .key = "name" };
        char quoted[QUOTE_SIZE];
        struct json_object *index;

        if (json_object_object_get_ex(names, name, &index))
                return refuse(d, &at, JSON_VALUE, "the name \"%s\" is taken by /rules/%lld; "
                              "give each rule its own", quote(name, quoted),
                              (long long) json_object_get_int64(index));

        index = json_object_new_int64((int64_t) path->index);
        if (!index)
                return -ENOMEM;
        if (json_object_object_add(names, name, index) < 0) {
                json_object_put(index);
                return -ENOMEM;
        }
        return 0;
}

static int decode_rules(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        _cleanup_(json_putp) struct json_object *names = NULL;
        struct policy *p = target;
        size_t n;
        int r;

        if (!json_object_is_type(value, json_type_array))
                return refuse_type(d, path, value, "an array", "write [ {...}, {...} ]");
        n = json_object_array_length(value);
        if (n == 0)
                return 0;

        names = json_object_new_object();
        p->rules = calloc(n, sizeof(p->rules[0]));
        if (!names || !p->rules)
                return -ENOMEM;
        p->n_rules = n;

        for (size_t i = 0; i < n; i++) {
                struct json_path at = { .parent = path, .index = i };

                r = decode_rule(d, &at, json_object_array_get_idx(value, i), &p->rules[i]);
                if (r < 0)
                        return r;
                r = check_name_unique(d, &at, p->rules[i].name, names);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int decode_defaults(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        struct policy *p = target;
        const struct section sections[] = {
                { settings_fields, &p->defaults },
                { common_fields, NULL },
                {},
        };

        return decode_object(d, path, value, "write { \"memmap\": \"auto\", ... }", sections);
}

static int decode_version(
                struct decoder *d, const struct json_path *path, struct json_object *value,
                void *target) {
        int64_t version;

        (void) target;
        return decode_integer(d, path, value, "the number 1, the only version so far", 1, 1,
                              &version);
}

static const struct field root_fields[] = {
        { "version", decode_version },
        { "defaults", decode_defaults },
        { "rules", decode_rules },
        { "$schema", decode_ignored },
        {},
};

/*
 * The version comes first, wherever it stands: what follows from it, such as
 * keys that are not known here, is not the mistake to tell of.
 */
static int check_version(
                struct decoder *d, const struct json_path *root, struct json_object *tree) {
        struct json_path path = { .parent = root, .key = "version" };
        struct json_object *version;

        if (!json_object_object_get_ex(tree, "version", &version))
                return require_key(d, root, tree, "version", "add \"version\": 1");
        return decode_version(d, &path, version, NULL);
}

static int decode_root(struct decoder *d, struct json_object *tree, struct policy *p) {
        const struct json_path root = {};
        const struct section sections[] = { { root_fields, p }, { common_fields, NULL }, {} };
        int r;

        r = check_version(d, &root, tree);
        if (r < 0)
                return r;
        return decode_object(d, &root, tree, "write { \"version\": 1, ... }", sections);
}

/* Text */

static int check_text(const struct decoder *d) {
        struct json_fault f;
        int r;

        r = json_check(d->text, d->size, &f);
        if (r != -EINVAL)
                return r;

        _Static_assert(sizeof(f.pointer) == sizeof(d->error->pointer), "both hold any pointer");
        _Static_assert(sizeof(f.message) <= sizeof(d->error->message), "no message is cut");
        *d->error = (struct policy_error) { .line = f.line, .column = f.column };
        memcpy(d->error->pointer, f.pointer, sizeof(f.pointer));
        memcpy(d->error->message, f.message, sizeof(f.message));
        return r;
}

/* For a text that passed check_text(). */
static int parse_text(const struct decoder *d, struct json_object **ret) {
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
        struct json_object *tree;
        enum json_tokener_error e;

        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        tree = json_tokener_parse_ex(tokener, d->text, (int) d->size);
        if (tree) {
                *ret = tree;
                return 0;
        }

        e = json_tokener_get_error(tokener);
        if (e == json_tokener_success)          /* what it says when memory runs out */
                return -ENOMEM;
        return refuse_file(d->error, -EINVAL, "json-c refuses the file: %s",
                           json_tokener_error_desc(e));
}

static int decode_text(struct decoder *d, struct policy **ret) {
        _cleanup_(json_putp) struct json_object *tree = NULL;
        _cleanup_(policy_freep) struct policy *p = NULL;
        int r;

        r = check_text(d);
        if (r < 0)
                return r;
        r = parse_text(d, &tree);
        if (r < 0)
                return r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        r = decode_root(d, tree, p);
        if (r < 0)
                return r;

        *ret = steal(&p);
        return 0;
}

static int refuse_size(struct policy_error *error, int r) {
        return refuse_file(error, r, "the file is larger than %d KiB; "
                           "a policy has no need of that", POLICY_SIZE_MAX / 1024);
}

int policy_decode(
                const char *text, size_t size,
                struct policy **ret, struct policy_error *error) {
        static const struct home homes[] = {
                { root_fields, "at the top of the file" },
                { settings_fields, "into \"defaults\" or a rule" },
                { rule_fields, "into a rule" },
                { match_fields, "into the \"match\" of a rule" },
                {},
        };
        struct policy_error unused;
        struct decoder d = {
                .text = size > 0 ? text : "",
                .size = size,
                .homes = homes,
                .error = error ?: &unused,
        };
        int r;

        if (size > POLICY_SIZE_MAX)
                return refuse_size(d.error, -EINVAL);
        r = decode_text(&d, ret);
        if (r == -ENOMEM)
                return refuse_file(d.error, r, "out of memory");
        return r;
}

/* Files */

/* @fd may be anything: looks before it reads. */
static int check_regular(int fd, struct policy_error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return refuse_file(error, -errno, "cannot look at the file: %m");
        if (S_ISDIR(st.st_mode))
                return refuse_file(error, -EISDIR, "this is a directory; name a file");
        if (!S_ISREG(st.st_mode))
                return refuse_file(error, -EBADF, "this is not a regular file; name one");
        return 0;
}

/* Reads up to @size bytes. */
static int read_all(int fd, char *buffer, size_t size, size_t *ret_size) {
        size_t used = 0;

        while (used < size) {
                ssize_t n = read(fd, buffer + used, size - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                used += (size_t) n;
        }
        *ret_size = used;
        return 0;
}

static int load_file(
                const char *path, struct policy_error *error, char **ret_text, size_t *ret_size) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        /* O_NONBLOCK: a FIFO in its place must not hold us up. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return refuse_file(error, -errno, "cannot open the file: %m");
        r = check_regular(fd, error);
        if (r < 0)
                return r;

        text = malloc(POLICY_SIZE_MAX + 1);
        if (!text)
                return refuse_file(error, -ENOMEM, "out of memory");
        r = read_all(fd, text, POLICY_SIZE_MAX + 1, &size);
        if (r < 0)
                return refuse_file(error, r, "cannot read the file: %m");
        if (size > POLICY_SIZE_MAX)
                return refuse_size(error, -EFBIG);

        *ret_text = steal(&text);
        *ret_size = size;
        return 0;
}

int policy_read_file(const char *path, struct policy **ret, struct policy_error *error) {
        _cleanup_(freep) char *text = NULL;
        struct policy_error unused;
        size_t size = 0;
        int r;

        if (!error)
                error = &unused;
        r = load_file(path, error, &text, &size);
        if (r < 0)
                return r;
        return policy_decode(text, size, ret, error);
}

char *policy_error_format(const struct policy_error *error, const char *file) {
        const char *separator = error->pointer[0] != '\0' ? ": " : "";
        char *s;
        int r;

        if (error->line > 0)
                r = asprintf(&s, "%s:%d:%d: %s%s%s", file, error->line, error->column,
                             error->pointer, separator, error->message);
        else
                r = asprintf(&s, "%s: %s%s%s", file, error->pointer, separator, error->message);
        return r < 0 ? NULL : s;
}

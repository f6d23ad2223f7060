/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "udev-rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define LABEL_MAX 64

/* KEY{attribute} operator "value"; the parts are where they are in the rule. */
struct token {
        const char *key, *attribute, *value;
        size_t key_size, attribute_size, value_size;
        bool compares, differs; /* "==" and "!="; else it assigns */
};

/* What a rule is, when all of it was read. */
struct rule {
        bool memory;            /* it is for memory blocks */
        bool not_memory;        /* ... for anything but these */
        bool other;             /* ... for something else, such as CPUs */
        bool onlines;           /* if it is for memory */
        bool acts;              /* it does something, if only for a rule below it */
        bool sets_only;         /* ... and that is all: variables */
        char skip_to[LABEL_MAX], label[LABEL_MAX];
};

struct parser {
        struct udev_file *file;
        char memory_until[LABEL_MAX];   /* other devices skip the rules up to there */
};

static bool is(const char *s, size_t n, const char *word) {
        return strlen(word) == n && strncmp(s, word, n) == 0;
}

static bool contains(const char *s, size_t n, const char *word) {
        return memmem(s, n, word, strlen(word)) != NULL;
}

static bool begins(const char *s, size_t n, const char *word) {
        return n >= strlen(word) && strncmp(s, word, strlen(word)) == 0;
}

static void copy(char *buf, size_t size, const struct token *t) {
        snprintf(buf, size, "%.*s", (int) t->value_size, t->value);
}

static const char *read_key(const char *at, struct token *t) {
        t->key = at;
        t->key_size = strcspn(at, "{=!+-:, \t");
        at += t->key_size;
        t->attribute = at;
        t->attribute_size = 0;
        if (*at == '{') {
                t->attribute = at + 1;
                t->attribute_size = strcspn(at + 1, "}");
                at += 1 + t->attribute_size + (at[1 + t->attribute_size] == '}');
        }
        return at + strspn(at, " \t");
}

static const char *read_value(const char *at, struct token *t) {
        at += strspn(at, " \t");
        at += *at == 'e' || *at == 'i';
        if (*at != '"')
                return NULL;
        t->value = ++at;
        while (*at && *at != '"')
                at += at[0] == '\\' && at[1] ? 2 : 1;
        t->value_size = (size_t) (at - t->value);
        return *at == '"' ? at + 1 : NULL;
}

/* NULL: there is no other, or it is not to be understood. */
static const char *next_token(const char *at, struct token *t) {
        *t = (struct token) {};
        at += strspn(at, ", \t");
        if (!*at)
                return NULL;
        at = read_key(at, t);
        t->compares = begins(at, 2, "==");
        t->differs = begins(at, 2, "!=");
        at += strcspn(at, "=");
        if (*at != '=' || t->key_size == 0)
                return NULL;
        return read_value(at + strspn(at, "="), t);
}

/* "online", "online_movable"; or a variable, which has such a word on a machine that uses it. */
static bool is_online(const struct token *t) {
        return begins(t->value, t->value_size, "online") ||
                begins(t->value, t->value_size, "$env{") || begins(t->value, t->value_size, "%E{");
}

static void note_assignment(const struct token *t, struct rule *r) {
        bool runs = is(t->key, t->key_size, "RUN") || is(t->key, t->key_size, "PROGRAM");

        if (is(t->key, t->key_size, "GOTO")) {
                copy(r->skip_to, sizeof(r->skip_to), t);
                return;
        }
        if (is(t->key, t->key_size, "LABEL")) {
                copy(r->label, sizeof(r->label), t);
                return;
        }
        r->acts = true;
        r->sets_only &= is(t->key, t->key_size, "ENV");
        r->onlines |= (is(t->key, t->key_size, "ATTR") &&
                       is(t->attribute, t->attribute_size, "state") && is_online(t)) ||
                (runs && contains(t->value, t->value_size, "online") &&
                 contains(t->value, t->value_size, "state"));
}

static void note_token(const struct token *t, struct rule *r) {
        bool memory = contains(t->value, t->value_size, "memory");

        if (!t->compares && !t->differs)
                note_assignment(t, r);
        else if (is(t->key, t->key_size, "SUBSYSTEM"))
                *(!memory ? &r->other : t->compares ? &r->memory : &r->not_memory) |=
                        memory || t->compares;
        else if (is(t->key, t->key_size, "KERNEL") || is(t->key, t->key_size, "DEVPATH"))
                r->memory |= t->compares && memory;
}

static int add_lines(struct udev_file *f, size_t first, size_t last) {
        size_t *lines = reallocarray(f->lines, 2 * (f->n_lines + 1), sizeof(*lines));

        if (!lines)
                return -ENOMEM;
        lines[2 * f->n_lines] = first;
        lines[2 * f->n_lines + 1] = last;
        f->lines = lines;
        f->n_lines++;
        return 0;
}

static int end_rule(struct parser *p, const char *text, size_t first, size_t last) {
        struct rule r = { .sets_only = true };
        struct token t;
        bool memory;

        for (const char *at = text; (at = next_token(at, &t));)
                note_token(&t, &r);
        if (p->memory_until[0] && strcmp(r.label, p->memory_until) == 0)
                p->memory_until[0] = '\0';
        if (r.not_memory && r.skip_to[0])
                memcpy(p->memory_until, r.skip_to, sizeof(r.skip_to));
        memory = r.memory || (p->memory_until[0] && !r.other);
        if (memory && r.onlines)
                return add_lines(p->file, first, last);
        p->file->does_more |= r.acts && !(memory && r.sets_only);
        return 0;
}

/* A rule goes on in the next line after a backslash; comments do not. */
int udev_file_parse(const char *text, struct udev_file *ret) {
        _cleanup_(freep) char *rule = malloc(strlen(text) + 1);
        struct parser p = { .file = ret };
        size_t used = 0, first = 1, number = 1;
        int r = 0;

        *ret = (struct udev_file) {};
        if (!rule)
                return -ENOMEM;
        for (; *text && r >= 0; number++) {
                size_t n = strcspn(text, "\n"), blank = strspn(text, " \t");
                bool comment = text[blank] == '#', goes_on = !comment && n > 0 && text[n - 1] == '\\';

                if (used == 0)
                        first = number;
                if (!comment) {
                        memcpy(rule + used, text, n - goes_on);
                        used += n - goes_on;
                }
                text += n + (text[n] == '\n');
                rule[used] = '\0';
                if (used > 0 && !goes_on && !comment) {
                        r = end_rule(&p, rule, first, number);
                        used = 0;
                }
        }
        return r < 0 || used == 0 ? r : end_rule(&p, rule, first, number - 1);
}

void udev_file_done(struct udev_file *f) {
        free(f->lines);
        *f = (struct udev_file) {};
}

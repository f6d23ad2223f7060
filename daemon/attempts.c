/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attempts.h"

#include <string.h>

#include "json-c-util.h"

struct attempts {
        struct attempts *next;
        char region[24];                /* "": it has no name yet */
        char memdevs[MEMDEVS_MAX][24];
        size_t n_memdevs;               /* 0 without a region: it is about all of them */
        enum attempt_state state;
        char message[400];
};

static struct attempts *free_one(struct attempts *a) {
        struct attempts *next = a->next;

        free(a);
        return next;
}

struct attempts *attempts_free(struct attempts *all) {
        while (all)
                all = free_one(all);
        return NULL;
}

static bool has_memdev(const struct attempts *a, const char *name) {
        for (size_t i = 0; i < a->n_memdevs; i++)
                if (strcmp(a->memdevs[i], name) == 0)
                        return true;
        return false;
}

static bool is_about(const struct attempts *a, const char *subject) {
        return subject[0] ? strcmp(a->region, subject) == 0 || has_memdev(a, subject) :
                !a->region[0] && a->n_memdevs == 0;
}

static bool overlap(const struct attempts *a, const struct attempts *b) {
        for (size_t i = 0; i < b->n_memdevs; i++)
                if (has_memdev(a, b->memdevs[i]))
                        return true;
        return b->region[0] && strcmp(a->region, b->region) == 0;
}

static void drop_others(struct attempts **at, const struct attempts *than) {
        while (*at)
                if (*at != than && overlap(*at, than))
                        *at = free_one(*at);
                else
                        at = &(*at)->next;
}

static void add_memdevs(struct attempts *a, const char *names) {
        while (*names && a->n_memdevs < MEMDEVS_MAX) {
                size_t n = strcspn(names, " ");

                snprintf(a->memdevs[a->n_memdevs++], sizeof(a->memdevs[0]), "%.*s", (int) n, names);
                names += n + strspn(names + n, " ");
        }
}

/* At the end, so that they are told of in their order. */
static struct attempts *add(struct attempts **all, const char *region, const char *memdevs) {
        struct attempts *a = calloc(1, sizeof(*a));

        if (!a)
                return NULL;
        snprintf(a->region, sizeof(a->region), "%s", region);
        add_memdevs(a, memdevs);
        drop_others(all, a);
        while (*all)
                all = &(*all)->next;
        *all = a;
        return a;
}

void attempts_begin(struct attempts **all, const char *region, const char *memdevs) {
        struct attempts *a = add(all, region, memdevs);

        if (a)
                a->state = ATTEMPT_MAKING;
}

void attempts_tell(struct attempts **all, const char *subject, enum attempt_state state,
                   const char *text) {
        struct attempts *a = *all;

        while (a && !is_about(a, subject))
                a = a->next;
        if (!a)
                a = add(all, "", subject);
        if (!a)
                return;
        a->state = state;
        snprintf(a->message, sizeof(a->message), "%s", text);
        /* Of what is told of an expander, nothing stays: another region may get that name. */
        if (strcmp(a->region, subject) != 0)
                a->region[0] = '\0';
}

void attempts_end(struct attempts **at, const char *subject) {
        while (*at)
                if (is_about(*at, subject))
                        *at = free_one(*at);
                else
                        at = &(*at)->next;
}

void attempts_lose(struct attempts *all, const char *why) {
        for (; all; all = all->next)
                if (all->state == ATTEMPT_MAKING) {
                        all->state = ATTEMPT_FAILED;
                        snprintf(all->message, sizeof(all->message), "%s", why);
                }
}

void attempts_settle(struct attempts **at) {
        while (*at)
                if ((*at)->state == ATTEMPT_MAKING)
                        *at = free_one(*at);
                else
                        at = &(*at)->next;
}

static bool is_wanted(const char *memdev, const struct cxl_job *wanted) {
        for (size_t i = 0; i < wanted->n_memdevs; i++)
                if (strcmp(wanted->memdevs[i].name, memdev) == 0)
                        return true;
        return false;
}

static bool stays(const struct attempts *a, const struct sysfs *s, const struct cxl_job *wanted) {
        uint64_t id;

        if (a->region[0] && sysfs_inode(s, &id, "sys/bus/cxl/devices/%s/", a->region) >= 0)
                return true;
        for (size_t i = 0; i < a->n_memdevs; i++)
                if (!is_wanted(a->memdevs[i], wanted))
                        return false;
        return wanted->n_memdevs > 0;
}

void attempts_prune(struct attempts **at, const struct sysfs *s, const struct cxl_job *wanted) {
        while (*at)
                if (stays(*at, s, wanted))
                        at = &(*at)->next;
                else
                        *at = free_one(*at);
}

static struct json_object *describe_memdevs(const struct attempts *a) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < a->n_memdevs; i++)
                json_object_array_add(list, json_object_new_string(a->memdevs[i]));
        return list;
}

struct json_object *attempts_describe(const struct attempts *all, unsigned int tries,
                                      uint64_t next_usec) {
        static const char *const states[_ATTEMPT_STATE_MAX] = {
                [ATTEMPT_MAKING] = "making", [ATTEMPT_WAITING] = "waiting",
                [ATTEMPT_FAILED] = "failed", [ATTEMPT_PLANNED] = "planned",
        };
        struct json_object *list = json_object_new_array();

        for (; list && all; all = all->next) {
                struct json_object *o = json_object_new_object();
                bool again = all->state == ATTEMPT_FAILED && next_usec > 0;

                json_add_string(o, "name", all->region);
                json_object_object_add(o, "memdevs", describe_memdevs(all));
                json_add_string(o, "state", states[all->state]);
                json_add_string(o, "message", all->message);
                json_object_object_add(o, "tries", all->state == ATTEMPT_FAILED ?
                                       json_object_new_uint64(tries) : NULL);
                json_object_object_add(o, "next_try_usec", again ?
                                       json_object_new_uint64(next_usec) : NULL);
                json_object_array_add(list, o);
        }
        return list;
}

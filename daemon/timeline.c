/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timeline.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "letters.h"
#include "names.h"

/*
 * A sample reads two files, which takes some 100 us, so that one may be taken in so long a
 * time; once there are so many, every other is dropped, and it may be twice as long.
 */
#define SAMPLE_USEC 100000
#define SAMPLES_MAX 1024

/* Times of blocks are kept in these, which is enough for 11 hours. */
#define TICK_USEC 10
#define NEVER UINT32_MAX

struct sample {
        uint64_t usec;                  /* since the beginning */
        uint64_t free;                  /* bytes of the node that pays */
        uint64_t total;                 /* bytes of the node that gains */
};

struct timeline {
        char device[32];
        uint64_t realtime, began, ended;        /* usec; the latter two monotonic */
        int payer, target;
        size_t n;
        uint32_t *plugged, *online;     /* per block, ticks since the beginning */
        char *map, *states;             /* per block, as in the description */
        size_t n_samples;
        uint64_t interval, next;        /* usec; of samples */
        struct sample samples[SAMPLES_MAX];
};

static uint64_t now(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

struct timeline *timeline_new(const char *device) {
        struct timeline *t = calloc(1, sizeof(*t));

        if (!t)
                return NULL;
        snprintf(t->device, sizeof(t->device), "%s", device);
        t->realtime = now(CLOCK_REALTIME);
        t->began = t->ended = now(CLOCK_MONOTONIC);
        t->payer = t->target = -1;
        t->interval = SAMPLE_USEC;
        return t;
}

struct timeline *timeline_free(struct timeline *t) {
        if (!t)
                return NULL;
        free(t->plugged);
        free(t->online);
        free(t->map);
        free(t->states);
        free(t);
        return NULL;
}

static void read_node(const struct sysfs *s, int node, uint64_t *free_bytes, uint64_t *total) {
        char buf[4096];
        unsigned long long kb;
        const char *at;

        if (node < 0 || sysfs_read(s, buf, sizeof(buf),
                                   "sys/devices/system/node/node%d/meminfo", node) < 0)
                return;
        at = strstr(buf, "MemTotal:");
        if (total && at && sscanf(at, "MemTotal: %llu", &kb) == 1)
                *total = kb * 1024;
        at = strstr(buf, "MemFree:");
        if (free_bytes && at && sscanf(at, "MemFree: %llu", &kb) == 1)
                *free_bytes = kb * 1024;
}

static void thin_out(struct timeline *t) {
        for (size_t i = 0; i < SAMPLES_MAX / 2; i++)
                t->samples[i] = t->samples[2 * i];
        t->n_samples = SAMPLES_MAX / 2;
        t->interval *= 2;
}

static void take_sample(struct timeline *t, const struct sysfs *s) {
        struct sample one = { .usec = now(CLOCK_MONOTONIC) - t->began };

        if (t->n_samples == SAMPLES_MAX)
                thin_out(t);
        read_node(s, t->payer, &one.free, t->payer == t->target ? &one.total : NULL);
        if (t->payer != t->target)
                read_node(s, t->target, NULL, &one.total);
        t->samples[t->n_samples++] = one;
        t->next = one.usec + t->interval;
        t->ended = t->began + one.usec;
}

/* Until it is bound, it was not known how many there are. */
static bool make_room(struct timeline *t, size_t n) {
        uint32_t *plugged, *online;
        char *map, *states;

        if (n <= t->n)
                return true;
        plugged = reallocarray(t->plugged, n, sizeof(*plugged));
        if (plugged)
                t->plugged = plugged;
        online = reallocarray(t->online, n, sizeof(*online));
        if (online)
                t->online = online;
        map = realloc(t->map, n);
        if (map)
                t->map = map;
        states = realloc(t->states, n);
        if (states)
                t->states = states;
        if (!plugged || !online || !map || !states)
                return false;
        for (size_t i = t->n; i < n; i++) {
                plugged[i] = online[i] = NEVER;
                map[i] = states[i] = '.';
        }
        t->n = n;
        return true;
}

void timeline_go_on(struct timeline *t, const struct sysfs *s, const struct device *d, int payer) {
        if (!t || !make_room(t, d->n_blocks))
                return;
        t->n = d->n_blocks;
        /* What was there before is seen as it is, without a time. */
        for (size_t i = 0; i < d->n_blocks; i++) {
                const struct block *b = &d->blocks[i];

                if (b->state == BLOCK_ABSENT || t->map[i] != '.')
                        continue;
                t->map[i] = placement_letter(b->placement, true);
                t->states[i] = block_letter(b);
        }
        t->target = d->target_node;
        if (payer >= 0)
                t->payer = payer;
        take_sample(t, s);
}

static uint32_t ticks(const struct timeline *t, uint64_t usec) {
        uint64_t v = usec > t->began ? (usec - t->began) / TICK_USEC : 0;

        return v < NEVER ? (uint32_t) v : NEVER - 1;
}

static void note_step(struct timeline *t, const struct exec_event *e) {
        bool done = e->kind == EXEC_STEP_DONE;

        if (e->block >= t->n || (e->kind != EXEC_STEP_FAILED && !done))
                return;
        if (e->step == STEP_PLUG && done) {
                t->plugged[e->block] = ticks(t, e->usec);
                t->map[e->block] = placement_letter(e->placement, true);
                t->states[e->block] = '-';
        } else if (e->step == STEP_ONLINE && done) {
                t->online[e->block] = ticks(t, e->usec);
                t->states[e->block] = e->zone == ZONE_KERNEL ? 'k' : 'm';
        } else if (e->step == STEP_PLUG || e->step == STEP_ONLINE)
                t->states[e->block] = 'x';
}

void timeline_note(struct timeline *t, const struct sysfs *s, const struct exec_event *e) {
        if (!t)
                return;
        note_step(t, e);
        if (e->usec >= t->began + t->next)
                take_sample(t, s);
}

void timeline_pause(struct timeline *t, const struct sysfs *s) {
        if (t)
                take_sample(t, s);
}

static struct json_object *describe_times(const struct timeline *t, const uint32_t *times) {
        struct json_object *list = json_object_new_array_ext((int) t->n);

        for (size_t i = 0; i < t->n; i++)
                json_object_array_add(list, times[i] == NEVER ? NULL :
                                      json_object_new_uint64((uint64_t) times[i] * TICK_USEC));
        return list;
}

static struct json_object *describe_samples(const struct timeline *t) {
        struct json_object *list = json_object_new_array();

        for (size_t i = 0; i < t->n_samples; i++) {
                const struct sample *s = &t->samples[i];
                struct json_object *o = json_object_new_object();

                json_object_object_add(o, "usec", json_object_new_uint64(s->usec));
                json_object_object_add(o, "free", json_object_new_uint64(s->free));
                json_object_object_add(o, "total", json_object_new_uint64(s->total));
                json_object_array_add(list, o);
        }
        return list;
}

struct json_object *timeline_describe(const struct timeline *t) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "format", json_object_new_int(TIMELINE_FORMAT));
        json_object_object_add(o, "name", json_object_new_string(t->device));
        json_object_object_add(o, "began", json_object_new_uint64(t->realtime));
        json_object_object_add(o, "usec", json_object_new_uint64(t->ended - t->began));
        json_object_object_add(o, "payer", json_object_new_int(t->payer));
        json_object_object_add(o, "target_node", json_object_new_int(t->target));
        json_object_object_add(o, "map", json_object_new_string_len(t->map ?: "", (int) t->n));
        json_object_object_add(o, "states",
                               json_object_new_string_len(t->states ?: "", (int) t->n));
        json_object_object_add(o, "plugged", describe_times(t, t->plugged));
        json_object_object_add(o, "online", describe_times(t, t->online));
        json_object_object_add(o, "samples", describe_samples(t));
        return o;
}

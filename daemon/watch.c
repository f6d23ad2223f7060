/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "watch.h"

/* An editor writes more than once, and a package more than one file. */
#define QUIET_USEC 200000
#define PATIENCE_USEC 2000000
#define ACCURACY_USEC 10000

/* Not IN_MODIFY: what is still being written is not read before it is closed. */
#define MASK_FILE (IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define MASK_DIRECTORY (MASK_FILE | IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR)
#define MASK_PARENT (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct spot {
        struct spot *next;
        struct watch *watch;
        sd_event_source *source;
        char *awaited;                  /* the one name that matters, or NULL */
};

struct watch {
        struct spot *spots;
        sd_event *event;
        sd_event_source *timer;
        uint64_t first;                 /* monotonic; since when there is something to tell */
        void (*changed)(void *userdata);
        void *userdata;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct watch *w = userdata;

        (void) source;
        (void) usec;
        w->first = 0;
        w->changed(w->userdata);
        return 0;
}

/* Until it is quiet, but not for ever. */
static void postpone(struct watch *w) {
        uint64_t now, at;

        if (sd_event_now(w->event, CLOCK_MONOTONIC, &now) < 0)
                return;
        if (!w->first)
                w->first = now;
        at = now + QUIET_USEC;
        if (at > w->first + PATIENCE_USEC)
                at = w->first + PATIENCE_USEC;
        (void) sd_event_source_set_time(w->timer, at);
        (void) sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_event(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        const struct spot *s = userdata;

        (void) source;
        if (!s->awaited || e->len == 0 || strcmp(e->name, s->awaited) == 0)
                postpone(s->watch);
        return 0;
}

static struct spot *spot_free(struct spot *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->source);
        free(s->awaited);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(struct spot *, spot_free)

static int add(struct watch *w, const char *path, uint32_t mask, const char *awaited) {
        _cleanup_(spot_freep) struct spot *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->watch = w;
        s->awaited = awaited ? strdup(awaited) : NULL;
        if (awaited && !s->awaited)
                return -ENOMEM;
        r = sd_event_add_inotify(w->event, &s->source, path, mask, on_event, s);
        if (r < 0)
                return r;
        s->next = w->spots;
        w->spots = steal(&s);
        return 0;
}

int watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
              struct watch **ret) {
        struct watch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->event = event;
        w->changed = changed;
        w->userdata = userdata;
        r = sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, 0, ACCURACY_USEC, on_timer, w);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
        if (r < 0) {
                watch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

struct watch *watch_free(struct watch *w) {
        if (!w)
                return NULL;
        watch_clear(w);
        sd_event_source_disable_unref(w->timer);
        free(w);
        return NULL;
}

void watch_clear(struct watch *w) {
        while (w->spots) {
                struct spot *s = w->spots;

                w->spots = s->next;
                spot_free(s);
        }
}

static bool is_missing(int error) {
        return error == -ENOENT || error == -ENOTDIR;
}

/* The nearest directory above @path that exists, for the next one below it to come. */
static int watch_parent(struct watch *w, const char *path) {
        _cleanup_(freep) char *parent = strdup(path);
        const char *name;
        char *slash;
        int r;

        if (!parent)
                return -ENOMEM;
        slash = strrchr(parent, '/');
        if (!slash)
                return add(w, ".", MASK_PARENT, path);
        name = path + (slash - parent) + 1;
        if (slash == parent)
                return add(w, "/", MASK_PARENT, name);
        *slash = '\0';
        r = add(w, parent, MASK_PARENT, name);
        return is_missing(r) ? watch_parent(w, parent) : r;
}

int watch_directory(struct watch *w, const char *path) {
        int r;

        r = add(w, path, MASK_DIRECTORY, NULL);
        if (!is_missing(r))
                return r;
        r = watch_parent(w, path);
        if (r < 0)
                return r;
        /* It may have come in between. */
        r = add(w, path, MASK_DIRECTORY, NULL);
        return is_missing(r) ? 0 : r;
}

int watch_target(struct watch *w, const char *path) {
        struct stat st;
        int r;

        if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
                return 0;
        r = add(w, path, MASK_FILE, NULL);
        return is_missing(r) ? 0 : r < 0 ? r : 1;
}

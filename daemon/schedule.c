/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "schedule.h"

struct schedule {
        sd_event_source *timer;
        uint64_t at;            /* monotonic; 0: not at all */
        void (*act)(void *userdata);
        void *userdata;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct schedule *s = userdata;

        (void) source;
        (void) usec;
        s->at = 0;
        s->act(s->userdata);
        return 0;
}

int schedule_new(sd_event *event, void (*act)(void *userdata), void *userdata,
                 struct schedule **ret) {
        struct schedule *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->act = act;
        s->userdata = userdata;
        r = sd_event_add_time(event, &s->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        if (r < 0) {
                schedule_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct schedule *schedule_free(struct schedule *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->timer);
        free(s);
        return NULL;
}

bool schedule_take(struct schedule *s) {
        uint64_t now;

        if (!s->at || sd_event_now(sd_event_source_get_event(s->timer), CLOCK_MONOTONIC, &now) < 0 ||
            s->at > now)
                return false;
        s->at = 0;
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        return true;
}

void schedule_in(struct schedule *s, uint64_t usec) {
        uint64_t now;

        if (sd_event_now(sd_event_source_get_event(s->timer), CLOCK_MONOTONIC, &now) < 0)
                return;
        if (s->at && s->at <= now + usec)
                return;
        s->at = now + usec;
        (void) sd_event_source_set_time(s->timer, s->at);
        (void) sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of the pace at which a device is taken in. */
#include <string.h>

#include "log.h"
#include "manager.h"
#include "names.h"

static void tell_unpaced(struct record *r, int error) {
        if (r->unpaced)
                return;
        r->unpaced = true;
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_PACED, .device = r->name, .error = error,
        }, "The kernel does not tell its memory pressure (/proc/pressure/memory: %s): \"pressure\" has "
                  "no effect.", strerror(error));
}

void paced(struct record *r, const struct exec_event *e) {
        if (e->error) {
                tell_unpaced(r, e->error);
                return;
        }
        r->pressure = e->pressure;
        if (r->pace == e->pace)
                return;
        r->pace = e->pace;
        if (r->pace == PACE_FULL)
                record_set_state(r, STATE_WORKING, "Being taken in.");
        else
                record_set_state(r, STATE_WORKING, r->pace == PACE_SLOW ?
                                 "Being taken in, but slowly: memory pressure is %.2f%%." :
                                 "Waits for memory pressure to fall, which is %.2f%%.",
                                 (double) e->pressure / 100);
        log_about(LOG_NOTICE, (struct log_about) {
                .message_id = MESSAGE_PACED, .device = r->name,
        }, "%s", r->pace == PACE_FULL ? "Memory pressure has fallen; it goes on at full pace." :
                  r->message);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not so fast, while the machine is short of memory; see pace.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "exec-run.h"

#define PAUSE_MS 500

/* "some avg10=12.34 avg60=...": in 1/100 of a percent. */
static int read_pressure(const struct sysfs *s, uint64_t *ret) {
        unsigned int whole, hundredths;
        char text[256];
        int r;

        r = sysfs_read(s, text, sizeof(text), "proc/pressure/memory");
        if (r < 0)
                return r;
        if (sscanf(text, "some avg10=%3u.%2u", &whole, &hundredths) != 2 || whole > 100)
                return -EBADMSG;
        *ret = whole * 100 + hundredths;
        return 0;
}

static int report_pace(const struct run *run, const struct step *step, int error) {
        struct exec_event e = {
                .kind = EXEC_PACED, .step = step->kind, .block = step->block, .pace = run->pace,
                .pressure = run->pressure, .error = -error,
        };

        return run->job->report(run->job->userdata, &e);
}

/* Without PSI in the kernel there is no telling: said once, and then it goes on. */
static int unpaced(struct run *run, const struct step *step, int error) {
        run->unpaced = true;
        run->pace = PACE_FULL;
        return report_pace(run, step, error);
}

/* The kernel's own driver has plugged all blocks at once.  To hand back takes no decision. */
static bool is_paced(const struct run *run, const struct step *step) {
        if (step->kind == STEP_PLUG)
                return true;
        return step->kind == STEP_ONLINE && backend_is_whole(run->job->decision->backend);
}

int exec_pace(struct run *run, const struct step *step) {
        const struct pressure *limits;
        int r;

        if (!is_paced(run, step))
                return 0;
        limits = &run->job->decision->settings.pressure;
        if (run->unpaced || (limits->slow == 0 && limits->stop == 0))
                return 0;
        for (;;) {
                enum pace last = run->pace;

                r = read_pressure(run->job->sysfs, &run->pressure);
                if (r < 0)
                        return unpaced(run, step, r);
                run->pace = pace_next(limits, last, run->pressure);
                /* While it stands still, the daemon hears that it has not died. */
                if (run->pace != last || run->pace == PACE_STOP) {
                        r = report_pace(run, step, 0);
                        if (r < 0)
                                return -EPIPE;
                }
                if (run->pace != PACE_FULL)
                        exec_wait_ms(PAUSE_MS);
                if (run->pace != PACE_STOP)
                        return 0;
        }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of cxl.c where memmapd is built without libcxl. */
#include <errno.h>

#include "cxl.h"

bool cxl_is_possible(void) {
        return false;
}

void cxl_work(const void *job, exec_report report, void *userdata) {
        struct exec_event e = {
                .kind = EXEC_STEP_FAILED, .error = EOPNOTSUPP,
                .text = "this memmapd was built without libcxl, and cannot change regions or "
                        "expanders; use cxl(1), or a memmapd that was built with it",
        };

        (void) job;
        (void) report(userdata, &e);
        (void) report(userdata, &(struct exec_event) { .kind = EXEC_END, .error = EOPNOTSUPP });
}

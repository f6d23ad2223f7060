/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions and expanders, by libcxl: made, taken apart, enabled and disabled.  Slow: runs
 * in a worker, which loads CXL_MODULE for it, and tells of each thing done with an event:
 *
 *      EXEC_BEGUN              a region is being made; text: the expanders, with spaces in
 *                              between; its subject is empty while it has no name
 *      EXEC_STEP_DONE          text
 *      EXEC_DIVERGED           nothing was done as something is lacking: text
 *      EXEC_STEP_FAILED        error; text, with what to do about it
 *
 * whose subject is the region or the expander; with EJECT, the text goes on from there.
 */
#pragma once

#include "policy.h"
#include "worker.h"

#define CXL_MODULE "memmapd-cxl.so"
#define CXL_MEMDEVS_MAX 64

enum cxl_task {
        CXL_CREATE,             /* as many regions as the expanders are good for */
        CXL_CONVERGE,           /* @region is half made, of the expanders: finish it, or delete it */
        CXL_EJECT,              /* the regions go, then the expanders are disabled */
        CXL_RESTORE,            /* the expanders are enabled */
};

struct cxl_memdev_job {
        char name[24];
        struct create_region how;       /* CREATE */
};

struct cxl_job {
        const struct sysfs *sysfs;
        enum cxl_task task;
        char regions[MEMDEVS_MAX][24];
        size_t n_regions;
        struct cxl_memdev_job memdevs[CXL_MEMDEVS_MAX];
        size_t n_memdevs;
};

/* Whether there is libcxl to do it with. */
bool cxl_is_possible(void);

/* For worker_start_body(): @job is a struct cxl_job. */
void cxl_work(const void *job, exec_report report, void *userdata);

/* What the module has of this, for cxl_work() alone. */
__attribute__((visibility("default")))
extern const char cxl_module_version[];
__attribute__((visibility("default")))
void cxl_module_work(const void *job, exec_report report, void *userdata);

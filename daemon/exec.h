/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carries out a plan, step by step, and looks at what came of each step before
 * it goes on.  Slow: runs in a worker, see worker.h.
 */
#pragma once

#include "plan.h"
#include "sysfs.h"

enum exec_event_kind {
        EXEC_STEP_DONE,
        EXEC_STEP_RETRIED,      /* error: what happened; it is tried again */
        EXEC_STEP_FAILED,       /* error; what was half done is undone */
        EXEC_PACED,             /* pace, pressure; error: it cannot be told, and does not matter */
        EXEC_DIVERGED,          /* the kernel did, or would do, other than planned */
        EXEC_BEGUN,             /* of cxl.h */
        EXEC_END,               /* the last event; error: 0 if the plan went through */
        _EXEC_EVENT_MAX,
};

/* Fixed size, as it crosses from the worker to the daemon. */
struct exec_event {
        enum exec_event_kind kind;
        enum step_kind step;
        enum placement planned;         /* PLUG: where the memmap was to be */
        enum placement placement;       /* PLUG: where it is */
        int error;                      /* positive errno */
        size_t block;                   /* PLUG, ONLINE: index in the device */
        uint64_t usec;                  /* monotonic; set on its way to the daemon */
        enum zone zone;                 /* ONLINE */
        enum pace pace;                 /* PACED */
        uint64_t pressure;              /* PACED: 1/100 of a percent */
        bool stray;                     /* DIVERGED: a memmap is in RAM against orders */
        char text[400];                 /* DIVERGED, or of cxl.h: what, in words */
        char subject[32];               /* of cxl.h: what it is about */
};

/* Returns a negative errno to make the execution end. */
typedef int (*exec_report)(void *userdata, const struct exec_event *e);

struct exec_job {
        const struct sysfs *sysfs;
        const struct model *model;      /* as it was when decided */
        const struct device *device;    /* of the model */
        const struct decision *decision;
        const struct plan *plan;
        uint64_t leave;                 /* OFFLINE: so much of MemAvailable has to be left */
        bool force;                     /* ... whatever is left */
        exec_report report;
        void *userdata;
};

/* Ends with an EXEC_END event; returns its error, negative. */
int exec_run(const struct exec_job *job);

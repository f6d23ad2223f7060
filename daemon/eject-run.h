/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of eject.h have in common. */
#pragma once

#include "eject.h"

struct eject {
        struct eject *next;
        struct manager *manager;
        char name[24];                  /* as it was ordered */
        char regions[MEMDEVS_MAX][24];  /* to be taken apart */
        size_t n_regions;
        char memdevs[MEMDEVS_MAX][24];  /* to be disabled */
        size_t n_memdevs;
        char devices[MEMDEVS_MAX][32];  /* that have memory to be taken out */
        size_t n_devices;
        char partners[160];             /* expanders that were part of the regions, and stay */
        bool keep;

        enum operation_result result;   /* of the device that could not be removed */
        char why[OPERATION_WHY_MAX];    /* ... and why; empty: none yet */
        struct worker *worker;
        char done[256], left[512];      /* by the worker, in words */
        size_t n_disabled;
        bool failed;
};

/* Fills in what belongs to @e->name. */
int eject_admit(struct manager *m, struct eject *e, const struct command *command,
                struct refusal *why);

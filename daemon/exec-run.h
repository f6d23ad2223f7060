/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files that carry out steps, and by nobody else. */
#pragma once

#include "exec.h"

#define DEVICE "sys/bus/dax/devices/%s"
#define DRIVER "sys/bus/dax/drivers/%s"

/* What was seen of the machine suffices for so many more memmaps; exec-budget.c. */
struct look {
        enum placement placement;
        uint64_t memmaps;
        uint64_t until;                 /* ms of CLOCK_MONOTONIC */
};

struct run {
        const struct exec_job *job;
        enum pace pace;
        uint64_t pressure;
        bool unpaced;                   /* the kernel does not tell the pressure */
        struct look look;
        int failures[_STEP_MAX];        /* in a row, of steps of that kind */
};

/* exec.c.  All return a negative errno, or 0. */

/* The kernel did, or would do, other than planned: -ESTALE, which ends the run. */
int exec_diverged(const struct run *run, const struct step *step, bool stray,
                  const char *format, ...) _printf_(4, 5);

/* Write to an attribute; what may pass is tried again. */
int exec_write(const struct run *run, const struct step *step, const char *text,
               const char *path);

/* exec-budget.c */

/* Whether the machine, as it is now, can bear @bytes of memmap, not 0, by @step. */
int exec_check_budget(struct run *run, const struct step *step, uint64_t bytes);
/* Whether there is room elsewhere for what lies in the block of @step. */
int exec_check_available(const struct run *run, const struct step *step);

/* exec-bind.c */
int exec_bind(struct run *run, const struct step *step);
int exec_hand_back(const struct run *run, const struct step *step);
int exec_place(const struct run *run, const struct step *step);

/* -ENOENT: no driver has it. */
int exec_driver(const struct run *run, char *buf, size_t size);

/* exec-drain.c: taking out. */
int exec_offline(const struct run *run, const struct step *step);
int exec_unplug(const struct run *run, const struct step *step);
int exec_take_back(const struct run *run, const struct step *step);
int exec_unbind(const struct run *run, const struct step *step);

void exec_wait_ms(long ms);

/* exec-pace.c: returns when the step may be done. */
int exec_pace(struct run *run, const struct step *step);

/* exec-kmem.c: bind the device, which is free, to the kernel's own driver. */
int exec_bind_kmem(struct run *run, const struct step *step);

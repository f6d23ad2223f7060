/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operator's orders: to take memory out, to bring it online, and to let a device be.
 *
 * An order is carried out as the policy is: look, plan, have a worker do it, look again,
 * until the plan is empty.  If taking out cannot be finished, the plan is from then on
 * the way back.  What was ordered is kept below RUN_DIR, so that a daemon that is killed
 * goes on with it.
 */
#pragma once

#include "manager.h"

/* Why an order is not accepted, for bus and people. */
struct refusal {
        const char *name;               /* last part of the error on the bus */
        char text[MESSAGE_MAX];
};

struct command {
        const char *device;
        enum operation_kind kind;
        const uint64_t *blocks;         /* indices in the device */
        size_t n_blocks;                /* 0: all */
        uint64_t timeout_usec;          /* 0: none */
        bool keep, force;
};

/*
 * All return 0 if it is done, or 1 if it is begun, and its end will be told of; else
 * -EPERM, and why in @ret.
 */
int operate(struct manager *m, const struct command *command, struct refusal *ret);
int operate_cancel(struct manager *m, const char *device, struct refusal *ret);
int operate_hold(struct manager *m, const char *device, bool hold, struct refusal *ret);
/* Let the policy decide on it as if it had just come.  NULL: on all that are not held. */
int operate_apply(struct manager *m, const char *device, struct refusal *ret);

/* Its order is not to be carried on, and all comes back. */
void operate_stop(struct record *r);

/* It was removed, and is decided on as if it had just come.  0. */
int operate_take_in_again(struct manager *m, struct record *r);

/* For the manager: whether the idle device is the operator's business; then acts on it. */
bool operate_consider(struct manager *m, struct record *r, struct device *d);

/* What was ordered before the daemon was started. */
void operate_recall(struct record *r, const struct device *d);

/* The device is gone. */
void operate_gone(struct record *r);

/* operate-admit.c: whether that can be begun; if so, *ret is how. */
int operate_admit(struct manager *m, struct record *r, struct device *d,
                  const struct command *command, struct operation **ret, struct refusal *why);
/* What the policy wants to be left of RAM. */
uint64_t operate_reserve(const struct manager *m, const struct device *d);
int operate_refuse(struct refusal *ret, const char *name, const char *format, ...)
        _printf_(3, 4);

/* operate-run.c, and those who change what it is at. */

/* From now on it cannot be finished; the first cause counts. */
void operate_fail(struct record *r, const char *format, ...) _printf_(2, 3);
int operate_arm(struct record *r);

/* operate.c: what is in force, for the next daemon. */
void operate_keep(struct record *r);
uint64_t operate_now(const struct manager *m);

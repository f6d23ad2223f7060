/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: the steps from the model to the decision, in the order that is
 * fastest for the kernel and safe for the memmaps.  A plan for what is there
 * already is empty.
 */
#pragma once

#include "decide.h"
#include "model.h"

enum step_kind {
        STEP_HAND_BACK,         /* to the driver it would have had; never part of a decision */
        STEP_TAKE_BACK,         /* block: out again; never part of a decision either */
        STEP_BIND,              /* hand the device to the module; then look again */
        STEP_PLACE,             /* placement: of the blocks plugged from here on */
        STEP_PLUG,              /* block */
        STEP_ONLINE,            /* block, zone */
        /* Of taking out; see drain.h. */
        STEP_OFFLINE,           /* block */
        STEP_UNPLUG,            /* block; it is offline */
        STEP_UNBIND,            /* the device has no driver from then on */
        _STEP_MAX,
};

struct step {
        enum step_kind kind;
        enum placement placement;       /* PLACE; PLUG: what is expected */
        enum zone zone;                 /* ONLINE */
        size_t block;                   /* index in the device, of the steps with a block */
};

struct plan {
        size_t n_steps;
        struct step *steps;
};

/* Returns 0 and a plan in @ret, or -ENOMEM. */
int plan_make(const struct model *m, const struct device *d,
              const struct decision *decision, struct plan **ret);

struct plan *plan_free(struct plan *p);

const char *step_to_string(enum step_kind k);

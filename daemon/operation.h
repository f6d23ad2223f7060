/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an operator ordered for a device, and how far it is: the part of it that must
 * outlive the daemon, as JSON, and what belongs to one run of it.
 */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "plan.h"
#include "util.h"

enum operation_kind {
        OPERATION_OFFLINE,      /* blocks */
        OPERATION_ONLINE,       /* blocks */
        OPERATION_REMOVE,       /* the device as a whole */
        _OPERATION_MAX,
};

/* What came of it. */
enum operation_result {
        RESULT_DONE,
        RESULT_BROUGHT_BACK,    /* it could not be finished; all is as it was before */
        RESULT_KEPT,            /* it could not be finished; what was done stays so */
        RESULT_INCOMPLETE,      /* blocks that were to come back, or online, did not */
        _RESULT_MAX,
};

struct operation_end {
        enum operation_kind kind;
        enum operation_result result;
        const char *message;
};

#define OPERATION_WHY_MAX 512

struct operation {
        enum operation_kind kind;
        bool back;              /* towards @wanted, not out */
        bool keep, force;
        uint64_t deadline_usec; /* monotonic; 0: none */
        char why[OPERATION_WHY_MAX];    /* it cannot be finished; empty: it can */
        size_t n_blocks;
        bool *asked;            /* a block each, to be taken offline; NULL: all of the device */
        struct block *wanted;   /* a block each, as they are to be in the end, or to be again */

        struct plan *plan;      /* that the worker carries out, or NULL */
        size_t at;              /* the step it is at */
        uint64_t others_usec;   /* monotonic; until then somebody else may be at a block of it */
        int rounds;             /* plans in a row without progress */
        bool progressed;
        bool ended;             /* the worker was told to end */
        sd_event_source *timer;
};

int operation_new(enum operation_kind kind, const struct device *d, struct operation **ret);
struct operation *operation_free(struct operation *op);
DEFINE_CLEANUP(struct operation *, operation_free)

/* NULL if memory ran out. */
struct json_object *operation_to_json(const struct operation *op);

/* -EBADMSG: @o is none of a device like @d. */
int operation_from_json(struct json_object *o, const struct device *d, struct operation **ret);

const char *operation_to_string(enum operation_kind k);
const char *operation_result_to_string(enum operation_result r);

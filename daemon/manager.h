/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Brings the parts together: looks at the machine, decides, has the plan carried
 * out, and keeps what came of it.  The only one that knows all the others.
 */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "after-online.h"
#include "decide.h"
#include "operation.h"
#include "policy-files.h"
#include "probe.h"
#include "schedule.h"
#include "timeline.h"
#include "watch.h"
#include "worker.h"

enum device_state {
        STATE_UNKNOWN,          /* not decided: there is no valid policy */
        STATE_IGNORED,
        STATE_REFUSED,
        STATE_PLANNED,          /* dry run: what would be done */
        STATE_WORKING,
        STATE_ONLINE,
        STATE_PLUGGED,
        STATE_DEGRADED,         /* blocks failed, or were taken away */
        STATE_LEAVING,          /* taken out by the operator's order */
        STATE_RETURNING,        /* brought online by it, or as it could not be carried out */
        STATE_REMOVED,          /* taken out; stays out */
        STATE_HELD,             /* the policy does nothing to it */
        STATE_ROLLED_BACK,      /* blocks failed, and the others were taken out again */
        STATE_WAITING,          /* for another device to be decided on */
        _STATE_MAX,
};

#define MESSAGE_MAX 768

/* What is kept of one device from one look to the next. */
struct record {
        struct record *next;
        struct manager *manager;
        char name[32];
        uint64_t identity;              /* see struct device */
        enum device_state state;
        char message[MESSAGE_MAX];
        struct json_object *decision;   /* the last one that was more than "settled" */
        bool settled;
        bool adopted;                   /* see struct device */
        bool settled_with_failures;     /* a reload tries those blocks again */
        enum reason_code cause;         /* of the refusal that was logged */
        bool may_pass;                  /* refused for what may change without an event */
        bool stray_device, stray_seed;  /* see struct device */
        bool stuck;                     /* given up until the next look at the refused */
        bool handed_back;               /* to the drivers it would have had */

        struct operation *op;           /* under way, by the operator's order; or NULL */
        bool removed, held;             /* by him */

        uint64_t arrival;               /* see struct turn */
        struct worker *worker;          /* NULL: idle */
        bool measuring;                 /* it binds the device, and nothing is decided yet */
        size_t done, total;             /* steps of the plan */
        uint64_t told_usec;             /* monotonic; when they were told of last */
        uint64_t retry_usec;            /* monotonic; when a stuck one is tried again */
        enum pace pace;                 /* of the worker */
        uint64_t pressure;              /* ... when that changed; 1/100 of a percent */
        bool unpaced;                   /* told that the kernel does not tell */
        bool progressed;                /* some step of the plan succeeded */
        int rounds;                     /* plans in a row without progress */
        int payer;
        uint64_t promised;              /* bytes of RAM the plan will still take */
        uint64_t coming[_ZONE_MAX];     /* bytes the plan will still bring online, by zone */

        bool *failed;                   /* per block */
        size_t n_failed;
        size_t *added;                  /* blocks that this run plugged, in order */
        size_t n_added;
        unsigned int tries;             /* of blocks that failed; see struct retry */
        uint64_t again_usec;            /* monotonic; when the next one is due, 0: none */
        bool rolled_back;
        size_t n_back, n_lost;          /* blocks taken out again, and failed before that */

        uint64_t started_usec;          /* monotonic; 0: not yet */
        uint64_t started_total;         /* bytes of the target node then */
        size_t started_online;
        bool first_online;
        struct timeline *timeline;      /* of the last taking in, or NULL */
        size_t seen_online, seen_plugged;
        uint8_t *meant;                 /* per block, the zone it was to have; see meant.h */
        size_t n_meant;

        bool asks;                      /* for what "after_online" says */
        struct after_note after[_AFTER_KNOB_MAX];       /* what became of it */
};

struct manager {
        sd_event *event;
        const struct sysfs *sysfs;
        const char *policy_path;        /* asked for, or NULL: what is installed */
        const char *policy_root;        /* ... below this */
        bool dry_run;
        const struct policy *policy;    /* NULL: none that is valid */
        struct policy_files *in_force;  /* ... which it is made of */
        struct policy_files *refused;   /* by the last attempt to read it, or NULL */
        char policy_error[1024];        /* of that attempt */
        struct watch *watch;            /* over all these files */
        int watch_error;                /* as it was logged */
        struct model *model;
        struct record *records;
        struct regions *regions;        /* see regions.h */
        struct eject *ejects;           /* see eject.h */
        struct after *after;            /* see after-online.h */
        bool recalled;                  /* those that were ordered before the start */
        struct schedule *looks;         /* at the machine */
        struct ended *ended;            /* orders that are over, and nobody was told of it yet */
        uint64_t n_looks;
        /* Of devices: there is one more, one is about to be forgotten, one changed. */
        void (*came)(void *userdata, const struct record *r);
        void (*goes)(void *userdata, const struct record *r);
        void (*changed)(void *userdata, const struct record *r);
        void (*progressed)(void *userdata, const struct record *r);
        void (*finished)(void *userdata, const char *name, const struct operation_end *end);
        /* As regions_describe() has it, but for the times. */
        void (*regions_changed)(void *userdata, const char *json);
        void *userdata;
};

int manager_start(struct manager *m);
void manager_stop(struct manager *m);

/* Look now. */
void manager_look(struct manager *m);

/* Look now if that is due anyway: whoever is told something is not told what was. */
void manager_catch_up(struct manager *m);

/* Look at the machine in @usec, or earlier if that was asked for before. */
void manager_look_in(struct manager *m, uint64_t usec);

/*
 * An order has come to its end.  That is told after the next look, which it asks for: who
 * hears of it and asks for the state then sees what became of it.
 */
void manager_finish(struct manager *m, const char *name, const struct operation_end *end);

/* reload.c: read the policy again.  On failure the old one stays in force. */
int manager_reload(struct manager *m);
int manager_start_policy(struct manager *m);
void manager_stop_policy(struct manager *m);

/* The main file of the policy in force, "built in" without one; NULL: there is no policy. */
const char *manager_policy_used(const struct manager *m);

/* record.c */
struct record *record_get(struct manager *m, const struct device *d);
struct record *record_free(struct record *r);
void record_set_state(struct record *r, enum device_state state, const char *format, ...)
        _printf_(3, 4);
/* It is decided on as if it had just come. */
void record_renew(struct manager *m, struct record *r);
/* One more step of the plan is done. */
void record_progress(struct record *r);
/* What the record knows and sysfs does not, into the model. */
void record_overlay(const struct record *r, struct device *d);
/* "memory32", for messages. */
void record_block_name(const struct record *r, size_t i, char *buf, size_t size);
int record_fail_block(struct record *r, size_t n_blocks, size_t block);
/* The promises made to all other devices, into the model. */
void record_promise_to_others(const struct manager *m, const struct record *r,
                              struct model *model);

/* take.c: decide on an idle device, and act on it. */
void take_consider(struct manager *m, struct record *r, struct device *d);
/* The policy is to let it be. */
void take_stop(struct record *r);

/* paced.c: the worker goes at another pace, or still waits. */
void paced(struct record *r, const struct exec_event *e);

/* failure.c */

/* Something became of a device with blocks that failed: it is not done with. */
bool failure_handle(struct record *r, const struct device *d, const struct decision *decision,
                    uint64_t now);
/* Whether the next try is still to be waited for; if not, nothing counts as failed. */
bool failure_is_waiting(struct record *r, struct device *d, uint64_t now);
int failure_note_added(struct record *r, size_t block);
/* What was added so far has come to stay: it is not taken out for what fails later. */
void failure_end_run(struct record *r);
/* A fresh start. */
void failure_forget(struct record *r);

const char *device_state_to_string(enum device_state s);

/* describe.c: new objects, NULL if memory ran out. */
struct json_object *describe(const struct manager *m);
/* Of one device, as it is in there; NULL if it is gone. */
struct json_object *describe_record(const struct record *r);
struct json_object *describe_decision(const struct decision *d);

/* diff.c: what is decided now by the policy, and what would be if it were @p. */
int diff(const struct manager *m, const struct policy *p, struct json_object **ret);

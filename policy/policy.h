/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the operator wants.
 *
 * A policy is a list of rules over a set of defaults.  The first rule that
 * matches a device decides; what it leaves open comes from the defaults, what
 * they leave open from policy_builtin().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "match.h"
#include "model.h"
#include "pace.h"

enum action {
        ACTION_ONLINE,          /* plug all blocks and bring them online */
        ACTION_PLUG,            /* plug, leave offline */
        ACTION_IGNORE,          /* as if memmapd were not there */
        _ACTION_MAX,
};

/* How the memmaps are to be placed. */
enum memmap_mode {
        MEMMAP_AUTO,            /* RAM if all fits, else device, else seed */
        MEMMAP_RAM,
        MEMMAP_DEVICE,
        MEMMAP_SEED,
        MEMMAP_MIXED,           /* as many in RAM as fit, the rest as auto */
        _MEMMAP_MODE_MAX,
};

/* Which zone the blocks of a device go to; see zones.h. */
enum zone_mode {
        ZONE_MODE_AUTO,         /* movable, and as many kernel blocks as that needs */
        ZONE_MODE_MOVABLE,
        ZONE_MODE_KERNEL,
        _ZONE_MODE_MAX,
};

enum order {
        ORDER_FAST,
        ORDER_ASCENDING,
        ORDER_DESCENDING,
        _ORDER_MAX,
};

/* What becomes of a device of which some blocks failed. */
enum on_failure {
        ON_FAILURE_KEEP,        /* the others are in use */
        ON_FAILURE_ROLLBACK,    /* they are taken out again */
        _ON_FAILURE_MAX,
};

/* How often blocks that failed are tried again: each time later, up to a point. */
struct retry {
        unsigned int times;
        uint64_t delay_usec, max_delay_usec;
};

/* Bytes, or a share of something. */
struct amount {
        bool percent;
        uint64_t value;         /* bytes; or 1/100 of a percent */
};

/* Where it cannot be both. */
enum prefer {
        PREFER_NOTHING,
        PREFER_LATENCY,         /* memmaps in RAM, which is faster */
        PREFER_CAPACITY,        /* RAM is for others */
        _PREFER_MAX,
};

/* What the memory is wanted for, see use.h. */
struct use {
        bool gigantic_pages;    /* pages of 1 GiB */
        bool hvo;               /* huge pages that give back most of their memmap */
        bool removable;         /* it is to be taken out again */
        enum prefer prefer;
};

/*
 * Whether regions are made of expanders that are in none, and how.  Of 0 is what the
 * window of addresses has that the region is made in.
 */
struct create_region {
        bool create;
        unsigned int ways;              /* expanders in a region */
        unsigned int granularity;       /* bytes, from one expander to the next */
};

/* How the kernel moves pages between nodes by what is used of them. */
enum balancing {
        BALANCING_AS_IS,
        BALANCING_OFF,
        BALANCING_TIERING,      /* hot pages of slow nodes to fast ones */
        _BALANCING_MAX,
};

/* What is set for memory that is online, see after.h.  Nothing unless the policy says so. */
struct after_online {
        bool sets_demotion, demotion;
        unsigned int weight;            /* of its node, for interleaving; 0: as it is */
        enum balancing balancing;
};

/* Which settings were given. */
enum {
        SETTING_ACTION          = 1 << 0,
        SETTING_MEMMAP          = 1 << 1,
        SETTING_RAM_RESERVE     = 1 << 2,
        SETTING_ZONE            = 1 << 3,
        SETTING_ORDER           = 1 << 4,
        SETTING_ALLOW_SEEDS     = 1 << 5,
        SETTING_BACKEND         = 1 << 6,
        SETTING_MOVABLE_RATIO   = 1 << 7,
        SETTING_MAX_SIZE        = 1 << 8,
        SETTING_ON_FAILURE      = 1 << 9,
        SETTING_RETRY           = 1 << 10,
        SETTING_PRIORITY        = 1 << 11,
        SETTING_PRESSURE        = 1 << 12,
        SETTING_USE             = 1 << 13,
        SETTING_CREATE_REGION   = 1 << 14,
        SETTING_AFTER_ONLINE    = 1 << 15,
};

struct settings {
        unsigned int given;     /* SETTING_* */
        enum action action;
        enum memmap_mode memmap;
        struct amount ram_reserve;      /* of the paying node; percent of its kernel_total */
        enum zone_mode zone;
        uint64_t movable_ratio;         /* 1/100; bytes of movable to bytes of kernel memory */
        enum order order;
        bool allow_seeds;               /* whether auto and mixed may seed */
        enum backend backend;           /* BACKEND_AUTO: the best there is */
        struct amount max_size;         /* of the device; 100%: all of it */
        enum on_failure on_failure;
        struct retry retry;
        struct use use;
        struct pressure pressure;       /* at which it goes slower, or waits */
        int priority;                   /* among devices that wait at the same time */
        struct create_region create_region;
        struct after_online after_online;
};

struct rule {
        char *name;
        char *file;             /* where it is written; NULL: nobody says */
        size_t index;           /* among the rules of that file */
        struct match match;
        struct settings settings;
};

struct policy {
        struct settings defaults;
        size_t n_rules;
        struct rule *rules;
};

/* What is in force without any file. */
struct settings policy_builtin(void);

/* The first rule that matches @d, for sure, or NULL. */
const struct rule *policy_match(const struct policy *p, const struct device *d);

/* @rule (may be NULL) over the defaults over policy_builtin(). */
struct settings policy_resolve(const struct policy *p, const struct rule *rule);

/* Lays @over on @base: what it gives takes the place of what is there. */
void settings_override(struct settings *base, const struct settings *over);

/*
 * Lays a policy on another one: its defaults override key by key, and its rules are
 * asked first.  @over loses its rules.  -ENOMEM: both are as they were.
 */
int policy_stack(struct policy *base, struct policy *over);

/* Before the try that follows @done others. */
uint64_t retry_delay(const struct retry *r, unsigned int done);

uint64_t amount_of(struct amount a, uint64_t whole);

const char *action_to_string(enum action a);
const char *memmap_mode_to_string(enum memmap_mode m);
const char *order_to_string(enum order o);
int action_from_string(const char *s);
int memmap_mode_from_string(const char *s);
int order_from_string(const char *s);
const char *prefer_to_string(enum prefer p);
int prefer_from_string(const char *s);
const char *on_failure_to_string(enum on_failure f);
int on_failure_from_string(const char *s);
const char *zone_mode_to_string(enum zone_mode z);
int zone_mode_from_string(const char *s);
const char *balancing_to_string(enum balancing b);
int balancing_from_string(const char *s);

/* Frees what the policy holds, and the policy.  Returns NULL. */
struct policy *policy_free(struct policy *p);

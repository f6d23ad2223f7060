/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The decision: for one device of the model, what to do, where the memmap of
 * each block goes, in which zone and order the blocks come online, and why.
 * Pure: the same model and policy give the same decision.
 */
#pragma once

#include "budget.h"
#include "model.h"
#include "policy.h"

enum verdict {
        VERDICT_TAKE,           /* carry out the plan */
        VERDICT_IGNORE,         /* not ours: leave it to the rest of the system */
        VERDICT_REFUSE,         /* wanted, but not possible without harm */
        VERDICT_SETTLED,        /* done before; whatever is missing stays so */
        _VERDICT_MAX,
};

/* Why, as data.  reason_format() makes it words. */
enum reason_code {
        REASON_RULE,            /* text: its name; a: its index */
        REASON_DEFAULTS,        /* no rule matched */
        REASON_UNKNOWN_FACT,    /* text: the name of a rule; a: its index, b: the MATCH_* not known */
        REASON_IGNORED,         /* the rule says so */
        REASON_PMEM,            /* persistent, and no rule names it */
        REASON_UNKNOWN_BACKING, /* might be persistent, and no rule names it */
        REASON_UNREADABLE,      /* a: errno, text: its meaning */
        REASON_NODE_OPEN,       /* somebody has the device node open */
        REASON_HELD,            /* text: the driver; cannot be taken over */
        REASON_NO_TARGET_NODE,
        REASON_TOO_SMALL,       /* a: device size, b: block size */
        REASON_NO_BACKEND,      /* text: why; a: the one asked for */
        REASON_SETTLED,
        REASON_BACKEND,         /* a: which; text: why not chunked, if it is not */
        REASON_LEFT_OUT,        /* a: blocks that the kernel's driver did not add */
        REASON_USE_GIGANTIC,    /* what the memory is wanted for */
        REASON_USE_HVO,
        REASON_USE_REMOVABLE,
        REASON_USE_LATENCY,
        REASON_USE_CAPACITY,
        REASON_LIMIT,           /* a: blocks that max_size allows, b: of how many */
        REASON_LIMIT_LOW,       /* it allows none; a: bytes of it, b: block size */
        REASON_LIMIT_WHOLE,     /* the backend takes in all or nothing */
        REASON_COST,            /* a: blocks, b: bytes each */
        REASON_SPENT,           /* a: memmaps in RAM already, b: bytes each */
        REASON_BUDGET,          /* node: who pays; budget holds the sum */
        REASON_NO_PAYER,
        REASON_FITS,            /* a: cost, b: budget */
        REASON_EXCEEDS,         /* a: cost, b: budget */
        REASON_DEVICE,          /* memmaps go on their own blocks */
        REASON_NO_DEVICE,       /* text: why the kernel cannot */
        REASON_SEEDS,           /* a: seeds, b: memmaps they take, node: where */
        REASON_SEEDS_FORBIDDEN, /* allow_seeds is false */
        REASON_SEEDS_STAY,      /* they do not go out again before all others */
        REASON_SEEDS_SHARED,    /* node: has other kernel memory */
        REASON_SEEDS_OFFLINE,   /* the action leaves blocks offline */
        REASON_SEEDS_NO_ROOM,   /* a: bytes the first seed needs in RAM, b: budget */
        REASON_NO_ALLOWANCE,    /* a: bytes RAM must be able to bear, b: budget, node */
        REASON_MIXED,           /* a: blocks in RAM, b: the rest */
        REASON_WHOLE,           /* the backend cannot do what "memmap" says; text: its word */
        REASON_ZONES,           /* a: kernel blocks, b: movable ones; the policy left it open */
        REASON_RATIO,           /* a: bytes of movable memory, b: of kernel memory, then */
        REASON_RATIO_HIGH,      /* the same, and more than movable_ratio allows */
        REASON_HELP_PARAMETER,  /* would help: the boot parameter */
        REASON_HELP_BYTES,      /* a: bytes more would do */
        REASON_HELP_SEEDS,      /* would help: allowing seeds */
        REASON_HELP_MODULE,     /* would help: memmapd_kmem; text: why it is not there */
        _REASON_MAX,
};

#define REASON_TEXT_MAX 128
#define REASONS_MAX 32

struct reason {
        enum reason_code code;
        uint64_t a, b;
        int node;
        char text[REASON_TEXT_MAX];
};

/* What shall become of one block. */
struct target {
        bool wanted;            /* plugged (and online, if the action says so) */
        bool seed;              /* kernel zone, to hold the memmaps of others */
        enum placement placement;
        enum zone zone;
};

struct decision {
        enum verdict verdict;
        struct settings settings;       /* in force for this device */
        const struct rule *rule;        /* of the policy that was passed in; NULL: defaults */
        enum backend backend;           /* BACKEND_AUTO: none, or not come to that */
        int payer;                      /* node that pays for memmaps in RAM; -1: none */
        struct budget budget;
        uint64_t ram_cost;              /* bytes of memmap that will still go into RAM */
        size_t n_seeds;                 /* still to be made */
        size_t limit;                   /* blocks that max_size allows, of n_blocks */
        size_t n_blocks;
        struct target *targets;         /* one per block */
        size_t n_reasons;
        struct reason reasons[REASONS_MAX];
};

/*
 * Decide for @d, a device of @m.  The promises in the model's nodes are those to
 * other devices.  Returns 0 and a decision in @ret, or -ENOMEM.
 */
int decide(const struct model *m, const struct policy *p,
           const struct device *d, struct decision **ret);

struct decision *decision_free(struct decision *d);

const char *verdict_to_string(enum verdict v);

/* Whether a reason by itself stands against taking the device; or says what would help. */
bool reason_is_cause(enum reason_code c);
bool reason_is_help(enum reason_code c);

/* A short stable name for scripts: "exceeds". */
const char *reason_to_string(enum reason_code c);

/* The reason in words, one sentence without a newline.  Returns @buf. */
const char *reason_format(const struct decision *d, const struct reason *r,
                          char *buf, size_t size);

/* The reason that a verdict other than take rests on, or NULL. */
const struct reason *decision_cause(const struct decision *d);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a device must be for a rule to match it.
 *
 * A machine does not tell everything of a device.  So there are three answers: a
 * condition on what is not known neither holds nor fails, and what is made of it by
 * "all", "any" and "not" is known only where it does not depend on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

enum {
        MATCH_BACKING           = 1 << 0,
        MATCH_DEVICE            = 1 << 1,
        MATCH_TARGET_NODE       = 1 << 2,
        MATCH_MIN_SIZE          = 1 << 3,
        MATCH_MAX_SIZE          = 1 << 4,
        MATCH_REGION            = 1 << 5,
        MATCH_DECODER           = 1 << 6,
        MATCH_UUID              = 1 << 7,
        /* Of these, each holds if it does for one of the memory devices behind it. */
        MATCH_MEMDEV            = 1 << 8,
        MATCH_SERIAL            = 1 << 9,
        MATCH_VENDOR            = 1 << 10,
        MATCH_PRODUCT           = 1 << 11,
        MATCH_FIRMWARE          = 1 << 12,
        MATCH_QOS_CLASS         = 1 << 13,
        MATCH_EXPANDER_NODE     = 1 << 14,
        MATCH_HEALTH            = 1 << 15,
        _MATCH_LAST             = MATCH_HEALTH,
        /* Of other matches. */
        MATCH_ALL               = 1 << 16,
        MATCH_ANY               = 1 << 17,
        MATCH_NOT               = 1 << 18,
};

struct match {
        unsigned int given;             /* MATCH_*; all that are given must hold */
        enum backing backing;
        /* Shell patterns, fnmatch(3): "dax0.*". */
        char *device, *region, *decoder, *memdev, *firmware;
        int target_node, expander_node;
        uint64_t min_size, max_size;    /* bytes, both inclusive */
        char *uuid;                     /* in any case */
        uint64_t serial;
        unsigned int vendor, product;   /* PCI's numbers */
        int qos_class;
        enum health health;
        size_t n_all, n_any;
        struct match *all, *any, *not;  /* of n_all, of n_any, of one */
};

/* In this order, so that "all" is the least and "any" the greatest of them. */
enum answer { ANSWER_NO, ANSWER_UNKNOWN, ANSWER_YES };

/*
 * @ret_unknown, which may be NULL: where the answer is ANSWER_UNKNOWN, the MATCH_* of
 * the first condition that could not be told.
 */
enum answer match_device(const struct match *m, const struct device *d,
                         unsigned int *ret_unknown);

/*
 * Whether it is about persistent memory, or about one device: whatever it matches is
 * of that kind because it says so.
 */
bool match_is_meant(const struct match *m);

/* The key of a MATCH_* in a policy file. */
const char *match_key(unsigned int bit);

/* Frees what it holds. */
void match_clear(struct match *m);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether one match holds wherever another does.
 *
 * What is said here is sure; that it is not said means nothing, and there is an end
 * to the search.  A condition of which a machine does not tell neither holds nor
 * fails: so from "A holds where B does" does not follow "B fails where A does".  Only
 * of one and the same fact, which is known or is not, both can be said.
 */
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "lint.h"

/* Comparisons, for a rule of a policy of a thousand. */
#define STEPS_MAX 50000

struct search {
        unsigned int left;
};

static bool spend(struct search *s) {
        if (s->left == 0)
                return false;
        s->left--;
        return true;
}

/* How much of a pattern stands for itself. */
static size_t literal_length(const char *pattern) {
        return strcspn(pattern, "*?[\\");
}

static bool is_literal(const char *pattern) {
        return pattern[literal_length(pattern)] == '\0';
}

static bool pattern_covers(const char *general, const char *special) {
        size_t n = literal_length(general);

        if (strcmp(general, special) == 0)
                return true;
        if (is_literal(special))
                return fnmatch(general, special, 0) == 0;
        /* "dax*" covers "dax0.*"; other pairs of patterns are left alone. */
        return strcmp(general + n, "*") == 0 && literal_length(special) >= n &&
                strncmp(general, special, n) == 0;
}

static bool patterns_apart(const char *a, const char *b) {
        return (is_literal(a) && fnmatch(b, a, 0) != 0) || (is_literal(b) && fnmatch(a, b, 0) != 0);
}

/* A condition that both have, where one value makes the other. */
static bool one_covers(const struct match *general, const struct match *special, unsigned int bit) {
        if (!(general->given & special->given & bit))
                return false;
        switch (bit) {
        case MATCH_BACKING:
                return general->backing == special->backing;
        case MATCH_DEVICE:
                return pattern_covers(general->device, special->device);
        case MATCH_TARGET_NODE:
                return general->target_node == special->target_node;
        case MATCH_MIN_SIZE:
                return general->min_size <= special->min_size;
        case MATCH_MAX_SIZE:
                return general->max_size >= special->max_size;
        case MATCH_REGION:
                return pattern_covers(general->region, special->region);
        case MATCH_DECODER:
                return pattern_covers(general->decoder, special->decoder);
        case MATCH_UUID:
                return strcasecmp(general->uuid, special->uuid) == 0;
        case MATCH_MEMDEV:
                return pattern_covers(general->memdev, special->memdev);
        case MATCH_SERIAL:
                return general->serial == special->serial;
        case MATCH_VENDOR:
                return general->vendor == special->vendor;
        case MATCH_PRODUCT:
                return general->product == special->product;
        case MATCH_FIRMWARE:
                return pattern_covers(general->firmware, special->firmware);
        case MATCH_QOS_CLASS:
                return general->qos_class == special->qos_class;
        case MATCH_EXPANDER_NODE:
                return general->expander_node == special->expander_node;
        default:
                return bit == MATCH_HEALTH && general->health == special->health;
        }
}

/* Devices have a name and a size, so that this says nothing. */
static bool says_nothing(const struct match *m, unsigned int bit) {
        return (bit == MATCH_DEVICE && strcmp(m->device, "*") == 0) ||
                (bit == MATCH_MIN_SIZE && m->min_size == 0) ||
                (bit == MATCH_MAX_SIZE && m->max_size == UINT64_MAX);
}

/* Not of what is behind the device: of that there may be more than one. */
static bool contradict(const struct match *a, const struct match *b) {
        unsigned int both = a->given & b->given;

        return (both & MATCH_BACKING && a->backing != b->backing) ||
                (both & MATCH_TARGET_NODE && a->target_node != b->target_node) ||
                (both & MATCH_DEVICE && patterns_apart(a->device, b->device)) ||
                (both & MATCH_REGION && patterns_apart(a->region, b->region)) ||
                (both & MATCH_DECODER && patterns_apart(a->decoder, b->decoder)) ||
                (both & MATCH_UUID && strcasecmp(a->uuid, b->uuid) != 0) ||
                (a->given & MATCH_MIN_SIZE && b->given & MATCH_MAX_SIZE &&
                 a->min_size > b->max_size) ||
                (a->given & MATCH_MAX_SIZE && b->given & MATCH_MIN_SIZE &&
                 a->max_size < b->min_size);
}

static bool implies(struct search *k, const struct match *s, const struct match *g);

/* Where @y fails, so does @x. */
static bool fails_with(struct search *k, const struct match *y, const struct match *x);

/* Where @s holds, @x fails. */
static bool excludes(struct search *k, const struct match *s, const struct match *x) {
        size_t i;

        if (!spend(k))
                return false;
        if (contradict(s, x) || (x->not && implies(k, s, x->not)) ||
            (s->not && fails_with(k, s->not, x)))
                return true;
        for (i = 0; i < x->n_all; i++)
                if (excludes(k, s, &x->all[i]))
                        return true;
        for (i = 0; i < s->n_all; i++)
                if (excludes(k, &s->all[i], x))
                        return true;
        for (i = 0; i < x->n_any && excludes(k, s, &x->any[i]); i++)
                ;
        if (x->n_any > 0 && i == x->n_any)
                return true;
        for (i = 0; i < s->n_any && excludes(k, &s->any[i], x); i++)
                ;
        return s->n_any > 0 && i == s->n_any;
}

/* The failure of each of its conditions has to do. */
static bool each_fails_with(struct search *k, const struct match *y, const struct match *x) {
        size_t i;

        for (unsigned int bit = 1; bit <= _MATCH_LAST; bit <<= 1)
                if (y->given & bit && !one_covers(y, x, bit))
                        return false;
        for (i = 0; i < y->n_all; i++)
                if (!fails_with(k, &y->all[i], x))
                        return false;
        for (i = 0; i < y->n_any && !fails_with(k, &y->any[i], x); i++)
                ;
        if (y->n_any > 0 && i == y->n_any)
                return false;
        return !y->not || excludes(k, y->not, x);
}

static bool fails_with(struct search *k, const struct match *y, const struct match *x) {
        size_t i;

        if (!spend(k))
                return false;
        for (i = 0; i < x->n_all; i++)
                if (fails_with(k, y, &x->all[i]))
                        return true;
        for (i = 0; i < x->n_any && fails_with(k, y, &x->any[i]); i++)
                ;
        return (x->n_any > 0 && i == x->n_any) || each_fails_with(k, y, x);
}

/* Where @s holds, so does that one condition of @g. */
static bool implies_one(struct search *k, const struct match *s, const struct match *g,
                        unsigned int bit) {
        size_t i;

        if (!spend(k))
                return false;
        if (says_nothing(g, bit) || one_covers(g, s, bit) ||
            (bit == MATCH_NOT && excludes(k, s, g->not)))
                return true;
        for (i = 0; bit == MATCH_ANY && i < g->n_any; i++)
                if (implies(k, s, &g->any[i]))
                        return true;
        for (i = 0; i < s->n_all; i++)
                if (implies_one(k, &s->all[i], g, bit))
                        return true;
        for (i = 0; i < s->n_any && implies_one(k, &s->any[i], g, bit); i++)
                ;
        return s->n_any > 0 && i == s->n_any;
}

static bool implies(struct search *k, const struct match *s, const struct match *g) {
        for (unsigned int bit = 1; bit <= MATCH_NOT; bit <<= 1)
                if (g->given & bit & ~MATCH_ALL && !implies_one(k, s, g, bit))
                        return false;
        for (size_t i = 0; i < g->n_all; i++)
                if (!implies(k, s, &g->all[i]))
                        return false;
        return true;
}

bool lint_covers(const struct match *general, const struct match *special) {
        struct search k = { .left = STEPS_MAX };

        return implies(&k, special, general);
}

const struct rule *lint_shadow(const struct policy *p, size_t i) {
        struct search k = { .left = STEPS_MAX };

        for (size_t before = 0; before < i; before++)
                if (implies(&k, &p->rules[i].match, &p->rules[before].match))
                        return &p->rules[before];
        return NULL;
}

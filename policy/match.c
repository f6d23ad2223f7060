/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "match.h"

static const char *const key_words[] = {
        "backing", "device", "target_node", "min_size", "max_size", "region", "decoder", "uuid",
        "memdev", "serial", "vendor_id", "device_id", "firmware", "qos_class", "expander_node",
        "health",
};

const char *match_key(unsigned int bit) {
        for (size_t i = 0; i < sizeof(key_words) / sizeof(*key_words); i++)
                if (bit == 1u << i)
                        return key_words[i];
        return "?";
}

static enum answer answer_if(bool yes) {
        return yes ? ANSWER_YES : ANSWER_NO;
}

static enum answer is_pattern(const char *pattern, const char *name) {
        return answer_if(fnmatch(pattern, name, 0) == 0);
}

/* One condition, on one memory device. */
static enum answer match_memdev(const struct match *m, unsigned int bit, const struct memdev *dev) {
        if (bit == MATCH_MEMDEV)
                return is_pattern(m->memdev, dev->name);
        if (bit == MATCH_SERIAL && dev->known & MEMDEV_SERIAL)
                return answer_if(m->serial == dev->serial);
        if (bit == MATCH_VENDOR && dev->known & MEMDEV_VENDOR)
                return answer_if(m->vendor == dev->vendor);
        if (bit == MATCH_PRODUCT && dev->known & MEMDEV_PRODUCT)
                return answer_if(m->product == dev->product);
        if (bit == MATCH_FIRMWARE && dev->firmware[0])
                return is_pattern(m->firmware, dev->firmware);
        if (bit == MATCH_QOS_CLASS && dev->known & MEMDEV_QOS_CLASS)
                return answer_if(m->qos_class == dev->qos_class);
        if (bit == MATCH_EXPANDER_NODE && dev->known & MEMDEV_NODE)
                return answer_if(m->expander_node == dev->numa_node);
        if (bit == MATCH_HEALTH && dev->known & MEMDEV_HEALTH)
                return answer_if(m->health == dev->health);
        return ANSWER_UNKNOWN;
}

static enum answer max_answer(enum answer a, enum answer b) {
        return a > b ? a : b;
}

static enum answer min_answer(enum answer a, enum answer b) {
        return a < b ? a : b;
}

static enum answer match_memdevs(const struct match *m, unsigned int bit, const struct device *d) {
        enum answer a = d->memdevs_known ? ANSWER_NO : ANSWER_UNKNOWN;

        for (size_t i = 0; i < d->n_memdevs; i++)
                a = max_answer(a, match_memdev(m, bit, &d->memdevs[i]));
        return a;
}

/* A fact that only devices of one kind have: of others it is known that they have none. */
static enum answer match_special(bool yes, const char *fact, enum backing kind,
                                 const struct device *d) {
        if (fact[0])
                return answer_if(yes);
        return d->backing == kind || d->backing == BACKING_UNKNOWN ? ANSWER_UNKNOWN : ANSWER_NO;
}

static enum answer match_one(const struct match *m, unsigned int bit, const struct device *d) {
        switch (bit) {
        case MATCH_BACKING:
                return d->backing == BACKING_UNKNOWN ? ANSWER_UNKNOWN :
                        answer_if(m->backing == d->backing);
        case MATCH_DEVICE:
                return is_pattern(m->device, d->name);
        case MATCH_TARGET_NODE:
                return answer_if(m->target_node == d->target_node);
        case MATCH_MIN_SIZE:
                return answer_if(d->size >= m->min_size);
        case MATCH_MAX_SIZE:
                return answer_if(d->size <= m->max_size);
        case MATCH_REGION:
                return d->region[0] ? is_pattern(m->region, d->region) : ANSWER_UNKNOWN;
        case MATCH_DECODER:
                return match_special(fnmatch(m->decoder, d->decoder, 0) == 0, d->decoder,
                                     BACKING_CXL, d);
        case MATCH_UUID:
                return match_special(strcasecmp(m->uuid, d->uuid) == 0, d->uuid, BACKING_PMEM, d);
        default:
                return match_memdevs(m, bit, d);
        }
}

/* The first that is not known is the one to tell of. */
static enum answer match_any(const struct match *list, size_t n, const struct device *d,
                             unsigned int *unknown) {
        enum answer a = ANSWER_NO;

        for (size_t i = 0; i < n; i++)
                a = max_answer(a, match_device(&list[i], d, *unknown ? NULL : unknown));
        return a;
}

static enum answer match_all(const struct match *m, const struct device *d, unsigned int *unknown) {
        enum answer a = ANSWER_YES;

        for (unsigned int bit = 1; bit <= _MATCH_LAST; bit <<= 1) {
                enum answer one = m->given & bit ? match_one(m, bit, d) : ANSWER_YES;

                if (one == ANSWER_UNKNOWN && !*unknown)
                        *unknown = bit;
                a = min_answer(a, one);
        }
        for (size_t i = 0; i < m->n_all; i++)
                a = min_answer(a, match_device(&m->all[i], d, *unknown ? NULL : unknown));
        if (m->given & MATCH_ANY)
                a = min_answer(a, match_any(m->any, m->n_any, d, unknown));
        if (m->given & MATCH_NOT)
                a = min_answer(a, ANSWER_YES - match_device(m->not, d, *unknown ? NULL : unknown));
        return a;
}

enum answer match_device(const struct match *m, const struct device *d,
                         unsigned int *ret_unknown) {
        unsigned int unknown = 0;
        enum answer a = match_all(m, d, &unknown);

        if (a == ANSWER_UNKNOWN && ret_unknown)
                *ret_unknown = unknown;
        return a;
}

static bool is_meant_by_all(const struct match *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!match_is_meant(&list[i]))
                        return false;
        return n > 0;
}

bool match_is_meant(const struct match *m) {
        if (m->given & (MATCH_BACKING | MATCH_UUID))
                return true;
        if (m->given & MATCH_DEVICE && !strpbrk(m->device, "*?["))
                return true;
        for (size_t i = 0; i < m->n_all; i++)
                if (match_is_meant(&m->all[i]))
                        return true;
        return is_meant_by_all(m->any, m->n_any);
}

static void clear_list(struct match *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                match_clear(&list[i]);
        free(list);
}

void match_clear(struct match *m) {
        clear_list(m->all, m->n_all);
        clear_list(m->any, m->n_any);
        clear_list(m->not, m->not ? 1 : 0);
        free(m->device);
        free(m->region);
        free(m->decoder);
        free(m->memdev);
        free(m->firmware);
        free(m->uuid);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random conditions and devices, of so few values that they often meet. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "match.h"

static inline struct match random_match(int depth);

static inline struct match *random_matches(size_t n, int depth) {
        struct match *list = calloc(n, sizeof(*list));

        for (size_t i = 0; list && i < n; i++)
                list[i] = random_match(depth);
        return list;
}

static inline char *random_name(const char *const *names) {
        return strdup(names[chance(4)]);
}

/* One or two conditions; @depth: and combinations, within each other. */
static inline struct match random_match(int depth) {
        static const char *const devices[] = { "dax0.0", "dax*", "dax1.?", "*" };
        static const char *const regions[] = { "region0", "region*", "region1", "hmem.?" };
        static const char *const decoders[] = { "decoder0.0", "decoder0.*", "*.1", "decoder1.?" };
        static const char *const memdevs[] = { "mem0", "mem1", "mem*", "?mem0" };
        static const char *const versions[] = { "1.2", "1.*", "*2", "2.?" };
        static const char *const uuids[] = { "aB", "ab", "c", "d" };
        struct match m = {
                .backing = (enum backing) (1 + chance(3)), .target_node = (int) chance(3),
                .min_size = chance(4), .max_size = once_in(4) ? UINT64_MAX : 1 + chance(4),
                .serial = chance(2), .vendor = (unsigned int) chance(2),
                .product = (unsigned int) chance(2), .qos_class = (int) chance(2),
                .health = (enum health) chance(2),
                .device = random_name(devices), .region = random_name(regions),
                .decoder = random_name(decoders), .firmware = random_name(versions),
                .expander_node = (int) chance(2),
                .memdev = random_name(memdevs), .uuid = random_name(uuids),
        };

        for (uint64_t n = chance(3); n > 0 || (depth == 0 && !m.given); n -= n > 0)
                m.given |= 1u << chance(16);
        if (depth > 0 && once_in(2)) {
                m.given |= MATCH_ALL;
                m.n_all = 1 + chance(2);
                m.all = random_matches(m.n_all, depth - 1);
        }
        if (depth > 0 && once_in(2)) {
                m.given |= MATCH_ANY;
                m.n_any = 1 + chance(2);
                m.any = random_matches(m.n_any, depth - 1);
        }
        if (depth > 0 && once_in(2)) {
                m.given |= MATCH_NOT;
                m.not = random_matches(1, depth - 1);
        }
        return m;
}

static inline void random_facts(struct device *d) {
        d->backing = (enum backing) chance(4);
        d->memdevs_known = !once_in(3);
        d->n_memdevs = chance(3);
        for (size_t i = 0; i < d->n_memdevs; i++) {
                struct memdev *dev = &d->memdevs[i];

                *dev = (struct memdev) {
                        .known = (unsigned int) chance(64), .serial = chance(2),
                        .vendor = (unsigned int) chance(2), .product = (unsigned int) chance(2),
                        .qos_class = (int) chance(2), .health = (enum health) chance(2),
                        .numa_node = (int) chance(2),
                };
                strcpy(dev->firmware, once_in(3) ? "" : once_in(2) ? "1.2" : "2.2");
                snprintf(dev->name, sizeof(dev->name), "mem%zu", i);
        }
        strcpy(d->region, once_in(4) ? "" : once_in(2) ? "region0" : "hmem.0");
        strcpy(d->decoder, once_in(3) ? "" : once_in(2) ? "decoder0.0" : "decoder0.1");
        strcpy(d->uuid, once_in(3) ? "" : once_in(2) ? "ab" : "C");
}

static inline struct device random_device(void) {
        struct device d = { .size = chance(6), .target_node = (int) chance(4) - 1 };

        snprintf(d.name, sizeof(d.name), "dax%d.0", (int) chance(3));
        random_facts(&d);
        return d;
}

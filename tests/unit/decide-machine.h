/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine with one device, for tests of what is decided over it. */
#pragma once

#include "unit.h"
#include "tally.h"

#include <errno.h>

/* 8 blocks on node 1, which is not online; node 0 pays. */
#define N 8

struct machine {
        struct node nodes[2];
        struct block blocks[N];
        struct device device;
        struct model model;
        struct rule rule;
        struct policy policy;
};

/* RAM that can spare @memmaps memmaps and a half. */
static inline struct machine *machine(enum memmap_mode mode, size_t memmaps) {
        static struct machine m;

        m = (struct machine) {
                .nodes = { {
                        .id = 0, .has_kernel_zone = true, .kernel_total = GiB,
                        .kernel_free = memmaps * MEMMAP_SIZE + MiB,
                } },
                .device = {
                        .name = "dax0.0", .backing = BACKING_HMEM, .holder = HOLDER_MEMMAPD,
                        .driver = "memmapd_kmem", .target_node = 1, .numa_node = 0,
                        .size = N * BLOCK_SIZE, .measured = true,
                        .memmap_size = MEMMAP_SIZE, .n_blocks = N, .blocks = m.blocks,
                },
                .model = {
                        .block_size = BLOCK_SIZE, .module_loaded = true,
                        .memmap_on_memory_why = "not booted so",
                        .n_nodes = 1, .nodes = m.nodes, .n_devices = 1, .devices = &m.device,
                },
                .rule = { .name = (char *) "rule" },
                .policy = {
                        .defaults = {
                                .given = SETTING_MEMMAP | SETTING_RAM_RESERVE,
                                .memmap = mode,
                        },
                        .rules = &m.rule,
                },
        };
        fill_blocks(m.blocks, "........", "........");
        return &m;
}

/* Node 1 online: @kernel bytes in its kernel zone, @free of them free. */
static inline void add_target(struct machine *m, uint64_t kernel, uint64_t free) {
        m->nodes[1] = (struct node) {
                .id = 1, .has_kernel_zone = kernel > 0, .kernel_total = kernel,
                .kernel_free = free, .kernel_free_huge = free,
        };
        m->model.n_nodes = 2;
}

static inline struct decision *decided(struct machine *m) {
        struct decision *d = NULL;

        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        assert_non_null(d);
        assert_size(d->n_blocks, m->device.n_blocks);
        return d;
}

static inline bool has_reason(const struct decision *d, enum reason_code c) {
        for (size_t i = 0; i < d->n_reasons; i++)
                if (d->reasons[i].code == c)
                        return true;
        return false;
}

static inline const struct reason *reason_of(const struct decision *d, enum reason_code c) {
        for (size_t i = 0; i < d->n_reasons; i++)
                if (d->reasons[i].code == c)
                        return &d->reasons[i];
        fail_msg("no reason %s", reason_to_string(c));
        return NULL;
}

/* The codes, in order, ended by _REASON_MAX. */
static inline void assert_reasons(const struct decision *d, const enum reason_code *codes) {
        size_t n = d->n_reasons;

        /* What is said of zones comes last, and has tests of its own. */
        while (n > 0 && d->reasons[n - 1].code >= REASON_ZONES &&
               d->reasons[n - 1].code <= REASON_RATIO_HIGH)
                n--;
        for (size_t i = 0; i < n; i++) {
                if (codes[i] == d->reasons[i].code)
                        continue;
                fail_msg("reason %zu is %s, not %s", i, reason_to_string(d->reasons[i].code),
                         codes[i] < _REASON_MAX ? reason_to_string(codes[i]) : "the end");
        }
        assert_int_equal(codes[n], _REASON_MAX);
}

static inline void assert_targets(const struct decision *d, const char *map, const char *zones) {
        char m[N + 1] = "", z[N + 1] = "";

        for (size_t i = 0; i < d->n_blocks; i++) {
                m[i] = letter_of_placement(d->targets[i].placement);
                z[i] = letter_of_zone(d->targets[i].zone);
        }
        assert_string_equal(m, map);
        assert_string_equal(z, zones);
}

static inline void assert_taken(struct machine *m) {
        struct decision *d = decided(m);

        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_null(decision_cause(d));
        decision_free(d);
}

static inline void assert_verdict_is(struct machine *m, enum verdict v) {
        struct decision *d = decided(m);

        assert_int_equal(d->verdict, v);
        decision_free(d);
}

/* What is possible, in tables. */
#define ALTMAP true
#define PLAIN false
#define SEEDS true
#define NO_SEEDS false

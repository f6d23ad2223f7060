/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random machines and policies, for what must hold of every one of them.
 *
 * MEMMAPD_SEED chooses the machines, MEMMAPD_MACHINES how many; a failure tells
 * the seed of its machine, which alone is then the first one:
 *
 *     MEMMAPD_SEED=... MEMMAPD_MACHINES=1 tests/unit/test-simulate
 */
#pragma once

#include "unit.h"

#include <inttypes.h>

#include "chance.h"
#include "match-random.h"

#define DEFAULT_SEED 20220715
#define DEFAULT_MACHINES 20000

#define BLOCKS_MAX 160
#define RAM_NODES_MAX 3
#define NODES_MAX (RAM_NODES_MAX + 2)
#define DEVICES 2
#define RULES 3

/* The machine: as the kernel has it, and as it shows it in the model. */

struct machine {
        struct node nodes[NODES_MAX];   /* those with RAM, then the others that are online */
        size_t n_ram;
        unsigned int distances[NODES_MAX][NODES_MAX];
        struct block blocks[DEVICES][BLOCKS_MAX];
        struct device devices[DEVICES];
        struct model model;
        struct policy policy;
        struct rule rules[RULES];
        bool altmap[DEVICES];           /* what was last written to memmap_on_memory */
        int nearest[DEVICES];           /* node that pays, for those whose own has no RAM */
        uint64_t floor[NODES_MAX];      /* what must be left free in each node */
        bool interrupted;
};

/* A copy has its own arrays. */
static inline void adjust(struct machine *m) {
        m->model.nodes = m->nodes;
        m->model.devices = m->devices;
        m->policy.rules = m->rules;
        for (size_t i = 0; i < DEVICES; i++)
                m->devices[i].blocks = m->blocks[i];
        for (size_t i = 0; i < NODES_MAX; i++)
                if (m->nodes[i].distances)
                        m->nodes[i].distances = m->distances[i];
}

static inline struct machine copy_of(const struct machine *m) {
        return *m;
}

static inline void make_ram(struct machine *m, uint64_t memmap_size) {
        m->n_ram = 1 + chance(RAM_NODES_MAX);
        m->model.n_nodes = m->n_ram;
        for (size_t i = 0; i < m->n_ram; i++) {
                uint64_t total = chance(400) * memmap_size;

                m->nodes[i] = (struct node) {
                        .id = (int) i, .has_kernel_zone = true,
                        .kernel_total = total + MiB,
                        .kernel_free = chance(total), .kernel_reclaimable = chance(total / 8),
                        .kernel_watermark = chance(total / 8),
                };
        }
}

static inline void make_distances(struct machine *m) {
        bool known = !once_in(3);

        for (size_t i = 0; i < NODES_MAX; i++)
                for (size_t j = 0; j < NODES_MAX; j++)
                        m->distances[i][j] = i == j ? 10 : 11 + (unsigned int) chance(4);
        for (size_t i = 0; known && i < m->n_ram; i++) {
                m->nodes[i].distances = m->distances[i];
                m->nodes[i].n_distances = m->n_ram;
        }
}

/* Who is nearest in truth, where the distances leave it open. */
static inline int choose_nearest(const struct machine *m, const struct device *d) {
        size_t best = chance(m->n_ram);

        if (d->numa_node < 0 || m->nodes[d->numa_node].n_distances == 0)
                return (int) best;
        for (size_t i = 0; i < m->n_ram; i++)
                if (m->distances[d->numa_node][i] < m->distances[d->numa_node][best])
                        best = i;
        return (int) best;
}

static inline void make_device(struct machine *m, size_t i, uint64_t memmap_size) {
        struct device *d = &m->devices[i];

        *d = (struct device) {
                .holder = HOLDER_MEMMAPD, .measured = true, .backing = BACKING_CXL,
                .target_node = (int) (once_in(6) ? chance(m->n_ram) : RAM_NODES_MAX + i),
                .numa_node = (int) chance(m->n_ram + 1) - 1,
                .memmap_size = memmap_size, .blocks = m->blocks[i],
                .n_blocks = 1 + chance(once_in(2) ? 12 : BLOCKS_MAX),
        };
        snprintf(d->name, sizeof(d->name), "dax%zu.0", i);
        d->size = d->n_blocks * m->model.block_size;
        for (size_t j = 0; j < d->n_blocks; j++)
                m->blocks[i][j] = (struct block) {
                        .number = 1000 * (i + 1) + j, .failed = once_in(50),
                };
        m->nearest[i] = choose_nearest(m, d);
        random_facts(d);
        d->backing = BACKING_CXL;
}

/* A rule for some devices; the reserve is the same for all, see make_machine(). */
static inline void make_rules(struct machine *m) {
        static char name[] = "rule";

        for (size_t i = 0; i < RULES; i++)
                m->rules[i] = (struct rule) {
                        .name = name, .match = random_match(2), .settings = {
                                .given = SETTING_MEMMAP | (once_in(2) ? SETTING_ZONE : 0) |
                                        (once_in(2) ? SETTING_ORDER : 0),
                                .memmap = chance(_MEMMAP_MODE_MAX), .zone = chance(_ZONE_MODE_MAX),
                                .order = chance(_ORDER_MAX),
                        },
                };
        m->policy.n_rules = once_in(2) ? RULES : 0;
}

static inline struct policy make_policy(uint64_t memmap_size) {
        return (struct policy) { .defaults = {
                .given = SETTING_ACTION | SETTING_MEMMAP | SETTING_RAM_RESERVE | SETTING_ZONE | SETTING_MOVABLE_RATIO |
                        SETTING_ORDER | SETTING_ALLOW_SEEDS | SETTING_MAX_SIZE |
                        SETTING_USE,
                .action = once_in(5) ? ACTION_PLUG : ACTION_ONLINE,
                .memmap = chance(_MEMMAP_MODE_MAX),
                .ram_reserve = once_in(2) ?
                        (struct amount) { .percent = true, .value = chance(3000) } :
                        (struct amount) { .value = chance(20) * memmap_size },
                .zone = chance(_ZONE_MODE_MAX),
                .movable_ratio = chance(600),
                .order = chance(_ORDER_MAX),
                .allow_seeds = !once_in(4),
                .use = {
                        .gigantic_pages = once_in(8), .hvo = once_in(8), .removable = once_in(8),
                        .prefer = once_in(2) ? PREFER_NOTHING : chance(_PREFER_MAX),
                },
                .max_size = { .percent = true, .value = once_in(2) ? 10000 : chance(10000) },
        } };
}

static inline struct machine make_machine(void) {
        uint64_t block_size = (128 * MiB) << chance(5);
        /* 64 bytes a page mostly; else seeds of few memmaps. */
        uint64_t memmap_size = once_in(2) ? block_size / 64 : block_size / (4 + chance(8));
        struct machine m = {
                .model = {
                        .block_size = block_size, .module_loaded = true,
                        .memmap_on_memory = once_in(3), .n_devices = DEVICES,
                },
        };

        make_ram(&m, memmap_size);
        make_distances(&m);
        for (size_t i = 0; i < DEVICES; i++)
                make_device(&m, i, memmap_size);
        m.policy = make_policy(memmap_size);
        make_rules(&m);
        for (size_t i = 0; i < m.n_ram; i++)
                m.floor[i] = m.nodes[i].kernel_watermark +
                        amount_of(m.policy.defaults.ram_reserve, m.nodes[i].kernel_total);
        adjust(&m);
        return m;
}

/* All of them */

static inline uint64_t number_from(const char *variable, uint64_t otherwise) {
        const char *s = getenv(variable);

        return s ? strtoull(s, NULL, 0) : otherwise;
}

static inline void each_machine(void (*check)(const struct machine *m)) {
        uint64_t seed = number_from("MEMMAPD_SEED", DEFAULT_SEED);
        uint64_t machines = number_from("MEMMAPD_MACHINES", DEFAULT_MACHINES);

        for (uint64_t i = 0; i < machines; i++) {
                static char last[64];
                struct machine m;

                /* Told by main() if it fails. */
                snprintf(last, sizeof(last), "MEMMAPD_SEED=%" PRIu64, seed + i);
                setenv("MEMMAPD_LAST", last, true);
                chance_state = (seed + i) * 0x2545f4914f6cdd1d;
                m = make_machine();
                adjust(&m);
                check(&m);
                for (size_t j = 0; j < RULES; j++)
                        match_clear(&m.rules[j].match);
        }
        unsetenv("MEMMAPD_LAST");
}

static inline int tell_seed(void **state) {
        const char *last = getenv("MEMMAPD_LAST");

        (void) state;
        if (last)
                print_error("failed with %s\n", last);
        unsetenv("MEMMAPD_LAST");
        return 0;
}

/* A test that what "check" asserts holds for each of them. */
#define PROPERTY(check)                         \
        static void test_##check(void **state) {        \
                (void) state;                   \
                each_machine(check);            \
        }

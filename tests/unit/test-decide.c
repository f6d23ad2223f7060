/* SPDX-License-Identifier: LGPL-2.1-or-later */
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
static struct machine *machine(enum memmap_mode mode, size_t memmaps) {
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
static void add_target(struct machine *m, uint64_t kernel, uint64_t free) {
        m->nodes[1] = (struct node) {
                .id = 1, .has_kernel_zone = kernel > 0, .kernel_total = kernel,
                .kernel_free = free, .kernel_free_huge = free,
        };
        m->model.n_nodes = 2;
}

static struct decision *decided(struct machine *m) {
        struct decision *d = NULL;

        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        assert_non_null(d);
        assert_size(d->n_blocks, m->device.n_blocks);
        return d;
}

static bool has_reason(const struct decision *d, enum reason_code c) {
        for (size_t i = 0; i < d->n_reasons; i++)
                if (d->reasons[i].code == c)
                        return true;
        return false;
}

static const struct reason *reason_of(const struct decision *d, enum reason_code c) {
        for (size_t i = 0; i < d->n_reasons; i++)
                if (d->reasons[i].code == c)
                        return &d->reasons[i];
        fail_msg("no reason %s", reason_to_string(c));
        return NULL;
}

/* The codes, in order, ended by _REASON_MAX. */
static void assert_reasons(const struct decision *d, const enum reason_code *codes) {
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

static void assert_targets(const struct decision *d, const char *map, const char *zones) {
        char m[N + 1] = "", z[N + 1] = "";

        for (size_t i = 0; i < d->n_blocks; i++) {
                m[i] = letter_of_placement(d->targets[i].placement);
                z[i] = letter_of_zone(d->targets[i].zone);
        }
        assert_string_equal(m, map);
        assert_string_equal(z, zones);
}

/* The table: each mode, with and without RAM, altmap and seeds. */

#define ALTMAP true
#define PLAIN false
#define SEEDS true
#define NO_SEEDS false
#define REASONS(...) { REASON_DEFAULTS, REASON_BACKEND, REASON_COST, REASON_BUDGET, __VA_ARGS__, _REASON_MAX }

struct row {
        enum memmap_mode mode;
        size_t memmaps;         /* that RAM can spare */
        bool altmap, seeds;
        const char *map;        /* NULL: refused */
        const char *zones;
        enum reason_code reasons[12];
};

static const struct row rows[] = {
        { MEMMAP_AUTO, 8, PLAIN, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 8, PLAIN, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 8, ALTMAP, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 8, ALTMAP, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_AUTO, 7, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_DEVICE) },
        { MEMMAP_AUTO, 7, ALTMAP, SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_DEVICE) },
        { MEMMAP_AUTO, 0, ALTMAP, SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_DEVICE) },
        { MEMMAP_AUTO, 7, PLAIN, SEEDS, "rsssssss", "kmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_AUTO, 2, PLAIN, SEEDS, "rsssssss", "kmmmmmmm",
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_AUTO, 1, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_NO_ALLOWANCE, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_AUTO, 0, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS_NO_ROOM, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_AUTO, 7, PLAIN, NO_SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_NO_DEVICE, REASON_SEEDS_FORBIDDEN, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER, REASON_HELP_SEEDS) },

        { MEMMAP_RAM, 8, PLAIN, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_RAM, 8, ALTMAP, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_FITS) },
        { MEMMAP_RAM, 7, PLAIN, NO_SEEDS, NULL, NULL, REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },
        { MEMMAP_RAM, 7, PLAIN, SEEDS, NULL, NULL, REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },
        { MEMMAP_RAM, 7, ALTMAP, NO_SEEDS, NULL, NULL,
          REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },
        { MEMMAP_RAM, 7, ALTMAP, SEEDS, NULL, NULL, REASONS(REASON_EXCEEDS, REASON_HELP_BYTES) },

        { MEMMAP_DEVICE, 8, ALTMAP, SEEDS, "dddddddd", "mmmmmmmm", REASONS(REASON_DEVICE) },
        { MEMMAP_DEVICE, 8, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm", REASONS(REASON_DEVICE) },
        { MEMMAP_DEVICE, 0, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm", REASONS(REASON_DEVICE) },
        { MEMMAP_DEVICE, 8, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_NO_DEVICE, REASON_HELP_PARAMETER) },
        { MEMMAP_DEVICE, 0, PLAIN, NO_SEEDS, NULL, NULL,
          REASONS(REASON_NO_DEVICE, REASON_HELP_PARAMETER) },

        /* Asked for by name, seeds need no allowance by "allow_seeds". */
        { MEMMAP_SEED, 8, PLAIN, SEEDS, "rsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 8, PLAIN, NO_SEEDS, "rsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 2, PLAIN, SEEDS, "rsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 1, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_NO_ALLOWANCE, REASON_HELP_BYTES) },
        { MEMMAP_SEED, 0, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_SEEDS_NO_ROOM, REASON_HELP_BYTES) },
        { MEMMAP_SEED, 8, ALTMAP, SEEDS, "dsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },
        { MEMMAP_SEED, 1, ALTMAP, NO_SEEDS, "dsssssss", "kmmmmmmm", REASONS(REASON_SEEDS) },

        { MEMMAP_MIXED, 8, PLAIN, NO_SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_MIXED) },
        { MEMMAP_MIXED, 9, ALTMAP, SEEDS, "rrrrrrrr", "mmmmmmmm", REASONS(REASON_MIXED) },
        { MEMMAP_MIXED, 3, ALTMAP, SEEDS, "dddddrrr", "mmmmmmmm",
          REASONS(REASON_MIXED, REASON_DEVICE) },
        { MEMMAP_MIXED, 3, ALTMAP, NO_SEEDS, "dddddrrr", "mmmmmmmm",
          REASONS(REASON_MIXED, REASON_DEVICE) },
        { MEMMAP_MIXED, 0, ALTMAP, NO_SEEDS, "dddddddd", "mmmmmmmm",
          REASONS(REASON_MIXED, REASON_DEVICE) },
        /* One of those that fit is the seed's own, one is kept for a stray. */
        { MEMMAP_MIXED, 4, PLAIN, SEEDS, "rsssssrr", "kmmmmmmm",
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_MIXED, 2, PLAIN, SEEDS, "rsssssss", "kmmmmmmm",
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS) },
        { MEMMAP_MIXED, 1, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_NO_ALLOWANCE, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_MIXED, 0, PLAIN, SEEDS, NULL, NULL,
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS_NO_ROOM, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER) },
        { MEMMAP_MIXED, 4, PLAIN, NO_SEEDS, NULL, NULL,
          REASONS(REASON_MIXED, REASON_NO_DEVICE, REASON_SEEDS_FORBIDDEN, REASON_HELP_BYTES,
                  REASON_HELP_PARAMETER, REASON_HELP_SEEDS) },
};

static size_t count(const char *s, char c) {
        size_t n = 0;

        for (; *s; s++)
                n += *s == c;
        return n;
}

static void assert_row(const struct row *row) {
        struct machine *m = machine(row->mode, row->memmaps);
        struct decision *d;

        m->model.memmap_on_memory = row->altmap;
        m->policy.defaults.given |= SETTING_ALLOW_SEEDS;
        m->policy.defaults.allow_seeds = row->seeds;
        d = decided(m);
        assert_int_equal(d->verdict, row->map ? VERDICT_TAKE : VERDICT_REFUSE);
        assert_reasons(d, row->reasons);
        assert_int_equal(d->payer, 0);
        assert_targets(d, row->map ? row->map : "........", row->zones ? row->zones : "mmmmmmmm");
        assert_size(d->ram_cost, row->map ? count(row->map, 'r') * MEMMAP_SIZE : 0);
        assert_size(d->n_seeds, row->zones ? count(row->zones, 'k') : 0);
        for (size_t i = 0; i < N; i++) {
                assert_int_equal(d->targets[i].wanted, row->map != NULL);
                assert_int_equal(d->targets[i].seed, row->zones && row->zones[i] == 'k');
        }
        decision_free(d);
}

static void each_mode_by_what_is_possible(void **state) {
        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                print_message("row %zu: %s, RAM for %zu\n", i,
                              memmap_mode_to_string(rows[i].mode), rows[i].memmaps);
                assert_row(&rows[i]);
        }
}

static void numbers_are_told(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 7);
        const struct reason *r;
        struct decision *d;

        (void) state;
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        d = decided(m);
        r = reason_of(d, REASON_COST);
        assert_size(r->a, N);
        assert_size(r->b, MEMMAP_SIZE);
        r = reason_of(d, REASON_BUDGET);
        assert_size(r->a, 6 * MEMMAP_SIZE + MiB);
        assert_int_equal(r->node, 0);
        r = reason_of(d, REASON_EXCEEDS);
        assert_size(r->a, N * MEMMAP_SIZE);
        assert_size(r->b, 6 * MEMMAP_SIZE + MiB);
        r = reason_of(d, REASON_HELP_BYTES);
        assert_size(r->a, 2 * MEMMAP_SIZE - MiB);
        assert_int_equal(r->node, 0);
        assert_size(d->budget.reserve, MEMMAP_SIZE);
        assert_ptr_equal(decision_cause(d), reason_of(d, REASON_EXCEEDS));
        decision_free(d);
}

static void parts_are_told(void **state) {
        struct machine *m = machine(MEMMAP_MIXED, 3);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        d = decided(m);
        assert_size(reason_of(d, REASON_MIXED)->a, 3);
        assert_size(reason_of(d, REASON_MIXED)->b, 5);
        assert_size(reason_of(d, REASON_DEVICE)->a, 5);
        decision_free(d);

        m = machine(MEMMAP_SEED, 3);
        d = decided(m);
        assert_size(reason_of(d, REASON_SEEDS)->a, 1);
        assert_size(reason_of(d, REASON_SEEDS)->b, 8);
        assert_int_equal(reason_of(d, REASON_SEEDS)->node, 1);
        decision_free(d);
}

static void assert_verdict_is(struct machine *m, enum verdict v) {
        struct decision *d = decided(m);

        assert_int_equal(d->verdict, v);
        decision_free(d);
}

/* With what is said to be missing it is taken, with a byte less it is not. */
static void bytes_that_help_are_what_is_missing(void **state) {
        static const struct {
                enum memmap_mode mode;
                bool seeds;
        } cases[] = {
                { MEMMAP_RAM, true }, { MEMMAP_SEED, true }, { MEMMAP_AUTO, true },
                { MEMMAP_AUTO, false }, { MEMMAP_MIXED, true }, { MEMMAP_MIXED, false },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++)
                for (uint64_t reserve = 0; reserve <= 10 * MEMMAP_SIZE; reserve += MiB) {
                        struct machine *m = machine(cases[i].mode, 1);
                        struct decision *d;

                        m->policy.defaults.given |= SETTING_ALLOW_SEEDS;
                        m->policy.defaults.allow_seeds = cases[i].seeds;
                        m->policy.defaults.ram_reserve.value = reserve;
                        m->nodes[0].kernel_reclaimable = 3 * MiB;
                        m->nodes[0].kernel_watermark = 2 * MiB;
                        m->nodes[0].promised = MiB;
                        d = decided(m);
                        assert_int_equal(d->verdict, VERDICT_REFUSE);
                        m->nodes[0].kernel_free += reason_of(d, REASON_HELP_BYTES)->a;
                        decision_free(d);
                        assert_verdict_is(m, VERDICT_TAKE);
                        m->nodes[0].kernel_free--;
                        assert_verdict_is(m, VERDICT_REFUSE);
                }
}

/* Of 8 memmaps 3 are paid for, and there is RAM for one and a half. */
static void bytes_that_help_are_without_those_spent(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 1);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "rrr.....", "mmm.....");
        d = decided(m);
        assert_size(reason_of(d, REASON_HELP_BYTES)->a, 5 * MEMMAP_SIZE - MEMMAP_SIZE - MiB);
        decision_free(d);
}

static void bytes_do_not_help_everywhere(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 0);
        struct decision *d;

        (void) state;
        m->device.target_node = 0;
        d = decided(m);
        assert_int_equal(decision_cause(d)->code, REASON_SEEDS_SHARED);
        assert_false(has_reason(d, REASON_HELP_BYTES));
        decision_free(d);
}

/* The reserve is there to bear what goes astray, not what is planned. */
static void stray_may_take_of_the_reserve(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 2);

        (void) state;
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        assert_verdict_is(m, VERDICT_TAKE);
        m->policy.defaults.ram_reserve.value = 2 * MEMMAP_SIZE;
        assert_verdict_is(m, VERDICT_REFUSE);
}

static void promise_to_others_is_kept(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        m->nodes[0].promised = MEMMAP_SIZE;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        decision_free(d);
}

static void kernel_zone_takes_all_blocks(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        m->policy.defaults.given |= SETTING_ZONE;
        m->policy.defaults.zone = ZONE_MODE_KERNEL;
        d = decided(m);
        assert_targets(d, "rrrrrrrr", "kkkkkkkk");
        assert_size(d->n_seeds, 0);
        decision_free(d);
}

/* More memmaps than one seed holds: 62, here 3. */
static void seeds_are_as_many_as_needed_and_lowest(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 8);
        struct decision *d;

        (void) state;
        m->device.memmap_size = BLOCK_SIZE / 5;
        m->nodes[0].kernel_free = 2 * (BLOCK_SIZE / 5);
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_size(d->n_seeds, 3);
        assert_targets(d, "rsssssss", "kkkmmmmm");
        decision_free(d);

        /* Those that carry their own have less room for the others. */
        m->model.memmap_on_memory = true;
        d = decided(m);
        assert_size(d->n_seeds, 3);
        assert_targets(d, "dddsssss", "kkkmmmmm");
        decision_free(d);
}

/* Before anything else */

static void assert_verdict(struct machine *m, enum verdict v, enum reason_code cause) {
        struct decision *d = decided(m);

        assert_int_equal(d->verdict, v);
        assert_non_null(decision_cause(d));
        assert_int_equal(decision_cause(d)->code, cause);
        assert_size(d->ram_cost, 0);
        assert_int_equal(d->payer, -1);
        assert_false(has_reason(d, REASON_COST));
        for (size_t i = 0; i < d->n_blocks; i++)
                assert_int_equal(d->targets[i].wanted,
                                 m->device.blocks[i].state != BLOCK_ABSENT);
        decision_free(d);
}

static void assert_taken(struct machine *m) {
        struct decision *d = decided(m);

        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_null(decision_cause(d));
        decision_free(d);
}

static void ignored_if_the_policy_says_so(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);

        (void) state;
        m->policy.n_rules = 1;
        m->rule.settings.given = SETTING_ACTION;
        m->rule.settings.action = ACTION_IGNORE;
        /* Whatever else there is to say. */
        m->device.error = -EIO;
        m->device.node_open = true;
        assert_verdict(m, VERDICT_IGNORE, REASON_IGNORED);
}

static void persistent_memory_needs_a_rule_that_means_it(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);

        (void) state;
        m->device.backing = BACKING_PMEM;
        assert_verdict(m, VERDICT_IGNORE, REASON_PMEM);
        m->policy.n_rules = 1;
        assert_verdict(m, VERDICT_IGNORE, REASON_PMEM);
        m->rule.match = (struct match) { MATCH_TARGET_NODE | MATCH_MIN_SIZE, .target_node = 1 };
        assert_verdict(m, VERDICT_IGNORE, REASON_PMEM);
        m->rule.match = (struct match) { MATCH_BACKING, .backing = BACKING_PMEM };
        assert_taken(m);
        m->rule.match = (struct match) { MATCH_DEVICE, .device = (char *) "dax0.*" };
        assert_verdict(m, VERDICT_IGNORE, REASON_PMEM);
        m->rule.match = (struct match) { MATCH_DEVICE, .device = (char *) "dax0.0" };
        assert_taken(m);
}

static void unreadable_is_refused(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);
        struct decision *d;

        (void) state;
        m->device.error = -EBADMSG;
        m->device.n_blocks = 0;
        assert_verdict(m, VERDICT_REFUSE, REASON_UNREADABLE);
        d = decided(m);
        assert_size(decision_cause(d)->a, EBADMSG);
        assert_string_equal(decision_cause(d)->text, strerror(EBADMSG));
        decision_free(d);
}

static void node_open_is_refused(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);

        (void) state;
        m->device.holder = HOLDER_DEVICE_DAX;
        assert_taken(m);
        m->device.node_open = true;
        assert_verdict(m, VERDICT_REFUSE, REASON_NODE_OPEN);
}

static void kmem_is_replaced_only_while_unused(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);
        struct decision *d;

        (void) state;
        m->device.holder = HOLDER_KMEM;
        m->device.measured = false;
        strcpy(m->device.driver, "kmem");
        fill_blocks(m->blocks, "........", "--------");
        assert_taken(m);
        fill_blocks(m->blocks, "........", "----m---");
        assert_verdict(m, VERDICT_REFUSE, REASON_HELD);
        d = decided(m);
        assert_string_equal(decision_cause(d)->text, "kmem");
        decision_free(d);
        fill_blocks(m->blocks, "........", "----g---");
        assert_verdict(m, VERDICT_REFUSE, REASON_HELD);
}

static void unknown_driver_is_left_alone(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);

        (void) state;
        m->device.holder = HOLDER_OTHER;
        assert_verdict(m, VERDICT_REFUSE, REASON_HELD);
}

static void what_cannot_be_added_is_refused(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);

        (void) state;
        m->device.target_node = -1;
        assert_verdict(m, VERDICT_REFUSE, REASON_NO_TARGET_NODE);
        m->device.target_node = 1;
        m->model.module_loaded = false;
        assert_verdict(m, VERDICT_REFUSE, REASON_NO_BACKEND);
}

static void too_small_is_refused(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);
        struct decision *d;

        (void) state;
        m->device.n_blocks = 0;
        m->device.size = 100 * MiB;
        assert_verdict(m, VERDICT_REFUSE, REASON_TOO_SMALL);
        d = decided(m);
        assert_size(decision_cause(d)->a, 100 * MiB);
        assert_size(decision_cause(d)->b, BLOCK_SIZE);
        decision_free(d);
}

static void nobody_pays(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);
        struct decision *d;

        (void) state;
        m->nodes[0].has_kernel_zone = false;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_NO_PAYER);
        assert_int_equal(d->payer, -1);
        decision_free(d);
}

static void settled_stays_as_it_is(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);

        (void) state;
        m->device.settled = true;
        fill_blocks(m->blocks, "rr.r....", "m-.k....");
        assert_verdict(m, VERDICT_SETTLED, REASON_SETTLED);
}

static void rule_is_named(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 8);
        struct rule rules[2] = {
                { .name = (char *) "first", .match = { MATCH_TARGET_NODE, .target_node = 5 } },
                { .name = (char *) "second",
                  .settings = { SETTING_MEMMAP, .memmap = MEMMAP_DEVICE } },
        };
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        m->policy.rules = rules;
        m->policy.n_rules = 2;
        d = decided(m);
        assert_ptr_equal(d->rule, &rules[1]);
        assert_int_equal(d->settings.memmap, MEMMAP_DEVICE);
        assert_int_equal(d->reasons[0].code, REASON_RULE);
        assert_string_equal(d->reasons[0].text, "second");
        assert_size(d->reasons[0].a, 1);
        assert_targets(d, "dddddddd", "mmmmmmmm");
        decision_free(d);
}

/* Seeds and the node */

static void seeds_do_not_work_beside_ram(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 8);
        struct decision *d;

        (void) state;
        m->device.target_node = 0;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_SEEDS_SHARED);
        assert_int_equal(decision_cause(d)->node, 0);
        assert_targets(d, "........", "mmmmmmmm");
        decision_free(d);

        /* Where RAM is enough, the same node may carry all. */
        m->policy.defaults.memmap = MEMMAP_AUTO;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "rrrrrrrr", "mmmmmmmm");
        decision_free(d);
}

static void seeds_need_to_come_online(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 8);
        struct decision *d;

        (void) state;
        m->policy.defaults.given |= SETTING_ACTION;
        m->policy.defaults.action = ACTION_PLUG;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_SEEDS_OFFLINE);
        decision_free(d);

        m->policy.defaults.memmap = MEMMAP_AUTO;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_int_equal(d->settings.action, ACTION_PLUG);
        assert_targets(d, "rrrrrrrr", "mmmmmmmm");
        decision_free(d);
}

/* Where the kernel disobeyed before, RAM must be able to bear it once more. */
static void altmap_is_not_trusted_blindly(void **state) {
        struct machine *m = machine(MEMMAP_DEVICE, 0);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        assert_taken(m);
        m->device.stray_device = true;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_NO_ALLOWANCE);
        assert_false(has_reason(d, REASON_HELP_PARAMETER));
        decision_free(d);
        m->nodes[0].kernel_free += MEMMAP_SIZE;
        assert_taken(m);
}

/* Else one after the other would eat up the reserve. */
static void reserve_bears_one_stray_only(void **state) {
        struct machine *m = machine(MEMMAP_DEVICE, 1);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        m->device.stray_device = true;
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_size(decision_cause(d)->a, MEMMAP_SIZE);
        assert_size(decision_cause(d)->b, MiB);
        decision_free(d);
        m->nodes[0].kernel_free += MEMMAP_SIZE;
        assert_taken(m);

        /* With seeds the first comes before any stray was seen. */
        m = machine(MEMMAP_SEED, 3);
        m->policy.defaults.ram_reserve.value = 2 * MEMMAP_SIZE;
        assert_taken(m);
        m->device.stray_seed = true;
        assert_verdict_is(m, VERDICT_REFUSE);
        m->policy.defaults.ram_reserve.value = MEMMAP_SIZE;
        assert_taken(m);
}

/* A seed that looks free and was not used is not counted on. */
static void seeds_are_not_trusted_after_a_stray(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 3);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "rsr.....", "kmm.....");
        add_target(m, BLOCK_SIZE, 60 * MEMMAP_SIZE);
        d = decided(m);
        assert_targets(d, "rsrsssss", "kmmmmmmm");
        decision_free(d);
        m->device.stray_seed = true;
        d = decided(m);
        assert_targets(d, "rsrrssss", "kmmkmmmm");
        decision_free(d);
}

/* Halfway: what is there already, what was decided at first, what is decided now. */

static void ram_halfway_stays_ram(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 4);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "r.rrr...", "m.mm-...");
        add_target(m, 0, 0);
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "rrrrrrrr", "mmmmmmmm");
        assert_size(d->ram_cost, 4 * MEMMAP_SIZE);
        assert_size(reason_of(d, REASON_SPENT)->a, 4);
        /* With what is spent, the sum is the one it began with. */
        assert_size(reason_of(d, REASON_FITS)->a, 8 * MEMMAP_SIZE);
        assert_size(reason_of(d, REASON_FITS)->b, 8 * MEMMAP_SIZE + MiB);
        decision_free(d);
}

static void device_halfway_stays_device(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 7);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        /* By now RAM could carry what is missing: it is not asked. */
        fill_blocks(m->blocks, "d.dddd..", "m.mm--..");
        add_target(m, 0, 0);
        d = decided(m);
        assert_targets(d, "dddddddd", "mmmmmmmm");
        assert_size(d->ram_cost, 0);
        decision_free(d);
}

static void seed_halfway_stays_seed(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "r.sss...", "k.mm-...");
        add_target(m, BLOCK_SIZE, 59 * MEMMAP_SIZE);
        d = decided(m);
        assert_targets(d, "rsssssss", "kmmmmmmm");
        assert_size(d->n_seeds, 0);
        assert_size(d->ram_cost, 0);
        assert_int_equal(d->payer, 0);
        decision_free(d);
}

/* Plugged to be a seed, then interrupted: it becomes the seed. */
static void seed_that_is_offline_becomes_seed(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 2);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "r.......", "-.......");
        add_target(m, 0, 0);
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "rsssssss", "kmmmmmmm");
        assert_true(d->targets[0].seed);
        assert_size(d->ram_cost, 0);
        decision_free(d);
}

/* The seed is full before its time: another one, whose memmap is in RAM. */
static void full_seeds_get_company(void **state) {
        struct machine *m = machine(MEMMAP_SEED, 3);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "rss.....", "kmm.....");
        add_target(m, BLOCK_SIZE, MiB);
        d = decided(m);
        assert_targets(d, "rssrssss", "kmmkmmmm");
        assert_size(d->n_seeds, 1);
        assert_size(d->ram_cost, MEMMAP_SIZE);
        decision_free(d);
}

static void mixed_halfway_comes_out_the_same(void **state) {
        struct machine *m = machine(MEMMAP_MIXED, 2);
        struct decision *d;

        (void) state;
        m->model.memmap_on_memory = true;
        fill_blocks(m->blocks, "d....r..", "m....-..");
        add_target(m, 0, 0);
        d = decided(m);
        assert_targets(d, "dddddrrr", "mmmmmmmm");
        decision_free(d);

        /* With seeds: all that RAM carries is there, what is kept for a stray stays. */
        m = machine(MEMMAP_MIXED, 1);
        fill_blocks(m->blocks, "rs....rr", "km....--");
        add_target(m, BLOCK_SIZE, 62 * MEMMAP_SIZE);
        d = decided(m);
        assert_targets(d, "rsssssrr", "kmmmmmmm");
        assert_size(d->ram_cost, 0);
        decision_free(d);
}

static void failed_blocks_are_left_out(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 6);
        struct decision *d;

        (void) state;
        fill_blocks(m->blocks, "........", ".x....x.");
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        assert_targets(d, "r.rrrr.r", "mmmmmmmm");
        assert_false(d->targets[1].wanted);
        assert_false(d->targets[6].wanted);
        assert_size(reason_of(d, REASON_COST)->a, 6);
        assert_size(d->ram_cost, 6 * MEMMAP_SIZE);
        decision_free(d);

        /* A seed is another one then. */
        m->policy.defaults.memmap = MEMMAP_SEED;
        fill_blocks(m->blocks, "........", "x.......");
        d = decided(m);
        assert_targets(d, ".rssssss", "mkmmmmmm");
        decision_free(d);
}

/* Once all blocks are there, RAM that has become scarce changes nothing. */
static void nothing_to_place_is_not_refused(void **state) {
        (void) state;
        for (enum memmap_mode mode = 0; mode < _MEMMAP_MODE_MAX; mode++) {
                struct machine *m = machine(mode, 0);
                struct decision *d;

                fill_blocks(m->blocks, "rsssdddr", "kmmmmmm-");
                add_target(m, BLOCK_SIZE, 0);
                d = decided(m);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                assert_targets(d, "rsssdddr", "kmmmmmmm");
                assert_size(d->ram_cost, 0);
                decision_free(d);
        }
}

static void nothing_comes_of_nothing(void **state) {
        (void) state;
        assert_null(decision_free(NULL));
}

/* Limits */

static void limit_to(struct machine *m, struct amount a) {
        m->policy.defaults.given |= SETTING_MAX_SIZE;
        m->policy.defaults.max_size = a;
}

static struct amount percent(uint64_t n) {
        return (struct amount) { .percent = true, .value = n * 100 };
}

/* Each placement, with RAM for less than all: it is the limit that has to fit. */
static void no_more_than_the_limit(void **state) {
        static const struct {
                enum memmap_mode mode;
                size_t memmaps;
                bool altmap;
                struct amount limit;
                const char *map, *zones;
        } cases[] = {
                { MEMMAP_RAM, 4, PLAIN, { true, 5000 }, "rrrr....", "mmmmmmmm" },
                { MEMMAP_AUTO, 4, PLAIN, { true, 5000 }, "rrrr....", "mmmmmmmm" },
                /* In whole blocks. */
                { MEMMAP_RAM, 4, PLAIN, { true, 6249 }, "rrrr....", "mmmmmmmm" },
                { MEMMAP_RAM, 5, PLAIN, { true, 6250 }, "rrrrr...", "mmmmmmmm" },
                { MEMMAP_DEVICE, 0, ALTMAP, { false, 3 * BLOCK_SIZE + 1 }, "ddd.....", "mmmmmmmm" },
                { MEMMAP_AUTO, 2, ALTMAP, { false, 3 * BLOCK_SIZE }, "ddd.....", "mmmmmmmm" },
                { MEMMAP_SEED, 2, PLAIN, { true, 5000 }, "rsss....", "kmmmmmmm" },
                { MEMMAP_MIXED, 4, PLAIN, { true, 7500 }, "rsssrr..", "kmmmmmmm" },
                { MEMMAP_MIXED, 2, ALTMAP, { true, 5000 }, "ddrr....", "mmmmmmmm" },
                { MEMMAP_RAM, 8, PLAIN, { true, 10000 }, "rrrrrrrr", "mmmmmmmm" },
                { MEMMAP_RAM, 8, PLAIN, { false, UINT64_MAX }, "rrrrrrrr", "mmmmmmmm" },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct machine *m = machine(cases[i].mode, cases[i].memmaps);
                struct decision *d;

                m->model.memmap_on_memory = cases[i].altmap;
                m->policy.defaults.given |= SETTING_ZONE;
                m->policy.defaults.zone = ZONE_MODE_MOVABLE;
                limit_to(m, cases[i].limit);
                d = decided(m);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                assert_targets(d, cases[i].map, cases[i].zones);
                assert_int_equal(has_reason(d, REASON_LIMIT), d->limit < N);
                for (size_t j = 0; j < N; j++)
                        assert_int_equal(d->targets[j].wanted, cases[i].map[j] != '.');
                decision_free(d);
        }
}

/* What is there counts; what failed is made up for. */
static void limit_of_what_is_there_already(void **state) {
        static const struct {
                const char *map, *states, *expected;
        } cases[] = {
                { "rrr.....", "mmm.....", "rrrr...." },
                { "r.......", "mx......", "r.rrr..." },
                { "....rr..", "....mm..", "rr..rr.." },
                { "rrrrrr..", "mmmmmm..", "rrrrrr.." },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct machine *m = machine(MEMMAP_RAM, 8);
                struct decision *d;

                fill_blocks(m->blocks, cases[i].map, cases[i].states);
                limit_to(m, percent(50));
                d = decided(m);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                for (size_t j = 0; j < N; j++)
                        assert_int_equal(letter_of_placement(d->targets[j].placement),
                                         cases[i].expected[j]);
                decision_free(d);
        }
}

static void limit_is_told(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;
        char text[320];

        (void) state;
        limit_to(m, (struct amount) { true, 5025 });
        d = decided(m);
        assert_string_equal(reason_format(d, reason_of(d, REASON_LIMIT), text, sizeof(text)),
                            "At most 4 of its 8 blocks are taken in, by \"max_size\": 50.25%, in "
                            "whole blocks.");
        decision_free(d);
        limit_to(m, (struct amount) { .value = 2 * BLOCK_SIZE });
        d = decided(m);
        assert_string_equal(reason_format(d, reason_of(d, REASON_LIMIT), text, sizeof(text)),
                            "At most 2 of its 8 blocks are taken in, by \"max_size\": 256 MiB, in "
                            "whole blocks.");
        decision_free(d);
}

static void limit_below_a_block(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        limit_to(m, percent(12));
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_LIMIT_LOW);
        decision_free(d);
}

/* The kernel's driver takes in all of it; what it has of ours already it may keep. */
static void limit_of_a_whole_device(void **state) {
        struct machine *m = machine(MEMMAP_RAM, 8);
        struct decision *d;

        (void) state;
        m->model.module_loaded = false;
        m->model.kmem_loaded = true;
        m->device.holder = HOLDER_NONE;
        limit_to(m, percent(50));
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(d)->code, REASON_LIMIT_WHOLE);
        decision_free(d);
        limit_to(m, percent(100));
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        decision_free(d);
        limit_to(m, percent(50));
        m->device.holder = HOLDER_KMEM;
        m->device.adopted = true;
        fill_blocks(m->blocks, "rrrrrrrr", "mmmmmmmm");
        d = decided(m);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        decision_free(d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_mode_by_what_is_possible),
                cmocka_unit_test(numbers_are_told),
                cmocka_unit_test(parts_are_told),
                cmocka_unit_test(bytes_that_help_are_what_is_missing),
                cmocka_unit_test(bytes_that_help_are_without_those_spent),
                cmocka_unit_test(bytes_do_not_help_everywhere),
                cmocka_unit_test(stray_may_take_of_the_reserve),
                cmocka_unit_test(promise_to_others_is_kept),
                cmocka_unit_test(kernel_zone_takes_all_blocks),
                cmocka_unit_test(seeds_are_as_many_as_needed_and_lowest),
                cmocka_unit_test(ignored_if_the_policy_says_so),
                cmocka_unit_test(persistent_memory_needs_a_rule_that_means_it),
                cmocka_unit_test(unreadable_is_refused),
                cmocka_unit_test(node_open_is_refused),
                cmocka_unit_test(kmem_is_replaced_only_while_unused),
                cmocka_unit_test(unknown_driver_is_left_alone),
                cmocka_unit_test(what_cannot_be_added_is_refused),
                cmocka_unit_test(too_small_is_refused),
                cmocka_unit_test(nobody_pays),
                cmocka_unit_test(settled_stays_as_it_is),
                cmocka_unit_test(rule_is_named),
                cmocka_unit_test(seeds_do_not_work_beside_ram),
                cmocka_unit_test(seeds_need_to_come_online),
                cmocka_unit_test(altmap_is_not_trusted_blindly),
                cmocka_unit_test(reserve_bears_one_stray_only),
                cmocka_unit_test(seeds_are_not_trusted_after_a_stray),
                cmocka_unit_test(ram_halfway_stays_ram),
                cmocka_unit_test(device_halfway_stays_device),
                cmocka_unit_test(seed_halfway_stays_seed),
                cmocka_unit_test(seed_that_is_offline_becomes_seed),
                cmocka_unit_test(full_seeds_get_company),
                cmocka_unit_test(mixed_halfway_comes_out_the_same),
                cmocka_unit_test(failed_blocks_are_left_out),
                cmocka_unit_test(nothing_to_place_is_not_refused),
                cmocka_unit_test(nothing_comes_of_nothing),
                cmocka_unit_test(no_more_than_the_limit),
                cmocka_unit_test(limit_of_what_is_there_already),
                cmocka_unit_test(limit_is_told),
                cmocka_unit_test(limit_below_a_block),
                cmocka_unit_test(limit_of_a_whole_device),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

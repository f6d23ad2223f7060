/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the memory is wanted for: what follows from it, and what does not go with it. */
#include "unit.h"

#include "lint.h"
#include "use.h"
#include "tally.h"

#define N 8

struct machine {
        struct node nodes[1];
        struct block blocks[N];
        struct device device;
        struct model model;
        struct policy policy;
};

/* RAM for @memmaps memmaps and a half; a kernel that can put them onto their blocks. */
static struct machine *machine(struct use use, size_t memmaps) {
        static struct machine m;

        m = (struct machine) {
                .nodes = { {
                        .id = 0, .has_kernel_zone = true, .kernel_total = 64 * GiB, .total = 64 * GiB,
                        .kernel_free = memmaps * MEMMAP_SIZE + MiB,
                } },
                .device = {
                        .name = "dax0.0", .backing = BACKING_HMEM, .holder = HOLDER_MEMMAPD,
                        .target_node = 1, .numa_node = 0, .size = N * BLOCK_SIZE, .measured = true,
                        .memmap_size = MEMMAP_SIZE, .n_blocks = N, .blocks = m.blocks,
                },
                .model = {
                        .block_size = BLOCK_SIZE, .module_loaded = true, .memmap_on_memory = true,
                        .n_nodes = 1, .nodes = m.nodes, .n_devices = 1, .devices = &m.device,
                },
                .policy = { .defaults = {
                        .given = SETTING_USE | SETTING_RAM_RESERVE, .use = use,
                } },
        };
        fill_blocks(m.blocks, "........", "........");
        return &m;
}

static void assert_decision(struct machine *m, const char *map, const char *zones,
                            enum reason_code reason) {
        char got_map[N + 1] = "", got_zones[N + 1] = "";
        struct decision *d = NULL;
        bool told = false;

        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        for (size_t i = 0; i < d->n_blocks; i++) {
                got_map[i] = letter_of_placement(d->targets[i].placement);
                got_zones[i] = letter_of_zone(d->targets[i].zone);
        }
        for (size_t i = 0; i < d->n_reasons; i++)
                told |= d->reasons[i].code == reason;
        if (!map)
                assert_int_equal(d->verdict, VERDICT_REFUSE);
        else {
                assert_int_equal(d->verdict, VERDICT_TAKE);
                assert_string_equal(got_map, map);
                assert_string_equal(got_zones, zones);
        }
        assert_true(told);
        decision_free(d);
}

static void placed_as_the_use_needs_it(void **state) {
        static const struct {
                struct use use;
                size_t memmaps;
                bool altmap;
                const char *map, *zones;
                enum reason_code reason;
        } rows[] = {
                { { .gigantic_pages = true }, 8, true, "rrrrrrrr", "kkkkkkkk", REASON_USE_GIGANTIC },
                { { .gigantic_pages = true }, 4, true, "rsssssss", "kkkkkkkk", REASON_USE_GIGANTIC },
                { { .gigantic_pages = true }, 0, true, NULL, NULL, REASON_NO_DEVICE },
                { { .hvo = true }, 8, true, "rrrrrrrr", "mmmmmmmm", REASON_USE_HVO },
                { { .hvo = true }, 4, true, "rsssssss", "kmmmmmmm", REASON_USE_HVO },
                { { .removable = true }, 8, true, "rrrrrrrr", "mmmmmmmm", REASON_USE_REMOVABLE },
                { { .removable = true }, 4, true, "dddddddd", "mmmmmmmm", REASON_USE_REMOVABLE },
                { { .removable = true }, 4, false, NULL, NULL, REASON_SEEDS_STAY },
                { { .hvo = true, .removable = true }, 4, true, NULL, NULL, REASON_SEEDS_STAY },
                { { .prefer = PREFER_LATENCY }, 8, true, "rrrrrrrr", "mmmmmmmm", REASON_USE_LATENCY },
                { { .prefer = PREFER_LATENCY }, 4, true, "ddddrrrr", "mmmmmmmm", REASON_MIXED },
                { { .prefer = PREFER_CAPACITY }, 8, true, "dddddddd", "mmmmmmmm",
                  REASON_USE_CAPACITY },
                { { .prefer = PREFER_CAPACITY }, 8, false, "rsssssss", "kmmmmmmm", REASON_NO_DEVICE },
                { { .prefer = PREFER_CAPACITY, .removable = true }, 8, false, "rrrrrrrr", "mmmmmmmm",
                  REASON_SEEDS_STAY },
                { { .prefer = PREFER_CAPACITY }, 0, false, NULL, NULL, REASON_EXCEEDS },
                { { .prefer = PREFER_CAPACITY, .gigantic_pages = true }, 8, true, "rsssssss",
                  "kkkkkkkk", REASON_USE_CAPACITY },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct machine *m = machine(rows[i].use, rows[i].memmaps);

                print_message("row %zu\n", i);
                m->model.memmap_on_memory = rows[i].altmap;
                assert_decision(m, rows[i].map, rows[i].zones, rows[i].reason);
        }
}

/* A block that had become a seed on paper is as any other. */
static void seeds_that_came_to_nothing(void **state) {
        struct machine *m = machine((struct use) { .prefer = PREFER_CAPACITY }, 1);

        (void) state;
        m->model.memmap_on_memory = false;
        m->device.n_blocks = 1;
        m->device.size = BLOCK_SIZE;
        assert_decision(m, "r", "m", REASON_NO_ALLOWANCE);
}

/* The kernel's own driver. */
static void as_a_whole(void **state) {
        struct machine *m = machine((struct use) { .prefer = PREFER_CAPACITY }, 8);

        (void) state;
        m->model.module_loaded = false;
        m->model.kmem_loaded = m->device.can_place = true;
        m->device.holder = HOLDER_NONE;
        assert_decision(m, "dddddddd", "mmmmmmmm", REASON_USE_CAPACITY);
        m->model.memmap_on_memory = false;
        assert_decision(m, "rrrrrrrr", "mmmmmmmm", REASON_USE_CAPACITY);
        m->policy.defaults.use = (struct use) { .prefer = PREFER_LATENCY };
        assert_decision(m, "rrrrrrrr", "mmmmmmmm", REASON_USE_LATENCY);
        m->model.memmap_on_memory = true;
        m->nodes[0].kernel_free = 4 * MEMMAP_SIZE;
        assert_decision(m, "dddddddd", "mmmmmmmm", REASON_USE_LATENCY);
        m->policy.defaults.use = (struct use) { .gigantic_pages = true };
        assert_decision(m, NULL, NULL, REASON_NO_DEVICE);
}

/* A boot parameter would not help those who do not want what it gives. */
static void no_help_by_what_is_not_wanted(void **state) {
        struct machine *m = machine((struct use) { .hvo = true }, 0);
        struct decision *d = NULL;

        (void) state;
        m->model.memmap_on_memory = false;
        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        for (size_t i = 0; i < d->n_reasons; i++)
                assert_int_not_equal(d->reasons[i].code, REASON_HELP_PARAMETER);
        decision_free(d);
}

/* A rule that says what it wants is not bound by how the defaults do it in general. */
static void laid_on_what_is_below(void **state) {
        static const struct settings below = {
                .given = SETTING_MEMMAP | SETTING_ZONE, .memmap = MEMMAP_DEVICE,
                .zone = ZONE_MODE_MOVABLE,
        };
        struct settings over = { .given = SETTING_USE }, s;

        (void) state;
        over.use = (struct use) { .gigantic_pages = true };
        s = below;
        settings_override(&s, &over);
        assert_int_equal(s.memmap, MEMMAP_AUTO);
        assert_int_equal(s.zone, ZONE_MODE_AUTO);
        use_apply(&s);
        assert_int_equal(s.zone, ZONE_MODE_KERNEL);
        over.use = (struct use) { .prefer = PREFER_CAPACITY };
        s = below;
        settings_override(&s, &over);
        assert_int_equal(s.memmap, MEMMAP_AUTO);
        assert_int_equal(s.zone, ZONE_MODE_MOVABLE);
        over.use = (struct use) { .removable = true };
        s = below;
        settings_override(&s, &over);
        use_apply(&s);
        assert_int_equal(s.zone, ZONE_MODE_MOVABLE);
        over.use = (struct use) {};
        s = below;
        settings_override(&s, &over);
        assert_int_equal(s.memmap, MEMMAP_DEVICE);
        assert_int_equal(s.zone, ZONE_MODE_MOVABLE);
        /* What stands beside it counts. */
        over = (struct settings) {
                .given = SETTING_USE | SETTING_ZONE, .use = { .hvo = true }, .zone = ZONE_MODE_KERNEL,
        };
        s = below;
        settings_override(&s, &over);
        use_apply(&s);
        assert_int_equal(s.memmap, MEMMAP_AUTO);
        assert_int_equal(s.zone, ZONE_MODE_KERNEL);
}

static void contradictions(void **state) {
        static const struct {
                struct use use;
                enum zone_mode zone;
                enum memmap_mode memmap;
                enum contradiction expected;
        } rows[] = {
                { { .gigantic_pages = true }, ZONE_MODE_AUTO, MEMMAP_AUTO, CONTRADICTION_NONE },
                { { .gigantic_pages = true }, ZONE_MODE_KERNEL, MEMMAP_SEED, CONTRADICTION_NONE },
                { { .gigantic_pages = true }, ZONE_MODE_MOVABLE, MEMMAP_AUTO, CONTRADICTION_USE_ZONE },
                { { .gigantic_pages = true }, ZONE_MODE_AUTO, MEMMAP_DEVICE,
                  CONTRADICTION_USE_MEMMAP },
                { { .hvo = true }, ZONE_MODE_MOVABLE, MEMMAP_RAM, CONTRADICTION_NONE },
                { { .hvo = true }, ZONE_MODE_MOVABLE, MEMMAP_DEVICE, CONTRADICTION_USE_MEMMAP },
                { { .removable = true }, ZONE_MODE_KERNEL, MEMMAP_AUTO, CONTRADICTION_USE_ZONE },
                { { .removable = true }, ZONE_MODE_AUTO, MEMMAP_SEED, CONTRADICTION_USE_MEMMAP },
                { { .removable = true }, ZONE_MODE_MOVABLE, MEMMAP_DEVICE, CONTRADICTION_NONE },
                { { .prefer = PREFER_LATENCY }, ZONE_MODE_KERNEL, MEMMAP_AUTO, CONTRADICTION_NONE },
                { { .prefer = PREFER_LATENCY }, ZONE_MODE_AUTO, MEMMAP_RAM, CONTRADICTION_USE_PREFER },
                { {}, ZONE_MODE_KERNEL, MEMMAP_DEVICE, CONTRADICTION_NONE },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct settings use = { .given = SETTING_USE, .use = rows[i].use }, how = {
                        .given = SETTING_ZONE | SETTING_MEMMAP, .zone = rows[i].zone,
                        .memmap = rows[i].memmap,
                }, none = { .given = SETTING_ORDER };
                struct settings both = how;

                both.given |= SETTING_USE;
                both.use = rows[i].use;
                assert_int_equal(lint_settings(&none, &both), rows[i].expected);
                /* An exception that undoes it; the other way round it is one that holds. */
                assert_int_equal(lint_settings(&use, &how), rows[i].expected);
                if (rows[i].use.gigantic_pages)
                        assert_int_equal(lint_settings(&how, &use), CONTRADICTION_NONE);
                assert_int_equal(lint_settings(&both, &none), CONTRADICTION_NONE);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(placed_as_the_use_needs_it),
                cmocka_unit_test(seeds_that_came_to_nothing),
                cmocka_unit_test(as_a_whole),
                cmocka_unit_test(no_help_by_what_is_not_wanted),
                cmocka_unit_test(laid_on_what_is_below),
                cmocka_unit_test(contradictions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans as text: "-3" for an offline of block 3, "x3" for its unplug, "unbind"; and of
 * the way back "place d", "+3" for a plug, "3k" and "3m" for an online in that zone.
 */
#include "unit.h"

#include "drain.h"
#include "order.h"

#define N 8
#define MANY 200

struct machine {
        struct node nodes[2];
        struct block blocks[MANY];
        struct device devices[2];
        struct model model;
};

static struct machine *machine(const char *map, const char *states) {
        static struct machine m;

        m = (struct machine) {
                .nodes = { { .id = 0, .has_kernel_zone = true, .kernel_total = GiB } },
                .devices = { {
                        .name = "dax0.0", .holder = HOLDER_MEMMAPD, .measured = true,
                        .target_node = 1, .memmap_size = MEMMAP_SIZE,
                        .n_blocks = strlen(map), .blocks = m.blocks,
                } },
                .model = {
                        .block_size = BLOCK_SIZE, .n_nodes = 1, .nodes = m.nodes,
                        .n_devices = 1, .devices = m.devices,
                },
        };
        fill_blocks(m.blocks, map, states);
        return &m;
}

static size_t describe_step(const struct step *s, char *buf, size_t size) {
        switch (s->kind) {
        case STEP_OFFLINE:
                return (size_t) snprintf(buf, size, "-%zu", s->block);
        case STEP_UNPLUG:
                return (size_t) snprintf(buf, size, "x%zu", s->block);
        case STEP_UNBIND:
                return (size_t) snprintf(buf, size, "unbind");
        case STEP_PLACE:
                return (size_t) snprintf(buf, size, "place %c", letter_of_placement(s->placement));
        case STEP_PLUG:
                return (size_t) snprintf(buf, size, "+%zu", s->block);
        default:
                return (size_t) snprintf(buf, size, "%zu%c", s->block, letter_of_zone(s->zone));
        }
}

static void assert_steps(const struct plan *p, const char *expected) {
        char text[512] = "";
        size_t n = 0;

        for (size_t i = 0; i < p->n_steps; i++) {
                if (i > 0)
                        text[n++] = ' ';
                n += describe_step(&p->steps[i], text + n, sizeof(text) - n);
                assert_true(n < sizeof(text) - 2);
        }
        assert_string_equal(text, expected);
}

/* @asked: "x" for each block that is to go; NULL: the device as a whole. */
static struct drain *drain_of(struct machine *m, const char *asked) {
        bool blocks[N] = {};
        struct drain *d = NULL;

        for (size_t i = 0; asked && asked[i]; i++)
                blocks[i] = asked[i] == 'x';
        assert_int_equal(drain_make(&m->model, m->devices, asked ? blocks : NULL, &d), 0);
        return d;
}

static void assert_drain(struct machine *m, const char *asked, const char *expected) {
        struct drain *d = drain_of(m, asked);

        assert_steps(d->plan, expected);
        assert_size(d->n_left, 0);
        assert_null(drain_free(d));
}

static void the_second_first_then_from_above(void **state) {
        (void) state;
        assert_drain(machine("rrrrr", "mmmmm"), NULL,
                     "-1 -4 -3 -2 -0 x1 x4 x3 x2 x0 unbind");
        assert_drain(machine("d", "m"), NULL, "-0 x0 unbind");
        assert_drain(machine("dd", "mm"), NULL, "-1 -0 x1 x0 unbind");
}

static void the_first_first_if_the_zone_starts_below(void **state) {
        struct machine *m = machine("rrrr", "mmmm");
        struct block below = { .number = 8, .state = BLOCK_ONLINE, .zone = ZONE_MOVABLE };

        (void) state;
        m->devices[1] = (struct device) { .target_node = 1, .n_blocks = 1, .blocks = &below };
        m->model.n_devices = 2;
        assert_drain(m, "xxxx", "-0 -3 -2 -1");
        below.zone = ZONE_KERNEL;
        assert_drain(m, "xxxx", "-1 -3 -2 -0");
        below.zone = ZONE_MOVABLE;
        m->devices[1].target_node = 0;
        assert_drain(m, "xxxx", "-1 -3 -2 -0");
}

static void kernel_blocks_after_movable_ones(void **state) {
        (void) state;
        assert_drain(machine("rrrrrr", "kkkmmm"), NULL,
                     "-4 -5 -3 -1 -2 -0 x4 x5 x3 x1 x2 x0 unbind");
        assert_drain(machine("rrrr", "kkmm"), "xxxx", "-3 -2 -1 -0");
}

static void seeds_last_and_from_above(void **state) {
        (void) state;
        assert_drain(machine("rsssss", "kkmmmm"), NULL,
                     "-3 -5 -4 -2 x3 x5 x4 x2 -1 x1 -0 x0 unbind");
        /* What was plugged and offline has its memmap there too. */
        assert_drain(machine("dss.ss", "k--.mm"), NULL,
                     "-5 -4 x1 x2 x5 x4 -0 x0 unbind");
}

static void the_drivers_own_way(void **state) {
        struct machine *m = machine("rrrr", "mm-m");

        (void) state;
        m->devices[0].holder = HOLDER_KMEM;
        assert_drain(m, NULL, "-1 -3 -0 unbind");
        assert_drain(m, "..xx", "-3");
}

static void nothing_where_nothing_is(void **state) {
        struct machine *m = machine("....", "....");

        (void) state;
        assert_drain(m, NULL, "unbind");
        assert_drain(m, "xxxx", "");
        m->devices[0].holder = HOLDER_NONE;
        assert_drain(m, NULL, "");
        m = machine("rr", "mm");
        m->devices[0].holder = HOLDER_DEVICE_DAX;
        assert_drain(m, NULL, "");
}

static void only_those_asked_for(void **state) {
        (void) state;
        assert_drain(machine("rrrrrr", "mmm-m."), "..xxxx", "-2 -4");
        assert_drain(machine("rrrrrr", "kmkmmm"), "xx....", "-1 -0");
}

static void what_stays_has_a_reason(void **state) {
        struct machine *m = machine("rsss", "kkmg");
        struct drain *d;

        (void) state;
        d = drain_of(m, "xxxx");
        assert_steps(d->plan, "-2");
        assert_size(d->n_left, 3);
        for (size_t i = 0; i < 3; i++) {
                assert_size(d->left[i].block, i + (i == 2));
                assert_int_equal(d->left[i].reason, i < 2 ? DRAIN_SEED : DRAIN_GOING);
                assert_true(strlen(drain_reason_to_string(d->left[i].reason)) > 10);
        }
        drain_free(d);
        d = drain_of(machine("rsss", "kk-m"), "xxxx");
        assert_steps(d->plan, "-3");
        assert_size(d->n_left, 2);
        drain_free(d);
        m = machine("rsss", "kkmg");
        d = drain_of(m, NULL);
        assert_size(d->n_left, 1);
        assert_int_equal(d->left[0].reason, DRAIN_GOING);
        drain_free(d);
}

/* Memory that was not usable before is no loss. */
static void the_loss(void **state) {
        static const struct {
                const char *map, *states;
                uint64_t loss;
        } cases[] = {
                { "rr", "mm", 2 * BLOCK_SIZE },
                { "rrr", "mm-", 2 * BLOCK_SIZE },
                { "dd", "mk", 2 * (BLOCK_SIZE - MEMMAP_SIZE) },
                { "rsss", "kmmm", 4 * BLOCK_SIZE - 3 * MEMMAP_SIZE },
                { "s", "-", 0 },
                { "..", "..", 0 },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct machine *m = machine(cases[i].map, cases[i].states);
                struct drain *d = drain_of(m, NULL);

                assert_size(drain_bytes(&m->model, m->devices, d->plan), cases[i].loss);
                drain_free(d);
        }
}

/* Back */

static void assert_undo(struct machine *m, const char *map, const char *states,
                        const char *expected) {
        struct block before[N];
        struct plan *p = NULL;

        fill_blocks(before, map, states);
        assert_int_equal(drain_undo(&m->model, m->devices, before, &p), 0);
        assert_steps(p, expected);
        plan_free(p);
}

static void back_in_the_same_zones(void **state) {
        (void) state;
        assert_undo(machine("rrrrr", "kmmmm"), "rrrrr", "kmmmm", "");
        assert_undo(machine("rrrrr", "-----"), "rrrrr", "kmmm-", "0k 1m 3m 2m");
        assert_undo(machine("rrrr", "k-m-"), "rrrr", "kkmm", "1k 3m");
        /* What somebody else works on, or has taken, is his. */
        assert_undo(machine("rrrr", "g--m"), "rrrr", "mmmm", "1m 2m");
}

static void plugged_again(void **state) {
        (void) state;
        assert_undo(machine("....", "...."), "rrrr", "kmm-",
                    "place r +0 +1 +2 +3 0k 1m 2m");
        assert_undo(machine("....", "...."), "dddd", "mmm-",
                    "place d +0 0m +2 2m +1 1m +3");
        assert_undo(machine("......", "......"), "rsssss", "kkmmm.",
                    "place r +0 0k +1 1k +2 2m +4 4m +3 3m");
        /* The seed is still there: those in RAM would take the place of the one in it. */
        assert_undo(machine("r.s..", "k.-.."), "rrssr", "kmmmm",
                    "place s +3 +1 +4 1m 3m 4m 2m");
        assert_undo(machine("...", "..."), "dss", "km.", "place d +0 0k place s +1 1m");
}

static void not_without_the_driver(void **state) {
        struct machine *m = machine("....", "-...");

        (void) state;
        m->devices[0].holder = HOLDER_KMEM;
        assert_undo(m, "rrrr", "mmmm", "0m");
        m->devices[0].holder = HOLDER_NONE;
        assert_undo(m, "rrrr", "mmmm", "");
}

/* Any device */

static uint32_t seed;

static uint32_t random_below(uint32_t n) {
        seed = seed * 1664525 + 1013904223;
        return (seed >> 8) % n;
}

/* Whose memmap is where: the block that holds it, or none. */
struct world {
        size_t holder[MANY];
        struct device *device;
};

#define NOWHERE ((size_t) -1)

/* Seeds are the lowest blocks, and come online from below. */
static void make_up(struct machine *m, struct world *w) {
        size_t n = 1 + random_below(MANY - 1), seeds = random_below(3) ? 0 : 1 + random_below(4);
        size_t kernel = seeds + (random_below(2) ? 0 : random_below(5));
        struct device *d = m->devices;

        w->device = d;
        d->n_blocks = n;
        for (size_t i = 0; i < n; i++) {
                struct block *b = &d->blocks[i];

                *b = (struct block) { .number = 100 + i };
                w->holder[i] = NOWHERE;
                if (random_below(10) == 0)
                        continue;
                b->state = i < kernel || random_below(10) ? BLOCK_ONLINE : BLOCK_OFFLINE;
                b->zone = b->state == BLOCK_OFFLINE ? ZONE_NONE :
                        i < kernel ? ZONE_KERNEL : ZONE_MOVABLE;
                b->placement = random_below(4) ? PLACEMENT_RAM : PLACEMENT_DEVICE;
                for (size_t j = 0; j < i && j < seeds; j++)
                        if (d->blocks[j].state == BLOCK_ONLINE) {
                                b->placement = PLACEMENT_SEED;
                                w->holder[i] = j;
                        }
        }
}

static bool holds_a_memmap(const struct world *w, size_t seed_block) {
        for (size_t i = 0; i < w->device->n_blocks; i++)
                if (w->holder[i] == seed_block && w->device->blocks[i].state != BLOCK_ABSENT)
                        return true;
        return false;
}

/* The kernel, which does nothing that it cannot do. */
static void carry_out(struct world *w, const struct step *s) {
        struct block *b = &w->device->blocks[s->block];

        switch (s->kind) {
        case STEP_OFFLINE:
                assert_int_equal(b->state, BLOCK_ONLINE);
                assert_false(holds_a_memmap(w, s->block));
                b->state = BLOCK_OFFLINE;
                b->zone = ZONE_NONE;
                break;
        case STEP_UNPLUG:
                assert_int_equal(b->state, BLOCK_OFFLINE);
                b->state = BLOCK_ABSENT;
                b->placement = PLACEMENT_NONE;
                break;
        case STEP_PLUG:
                assert_int_equal(b->state, BLOCK_ABSENT);
                b->state = BLOCK_OFFLINE;
                b->placement = s->placement;
                break;
        case STEP_ONLINE:
                assert_int_equal(b->state, BLOCK_OFFLINE);
                b->state = BLOCK_ONLINE;
                b->zone = s->zone;
                break;
        default:
                break;
        }
}

static void assert_same(const struct block *a, const struct block *b, size_t n) {
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(a[i].state, b[i].state);
                assert_int_equal(a[i].zone, b[i].zone);
                assert_int_equal(a[i].placement, b[i].placement);
        }
}

/* Every block once and nothing left; and from wherever it stops, all comes back. */
static void any_device_goes_and_comes_back(void **state) {
        static struct block before[MANY];

        (void) state;
        for (seed = 1; seed < 20000; seed = seed / 7 * 7 + 8) {
                struct machine *m = machine("", "");
                struct drain *d = NULL, *again = NULL;
                struct plan *back = NULL;
                struct world w;
                uint32_t origin = seed;
                size_t stop;

                make_up(m, &w);
                memcpy(before, m->blocks, sizeof(before));
                assert_int_equal(drain_make(&m->model, m->devices, NULL, &d), 0);
                assert_size(d->n_left, 0);
                stop = random_below((uint32_t) d->plan->n_steps);
                for (size_t i = 0; i < stop; i++)
                        carry_out(&w, &d->plan->steps[i]);

                assert_int_equal(drain_undo(&m->model, m->devices, before, &back), 0);
                for (size_t i = 0; i < back->n_steps; i++)
                        carry_out(&w, &back->steps[i]);
                assert_same(m->blocks, before, m->devices[0].n_blocks);

                /* Interrupted and planned anew, it ends all the same. */
                for (size_t i = 0; i < stop; i++)
                        carry_out(&w, &d->plan->steps[i]);
                assert_int_equal(drain_make(&m->model, m->devices, NULL, &again), 0);
                for (size_t i = 0; i < again->plan->n_steps; i++)
                        carry_out(&w, &again->plan->steps[i]);
                for (size_t i = 0; i < m->devices[0].n_blocks; i++)
                        assert_int_equal(m->blocks[i].state, BLOCK_ABSENT);
                plan_free(back);
                drain_free(again);
                drain_free(d);
                seed = origin;
        }
}

/* As for coming online, see test-order.c: no walk but a few finds no gap. */
static void the_zone_is_walked_through_once(void **state) {
        size_t blocks[100], walked = 0;
        bool online[100];

        (void) state;
        for (size_t below = 0; below < 2; below++) {
                for (size_t i = 0; i < COUNT(blocks); i++) {
                        blocks[i] = i;
                        online[i] = true;
                }
                order_offline(below, blocks, COUNT(blocks));
                walked = 0;
                for (size_t i = 0; i < COUNT(blocks); i++) {
                        size_t start = 0;

                        assert_true(online[blocks[i]]);
                        online[blocks[i]] = false;
                        /* What is below is walked as well: one block of it. */
                        walked += below;
                        while (!below && start < COUNT(blocks) && !online[start])
                                start++;
                        for (size_t j = start; j < COUNT(blocks) && online[j]; j++)
                                walked++;
                }
                assert_true(walked < 2 * COUNT(blocks));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_second_first_then_from_above),
                cmocka_unit_test(the_first_first_if_the_zone_starts_below),
                cmocka_unit_test(kernel_blocks_after_movable_ones),
                cmocka_unit_test(seeds_last_and_from_above),
                cmocka_unit_test(the_drivers_own_way),
                cmocka_unit_test(nothing_where_nothing_is),
                cmocka_unit_test(only_those_asked_for),
                cmocka_unit_test(what_stays_has_a_reason),
                cmocka_unit_test(the_loss),
                cmocka_unit_test(back_in_the_same_zones),
                cmocka_unit_test(plugged_again),
                cmocka_unit_test(not_without_the_driver),
                cmocka_unit_test(any_device_goes_and_comes_back),
                cmocka_unit_test(the_zone_is_walked_through_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans as text: "bind", "place d", "+3" for a plug of block 3, "3k" and "3m" for
 * an online in that zone.
 */
#include "unit.h"
#include "tally.h"

#define N 8

struct machine {
        struct node nodes[2];
        struct block blocks[N];
        struct device device;
        struct model model;
};

static struct machine *machine(const char *map, const char *states) {
        static struct machine m;

        m = (struct machine) {
                .nodes = { { .id = 0, .has_kernel_zone = true, .kernel_total = GiB } },
                .device = {
                        .name = "dax0.0", .holder = HOLDER_MEMMAPD, .measured = true,
                        .target_node = 1, .memmap_size = MEMMAP_SIZE,
                        .n_blocks = strlen(map), .blocks = m.blocks,
                },
                .model = {
                        .block_size = BLOCK_SIZE, .n_nodes = 1, .nodes = m.nodes,
                        .n_devices = 1, .devices = &m.device,
                },
        };
        fill_blocks(m.blocks, map, states);
        return &m;
}

static void add_target(struct machine *m, uint64_t kernel, uint64_t free) {
        m->nodes[1] = (struct node) {
                .id = 1, .has_kernel_zone = kernel > 0, .kernel_total = kernel,
                .kernel_free = free, .kernel_free_huge = free,
        };
        m->model.n_nodes = 2;
}

/* A decision for letters: the map; a zone, in capitals for a seed. */
struct wish {
        const char *map, *zones;
        enum zone zone;
        enum order order;
        enum action action;
};

static void describe(const struct plan *p, char *buf, size_t size) {
        size_t n = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < p->n_steps; i++) {
                const struct step *s = &p->steps[i];
                const char *space = i ? " " : "";

                assert_true(n < size);
                if (s->kind == STEP_BIND)
                        n += (size_t) snprintf(buf + n, size - n, "%sbind", space);
                else if (s->kind == STEP_PLACE)
                        n += (size_t) snprintf(buf + n, size - n, "%splace %c", space,
                                               letter_of_placement(s->placement));
                else if (s->kind == STEP_PLUG)
                        n += (size_t) snprintf(buf + n, size - n, "%s+%zu", space, s->block);
                else
                        n += (size_t) snprintf(buf + n, size - n, "%s%zu%c", space, s->block,
                                               letter_of_zone(s->zone));
        }
        assert_true(n < size);
}

static void assert_placements(const struct plan *p, const struct decision *d) {
        for (size_t i = 0; i < p->n_steps; i++)
                if (p->steps[i].kind == STEP_PLUG)
                        assert_int_equal(p->steps[i].placement,
                                         d->targets[p->steps[i].block].placement);
}

static void assert_plan_of(struct machine *m, struct wish w, enum verdict v,
                           const char *expected) {
        struct target targets[N] = {};
        struct decision d = {
                .verdict = v,
                .settings = {
                        .action = w.action, .order = w.order,
                        .zone = w.zone ? w.zone : ZONE_MOVABLE,
                },
                .n_blocks = m->device.n_blocks, .targets = targets,
        };
        struct plan *p = NULL;
        char text[512];

        assert_size(strlen(w.map), d.n_blocks);
        for (size_t i = 0; i < d.n_blocks; i++) {
                struct block b = block_of(i, w.map[i], w.zones[i] == 'm' ? 'm' : 'k');

                targets[i] = (struct target) {
                        .wanted = w.map[i] != '.', .seed = w.zones[i] == 'K',
                        .placement = b.placement, .zone = b.zone,
                };
        }
        model_tally(&m->model);
        model_tally(&m->model);
        assert_int_equal(plan_make(&m->model, &m->device, &d, &p), 0);
        describe(p, text, sizeof(text));
        assert_string_equal(text, expected);
        assert_placements(p, &d);
        assert_null(plan_free(p));
}

static void assert_plan(struct machine *m, struct wish w, const char *expected) {
        assert_plan_of(m, w, VERDICT_TAKE, expected);
}

static void empty_when_all_is_there(void **state) {
        (void) state;
        assert_plan(machine("rrdds", "mmmmm"), (struct wish) { "rrdds", "mmmmm" }, "");
        /* Wherever the memmaps and zones are by now. */
        assert_plan(machine("rrrrr", "mkmkm"), (struct wish) { "sdsds", "Kmmmm" }, "");
}

static void empty_if_ignored_or_settled(void **state) {
        const struct wish w = { "rrrr", "mmmm" };

        (void) state;
        assert_plan_of(machine("....", "...."), w, VERDICT_IGNORE, "");
        assert_plan_of(machine("....", "...."), w, VERDICT_SETTLED, "");
        assert_plan_of(machine("rr..", "-m.."), w, VERDICT_SETTLED, "");
}

/* A refusal wants no more than what is there, and binds nothing. */
static void refused_only_finishes_what_is_plugged(void **state) {
        struct machine *m = machine("rr..", "-m..");
        const struct wish w = { "rr..", "mmmm" };

        (void) state;
        assert_plan_of(m, w, VERDICT_REFUSE, "0m");
        m->device.holder = HOLDER_KMEM;
        assert_plan_of(m, w, VERDICT_REFUSE, "");
        assert_plan_of(machine("....", "...."), (struct wish) { "....", "mmmm" },
                       VERDICT_REFUSE, "");
}

static void bound_before_all_else(void **state) {
        struct machine *m = machine("...", "...");
        const struct wish w = { "rrr", "mmm" };

        (void) state;
        m->device.holder = HOLDER_NONE;
        assert_plan(m, w, "bind");
        m->device.holder = HOLDER_KMEM;
        assert_plan(m, w, "bind");
        m->device.holder = HOLDER_MEMMAPD;
        m->device.measured = false;
        assert_plan(m, w, "bind");
}

static void bound_even_if_all_is_there(void **state) {
        struct machine *m = machine("...", "---");

        (void) state;
        m->device.holder = HOLDER_KMEM;
        assert_plan(m, (struct wish) { "...", "mmm" }, "bind");
}

static void plugged_before_online(void **state) {
        (void) state;
        assert_plan(machine("...", "..."), (struct wish) { "rrr", "mmm", .order = ORDER_ASCENDING },
                    "place r +0 0m +1 1m +2 2m");
}

static void place_only_on_change(void **state) {
        (void) state;
        assert_plan(machine(".....", "....."),
                    (struct wish) { "rrddr", "mmmmm", .order = ORDER_ASCENDING },
                    "place r +0 0m +1 1m place d +2 2m +3 3m place r +4 4m");
        assert_plan(machine("...", "..."), (struct wish) { "ddd", "mmm", .order = ORDER_ASCENDING },
                    "place d +0 0m +1 1m +2 2m");
}

/* In a seed or in RAM: both is asked for in the same way. */
static void seed_is_placed_like_ram(void **state) {
        struct machine *m = machine("....", "....");

        (void) state;
        add_target(m, 0, 0);
        assert_plan(m, (struct wish) { "rsss", "Kmmm", .order = ORDER_ASCENDING },
                    "place r +0 0k +1 1m +2 2m +3 3m");
        assert_plan(m, (struct wish) { "dsss", "Kmmm", .order = ORDER_ASCENDING },
                    "place d +0 0k place s +1 1m +2 2m +3 3m");
}

static void orders(void **state) {
        (void) state;
        assert_plan(machine(".....", "....."),
                    (struct wish) { "ddddd", "mmmmm", .order = ORDER_FAST },
                    "place d +0 0m +2 2m +3 3m +4 4m +1 1m");
        assert_plan(machine("...", "..."),
                    (struct wish) { "ddd", "mmm", .order = ORDER_DESCENDING },
                    "place d +2 2m +1 1m +0 0m");
}

static void fast_order_knows_what_is_online_below(void **state) {
        struct machine *m = machine("d....", "m....");
        /* Ranges of a device need not ascend. */
        struct block blocks[] = {
                { .number = 2000, .state = BLOCK_ONLINE, .zone = ZONE_MOVABLE },
                { .number = 3, .state = BLOCK_ONLINE, .zone = ZONE_MOVABLE },
        };
        struct block *below = &blocks[1];
        struct device devices[2];

        (void) state;
        assert_plan(m, (struct wish) { "ddddd", "mmmmm" }, "place d +2 2m +3 3m +4 4m +1 1m");

        /* Another device of the same node counts, in the same zone, and below-> */
        m = machine("....", "....");
        devices[0] = (struct device) {
                .name = "dax9.0", .target_node = 1, .n_blocks = 2, .blocks = blocks,
        };
        devices[1] = m->device;
        m->model.devices = devices;
        m->model.n_devices = 2;
        assert_plan(m, (struct wish) { "dddd", "mmmm" }, "place d +1 1m +2 2m +3 3m +0 0m");
        below->zone = ZONE_KERNEL;
        assert_plan(m, (struct wish) { "dddd", "mmmm" }, "place d +0 0m +2 2m +3 3m +1 1m");
        below->zone = ZONE_MOVABLE;
        below->number = 1000;
        assert_plan(m, (struct wish) { "dddd", "mmmm" }, "place d +0 0m +2 2m +3 3m +1 1m");
        below->number = 3;
        devices[0].target_node = 2;
        assert_plan(m, (struct wish) { "dddd", "mmmm" }, "place d +0 0m +2 2m +3 3m +1 1m");
}

static void plug_leaves_offline(void **state) {
        const struct wish w = { "rrdd", "mmmm", .order = ORDER_ASCENDING, .action = ACTION_PLUG };

        (void) state;
        assert_plan(machine("....", "...."), w, "place r +0 +1 place d +2 +3");
        assert_plan(machine("rr..", "-m.."), w, "place d +2 +3");
        assert_plan(machine("rrdd", "----"), w, "");
}

static void offline_block_only_comes_online(void **state) {
        (void) state;
        assert_plan(machine("rr..", "m-.."),
                    (struct wish) { "rrrr", "mmmm", .order = ORDER_ASCENDING },
                    "1m place r +2 2m +3 3m");
        assert_plan(machine("rr", "--"),
                    (struct wish) { "rr", "mm", .order = ORDER_ASCENDING }, "0m 1m");
}

static void blocks_that_failed_or_change_are_let_be(void **state) {
        (void) state;
        assert_plan(machine("...r", ".x.g"),
                    (struct wish) { "r.rr", "mmmm", .order = ORDER_ASCENDING },
                    "place r +0 0m +2 2m");
}

/* A kernel block online would take the memmaps that are meant for RAM. */
static void ram_before_the_first_kernel_zone(void **state) {
        (void) state;
        assert_plan(machine("....", "...."),
                    (struct wish) { "rrrr", "kkkk", .zone = ZONE_KERNEL, .order = ORDER_ASCENDING },
                    "place r +0 +1 +2 +3 0k 1k 2k 3k");
        assert_plan(machine(".....", "....."),
                    (struct wish) { "rssrr", "Kmmmm", .order = ORDER_ASCENDING },
                    "place r +0 +3 +4 0k +1 1m +2 2m 3m 4m");
        /* Also that of the first seed, where others come online in the same zone. */
        assert_plan(machine("...", "..."),
                    (struct wish) { "rsr", "Kkk", .zone = ZONE_KERNEL, .order = ORDER_DESCENDING },
                    "place r +0 +2 2k 0k +1 1k");
        /* In the movable zone there is nothing to fear. */
        assert_plan(machine("..", ".."), (struct wish) { "rr", "mm", .order = ORDER_ASCENDING },
                    "place r +0 0m +1 1m");
}

/* Of 5 memmaps by size a seed is planned to hold 3: the last but one is the next seed's. */
static void seeds_come_first_and_just_in_time(void **state) {
        struct machine *m = machine("........", "........");

        (void) state;
        m->device.memmap_size = BLOCK_SIZE / 5;
        assert_plan(m, (struct wish) { "rsssssss", "KKKmmmmm", .order = ORDER_ASCENDING },
                    "place r +0 0k +3 3m +4 4m +1 1k +5 5m +6 6m +2 2k +7 7m");
        /* The order of the others does not matter to them. */
        assert_plan(m, (struct wish) { "rsssssss", "KKKmmmmm", .order = ORDER_DESCENDING },
                    "place r +0 0k +7 7m +6 6m +1 1k +5 5m +4 4m +2 2k +3 3m");
        /* With altmaps they take no room of each other, but of themselves. */
        assert_plan(m, (struct wish) { "dddsssss", "KKKmmmmm", .order = ORDER_ASCENDING },
                    "place d +0 0k place s +3 3m place d +1 1k place s +4 4m +5 5m "
                    "place d +2 2k place s +6 6m +7 7m");
        assert_plan(m, (struct wish) { "ddssssss", "KKmmmmmm", .order = ORDER_ASCENDING },
                    "place d +0 0k place s +2 2m place d +1 1k place s +3 3m +4 4m +5 5m +6 6m "
                    "+7 7m");
}

static void seeds_online_already_are_used_up_first(void **state) {
        struct machine *m = machine("rs......", "km......");

        (void) state;
        m->device.memmap_size = BLOCK_SIZE / 5;
        add_target(m, BLOCK_SIZE, 5 * (BLOCK_SIZE / 5));
        assert_plan(m, (struct wish) { "rsssssss", "KmKmmmmm", .order = ORDER_ASCENDING },
                    "place s +3 3m +4 4m +2 2k +5 5m +6 6m +7 7m");
        /* RAM on the node is no seed. */
        m->nodes[1].kernel_total = 4 * GiB;
        assert_plan(m, (struct wish) { "rsssssss", "KmKmmmmm", .order = ORDER_ASCENDING },
                    "place s +2 2k +3 3m +4 4m +5 5m +6 6m +7 7m");
}

static void seed_that_is_offline_comes_online_first(void **state) {
        struct machine *m = machine("rs..", "--..");

        (void) state;
        assert_plan(m, (struct wish) { "rsss", "Kmmm", .order = ORDER_ASCENDING },
                    "0k 1m place s +2 2m +3 3m");
}

static void device_of_nothing_but_seeds(void **state) {
        struct machine *m = machine("..", "..");

        (void) state;
        assert_plan(m, (struct wish) { "rr", "KK", .order = ORDER_ASCENDING },
                    "place r +0 +1 0k 1k");
}

static void kernel_before_movable(void **state) {
        (void) state;
        assert_plan(machine("....", "...."),
                    (struct wish) { "dddd", "kkmm", .order = ORDER_ASCENDING },
                    "place d +0 0k +1 1k +2 2m +3 3m");
}

static void nothing_comes_of_nothing(void **state) {
        (void) state;
        assert_plan(machine("", ""), (struct wish) { "", "" }, "");
        assert_null(plan_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(empty_when_all_is_there),
                cmocka_unit_test(empty_if_ignored_or_settled),
                cmocka_unit_test(refused_only_finishes_what_is_plugged),
                cmocka_unit_test(bound_before_all_else),
                cmocka_unit_test(bound_even_if_all_is_there),
                cmocka_unit_test(plugged_before_online),
                cmocka_unit_test(place_only_on_change),
                cmocka_unit_test(seed_is_placed_like_ram),
                cmocka_unit_test(orders),
                cmocka_unit_test(fast_order_knows_what_is_online_below),
                cmocka_unit_test(plug_leaves_offline),
                cmocka_unit_test(offline_block_only_comes_online),
                cmocka_unit_test(blocks_that_failed_or_change_are_let_be),
                cmocka_unit_test(ram_before_the_first_kernel_zone),
                cmocka_unit_test(seeds_come_first_and_just_in_time),
                cmocka_unit_test(seeds_online_already_are_used_up_first),
                cmocka_unit_test(seed_that_is_offline_comes_online_first),
                cmocka_unit_test(device_of_nothing_but_seeds),
                cmocka_unit_test(kernel_before_movable),
                cmocka_unit_test(nothing_comes_of_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

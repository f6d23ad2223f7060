/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is decided for random machines is carried out on a kernel of a few lines, and
 * what must hold of every machine is checked; simulate.h tells how to repeat it.
 */
#include "simulate-kernel.h"

/* What must hold */

static void assert_same(const struct work *a, const struct work *b) {
        assert_int_equal(a->decision->verdict, b->decision->verdict);
        assert_int_equal(a->decision->payer, b->decision->payer);
        assert_size(a->decision->ram_cost, b->decision->ram_cost);
        assert_size(a->decision->n_seeds, b->decision->n_seeds);
        assert_size(a->decision->n_reasons, b->decision->n_reasons);
        assert_memory_equal(a->decision->reasons, b->decision->reasons,
                            sizeof(a->decision->reasons));
        for (size_t i = 0; i < a->decision->n_blocks; i++) {
                assert_int_equal(a->decision->targets[i].placement,
                                 b->decision->targets[i].placement);
                assert_int_equal(a->decision->targets[i].zone, b->decision->targets[i].zone);
        }
        assert_size(a->plan->n_steps, b->plan->n_steps);
        for (size_t i = 0; i < a->plan->n_steps; i++) {
                assert_int_equal(a->plan->steps[i].kind, b->plan->steps[i].kind);
                assert_size(a->plan->steps[i].block, b->plan->steps[i].block);
        }
}

static void deterministic(const struct machine *m) {
        struct work a = decide_on(m, 0), b = decide_on(m, 0);

        assert_same(&a, &b);
        work_free(a);
        work_free(b);
}

static void assert_untouched(const struct work *w) {
        assert_size(w->plan->n_steps, 0);
        assert_size(w->decision->ram_cost, 0);
        assert_non_null(decision_cause(w->decision));
        for (size_t i = 0; i < w->decision->n_blocks; i++)
                assert_false(w->decision->targets[i].wanted);
}

/* All that can be are where the action wants them, and there is nothing left to do. */
static void assert_arrived(const struct machine *m, size_t device) {
        const struct device *d = &m->devices[device];
        struct work w = decide_on(m, device);
        size_t room = amount_of(w.decision->settings.max_size, d->size) / m->model.block_size;
        size_t n = 0;

        assert_int_equal(w.decision->verdict, VERDICT_TAKE);
        assert_size(w.plan->n_steps, 0);
        assert_size(w.decision->ram_cost, 0);
        for (size_t i = 0; i < d->n_blocks && room > 0; i++)
                if (!d->blocks[i].failed) {
                        assert_int_equal(d->blocks[i].state,
                                         w.decision->settings.action == ACTION_PLUG ?
                                         BLOCK_OFFLINE : BLOCK_ONLINE);
                        room--;
                        n++;
                }
        /* The lowest that the limit allows, and no others. */
        assert_size(device_count(d).plugged, n);
        work_free(w);
}

/* Seeds and all other kernel blocks are below the movable ones. */
static void assert_zones_apart(const struct device *d) {
        bool movable = false;

        for (size_t i = 0; i < d->n_blocks; i++) {
                assert_false(movable && d->blocks[i].zone == ZONE_KERNEL);
                movable |= d->blocks[i].zone == ZONE_MOVABLE;
        }
}

static void assert_spent(const struct machine *before, const struct machine *after,
                         const struct decision *d) {
        size_t in_ram = 0;

        for (size_t i = 0; i < after->devices[0].n_blocks; i++)
                in_ram += after->blocks[0][i].placement == PLACEMENT_RAM;
        assert_size(in_ram * before->devices[0].memmap_size, d->ram_cost);
        assert_true(d->ram_cost <= d->budget.total);
}

/* Where the zone is left open, no block is movable that makes it too much. */
static void assert_ratio(const struct machine *m, const struct decision *d) {
        if (d->settings.zone != ZONE_MODE_AUTO ||
            d->reasons[d->n_reasons - 1].code != REASON_RATIO_HIGH)
                return;
        for (size_t i = 0; i < d->n_blocks; i++)
                if (d->targets[i].wanted && m->blocks[0][i].state != BLOCK_ONLINE)
                        assert_int_equal(d->targets[i].zone, ZONE_KERNEL);
}

/* What is decided anew is good for what it is wanted for. */
static void assert_use(const struct decision *d) {
        const struct use *u = &d->settings.use;

        if (u->removable && d->settings.memmap != MEMMAP_SEED)
                assert_size(d->n_seeds, 0);
        for (size_t i = 0; i < d->n_blocks; i++)
                if (u->gigantic_pages || u->hvo)
                        assert_int_not_equal(d->targets[i].placement, PLACEMENT_DEVICE);
        assert_true(d->settings.zone != ZONE_MODE_AUTO || !(u->gigantic_pages || u->removable));
}

static void carried_out_as_a_whole(const struct machine *m) {
        struct machine end = copy_of(m);
        struct work w = decide_on(m, 0);

        adjust(&end);
        if (w.decision->verdict == VERDICT_TAKE) {
                carry_out(&end, w.plan, w.plan->n_steps);
                assert_spent(m, &end, w.decision);
                assert_arrived(&end, 0);
                assert_zones_apart(&end.devices[0]);
                assert_ratio(m, w.decision);
                assert_use(w.decision);
        } else
                assert_untouched(&w);
        work_free(w);
}

/* Whatever it was in when it was killed: started again, it ends well. */
static void interrupted(const struct machine *m) {
        struct machine end = copy_of(m);
        struct work w = decide_on(m, 0);
        bool taken = w.decision->verdict == VERDICT_TAKE;
        int payer = w.decision->payer;

        adjust(&end);
        for (int rounds = 0; taken && w.plan->n_steps > 0; rounds++) {
                /* Twice, and then it is let go. */
                size_t stop = rounds < 2 ? chance(w.plan->n_steps) : w.plan->n_steps;

                assert_true(rounds < 4);
                end.interrupted = rounds > 0;
                carry_out(&end, w.plan, stop);
                work_free(w);
                w = decide_on(&end, 0);
                /* Who pays may turn out only now, and to have less to spare. */
                taken = w.decision->verdict == VERDICT_TAKE;
                assert_true(taken || w.decision->payer != payer);
        }
        if (taken)
                assert_arrived(&end, 0);
        work_free(w);
}

/* More RAM never turns what was taken into what is refused. */
static void more_ram_is_no_harm(const struct machine *m) {
        struct work w = decide_on(m, 0), more;
        struct machine rich = copy_of(m);

        adjust(&rich);
        if (w.decision->payer >= 0)
                rich.nodes[w.decision->payer].kernel_free +=
                        chance(200 * m->devices[0].memmap_size);
        more = decide_on(&rich, 0);
        /* Unless it has become another one's to pay. */
        if (w.decision->verdict == VERDICT_TAKE && w.decision->payer == more.decision->payer)
                assert_int_equal(more.decision->verdict, VERDICT_TAKE);
        work_free(more);
        work_free(w);
}

static void promise(struct machine *m, const struct decision *d, uint64_t bytes) {
        if (d->payer >= 0)
                node_of(m, d->payer)->promised = bytes;
}

static bool payer_is_right(const struct machine *m, size_t device, const struct decision *d) {
        int target = m->devices[device].target_node;

        return d->payer == ((size_t) target < m->n_ram ? target : m->nearest[device]);
}

/* Both at once, in any order: the one that came first keeps what it was promised. */
static void two_at_once(const struct machine *m) {
        struct machine end = copy_of(m);
        size_t at[DEVICES] = {};
        struct work w[DEVICES];

        adjust(&end);
        /* On one node they would use each other's seeds. */
        if (end.devices[0].target_node == end.devices[1].target_node)
                return;
        w[0] = decide_on(&end, 0);
        promise(&end, w[0].decision, w[0].decision->ram_cost);
        w[1] = decide_on(&end, 1);
        /* A promise in the name of the wrong node holds nobody back. */
        for (size_t i = 0; i < DEVICES; i++)
                at[i] = payer_is_right(&end, i, w[i].decision) ? 0 : w[i].plan->n_steps;
        while (at[0] < w[0].plan->n_steps || at[1] < w[1].plan->n_steps) {
                size_t i = chance(DEVICES);

                if (at[i] == w[i].plan->n_steps)
                        continue;
                do_step(&end, i, &w[i].plan->steps[at[i]++]);
        }
        promise(&end, w[0].decision, 0);
        model_tally(&end.model);
        for (size_t i = 0; i < DEVICES; i++) {
                if (w[i].decision->verdict == VERDICT_TAKE &&
                    payer_is_right(&end, i, w[i].decision))
                        assert_arrived(&end, i);
                work_free(w[i]);
        }
}

/* Before it is bound, nothing but that is planned. */
static void bound_first(const struct machine *m) {
        struct machine fresh = copy_of(m);
        struct work w;

        adjust(&fresh);
        fresh.devices[0].holder = HOLDER_NONE;
        fresh.devices[0].measured = false;
        w = decide_on(&fresh, 0);
        if (w.decision->verdict == VERDICT_TAKE) {
                assert_size(w.plan->n_steps, 1);
                assert_int_equal(w.plan->steps[0].kind, STEP_BIND);
        } else
                assert_size(w.plan->n_steps, 0);
        work_free(w);
}

PROPERTY(deterministic)
PROPERTY(carried_out_as_a_whole)
PROPERTY(interrupted)
PROPERTY(more_ram_is_no_harm)
PROPERTY(two_at_once)
PROPERTY(bound_first)

/* Verdicts and modes must all come up, or the rest proves little. */
static size_t seen[_MEMMAP_MODE_MAX][_VERDICT_MAX], seen_placed[_PLACEMENT_MAX], seen_rules;

static void take_note(const struct machine *m) {
        struct work w = decide_on(m, 0);

        seen[w.decision->settings.memmap][w.decision->verdict]++;
        seen_rules += w.decision->rule != NULL;
        for (size_t i = 0; i < w.decision->n_blocks; i++)
                seen_placed[w.decision->targets[i].placement]++;
        work_free(w);
}

static void test_all_kinds_come_up(void **state) {
        (void) state;
        if (number_from("MEMMAPD_MACHINES", DEFAULT_MACHINES) < 500)
                skip();
        each_machine(take_note);
        for (int i = 0; i < _MEMMAP_MODE_MAX; i++) {
                assert_true(seen[i][VERDICT_TAKE] > 10);
                assert_true(seen[i][VERDICT_REFUSE] > 10);
        }
        for (int i = 0; i < _PLACEMENT_MAX; i++)
                assert_true(seen_placed[i] > 100);
        assert_true(seen_rules > 50);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_deterministic, tell_seed),
                cmocka_unit_test_teardown(test_carried_out_as_a_whole, tell_seed),
                cmocka_unit_test_teardown(test_interrupted, tell_seed),
                cmocka_unit_test_teardown(test_more_ram_is_no_harm, tell_seed),
                cmocka_unit_test_teardown(test_two_at_once, tell_seed),
                cmocka_unit_test_teardown(test_bound_first, tell_seed),
                cmocka_unit_test_teardown(test_all_kinds_come_up, tell_seed),
        };

        print_message("MEMMAPD_SEED=%" PRIu64 "\n", number_from("MEMMAPD_SEED", DEFAULT_SEED));
        return cmocka_run_group_tests(tests, NULL, NULL);
}

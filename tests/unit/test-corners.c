/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the other tests have no reason to come to: memory runs out, and models that
 * no probe makes.  With these every branch of the core is taken; see ./dev coverage.
 */
#include "decide-machine.h"

#include "drain.h"
#include "maker.h"

/* Memory */

static long allocations_left = -1;      /* negative: as many as are asked for */
static size_t live;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __real_free(void *p);
void __wrap_free(void *p);

void *__wrap_calloc(size_t n, size_t size) {
        if (allocations_left == 0)
                return NULL;
        allocations_left -= allocations_left > 0;
        live++;
        return __real_calloc(n, size);
}

void __wrap_free(void *p) {
        live -= p != NULL;
        __real_free(p);
}

/* Without memory nothing is returned and nothing kept. */
static void decides_without_memory(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        int failures = 0;

        (void) state;
        for (;; failures++) {
                struct decision *d = NULL;
                int r;

                live = 0;
                allocations_left = failures;
                model_tally(&m->model);
                r = decide(&m->model, &m->policy, &m->device, &d);
                allocations_left = -1;
                if (r == 0) {
                        decision_free(d);
                        assert_size(live, 0);
                        break;
                }
                assert_int_equal(r, -ENOMEM);
                assert_null(d);
                assert_size(live, 0);
        }
        assert_int_equal(failures, 2);
}

static void plans_without_memory(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision *d;
        int failures = 0;

        (void) state;
        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        for (;; failures++) {
                struct plan *p = NULL;
                int r;

                live = 0;
                allocations_left = failures;
                r = plan_make(&m->model, &m->device, d, &p);
                allocations_left = -1;
                if (r == 0) {
                        assert_true(p->n_steps > 0);
                        plan_free(p);
                        assert_size(live, 0);
                        break;
                }
                assert_int_equal(r, -ENOMEM);
                assert_null(p);
                assert_size(live, 0);
        }
        assert_int_equal(failures, 5);
        decision_free(d);
}

static int drain_or_undo(const struct machine *m, bool undo) {
        struct block before[N];
        struct drain *d = NULL;
        struct plan *p = NULL;
        int r;

        memcpy(before, m->blocks, sizeof(before));
        r = undo ? drain_undo(&m->model, &m->device, before, &p) :
                drain_make(&m->model, &m->device, NULL, &d);
        if (r < 0) {
                assert_null(d);
                assert_null(p);
        }
        plan_free(p);
        drain_free(d);
        return r;
}

static void drains_without_memory(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);

        (void) state;
        for (size_t undo = 0; undo < 2; undo++) {
                int failures = 0, r;

                do {
                        live = 0;
                        allocations_left = failures++;
                        r = drain_or_undo(m, undo);
                        allocations_left = -1;
                        assert_size(live, 0);
                        assert_true(r == 0 || r == -ENOMEM);
                } while (r < 0);
                assert_int_equal(failures, undo ? 5 : 7);
        }
}

/* Both policies are as they were. */
static void stacks_without_memory(void **state) {
        struct rule below = { .name = (char *) "below" }, above = { .name = (char *) "above" };
        struct policy base = { .n_rules = 1, .rules = &below };
        struct policy over = { .n_rules = 1, .rules = &above };

        (void) state;
        allocations_left = 0;
        assert_int_equal(policy_stack(&base, &over), -ENOMEM);
        allocations_left = -1;
        assert_size(base.n_rules, 1);
        assert_ptr_equal(base.rules, &below);
        assert_size(over.n_rules, 1);
        assert_ptr_equal(over.rules, &above);
}

/* Models */

static void memory_of_unknown_make_that_is_meant(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision *d;

        (void) state;
        m->device.backing = BACKING_UNKNOWN;
        m->rule.match = (struct match) { .given = MATCH_DEVICE, .device = (char *) "dax0.0" };
        m->policy.n_rules = 1;
        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        assert_int_equal(d->verdict, VERDICT_TAKE);
        decision_free(d);
}

/* One that may go astray again takes the place of one in RAM. */
static void mixed_after_a_stray(void **state) {
        for (int stray = 0; stray < 2; stray++) {
                struct machine *m = machine(MEMMAP_AUTO, 3);
                size_t in_ram = 0;
                struct decision *d;

                (void) state;
                m->policy.defaults.given |= SETTING_MEMMAP;
                m->policy.defaults.memmap = MEMMAP_MIXED;
                m->model.memmap_on_memory = true;
                m->device.stray_device = stray;
                model_tally(&m->model);
                assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
                assert_int_equal(d->verdict, VERDICT_TAKE);
                for (size_t i = 0; i < N; i++)
                        in_ram += d->targets[i].placement == PLACEMENT_RAM;
                assert_size(in_ram, stray ? 2 : 3);
                decision_free(d);
        }
}

/* It is plugged, and the step that failed was to bring it online. */
static void plugged_block_that_failed_is_let_be(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision *d;
        struct plan *p;

        (void) state;
        fill_blocks(m->blocks, "rrrrrrrr", "mmmm-mmm");
        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &d), 0);
        assert_int_equal(plan_make(&m->model, &m->device, d, &p), 0);
        assert_size(p->n_steps, 1);
        plan_free(p);
        m->blocks[4].failed = true;
        assert_int_equal(plan_make(&m->model, &m->device, d, &p), 0);
        assert_size(p->n_steps, 0);
        plan_free(p);
        decision_free(d);
}

static void node_without_a_number_is_at_no_known_distance(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        unsigned int distances[] = { 10, 21 };

        (void) state;
        m->nodes[0].distances = distances;
        m->nodes[0].n_distances = 2;
        m->nodes[1] = (struct node) {
                .id = -1, .has_kernel_zone = true, .kernel_total = GiB, .kernel_free = GiB,
        };
        m->model.n_nodes = 2;
        m->device.target_node = 7;
        /* So the one that can spare less is assumed. */
        model_tally(&m->model);
        assert_int_equal(budget_payer(&m->model, &m->device, (struct amount) {})->id, 0);
        m->nodes[1].kernel_free = MiB;
        model_tally(&m->model);
        assert_int_equal(budget_payer(&m->model, &m->device, (struct amount) {})->id, -1);
}

/* Inside */

static void no_more_reasons_than_there_is_room_for(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision d = { .payer = -1 };
        struct maker k = { .model = &m->model, .device = &m->device, .decision = &d };

        (void) state;
        for (size_t i = 0; i < REASONS_MAX + 2; i++)
                reason_add(&k, REASON_COST, i, 0);
        assert_size(d.n_reasons, REASONS_MAX);
        assert_size(d.reasons[REASONS_MAX - 1].a, REASONS_MAX - 1);
}

static void parameter_that_is_set_is_no_help(void **state) {
        struct machine *m = machine(MEMMAP_AUTO, 3);
        struct decision d = { .payer = -1 };
        struct maker k = { .model = &m->model, .device = &m->device, .decision = &d };

        (void) state;
        reason_add_text(&k, REASON_NO_DEVICE, "for another reason");
        m->model.memmap_on_memory = true;
        help(&k);
        assert_size(d.n_reasons, 1);
        m->model.memmap_on_memory = false;
        help(&k);
        assert_size(d.n_reasons, 2);
        assert_int_equal(d.reasons[1].code, REASON_HELP_PARAMETER);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(decides_without_memory),
                cmocka_unit_test(plans_without_memory),
                cmocka_unit_test(drains_without_memory),
                cmocka_unit_test(stacks_without_memory),
                cmocka_unit_test(memory_of_unknown_make_that_is_meant),
                cmocka_unit_test(mixed_after_a_stray),
                cmocka_unit_test(plugged_block_that_failed_is_let_be),
                cmocka_unit_test(node_without_a_number_is_at_no_known_distance),
                cmocka_unit_test(no_more_reasons_than_there_is_room_for),
                cmocka_unit_test(parameter_that_is_set_is_no_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

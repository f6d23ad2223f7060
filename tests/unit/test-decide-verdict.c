/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide-machine.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

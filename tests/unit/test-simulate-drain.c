/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random machines that have taken in a device give it back, and whatever was done of
 * that can be undone; simulate.h tells how to repeat it.
 */
#include "simulate-kernel.h"

/* Free, or as good as free. */
static uint64_t ram_of(const struct machine *m) {
        uint64_t bytes = 0;

        for (size_t i = 0; i < m->n_ram; i++)
                bytes += m->nodes[i].kernel_free + m->nodes[i].kernel_reclaimable;
        return bytes;
}

/* @ret: @m with the device taken in; false if it is not to be. */
static bool take_in(const struct machine *m, struct machine *ret) {
        struct work w = decide_on(m, 0);
        bool taken = w.decision->verdict == VERDICT_TAKE;

        *ret = copy_of(m);
        adjust(ret);
        carry_out(ret, w.plan, w.plan->n_steps);
        work_free(w);
        return taken;
}

static struct drain *drain_of(const struct machine *m, const bool *blocks) {
        struct drain *d;

        assert_int_equal(drain_make(&m->model, &m->devices[0], blocks, &d), 0);
        return d;
}

/* All of it can go, and the machine is what it was. */
static void taken_out(const struct machine *m) {
        struct machine end;
        struct drain *d;

        if (!take_in(m, &end))
                return;
        d = drain_of(&end, NULL);
        carry_out(&end, d->plan, d->plan->n_steps);
        assert_size(d->n_left, 0);
        drain_free(d);
        assert_size(device_count(&end.devices[0]).plugged, 0);
        assert_int_equal(end.devices[0].holder, HOLDER_NONE);
        assert_size(ram_of(&end), ram_of(m));
        d = drain_of(&end, NULL);
        assert_size(d->plan->n_steps, 0);
        drain_free(d);
}

static struct plan *undo_of(const struct machine *m, const struct block *before) {
        struct plan *p;

        assert_int_equal(drain_undo(&m->model, &m->devices[0], before, &p), 0);
        return p;
}

/*
 * Whatever of a plan was done: the way back ends where it began.  A memmap that was in
 * RAM may be in a seed then.
 */
static void assert_undone(struct machine *m, const struct machine *before) {
        struct plan *p = undo_of(m, before->blocks[0]);

        m->interrupted = true;
        carry_out(m, p, p->n_steps);
        plan_free(p);
        for (size_t i = 0; i < m->devices[0].n_blocks; i++) {
                const struct block *then = &before->blocks[0][i], *now = &m->blocks[0][i];

                assert_int_equal(now->state, then->state);
                assert_int_equal(now->zone, then->zone);
                if (now->placement != PLACEMENT_SEED || then->placement != PLACEMENT_RAM)
                        assert_int_equal(now->placement, then->placement);
        }
        assert_true(ram_of(m) >= ram_of(before));
        p = undo_of(m, before->blocks[0]);
        assert_size(p->n_steps, 0);
        plan_free(p);
}

/* Until its driver has gone. */
static void undone(const struct machine *m) {
        struct machine before, end;
        struct drain *d;
        size_t n;

        if (!take_in(m, &before))
                return;
        end = copy_of(&before);
        adjust(&end);
        d = drain_of(&end, NULL);
        n = d->plan->n_steps;
        if (n > 0 && d->plan->steps[n - 1].kind == STEP_UNBIND)
                n--;
        carry_out(&end, d->plan, chance(n + 1));
        drain_free(d);
        assert_undone(&end, &before);
}

/* Some blocks go offline, no others, and come back. */
static void some_blocks(const struct machine *m) {
        struct machine before, end;
        bool blocks[BLOCKS_MAX], left[BLOCKS_MAX] = {};
        struct drain *d;

        if (!take_in(m, &before))
                return;
        end = copy_of(&before);
        adjust(&end);
        for (size_t i = 0; i < BLOCKS_MAX; i++)
                blocks[i] = once_in(3);
        d = drain_of(&end, blocks);
        carry_out(&end, d->plan, d->plan->n_steps);
        for (size_t i = 0; i < d->n_left; i++)
                left[d->left[i].block] = true;
        drain_free(d);
        for (size_t i = 0; i < end.devices[0].n_blocks; i++) {
                enum block_state then = before.blocks[0][i].state;

                assert_int_equal(end.blocks[0][i].state,
                                 blocks[i] && !left[i] && then == BLOCK_ONLINE ? BLOCK_OFFLINE :
                                 then);
                assert_true(!left[i] || blocks[i]);
        }
        assert_undone(&end, &before);
}

PROPERTY(taken_out)
PROPERTY(undone)
PROPERTY(some_blocks)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_taken_out, tell_seed),
                cmocka_unit_test_teardown(test_undone, tell_seed),
                cmocka_unit_test_teardown(test_some_blocks, tell_seed),
        };

        print_message("MEMMAPD_SEED=%" PRIu64 "\n", number_from("MEMMAPD_SEED", DEFAULT_SEED));
        return cmocka_run_group_tests(tests, NULL, NULL);
}

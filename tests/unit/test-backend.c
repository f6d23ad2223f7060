/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver takes a device in, and what the kernel's own one is told to do. */
#include "unit.h"
#include "tally.h"

#define N 4
#define ALL_IN_RAM N
#define NO_RAM 0

struct machine {
        struct node node;
        struct block blocks[N];
        struct device device;
        struct model model;
        struct policy policy;
        struct decision *decision;
        struct plan *plan;
};

/* Without our module; RAM can spare @memmaps memmaps and a half. */
static struct machine machine(size_t memmaps, enum memmap_mode mode) {
        return (struct machine) {
                .node = {
                        .id = 0, .has_kernel_zone = true, .kernel_total = GiB,
                        .kernel_free = memmaps * MEMMAP_SIZE + MiB,
                },
                .device = {
                        .name = "dax0.0", .backing = BACKING_HMEM, .target_node = 1,
                        .numa_node = 0, .size = N * BLOCK_SIZE, .memmap_size = MEMMAP_SIZE,
                        .n_blocks = N, .can_place = true,
                },
                .model = {
                        .block_size = BLOCK_SIZE, .kmem_loaded = true,
                        .module_why = "the module is not there", .memmap_on_memory = true,
                        .n_nodes = 1, .n_devices = 1,
                },
                .policy = { .defaults = {
                        .given = SETTING_MEMMAP | SETTING_RAM_RESERVE | SETTING_BACKEND,
                        .memmap = mode,
                } },
        };
}

static void decide_on(struct machine *m) {
        m->model.nodes = &m->node;
        m->model.devices = &m->device;
        m->device.blocks = m->blocks;
        m->decision = decision_free(m->decision);
        m->plan = plan_free(m->plan);
        model_tally(&m->model);
        assert_int_equal(decide(&m->model, &m->policy, &m->device, &m->decision), 0);
        assert_int_equal(plan_make(&m->model, &m->device, m->decision, &m->plan), 0);
}

static void done(struct machine *m) {
        m->decision = decision_free(m->decision);
        m->plan = plan_free(m->plan);
}

static const struct reason *reason_of(const struct machine *m, enum reason_code c) {
        for (size_t i = 0; i < m->decision->n_reasons; i++)
                if (m->decision->reasons[i].code == c)
                        return &m->decision->reasons[i];
        return NULL;
}

/* "p0", "b", "o2": the place RAM or device (pr, pd), bind, online of a block. */
static void assert_plan(const struct machine *m, const char *expected) {
        char text[128] = "";
        size_t n = 0;

        for (size_t i = 0; i < m->plan->n_steps; i++) {
                const struct step *s = &m->plan->steps[i];

                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s", i ? " " : "");
                if (s->kind == STEP_PLACE)
                        n += (size_t) snprintf(text + n, sizeof(text) - n, "p%c",
                                               letter_of_placement(s->placement));
                else if (s->kind == STEP_BIND)
                        n += (size_t) snprintf(text + n, sizeof(text) - n, "b");
                else
                        n += (size_t) snprintf(text + n, sizeof(text) - n, "%c%zu",
                                               s->kind == STEP_ONLINE ? 'o' : '!', s->block);
        }
        assert_string_equal(text, expected);
}

static void the_best_there_is(void **state) {
        static const struct {
                bool module, kmem, can_place;
                enum backend asked, got;
        } rows[] = {
                { true, true, true, BACKEND_AUTO, BACKEND_CHUNKED },
                { true, false, false, BACKEND_AUTO, BACKEND_CHUNKED },
                { false, true, true, BACKEND_AUTO, BACKEND_NATIVE },
                { false, true, false, BACKEND_AUTO, BACKEND_PLAIN },
                { false, false, true, BACKEND_AUTO, BACKEND_AUTO },
                { true, true, true, BACKEND_NATIVE, BACKEND_NATIVE },
                { true, true, false, BACKEND_NATIVE, BACKEND_AUTO },
                { true, false, true, BACKEND_NATIVE, BACKEND_AUTO },
                { true, true, true, BACKEND_PLAIN, BACKEND_PLAIN },
                { true, false, true, BACKEND_PLAIN, BACKEND_AUTO },
                { true, true, true, BACKEND_CHUNKED, BACKEND_CHUNKED },
                { false, true, true, BACKEND_CHUNKED, BACKEND_AUTO },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct machine m = machine(ALL_IN_RAM, MEMMAP_AUTO);

                m.model.module_loaded = rows[i].module;
                m.model.kmem_loaded = rows[i].kmem;
                m.device.can_place = rows[i].can_place;
                m.policy.defaults.backend = rows[i].asked;
                decide_on(&m);
                assert_int_equal(m.decision->backend, rows[i].got);
                assert_int_equal(m.decision->verdict, rows[i].got == BACKEND_AUTO ?
                                 VERDICT_REFUSE : VERDICT_TAKE);
                assert_true(reason_of(&m, rows[i].got == BACKEND_AUTO ? REASON_NO_BACKEND :
                                      REASON_BACKEND) != NULL);
                done(&m);
        }
}

static void says_why_not_the_module(void **state) {
        struct machine m = machine(ALL_IN_RAM, MEMMAP_AUTO);

        (void) state;
        decide_on(&m);
        assert_string_equal(reason_of(&m, REASON_BACKEND)->text, "the module is not there");
        m.model.kmem_loaded = false;
        decide_on(&m);
        assert_string_equal(reason_of(&m, REASON_NO_BACKEND)->text, "the module is not there");
        done(&m);
}

static void native_places_before_it_binds(void **state) {
        static const struct {
                size_t memmaps;
                enum memmap_mode mode;
                const char *plan;
        } rows[] = {
                { ALL_IN_RAM, MEMMAP_AUTO, "pr b" },
                { ALL_IN_RAM, MEMMAP_RAM, "pr b" },
                { ALL_IN_RAM, MEMMAP_DEVICE, "pd b" },
                { NO_RAM, MEMMAP_AUTO, "pd b" },
                { NO_RAM, MEMMAP_DEVICE, "pd b" },
        };

        (void) state;
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct machine m = machine(rows[i].memmaps, rows[i].mode);

                decide_on(&m);
                assert_plan(&m, rows[i].plan);
                done(&m);
        }
}

static void assert_refused(struct machine *m, enum reason_code cause) {
        decide_on(m);
        assert_int_equal(m->decision->verdict, VERDICT_REFUSE);
        assert_int_equal(decision_cause(m->decision)->code, cause);
        assert_size(m->plan->n_steps, 0);
        assert_true(reason_of(m, REASON_HELP_MODULE) != NULL);
        done(m);
}

static void a_whole_device_cannot_be_divided(void **state) {
        struct machine seed = machine(ALL_IN_RAM, MEMMAP_SEED);
        struct machine mixed = machine(ALL_IN_RAM, MEMMAP_MIXED);
        struct machine no_room = machine(N - 1, MEMMAP_RAM);

        (void) state;
        assert_refused(&seed, REASON_WHOLE);
        assert_refused(&mixed, REASON_WHOLE);
        assert_refused(&no_room, REASON_EXCEEDS);
}

static void plain_has_ram_only(void **state) {
        struct machine m = machine(ALL_IN_RAM, MEMMAP_AUTO);

        (void) state;
        m.device.can_place = false;
        decide_on(&m);
        assert_plan(&m, "b");
        assert_size(m.decision->ram_cost, N * MEMMAP_SIZE);
        m.node.kernel_free = (N - 1) * MEMMAP_SIZE;
        assert_refused(&m, REASON_EXCEEDS);
        m.policy.defaults.memmap = MEMMAP_DEVICE;
        assert_refused(&m, REASON_NO_DEVICE);
}

/* A kernel that refused once is not asked again. */
static void a_stray_ends_native_altmaps(void **state) {
        struct machine m = machine(NO_RAM, MEMMAP_AUTO);

        (void) state;
        m.device.stray_device = true;
        assert_refused(&m, REASON_EXCEEDS);
}

static void bound_it_only_comes_online(void **state) {
        struct machine m = machine(NO_RAM, MEMMAP_AUTO);

        (void) state;
        m.device.holder = HOLDER_KMEM;
        m.device.adopted = true;
        fill_blocks(m.blocks, "....", "----");
        decide_on(&m);
        assert_plan(&m, "o0 o2 o3 o1");
        assert_size(m.decision->ram_cost, 0);
        fill_blocks(m.blocks, "d.d.", "m-m-");
        decide_on(&m);
        assert_int_equal(m.decision->verdict, VERDICT_TAKE);
        assert_plan(&m, "o3 o1");
        fill_blocks(m.blocks, "dddd", "mmmm");
        decide_on(&m);
        assert_plan(&m, "");
        done(&m);
}

/* It goes on with the driver that it was begun with, whatever else there is now. */
static void begun_with_kmem_goes_on_with_kmem(void **state) {
        struct machine m = machine(ALL_IN_RAM, MEMMAP_AUTO);

        (void) state;
        m.model.module_loaded = true;
        m.device.holder = HOLDER_KMEM;
        m.device.adopted = true;
        fill_blocks(m.blocks, "r...", "m---");
        decide_on(&m);
        assert_int_equal(m.decision->backend, BACKEND_NATIVE);
        assert_size(m.plan->n_steps, N - 1);
        m.device.can_place = false;
        decide_on(&m);
        assert_int_equal(m.decision->backend, BACKEND_PLAIN);
        /* Unless it was bound to something else since. */
        m.device.holder = HOLDER_NONE;
        decide_on(&m);
        assert_int_equal(m.decision->backend, BACKEND_CHUNKED);
        done(&m);
}

/* The module would help, and is there: the policy does not want it. */
static void help_of_a_module_that_is_there(void **state) {
        struct machine m = machine(N - 1, MEMMAP_RAM);

        (void) state;
        m.model.module_loaded = true;
        m.policy.defaults.backend = BACKEND_NATIVE;
        decide_on(&m);
        assert_string_equal(reason_of(&m, REASON_HELP_MODULE)->text, "");
        assert_string_equal(reason_of(&m, REASON_BACKEND)->text, "");
        done(&m);
}

/* What strangers gave to kmem: taken over if nothing is in use, else left alone. */
static void what_others_began(void **state) {
        struct machine m = machine(ALL_IN_RAM, MEMMAP_AUTO);

        (void) state;
        m.device.holder = HOLDER_KMEM;
        snprintf(m.device.driver, sizeof(m.device.driver), "kmem");
        fill_blocks(m.blocks, "....", "----");
        decide_on(&m);
        assert_plan(&m, "b");
        fill_blocks(m.blocks, "....", "m---");
        decide_on(&m);
        assert_int_equal(decision_cause(m.decision)->code, REASON_HELD);
        done(&m);
}

static void what_kmem_left_out_stays_out(void **state) {
        struct machine m = machine(ALL_IN_RAM, MEMMAP_AUTO);

        (void) state;
        m.device.holder = HOLDER_KMEM;
        m.device.adopted = true;
        fill_blocks(m.blocks, "....", "--..");
        decide_on(&m);
        assert_plan(&m, "o0 o1");
        assert_size(reason_of(&m, REASON_LEFT_OUT)->a, 2);
        assert_size(m.decision->ram_cost, 0);
        assert_false(m.decision->targets[3].wanted);
        done(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_best_there_is),
                cmocka_unit_test(says_why_not_the_module),
                cmocka_unit_test(native_places_before_it_binds),
                cmocka_unit_test(a_whole_device_cannot_be_divided),
                cmocka_unit_test(plain_has_ram_only),
                cmocka_unit_test(a_stray_ends_native_altmaps),
                cmocka_unit_test(bound_it_only_comes_online),
                cmocka_unit_test(begun_with_kmem_goes_on_with_kmem),
                cmocka_unit_test(help_of_a_module_that_is_there),
                cmocka_unit_test(what_others_began),
                cmocka_unit_test(what_kmem_left_out_stays_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

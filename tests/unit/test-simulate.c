/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random machines and policies: what is decided is carried out on a kernel of a
 * few lines, and what must hold of every machine is checked.
 *
 * MEMMAPD_SEED chooses the machines, MEMMAPD_MACHINES how many; a failure tells
 * the seed of its machine, which alone is then the first one:
 *
 *     MEMMAPD_SEED=... MEMMAPD_MACHINES=1 tests/unit/test-simulate
 */
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
static void adjust(struct machine *m) {
        m->model.nodes = m->nodes;
        m->model.devices = m->devices;
        m->policy.rules = m->rules;
        for (size_t i = 0; i < DEVICES; i++)
                m->devices[i].blocks = m->blocks[i];
        for (size_t i = 0; i < NODES_MAX; i++)
                if (m->nodes[i].distances)
                        m->nodes[i].distances = m->distances[i];
}

static struct machine copy_of(const struct machine *m) {
        return *m;
}

static void make_ram(struct machine *m, uint64_t memmap_size) {
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

static void make_distances(struct machine *m) {
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
static int choose_nearest(const struct machine *m, const struct device *d) {
        size_t best = chance(m->n_ram);

        if (d->numa_node < 0 || m->nodes[d->numa_node].n_distances == 0)
                return (int) best;
        for (size_t i = 0; i < m->n_ram; i++)
                if (m->distances[d->numa_node][i] < m->distances[d->numa_node][best])
                        best = i;
        return (int) best;
}

static void make_device(struct machine *m, size_t i, uint64_t memmap_size) {
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
static void make_rules(struct machine *m) {
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

static struct policy make_policy(uint64_t memmap_size) {
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

static struct machine make_machine(void) {
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

/* The kernel */

static struct node *node_of(struct machine *m, int id) {
        return (struct node *) model_node(&m->model, id);
}

/* Once it is online, its distances are known. */
static struct node *bring_node_online(struct machine *m, int id, int nearest) {
        struct node *n = node_of(m, id);

        if (n)
                return n;
        n = &m->nodes[m->model.n_nodes];
        *n = (struct node) {
                .id = id, .kernel_watermark = m->devices[0].memmap_size / 2,
                .distances = m->distances[m->model.n_nodes++], .n_distances = NODES_MAX,
        };
        for (size_t i = 0; i < m->n_ram; i++)
                n->distances[i] = (int) i == nearest ? 15 : 20 + (unsigned int) i;
        return n;
}

static void assert_floor(const struct machine *m, const struct node *n) {
        assert_true(n->kernel_free + n->kernel_reclaimable >= m->floor[n->id]);
}

static enum placement allocate_memmap(struct machine *m, size_t device) {
        struct device *d = &m->devices[device];
        struct node *n = node_of(m, d->target_node);

        if ((size_t) n->id >= m->n_ram && n->has_kernel_zone &&
            n->kernel_free >= n->kernel_watermark + d->memmap_size) {
                n->kernel_free -= d->memmap_size;
                n->kernel_free_huge = n->kernel_free;
                return PLACEMENT_SEED;
        }
        if ((size_t) n->id >= m->n_ram)
                n = node_of(m, m->nearest[device]);
        if (n->kernel_free < d->memmap_size) {
                n->kernel_free += n->kernel_reclaimable;
                n->kernel_reclaimable = 0;
        }
        assert_true(n->kernel_free >= d->memmap_size);
        n->kernel_free -= d->memmap_size;
        assert_floor(m, n);
        return PLACEMENT_RAM;
}

static void do_plug(struct machine *m, size_t device, const struct step *s) {
        struct device *d = &m->devices[device];
        struct block *b = &d->blocks[s->block];

        assert_int_equal(b->state, BLOCK_ABSENT);
        assert_false(b->failed);
        bring_node_online(m, d->target_node, m->nearest[device]);
        b->placement = m->altmap[device] ? PLACEMENT_DEVICE : allocate_memmap(m, device);
        b->state = BLOCK_OFFLINE;
        /* What may be in RAM does no harm in a seed. */
        if (!m->interrupted || s->placement != PLACEMENT_RAM)
                assert_int_equal(b->placement, s->placement);
}

static void do_online(struct machine *m, size_t device, const struct step *s) {
        struct block *b = &m->devices[device].blocks[s->block];
        struct node *n = node_of(m, m->devices[device].target_node);
        uint64_t managed = m->model.block_size;

        assert_int_equal(b->state, BLOCK_OFFLINE);
        b->state = BLOCK_ONLINE;
        b->zone = s->zone;
        if (s->zone != ZONE_KERNEL)
                return;
        if (b->placement == PLACEMENT_DEVICE)
                managed -= m->devices[device].memmap_size;
        n->has_kernel_zone = true;
        n->kernel_total += managed;
        n->kernel_free += managed;
        n->kernel_free_huge = n->kernel_free;
}

static void do_step(struct machine *m, size_t device, const struct step *s) {
        struct device *d = &m->devices[device];

        assert_true(s->kind == STEP_BIND || s->kind == STEP_PLACE || s->block < d->n_blocks);
        switch (s->kind) {
        case STEP_BIND:
                d->holder = HOLDER_MEMMAPD;
                d->measured = true;
                break;
        case STEP_PLACE:
                m->altmap[device] = s->placement == PLACEMENT_DEVICE;
                assert_true(!m->altmap[device] || m->model.memmap_on_memory);
                break;
        case STEP_PLUG:
                do_plug(m, device, s);
                break;
        default:
                do_online(m, device, s);
        }
}

/* memmapd */

struct work {
        struct decision *decision;
        struct plan *plan;
};

static struct work decide_on(const struct machine *m, size_t device) {
        const struct device *d = &m->devices[device];
        struct work w;

        assert_int_equal(decide(&m->model, &m->policy, d, &w.decision), 0);
        assert_int_equal(plan_make(&m->model, d, w.decision, &w.plan), 0);
        return w;
}

static void work_free(struct work w) {
        plan_free(w.plan);
        decision_free(w.decision);
}

/* The first @n steps. */
static void carry_out(struct machine *m, const struct plan *p, size_t n) {
        for (size_t i = 0; i < n; i++)
                do_step(m, 0, &p->steps[i]);
}

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

static uint64_t number_from(const char *variable, uint64_t otherwise) {
        const char *s = getenv(variable);

        return s ? strtoull(s, NULL, 0) : otherwise;
}

static void each_machine(void (*check)(const struct machine *m)) {
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

static int tell_seed(void **state) {
        const char *last = getenv("MEMMAPD_LAST");

        (void) state;
        if (last)
                print_error("failed with %s\n", last);
        unsetenv("MEMMAPD_LAST");
        return 0;
}

#define PROPERTY(check)                         \
        static void test_##check(void **state) {        \
                (void) state;                   \
                each_machine(check);            \
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine whose sysfs says anything: it is probed, decided on and planned.
 *
 * The input has parts with '|' between them: a letter for what the device hangs on
 * and one for its driver, the contents of the files below (none: it is not there),
 * and a policy.
 */
#include "plan.h"
#include "policy-json.h"
#include "probe.h"
#include "tree.h"

#define DAX "sys/bus/dax/devices/dax0.0"
#define MAPPING DAX "/mapping"
#define MODULE DAX "/memmapd/"
#define MEMORY "sys/devices/system/memory/"
#define NODE "sys/devices/system/node/node"

static const char *const files[] = {
        MEMORY "block_size_bytes",
        DAX "/size", DAX "/target_node", DAX "/numa_node", DAX "/resource",
        MAPPING "0/start", MAPPING "0/end", MAPPING "1/start", MAPPING "1/end",
        MODULE "blocks", MODULE "block_size", MODULE "memmap_size", MODULE "map",
        MODULE "memmap_on_memory_supported",
        "sys/module/memory_hotplug/parameters/memmap_on_memory",
        NODE "0/distance", NODE "1/distance", NODE "0/meminfo",
        MEMORY "memory32/state", MEMORY "memory32/valid_zones",
        MEMORY "memory33/state", MEMORY "memory33/valid_zones",
        "proc/zoneinfo", "proc/buddyinfo",
};

static void make_tree(void) {
        tree_make();
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
                tree_make_parents(files[i]);
        /* The device is elsewhere in truth, and its place a link. */
        tree_make_parents("sys/devices/device/");
        MUST(renameat(tree.root, DAX, tree.root, "sys/devices/device") == 0);
        tree_make_parents("sys/bus/dax/drivers/memmapd_kmem/");
        tree_make_parents("proc/self/");
}

static void put_links(const char *kind, size_t size) {
        char backing = size > 0 ? kind[0] : '-', driver = size > 1 ? kind[1] : '-';

        /* What is not there leads nowhere; where it would is all that matters of the link. */
        tree_put_link("sys/devices/ndbus0", backing == 'p' ? "." : NULL);
        tree_put_link("sys/devices/hmem.0", backing == 'h' ? "." : NULL);
        tree_put_link("sys/devices/dax_region0", backing == 'c' ? "." : NULL);
        tree_put_link(DAX, backing == 'p' ? "../../../devices/ndbus0/device" :
                           backing == 'h' ? "../../../devices/hmem.0/device" :
                           backing == 'c' ? "../../../devices/dax_region0/device" :
                                            "../../../devices/device");
        tree_put_link(DAX "/driver", driver == 'm' ? "../../bus/dax/drivers/memmapd_kmem" :
                                     driver == 'k' ? "../../bus/dax/drivers/kmem" :
                                     driver == 'd' ? "../../bus/dax/drivers/device_dax" :
                                     driver == 'o' ? "../../bus/dax/drivers/other" : NULL);
}

static void check_decision(const struct model *m, const struct device *d,
                           const struct decision *dec) {
        MUST(dec->verdict < _VERDICT_MAX && dec->n_reasons <= REASONS_MAX);
        MUST(dec->n_blocks == d->n_blocks);
        MUST(dec->verdict == VERDICT_TAKE || decision_cause(dec));
        MUST(dec->verdict != VERDICT_TAKE || dec->ram_cost <= dec->budget.total);
        MUST(dec->payer == -1 || model_node(m, dec->payer));
        for (size_t i = 0; i < dec->n_reasons; i++) {
                char text[320];

                MUST(strlen(reason_format(dec, &dec->reasons[i], text, sizeof(text))) > 0);
        }
}

static void check_plan(const struct device *d, const struct plan *p) {
        for (size_t i = 0; i < p->n_steps; i++) {
                const struct step *s = &p->steps[i];

                MUST(s->kind < _STEP_MAX);
                if (s->kind == STEP_PLUG || s->kind == STEP_ONLINE)
                        MUST(s->block < d->n_blocks);
                if (s->kind == STEP_PLUG)
                        MUST(s->placement > PLACEMENT_NONE && s->placement < _PLACEMENT_MAX);
                if (s->kind == STEP_ONLINE)
                        MUST(s->zone > ZONE_NONE && s->zone < _ZONE_MAX);
        }
}

static void check_device(const struct model *m, const struct policy *policy,
                         const struct device *d) {
        struct decision *decision;
        struct plan *plan;

        MUST(d->error <= 0 && (d->error == 0 || d->n_blocks == 0));
        MUST(d->error || (d->memmap_size > 0 && d->memmap_size < m->block_size));
        MUST(decide(m, policy, d, &decision) == 0);
        check_decision(m, d, decision);
        MUST(plan_make(m, d, decision, &plan) == 0);
        check_plan(d, plan);
        plan_free(plan);
        decision_free(decision);
}

static void check_machine(const struct policy *policy) {
        struct model *m = NULL;

        if (probe(&tree, &m) < 0) {
                MUST(!m);
                return;
        }
        for (size_t i = 0; i < m->n_devices; i++)
                check_device(m, policy, &m->devices[i]);
        model_free(m);
}

/* What is left of the input, if it is one. */
static struct policy *policy_of(const char *text, const char *end) {
        struct policy *p = NULL;

        if (text && policy_decode(text, (size_t) (end - text), &p, NULL) >= 0)
                return p;
        p = calloc(1, sizeof(*p));
        MUST(p);
        return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *at = (const char *) data, *end = at + size, *part;
        struct policy *policy;
        size_t n = 0;

        if (tree.root < 0)
                make_tree();
        part = tree_next_part(&at, end, &n);
        put_links(part, part ? n : 0);
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
                tree_put_part(files[i], &at, end);
        }
        policy = policy_of(at, end);
        check_machine(policy);
        policy_free(policy);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of an operator's order, and what is told of a block that stays. */
#include "unit.h"

#include <errno.h>

#include "blocked.h"
#include "operation.h"
#include "probe.h"
#include "tree.h"

#define N 6

static struct device device_of(struct block *blocks, const char *map, const char *states) {
        fill_blocks(blocks, map, states);
        return (struct device) {
                .name = "dax0.0", .target_node = 1, .n_blocks = strlen(map), .blocks = blocks,
                .memmap_size = MEMMAP_SIZE,
        };
}

static void comes_out_as_it_went_in(void **state) {
        struct block blocks[N];
        struct device d = device_of(blocks, "rds.rd", "kmm.--");
        struct operation *op, *again;
        struct json_object *o;

        (void) state;
        for (enum operation_kind k = 0; k < _OPERATION_MAX; k++) {
                assert_int_equal(operation_new(k, &d, &op), 0);
                assert_true(!op->asked == (k != OPERATION_OFFLINE));
                op->back = k == OPERATION_ONLINE;
                op->keep = k == OPERATION_OFFLINE;
                op->force = k == OPERATION_REMOVE;
                op->deadline_usec = 12345678901234 + k;
                snprintf(op->why, sizeof(op->why), "it \"is\" so");
                if (op->asked)
                        op->asked[2] = op->asked[5] = true;
                o = operation_to_json(op);
                assert_non_null(o);
                assert_int_equal(operation_from_json(o, &d, &again), 0);
                json_object_put(o);
                assert_int_equal(again->kind, k);
                assert_true(again->back == op->back && again->keep == op->keep &&
                            again->force == op->force);
                assert_size(again->deadline_usec, op->deadline_usec);
                assert_string_equal(again->why, op->why);
                for (size_t i = 0; i < N; i++) {
                        assert_int_equal(again->wanted[i].state, blocks[i].state);
                        assert_int_equal(again->wanted[i].zone, blocks[i].zone);
                        assert_int_equal(again->wanted[i].placement, blocks[i].placement);
                        assert_true(!op->asked || op->asked[i] == again->asked[i]);
                }
                assert_null(operation_free(op));
                operation_free(again);
        }
}

static void another_device_s_is_refused(void **state) {
        struct block blocks[N], other[N];
        struct device d = device_of(blocks, "rrrr", "mmmm"), e = device_of(other, "rr", "mm");
        struct operation *op, *again = NULL;
        struct json_object *o;

        (void) state;
        assert_int_equal(operation_new(OPERATION_REMOVE, &d, &op), 0);
        o = operation_to_json(op);
        assert_int_equal(operation_from_json(o, &e, &again), -EBADMSG);
        json_object_object_add(o, "kind", json_object_new_string("dance"));
        assert_int_equal(operation_from_json(o, &d, &again), -EBADMSG);
        assert_int_equal(operation_from_json(NULL, &d, &again), -EBADMSG);
        assert_null(again);
        json_object_put(o);
        operation_free(op);
}

static void available_memory(void **state) {
        struct tree t;
        uint64_t v = 7;

        (void) state;
        tree_make(&t);
        assert_int_equal(probe_available(&t.sysfs, &v), -ENOENT);
        tree_put(&t, "proc/meminfo", "MemTotal:  2048 kB\nMemFree: 12 kB\nMemAvailable:     96 kB\n");
        assert_int_equal(probe_available(&t.sysfs, &v), 0);
        assert_size(v, 96 * KiB);
        tree_put(&t, "proc/meminfo", "MemTotal:  2048 kB\n");
        assert_int_equal(probe_available(&t.sysfs, &v), -EBADMSG);
        tree_put(&t, "proc/meminfo", "MemAvailable:  99999999999999999 kB\n");
        assert_int_equal(probe_available(&t.sysfs, &v), -EBADMSG);
        tree_remove(&t);
}

/* Where page flags cannot be read, the block is named all the same. */
static void the_block_is_named(void **state) {
        struct model m = { .block_size = BLOCK_SIZE };
        struct block blocks[N];
        struct device d = device_of(blocks, "rr", "km");
        char text[256];
        struct tree t;

        (void) state;
        tree_make(&t);
        assert_string_equal(blocked_describe(&t.sysfs, &m, &d, 1, text, sizeof(text)),
                            "memory33 (block 1, node 1, movable zone)");
        tree_put(&t, "proc/kpageflags", "too short");
        assert_string_equal(blocked_describe(&t.sysfs, &m, &d, 0, text, sizeof(text)),
                            "memory32 (block 0, node 1, kernel zone)");
        tree_remove(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comes_out_as_it_went_in),
                cmocka_unit_test(another_device_s_is_refused),
                cmocka_unit_test(available_memory),
                cmocka_unit_test(the_block_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of a device's taking in, however large it is and however long it takes. */
#include "unit.h"

#include <time.h>

#include "timeline.h"
#include "tree.h"

#define N 6
#define MANY 16384
#define HOUR UINT64_C(3600000000)

static struct tree tree;

static int set_up(void **state) {
        (void) state;
        tree_make(&tree);
        for (int node = 0; node < 2; node++) {
                char path[64];

                snprintf(path, sizeof(path), "sys/devices/system/node/node%d/meminfo", node);
                tree_put(&tree, path, "Node %d MemTotal:       %d kB\nNode %d MemFree:        %d kB\n",
                         node, 1000 + node, node, 500 + node);
        }
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        tree_remove(&tree);
        return 0;
}

static struct device device_of(struct block *blocks, const char *map, const char *states) {
        fill_blocks(blocks, map, states);
        return (struct device) {
                .name = "dax0.0", .target_node = 1, .n_blocks = strlen(map), .blocks = blocks,
                .memmap_size = MEMMAP_SIZE,
        };
}

static struct json_object *member(struct json_object *o, const char *key) {
        struct json_object *v;

        assert_true(json_object_object_get_ex(o, key, &v));
        return v;
}

static uint64_t number(struct json_object *o, const char *key) {
        return json_object_get_uint64(member(o, key));
}

/* When the timeline began, as its events are to be after that. */
static uint64_t monotonic(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void step(struct timeline *t, enum exec_event_kind kind, enum step_kind step, size_t block,
                 uint64_t usec, enum placement placement, enum zone zone) {
        struct exec_event e = {
                .kind = kind, .step = step, .block = block, .usec = usec,
                .placement = placement, .zone = zone,
        };

        timeline_note(t, &tree.sysfs, &e);
}

static void steps_have_their_times(void **state) {
        struct timeline *t = timeline_new("dax0.0");
        struct block blocks[N];
        struct device d = device_of(blocks, "rd....", "k-....");
        uint64_t began = monotonic();
        struct json_object *o;

        (void) state;
        timeline_go_on(t, &tree.sysfs, &d, 0);
        step(t, EXEC_STEP_DONE, STEP_PLUG, 2, began + 10000, PLACEMENT_SEED, ZONE_NONE);
        step(t, EXEC_STEP_DONE, STEP_ONLINE, 2, began + 20000, PLACEMENT_NONE, ZONE_KERNEL);
        step(t, EXEC_STEP_DONE, STEP_PLUG, 3, began + 30000, PLACEMENT_DEVICE, ZONE_NONE);
        step(t, EXEC_STEP_RETRIED, STEP_ONLINE, 3, began + 35000, PLACEMENT_NONE, ZONE_MOVABLE);
        step(t, EXEC_STEP_FAILED, STEP_PLUG, 4, began + 40000, PLACEMENT_NONE, ZONE_NONE);
        /* None of the device. */
        step(t, EXEC_STEP_DONE, STEP_PLUG, N, began + 50000, PLACEMENT_RAM, ZONE_NONE);
        timeline_pause(t, &tree.sysfs);

        o = timeline_describe(t);
        assert_string_equal(json_object_get_string(member(o, "map")), "rdsd..");
        assert_string_equal(json_object_get_string(member(o, "states")), "k-k-x.");
        for (size_t i = 0; i < N; i++) {
                struct json_object *plugged = json_object_array_get_idx(member(o, "plugged"), i);
                struct json_object *online = json_object_array_get_idx(member(o, "online"), i);

                assert_int_equal(plugged != NULL, i == 2 || i == 3);
                assert_int_equal(online != NULL, i == 2);
                if (plugged)
                        /* To 10 us, and it began a moment before. */
                        assert_in_range(json_object_get_int64(plugged), i == 2 ? 9990 : 29990,
                                        i == 2 ? 15000 : 35000);
        }
        assert_int_equal(json_object_array_length(member(o, "samples")), 2);
        o = (json_object_put(o), NULL);
        assert_null(timeline_free(t));
}

static void memory_is_that_of_the_two_nodes(void **state) {
        struct timeline *t = timeline_new("dax0.0");
        struct block blocks[N];
        struct device d = device_of(blocks, "......", "......");
        struct json_object *o, *samples;

        (void) state;
        timeline_go_on(t, &tree.sysfs, &d, -1);
        timeline_go_on(t, &tree.sysfs, &d, 0);
        timeline_go_on(t, &tree.sysfs, &d, 1);
        o = timeline_describe(t);
        samples = member(o, "samples");
        assert_size(number(json_object_array_get_idx(samples, 0), "free"), 0);
        assert_size(number(json_object_array_get_idx(samples, 1), "free"), 500 * 1024);
        assert_size(number(json_object_array_get_idx(samples, 2), "free"), 501 * 1024);
        for (size_t i = 0; i < 3; i++)
                assert_size(number(json_object_array_get_idx(samples, i), "total"), 1001 * 1024);
        json_object_put(o);
        timeline_free(t);
}

/* How many blocks there are is known when it is bound. */
static void blocks_may_become_more_or_fewer(void **state) {
        struct timeline *t = timeline_new("dax0.0");
        struct block blocks[N];
        struct device d = device_of(blocks, "......", "......");
        struct json_object *o;

        (void) state;
        for (size_t n = 3; n >= 2; n--) {
                d.n_blocks = n;
                timeline_go_on(t, &tree.sysfs, &d, 0);
        }
        d.n_blocks = N;
        timeline_go_on(t, &tree.sysfs, &d, 0);
        o = timeline_describe(t);
        assert_string_equal(json_object_get_string(member(o, "map")), "......");
        assert_int_equal(json_object_array_length(member(o, "online")), N);
        json_object_put(o);
        timeline_free(t);
}

static void it_stays_small(void **state) {
        struct timeline *t = timeline_new("dax0.0");
        static struct block blocks[MANY];
        struct device d = {
                .name = "dax0.0", .target_node = 1, .n_blocks = MANY, .blocks = blocks,
        };
        uint64_t began = monotonic();
        struct json_object *o, *online;
        size_t n;

        (void) state;
        timeline_go_on(t, &tree.sysfs, &d, 0);
        /* One every second that they say, so that each is due for a sample. */
        for (size_t i = 0; i < MANY; i++) {
                uint64_t usec = began + (i + 1) * 1000000;

                step(t, EXEC_STEP_DONE, STEP_PLUG, i, usec, PLACEMENT_RAM, ZONE_NONE);
                step(t, EXEC_STEP_DONE, STEP_ONLINE, i, usec + 500000, PLACEMENT_NONE, ZONE_MOVABLE);
        }
        /* After 11 hours, time stands still. */
        step(t, EXEC_STEP_DONE, STEP_ONLINE, 0, began + 13 * HOUR, PLACEMENT_NONE, ZONE_MOVABLE);
        o = timeline_describe(t);
        online = member(o, "online");
        n = json_object_array_length(member(o, "samples"));
        assert_in_range(n, 100, 1024);
        assert_int_equal(json_object_array_length(online), MANY);
        assert_in_range(json_object_get_int64(json_object_array_get_idx(online, 0)), 11 * HOUR,
                        12 * HOUR);
        assert_in_range(json_object_get_int64(json_object_array_get_idx(online, MANY - 1)),
                        MANY * UINT64_C(1000000), (MANY + 1) * UINT64_C(1000000));
        for (size_t i = 1; i < n; i++)
                assert_true(number(json_object_array_get_idx(member(o, "samples"), i), "usec") >=
                            number(json_object_array_get_idx(member(o, "samples"), i - 1), "usec"));
        json_object_put(o);
        timeline_free(t);
}

static void without_memory_there_is_none(void **state) {
        struct block blocks[N];
        struct device d = device_of(blocks, "......", "......");

        (void) state;
        timeline_go_on(NULL, &tree.sysfs, &d, 0);
        step(NULL, EXEC_STEP_DONE, STEP_PLUG, 0, 1, PLACEMENT_RAM, ZONE_NONE);
        timeline_pause(NULL, &tree.sysfs);
        assert_null(timeline_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(steps_have_their_times),
                cmocka_unit_test(memory_is_that_of_the_two_nodes),
                cmocka_unit_test(blocks_may_become_more_or_fewer),
                cmocka_unit_test(it_stays_small),
                cmocka_unit_test(without_memory_there_is_none),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}

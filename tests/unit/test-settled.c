/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-machine.h"
#include "state.h"

/* What is kept in /run */

static void settled_is_kept_until_forgotten(void **state) {
        struct json_object *decision = json_object_new_object(), *kept;
        struct tree *t = *state;
        bool failed = true;

        assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        assert_null(kept);
        json_object_object_add(decision, "verdict", json_object_new_string("take"));
        assert_int_equal(state_settle(&t->sysfs, "dax0.0", true, decision), 0);
        json_object_put(decision);
        assert_true(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        assert_true(failed);
        assert_string_equal(json_object_get_string(json_object_object_get(kept, "verdict")),
                            "take");
        json_object_put(kept);
        state_forget(&t->sysfs, "dax0.0");
        assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        state_forget(&t->sysfs, "dax0.0");
        assert_int_equal(state_settle(&t->sysfs, "dax9.9", false, NULL), -ENOENT);
}

/* A device of the same name is another one if it came anew. */
static void settled_holds_for_this_very_device(void **state) {
        struct tree *t = *state;
        struct json_object *kept;
        bool failed;

        assert_int_equal(state_settle(&t->sysfs, "dax0.0", false, NULL), 0);
        assert_true(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
        assert_false(failed);
        assert_null(kept);
        tree_put(t, "sys/devices/another/dax0.0/size", "1\n");
        tree_link(t, DAX, "../../../devices/another/dax0.0");
        assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
}

static void broken_state_is_none(void **state) {
        static const char *const texts[] = {
                "", "x", "{}", "[]", "null", "3", "{\"identity\":", "{\"identity\":\"x\"}",
                "{\"identity\":null}", "{\"identity\":0}",
        };
        struct tree *t = *state;
        struct json_object *kept;
        bool failed;

        for (size_t i = 0; i < COUNT(texts); i++) {
                tree_put(t, "run/memmapd/settled-dax0.0.json", "%s", texts[i]);
                assert_false(state_settled(&t->sysfs, "dax0.0", &failed, &kept));
                assert_null(kept);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_TREE(settled_is_kept_until_forgotten),
                IN_TREE(settled_holds_for_this_very_device),
                IN_TREE(broken_state_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

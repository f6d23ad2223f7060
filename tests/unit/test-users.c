/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe-machine.h"
#include "users.h"

/* Who has the node open */

static void nobody_has_it_open(void **state) {
        struct tree *t = *state;

        tree_link(t, "proc/1/fd/0", "/dev/null");
        tree_link(t, "proc/1/fd/1", "/dev/dax0.1");
        tree_link(t, "proc/1/fd/2", "pipe:[dax0.0]");
        tree_link(t, "proc/1/fd/3", "socket:[123]");
        tree_put(t, "proc/1/maps", "7f00-7f01 r--p 00000000 00:00 0\n"
                 "7f01-7f02 rw-s 00000000 00:05 12  /dev/dax0.0x\n");
        /* Not a process. */
        tree_link(t, "proc/self-made/fd/0", "/dev/dax0.0");
        assert_false(users_of_node(&t->sysfs, "dax0.0"));
}

static void somebody_has_it_open(void **state) {
        struct tree *t = *state;

        tree_link(t, "proc/1/fd/0", "/dev/null");
        tree_link(t, "proc/4242/fd/17", "/dev/dax0.0");
        assert_true(users_of_node(&t->sysfs, "dax0.0"));
        assert_false(users_of_node(&t->sysfs, "dax0.1"));
}

static void somebody_has_it_mapped(void **state) {
        struct tree *t = *state;

        tree_dir(t, "proc/4242/fd");
        tree_put(t, "proc/4242/maps", "55d0-55d1 r-xp 00000000 08:01 9  /usr/bin/qemu\n"
                 "7f01-7f02 rw-s 00000000 00:05 12  /dev/dax0.0\n");
        assert_true(users_of_node(&t->sysfs, "dax0.0"));
}

static void in_doubt_somebody_has_it_open(void **state) {
        struct tree *t = *state;

        tree_delete(t, "proc");
        assert_true(users_of_node(&t->sysfs, "dax0.0"));
}

static void open_node_shows_in_the_model(void **state) {
        struct tree *t = *state;
        struct model *m;

        tree_link(t, "proc/4242/fd/3", "/dev/dax0.0");
        tree_link(t, DAX "/driver", "../../../bus/dax/drivers/device_dax");
        m = probed(t);
        assert_true(m->devices[0].node_open);
        model_free(m);
        tree_delete(t, "proc/4242");
        m = probed(t);
        assert_false(m->devices[0].node_open);
        model_free(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_TREE(nobody_has_it_open),
                IN_TREE(somebody_has_it_open),
                IN_TREE(somebody_has_it_mapped),
                IN_TREE(in_doubt_somebody_has_it_open),
                IN_TREE(open_node_shows_in_the_model),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

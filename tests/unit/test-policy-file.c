/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy files on the disk. */
#include "policy-dir.h"
#include "policy-file.h"

static void assert_file_refused(const char *path, int expected, const char *message) {
        struct policy_error error = { .line = 7 };
        struct policy *p = UNTOUCHED;

        assert_int_equal(policy_read_file(path, &p, &error), expected);
        assert_ptr_equal(p, UNTOUCHED);
        assert_non_null(strstr(error.message, message));
        if (expected != -EINVAL)
                assert_int_equal(error.line, 0);
        assert_int_equal(policy_read_file(path, &p, NULL), expected);
}

static void test_read_file(void **state) {
        const char good[] = "{ \"version\": 1 }\n", bad[] = "{ \"version\":\n 2 }\n";
        _cleanup_(policy_freep) struct policy *p = NULL;
        const char *path = below(state, "policy.json");
        struct policy_error error;

        assert_file_refused(path, -ENOENT, "cannot open the file: No such file or directory");

        write_text(path, good);
        assert_int_equal(policy_read_file(path, &p, &error), 0);
        assert_non_null(p);

        write_text(path, "");
        assert_file_refused(path, -EINVAL, "found the end of the file");

        write_text(path, bad);
        assert_file_refused(path, -EINVAL, "found 2");
}

static void test_read_large_file(void **state) {
        _cleanup_(policy_freep) struct policy *p = NULL;
        const char *path = below(state, "policy.json");
        _cleanup_(freep) char *text = NULL;
        const char start[] = "{ \"version\": 1 }";
        struct policy_error error = {};

        text = malloc(POLICY_SIZE_MAX + 1);
        assert_non_null(text);
        memset(text, '\n', POLICY_SIZE_MAX + 1);
        memcpy(text, start, strlen(start));

        write_bytes(path, text, POLICY_SIZE_MAX);
        assert_int_equal(policy_read_file(path, &p, &error), 0);
        p = policy_free(p);

        write_bytes(path, text, POLICY_SIZE_MAX + 1);
        assert_file_refused(path, -EFBIG, "the file is larger than 1024 KiB");

        p = UNTOUCHED;
        assert_int_equal(policy_decode(text, POLICY_SIZE_MAX + 1, &p, &error), -EINVAL);
        assert_ptr_equal(p, UNTOUCHED);
        p = NULL;
        assert_non_null(strstr(error.message, "larger than 1024 KiB"));
}

static void test_read_no_file(void **state) {
        const char *path = below(state, "fifo");

        assert_file_refused(*state, -EISDIR, "this is a directory; name a file");
        assert_file_refused(below(state, "./"), -EISDIR, "this is a directory; name a file");
        assert_file_refused("/dev/null", -EBADF, "this is not a regular file");

        /* nobody writes to it, and that must not hold us up */
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_file_refused(path, -EBADF, "this is not a regular file");
}

/* Who could have written it */

static int load(const char *path, struct policy_error *error) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r, guarded;

        /* Whatever is wrong with it, somebody may try out what it says. */
        r = policy_file_load(path, false, &text, &size, NULL);
        free(steal(&text));
        guarded = policy_file_load(path, true, &text, &size, error);
        assert_int_equal(r, guarded == -EPERM ? 0 : guarded);
        return guarded;
}

static void assert_guarded(const char *path, const char *message) {
        struct policy_error error = {};

        assert_int_equal(load(path, &error), -EPERM);
        if (!strstr(error.message, message))
                fail_msg("%s\ninstead of\n%s", error.message, message);
        assert_int_equal(error.line, 0);
}

static void test_mode_of_file(void **state) {
        static const mode_t bad[] = { 0664, 0646, 0620, 0602, 0777 };
        static const mode_t good[] = { 0644, 0600, 0400, 0555 };
        const char *path = below(state, "policy.json");
        char remedy[300];

        write_text(path, "{ \"version\": 1 }");
        snprintf(remedy, sizeof(remedy), "; chmod go-w %s", path);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(chmod(path, bad[i]), 0);
                assert_guarded(path, "the file can be written by others than its owner (mode 0");
                assert_guarded(path, remedy);
        }
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(chmod(path, good[i]), 0);
                assert_int_equal(load(path, NULL), 0);
        }
}

static void test_mode_of_directory(void **state) {
        const char *path = below(state, "policy.json");

        write_text(path, "{ \"version\": 1 }");
        assert_int_equal(chmod(*state, 0775), 0);
        assert_guarded(path, "can be written by others than its owner (mode 0775); chmod go-w ");
        assert_guarded(path, *state);
        assert_int_equal(chmod(*state, 0777), 0);
        assert_guarded(path, "(mode 0777)");
        /* As /tmp is. */
        assert_int_equal(chmod(*state, 01777), 0);
        assert_int_equal(load(path, NULL), 0);
        assert_int_equal(chmod(*state, 0755), 0);
        assert_int_equal(load(path, NULL), 0);
}

static void test_owner(void **state) {
        const char *path = below(state, "policy.json");

        if (geteuid() != 0)
                skip();
        write_text(path, "{ \"version\": 1 }");
        assert_int_equal(chown(path, 65534, 0), 0);
        assert_guarded(path, "the file belongs to user 65534, who can write anything into it; "
                       "chown root ");
        /* It is the caller's own, then. */
        assert_int_equal(chmod(*state, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
        assert_int_equal(load(path, NULL), 0);
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(chown(path, 0, 65534), 0);
        assert_int_equal(load(path, NULL), 0);
        assert_int_equal(chown(*state, 65534, 0), 0);
        assert_guarded(path, "belongs to user 65534, who can put anything there; chown root ");
}

static void test_links(void **state) {
        const char *link = below(state, "link.json");
        struct policy_error error = {};

        make_directory(below(state, "a"));
        make_directory(below(state, "b"));
        write_text(below(state, "b/policy.json"), "{ \"version\": 1 }");
        assert_int_equal(symlink("../b/policy.json", below(state, "a/link.json")), 0);
        assert_int_equal(symlink("a/link.json", link), 0);
        assert_int_equal(load(link, NULL), 0);

        /* Each directory on the way is one in which the file could be exchanged. */
        assert_int_equal(chmod(below(state, "a"), 0777), 0);
        assert_guarded(link, "/a can be written");
        assert_int_equal(chmod(below(state, "a"), 0755), 0);
        assert_int_equal(chmod(below(state, "b"), 0777), 0);
        assert_guarded(link, "/a/../b can be written");
        assert_int_equal(chmod(below(state, "b"), 0755), 0);
        assert_int_equal(chmod(below(state, "b/policy.json"), 0666), 0);
        assert_guarded(link, "the file can be written");

        assert_int_equal(unlink(below(state, "b/policy.json")), 0);
        assert_int_equal(load(link, &error), -ENOLINK);
        assert_non_null(strstr(error.message, "/a/../b/policy.json, which does not exist"));
        assert_int_equal(symlink("../link.json", below(state, "b/policy.json")), 0);
        assert_int_equal(load(link, &error), -ELOOP);
}

static void test_link_to_null(void **state) {
        const char *path = below(state, "policy.json");

        assert_int_equal(symlink("/dev/null", path), 0);
        assert_int_equal(load(path, NULL), 1);
        assert_file_refused(path, -EBADF, "this is not a regular file");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/dev/zero", path), 0);
        assert_int_equal(load(path, NULL), -EBADF);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_read_file, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_read_large_file, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_read_no_file, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_mode_of_file, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_mode_of_directory, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_owner, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_links, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(test_link_to_null, make_dir, remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

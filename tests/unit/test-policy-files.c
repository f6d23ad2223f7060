/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that make up the policy. */
#include "policy-dir.h"
#include "policy-files.h"

#define ETC "etc/memmapd"
#define USR "usr/share/memmapd"

#define NAMED(name) "{ \"name\": \"" name "\", \"match\": {} }"
#define FILE_OF(rules) "{ \"version\": 1, \"rules\": [ " rules " ] }"

/* All directories that a policy may be in. */
static int make_root(void **state) {
        static const char *const directories[] = {
                "etc", ETC, ETC "/policy.d", "usr", "usr/share", USR, USR "/policy.d",
        };

        if (make_dir(state) < 0)
                return -1;
        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                make_directory(below(state, "%s", directories[i]));
        return 0;
}

static struct policy_files *read_installed(void **state) {
        struct policy_files *f = policy_files_new();

        assert_non_null(f);
        assert_int_equal(policy_files_add_installed(f, *state), 0);
        assert_int_equal(policy_files_finish(f), 0);
        return f;
}

/* The names of all rules, as they are asked: "a b c". */
static const char *names_of(const struct policy_files *f) {
        static char names[256];
        size_t n = 0;

        if (f->n_errors > 0)
                fail_msg("%s: %s", f->findings[0].path, f->findings[0].what.message);
        assert_non_null(f->policy);
        names[0] = '\0';
        for (size_t i = 0; i < f->policy->n_rules; i++)
                n += (size_t) snprintf(names + n, sizeof(names) - n, "%s%s", n ? " " : "",
                                       f->policy->rules[i].name);
        return names;
}

static void assert_names(void **state, const char *expected) {
        _cleanup_(policy_files_freep) struct policy_files *f = read_installed(state);

        assert_string_equal(names_of(f), expected);
}

/* Layers */

static void test_nothing(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;

        assert_names(state, "");
        f = policy_files_new();
        assert_int_equal(policy_files_add_installed(f, below(state, "nowhere")), 0);
        assert_int_equal(policy_files_finish(f), 0);
        assert_int_equal(f->n_files, 0);
        assert_non_null(f->policy);
}

static void test_main_file(void **state) {
        write_text(below(state, USR "/policy.json"), FILE_OF(NAMED("vendor")));
        assert_names(state, "vendor");
        write_text(below(state, ETC "/policy.json"), FILE_OF(NAMED("operator")));
        assert_names(state, "operator");
        assert_int_equal(unlink(below(state, ETC "/policy.json")), 0);
        assert_int_equal(symlink("/dev/null", below(state, ETC "/policy.json")), 0);
        assert_names(state, "");
}

static void test_drop_ins(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;

        write_text(below(state, ETC "/policy.json"), FILE_OF(NAMED("m1") ", " NAMED("m2")));
        write_text(below(state, ETC "/policy.d/20.json"), FILE_OF(NAMED("b1") ", " NAMED("b2")));
        write_text(below(state, USR "/policy.d/10.json"), FILE_OF(NAMED("a1") ", " NAMED("a2")));
        f = read_installed(state);
        assert_string_equal(names_of(f), "b1 b2 a1 a2 m1 m2");
        assert_int_equal(f->n_files, 3);
        assert_string_equal(f->files[0].path, below(state, ETC "/policy.json"));
        assert_string_equal(f->files[1].path, below(state, USR "/policy.d/10.json"));
        assert_string_equal(f->files[2].path, below(state, ETC "/policy.d/20.json"));
        assert_false(f->files[0].drop_in);
        assert_true(f->files[1].drop_in);
        assert_string_equal(f->policy->rules[1].file, f->files[2].path);
        assert_int_equal(f->policy->rules[1].index, 1);
        assert_string_equal(f->policy->rules[5].file, f->files[0].path);
        assert_int_equal(f->policy->rules[5].index, 1);
}

static void test_drop_ins_hide(void **state) {
        write_text(below(state, USR "/policy.d/10.json"), FILE_OF(NAMED("vendor")));
        assert_names(state, "vendor");
        write_text(below(state, ETC "/policy.d/10.json"), FILE_OF(NAMED("operator")));
        assert_names(state, "operator");
        assert_int_equal(unlink(below(state, ETC "/policy.d/10.json")), 0);
        assert_int_equal(symlink("/dev/null", below(state, ETC "/policy.d/10.json")), 0);
        assert_names(state, "");
        /* Nothing is hidden by it. */
        assert_int_equal(symlink("/dev/null", below(state, ETC "/policy.d/20.json")), 0);
        assert_names(state, "");
}

static void test_other_names(void **state) {
        static const char *const names[] = {
                ".10.json", ".json", "10.json~", "10.json.dpkg-old", "10.JSON", "README",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                write_text(below(state, ETC "/policy.d/%s", names[i]), "no policy");
        assert_names(state, "");
        write_text(below(state, ETC "/policy.d/1.json"), FILE_OF(NAMED("x")));
        assert_names(state, "x");
}

static void test_defaults(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = policy_files_new();
        static const char *const texts[] = {
                DEFAULTS("\"memmap\": \"ram\", \"zone\": \"kernel\""),
                DEFAULTS("\"memmap\": \"mixed\", \"ram_reserve\": \"1G\""),
                DEFAULTS("\"memmap\": \"device\""),
        };
        struct settings s;

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_int_equal(policy_files_add_text(f, "x", texts[i], strlen(texts[i])), 0);
        assert_int_equal(policy_files_finish(f), 0);
        s = policy_resolve(f->policy, NULL);
        assert_int_equal(s.given, SETTING_MEMMAP | SETTING_ZONE | SETTING_RAM_RESERVE);
        assert_int_equal(s.memmap, MEMMAP_DEVICE);
        assert_int_equal(s.zone, ZONE_MODE_KERNEL);
        assert_int_equal(s.ram_reserve.value, 1 << 30);
}

/* What is wrong */

static void assert_finding(
                const struct policy_finding *f, const char *path, int error, int line, int column,
                const char *pointer, const char *message) {
        if (strcmp(f->path, path) != 0 || f->error != error || f->what.warning != !error ||
            f->what.line != line || f->what.column != column ||
            strcmp(f->what.pointer, pointer) != 0 || !strstr(f->what.message, message))
                fail_msg("%s:%d:%d: %s: %s (%d)\ninstead of\n%s:%d:%d: %s: %s (%d)",
                         f->path, f->what.line, f->what.column, f->what.pointer, f->what.message,
                         f->error, path, line, column, pointer, message, error);
}

static void test_all_or_nothing(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;

        write_text(below(state, ETC "/policy.json"), FILE_OF(NAMED("good")));
        write_text(below(state, ETC "/policy.d/1.json"), FILE_OF(NAMED("good too")));
        write_text(below(state, ETC "/policy.d/2.json"),
                   "{ \"version\": 1,\n  \"defaults\": { \"zoen\": 1 } }");
        write_text(below(state, ETC "/policy.d/3.json"), "{\n");
        f = read_installed(state);
        assert_null(f->policy);
        assert_int_equal(f->n_errors, 2);
        assert_int_equal(f->n_findings, 2);
        assert_true(f->files[1].good);
        assert_false(f->files[2].good);
        assert_ptr_equal(policy_files_error(f), &f->findings[0]);
        assert_finding(&f->findings[0], below(state, ETC "/policy.d/2.json"), -EINVAL, 2, 17,
                       "/defaults/zoen", "did you mean \"zone\"?");
        assert_finding(&f->findings[1], below(state, ETC "/policy.d/3.json"), -EINVAL, 2, 1,
                       "", "found the end of the file");
}

static void test_guarded(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        const char *directory = below(state, ETC "/policy.d");

        write_text(below(state, ETC "/policy.d/1.json"), FILE_OF(NAMED("x")));
        assert_int_equal(chmod(below(state, ETC "/policy.d/1.json"), 0666), 0);
        f = read_installed(state);
        assert_int_equal(f->n_errors, 1);
        assert_finding(&f->findings[0], below(state, ETC "/policy.d/1.json"), -EPERM, 0, 0, "",
                       "chmod go-w");
        policy_files_free(f);

        /* Sticky or not: everybody could bring the whole of it to be refused. */
        assert_int_equal(unlink(below(state, ETC "/policy.d/1.json")), 0);
        assert_int_equal(chmod(directory, 01777), 0);
        f = read_installed(state);
        assert_int_equal(f->n_errors, 1);
        assert_finding(&f->findings[0], directory, -EPERM, 0, 0, "", "chmod go-w");
}

static void test_no_directory(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        const char *directory = below(state, ETC "/policy.d");

        assert_int_equal(rmdir(directory), 0);
        write_text(directory, "");
        f = read_installed(state);
        assert_finding(&f->findings[0], directory, -ENOTDIR, 0, 0, "", "cannot open the directory");
}

static void test_too_many_rules(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = policy_files_new();
        _cleanup_(freep) char *text = malloc(64 * POLICY_RULES_MAX);
        size_t n = (size_t) sprintf(text, "{ \"version\": 1, \"rules\": [\n");

        (void) state;
        for (int i = 0; i < POLICY_RULES_MAX; i++)
                n += (size_t) sprintf(text + n, "%s{ \"name\": \"%d\", \"match\": "
                                      "{ \"target_node\": %d } }", i ? ",\n" : "", i, i);
        n += (size_t) sprintf(text + n, "] }");
        assert_int_equal(policy_files_add_text(f, "a", text, n), 0);
        assert_int_equal(f->n_errors, 0);
        assert_int_equal(policy_files_add_text(f, "b", FILE_OF(NAMED("x")),
                                               strlen(FILE_OF(NAMED("x")))), 0);
        assert_int_equal(policy_files_finish(f), 0);
        assert_null(f->policy);
        assert_finding(policy_files_error(f), "b", -EINVAL, 0, 0, "", "1001 rules in all");
}

/* What is doubtful */

static struct policy_files *of_texts(const char *const *texts) {
        static const char *const names[] = { "first", "second", "third" };
        struct policy_files *f = policy_files_new();

        for (size_t i = 0; texts[i]; i++)
                assert_int_equal(policy_files_add_text(f, names[i], texts[i], strlen(texts[i])), 0);
        assert_int_equal(policy_files_finish(f), 0);
        assert_int_equal(f->n_errors, 0);
        assert_non_null(f->policy);
        return f;
}

#define OF_TEXTS(...) of_texts((const char *const[]) { __VA_ARGS__, NULL })

static void test_shadowed(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = OF_TEXTS(
                        RULES("{ \"name\": \"a\", \"match\": { \"backing\": \"cxl\" } },\n"
                              "{ \"name\": \"b\", \"match\": { \"target_node\": 1 } },\n"
                              "  { \"name\": \"c\", \"match\": { \"backing\": \"cxl\", "
                              "\"target_node\": 2 } },\n"
                              "{ \"name\": \"d\", \"match\": {} },\n"
                              "{ \"name\": \"e\", \"match\": { \"backing\": \"pmem\" } }"),
                        /* That is what it is for. */
                        RULES("{ \"name\": \"all\", \"match\": {} }"));

        (void) state;
        assert_int_equal(f->n_findings, 2);
        assert_finding(&f->findings[0], "first", 0, 4, 3, "/rules/2",
                       "no device gets to this rule: /rules/0, \"a\", matches all that");
        assert_finding(&f->findings[1], "first", 0, 6, 1, "/rules/4",
                       "/rules/3, \"d\", matches every device");
}

static void test_contradictions(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = OF_TEXTS(
                        DEFAULTS("\"memmap\": \"seed\""),
                        "{ \"version\": 1, \"rules\": [\n"
                        "{ \"name\": \"a\", \"match\": {},\n \"action\": \"plug\" } ] }",
                        "{ \"version\": 1, \"defaults\": {\n \"allow_seeds\": false },\n"
                        "\"rules\": [ { \"name\": \"b\", \"match\": {},"
                        "\"memmap\": \"seed\" } ] }");

        (void) state;
        assert_int_equal(f->n_findings, 2);
        assert_finding(&f->findings[0], "third", 0, 2, 17, "/defaults/allow_seeds",
                       "no effect, as \"memmap\" comes to be \"seed\"");
        assert_finding(&f->findings[1], "second", 0, 3, 12, "/rules/0/action",
                       "every device is refused");
}

/* What a file says of use and limits, and another one undoes. */
static void test_undone(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = OF_TEXTS(
                        DEFAULTS("\"use\": { \"gigantic_pages\": true }, \"max_size\": \"50%\""),
                        RULES("{ \"name\": \"a\", \"match\": {},\n\"zone\": \"movable\" },\n"
                              "{ \"name\": \"b\", \"match\": {},\n\"memmap\": \"device\" },\n"
                              "{ \"name\": \"c\", \"match\": {},\n\"backend\": \"native\" },\n"
                              "{ \"name\": \"d\", \"match\": {}, \"zone\": \"movable\", \"memmap\": \"device\","
                              " \"use\": { \"removable\": true } }"));
        static const struct {
                int line, column;
                const char *pointer, *message;
        } expected[] = {
                { 3, 9, "/rules/0/zone", "comes to be \"movable\", by which the memory is no good for "
                  "its \"use\": there are no 1 GiB pages" },
                { 5, 11, "/rules/1/memmap", "comes to be a place by which the memory is no good" },
                { 7, 12, "/rules/2/backend", "every device that is larger than \"max_size\" is refused" },
        };
        size_t n = 0;

        (void) state;
        for (size_t i = 0; i < f->n_findings; i++) {
                /* All rules are for every device; that is not what this is about. */
                if (strstr(f->findings[i].what.message, "no device gets to this rule"))
                        continue;
                assert_true(n < ELEMENTSOF(expected));
                assert_finding(&f->findings[i], "second", 0, expected[n].line, expected[n].column,
                               expected[n].pointer, expected[n].message);
                n++;
        }
        assert_int_equal(n, ELEMENTSOF(expected));
}

static void test_undone_for_removal(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = OF_TEXTS(
                        DEFAULTS("\"use\": { \"removable\": true, \"prefer\": \"latency\" }"),
                        RULES("{ \"name\": \"a\", \"match\": { \"target_node\": 1 },\n\"zone\": \"kernel\" }"),
                        RULES("{ \"name\": \"b\", \"match\": { \"target_node\": 2 },\n\"memmap\": \"ram\" }"));

        (void) state;
        assert_int_equal(f->n_findings, 2);
        assert_finding(&f->findings[0], "third", 0, 3, 11, "/rules/0/memmap",
                       "leave nothing to \"prefer\"");
        assert_finding(&f->findings[1], "second", 0, 3, 9, "/rules/0/zone",
                       "there are blocks that cannot be removed");
}

static void test_names(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = OF_TEXTS(
                        FILE_OF(NAMED("x")), FILE_OF(NAMED("y")),
                        RULES("{ \"match\": { \"target_node\": 1 }, \"name\": \"z\" },\n"
                              "{ \"match\": {}, \"name\": \"x\" }"));

        (void) state;
        assert_int_equal(f->n_findings, 1);
        assert_finding(&f->findings[0], "third", 0, 3, 24, "/rules/1/name",
                       "/rules/0 of first is \"x\" too");
}

static void test_many_warnings(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        _cleanup_(freep) char *text = malloc(64 * POLICY_RULES_MAX);
        size_t n = (size_t) sprintf(text, "{ \"version\": 1, \"rules\": [\n");

        (void) state;
        for (int i = 0; i < POLICY_RULES_MAX; i++)
                n += (size_t) sprintf(text + n, "%s{ \"name\": \"%d\", \"match\": {} }",
                                      i ? ",\n" : "", i);
        sprintf(text + n, "] }");
        f = OF_TEXTS(text);
        assert_int_equal(f->n_findings, 50);
}

/* What is the same */

static void test_equal(void **state) {
        _cleanup_(policy_files_freep) struct policy_files *a = NULL, *b = NULL;
        _cleanup_(policy_files_freep) struct policy_files *c = NULL, *d = NULL;
        const char *path = below(state, ETC "/policy.json");

        write_text(path, "{ \"version\": 1 }");
        a = read_installed(state);
        b = read_installed(state);
        assert_true(policy_files_equal(a, b));
        assert_int_equal(chmod(path, 0666), 0);
        c = read_installed(state);
        assert_false(policy_files_equal(a, c));
        assert_int_equal(chmod(path, 0600), 0);
        write_text(path, "{ \"version\":  1}");
        d = read_installed(state);
        assert_false(policy_files_equal(a, d));
        assert_true(policy_files_equal(d, d));
        policy_files_free(steal(&d));
        write_text(path, "{ \"version\": 1 }");
        write_text(below(state, ETC "/policy.d/1.json"), "{ \"version\": 1 }");
        d = read_installed(state);
        assert_false(policy_files_equal(a, d));
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_dir)

int main(void) {
        const struct CMUnitTest tests[] = {
                IN_ROOT(test_nothing),
                IN_ROOT(test_main_file),
                IN_ROOT(test_drop_ins),
                IN_ROOT(test_drop_ins_hide),
                IN_ROOT(test_other_names),
                cmocka_unit_test(test_defaults),
                IN_ROOT(test_all_or_nothing),
                IN_ROOT(test_guarded),
                IN_ROOT(test_no_directory),
                cmocka_unit_test(test_too_many_rules),
                cmocka_unit_test(test_shadowed),
                cmocka_unit_test(test_contradictions),
                cmocka_unit_test(test_undone),
                cmocka_unit_test(test_undone_for_removal),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_many_warnings),
                IN_ROOT(test_equal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

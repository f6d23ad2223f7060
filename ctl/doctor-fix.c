/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor-fix.h"

#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

const char *fix_word(const struct sysfs *root, const struct fix *fix) {
        enum fix_state state;

        if (fix_look(root, fix, &state) < 0)
                return "unknown";
        return state == FIX_THERE ? "there" : state == FIX_FOREIGN ? "foreign" : "missing";
}

/* What is for a reader, not for a program. */
static void say(const struct options *o, const char *format, ...) _printf_(2, 3);
static void say(const struct options *o, const char *format, ...) {
        va_list ap;

        if (o->json != JSON_OFF)
                return;
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
}

/* As a diff has a file that is new. */
static void show(const struct options *o, const struct fix *fix) {
        say(o, "\n--- /dev/null\n+++ %s/%s\n", o->sysroot ?: "", fix->path);
        for (const char *line = fix->text; *line; line += strcspn(line, "\n") + 1)
                say(o, "+%.*s\n", (int) strcspn(line, "\n"), line);
        if (fix->command)
                say(o, "then /%s\n", fix->command);
}

/* Leaves those to be written in @todo and returns how many; @ret_bad: some cannot be. */
static size_t sort_out(const struct options *o, const struct sysfs *root, const struct findings *f,
                       const struct fix **todo, bool *ret_bad) {
        size_t n = 0;

        *ret_bad = false;

        for (size_t i = 0; i < f->n; i++) {
                const struct fix *fix = f->list[i].fix;
                enum fix_state state;
                int r;

                if (!fix)
                        continue;
                r = fix_look(root, fix, &state);
                if (r < 0)
                        complain("Cannot read %s/%s: %s.", o->sysroot ?: "", fix->path,
                                 strerror(-r));
                else if (state == FIX_FOREIGN)
                        complain("%s/%s is there with something else in it, and is left as it is. "
                                 "See what is in it; to have it made by this, move it away.",
                                 o->sysroot ?: "", fix->path);
                else if (state == FIX_THERE)
                        say(o, "\n%s/%s is there already. %s\n", o->sysroot ?: "", fix->path,
                            fix->then);
                else
                        todo[n++] = fix;
                *ret_bad |= r < 0 || state == FIX_FOREIGN;
        }
        return n;
}

static bool ask(void) {
        char answer[16];

        printf("\nWrite this? [y/N] ");
        fflush(stdout);
        return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Whether they are to be written. */
static bool may_write(const struct options *o) {
        if (o->yes)
                return true;
        if (!o->dry_run && o->json == JSON_OFF && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
                if (ask())
                        return true;
        } else if (!o->dry_run) {
                fflush(stdout);
                complain("There is nobody to ask: say --yes to have it written.");
        }
        say(o, "\nNothing was changed.\n");
        return false;
}

/* Its messages are for a reader too. */
static int run(const struct options *o, const char *path) {
        char *argv[] = { (char *) path, NULL };
        posix_spawn_file_actions_t actions;
        int r, status;
        pid_t pid;

        fflush(stdout);
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        if (o->json != JSON_OFF)
                r = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn(&pid, path, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (r != 0)
                return -r;
        if (waitpid(pid, &status, 0) < 0)
                return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

/* Programs are of the machine that this runs on. */
static enum exit_code finish(const struct options *o, const struct fix *fix) {
        char path[SYSFS_PATH_MAX];
        int r;

        if (!fix->command) {
                say(o, "%s\n", fix->then);
                return EXIT_OK;
        }
        snprintf(path, sizeof(path), "/%s", fix->command);
        if (o->sysroot || access(path, X_OK) < 0) {
                say(o, "Run %s there. %s\n", path, fix->then);
                return EXIT_OK;
        }
        r = run(o, path);
        if (r >= 0) {
                say(o, "%s\n", fix->then);
                return EXIT_OK;
        }
        if (r == -ECANCELED)
                complain("%s failed: run it again when that is mended.", path);
        else
                complain("Cannot run %s: %s.", path, strerror(-r));
        return EXIT_FAILED;
}

static enum exit_code carry_out(const struct options *o, const struct sysfs *root,
                                const struct fix *fix) {
        int r = fix_write(root, fix);

        if (r < 0) {
                complain("Cannot write %s/%s: %s.", o->sysroot ?: "", fix->path, strerror(-r));
                return EXIT_FAILED;
        }
        say(o, "\n%s/%s is written.\n", o->sysroot ?: "", fix->path);
        return finish(o, fix);
}

static enum exit_code carry_out_all(const struct options *o, const struct sysfs *root,
                                    const struct fix **todo, size_t n) {
        enum exit_code code = EXIT_OK;

        for (size_t i = 0; i < n; i++)
                show(o, todo[i]);
        if (!may_write(o))
                return EXIT_NOT_FIXED;
        for (size_t i = 0; i < n; i++)
                if (carry_out(o, root, todo[i]) != EXIT_OK)
                        code = EXIT_FAILED;
        return code;
}

enum exit_code doctor_fix(const struct options *o, const struct sysfs *root,
                          const struct findings *f) {
        _cleanup_(freep) const struct fix **todo = calloc(f->n + 1, sizeof(*todo));
        enum exit_code code = EXIT_OK;
        bool bad = true;
        size_t n = todo ? sort_out(o, root, f, todo, &bad) : 0;

        if (n > 0)
                code = carry_out_all(o, root, todo, n);
        else if (!bad)
                say(o, "\nThere is nothing to write.\n");
        return bad ? EXIT_FAILED : code;
}

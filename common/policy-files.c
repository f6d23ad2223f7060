/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "policy-file.h"
#include "policy-files.h"
#include "policy-json.h"
#include "policy-warn.h"

DEFINE_CLEANUP(struct policy *, policy_free)

struct policy_files *policy_files_new(void) {
        struct policy_files *f = calloc(1, sizeof(*f));

        if (!f)
                return NULL;
        f->policy = calloc(1, sizeof(*f->policy));
        return f->policy ? f : policy_files_free(f);
}

struct policy_files *policy_files_free(struct policy_files *f) {
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n_files; i++) {
                free(f->files[i].path);
                free(f->files[i].text);
        }
        free(f->files);
        for (size_t i = 0; i < f->n_findings; i++)
                free(f->findings[i].path);
        free(f->findings);
        policy_free(f->policy);
        free(f);
        return NULL;
}

int finding_add(
                struct policy_files *f, const char *path, int error,
                const struct policy_error *what) {
        struct policy_finding *more;

        more = reallocarray(f->findings, f->n_findings + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        f->findings = more;
        more += f->n_findings;
        *more = (struct policy_finding) { .path = strdup(path), .error = error, .what = *what };
        if (!more->path)
                return -ENOMEM;
        f->n_findings++;
        f->n_errors += error < 0;
        return 0;
}

const struct policy_finding *policy_files_error(const struct policy_files *f) {
        for (size_t i = 0; i < f->n_findings; i++)
                if (f->findings[i].error < 0)
                        return &f->findings[i];
        return NULL;
}

static struct policy_file *append(struct policy_files *f, const char *path) {
        struct policy_file *more;

        more = reallocarray(f->files, f->n_files + 1, sizeof(*more));
        if (!more)
                return NULL;
        f->files = more;
        more += f->n_files;
        *more = (struct policy_file) { .path = strdup(path) };
        if (!more->path)
                return NULL;
        f->n_files++;
        return more;
}

/* One file */

static int sign_rules(const struct policy_file *file, struct policy *p) {
        for (size_t i = 0; i < p->n_rules; i++) {
                p->rules[i].file = strdup(file->path);
                if (!p->rules[i].file)
                        return -ENOMEM;
        }
        return 0;
}

static int lay(struct policy_files *f, struct policy_file *file, struct policy *p) {
        struct settings below = policy_resolve(f->policy, NULL);
        struct policy_error what = {};
        int r;

        if (f->policy->n_rules + p->n_rules > POLICY_RULES_MAX) {
                r = policy_error_file(&what, -EINVAL, "with this file it is %zu rules in all; a "
                                      "policy has no need of more than %d",
                                      f->policy->n_rules + p->n_rules, POLICY_RULES_MAX);
                return finding_add(f, file->path, r, &what);
        }
        r = sign_rules(file, p);
        if (r >= 0)
                r = warn_of_shadows(f, file, p);
        if (r >= 0)
                r = warn_of_defaults(f, file, &below, &p->defaults);
        if (r < 0)
                return r;
        file->good = true;
        file->n_rules = p->n_rules;
        return policy_stack(f->policy, p);
}

static int decode_and_lay(struct policy_files *f, struct policy_file *file) {
        _cleanup_(policy_freep) struct policy *p = NULL;
        struct policy_error what = {};
        int r;

        r = policy_decode(file->text, file->size, &p, &what);
        if (r == -ENOMEM)
                return r;
        return r < 0 ? finding_add(f, file->path, r, &what) : lay(f, file, p);
}

enum how {
        GUARDED         = 1 << 0,
        MAY_BE_MISSING  = 1 << 1,
        MAY_BE_MASKED   = 1 << 2,
        DROP_IN         = 1 << 3,
};

/* Returns 1 if it is not there. */
static int add(struct policy_files *f, const char *path, unsigned int how) {
        _cleanup_(freep) char *text = NULL;
        struct policy_error what = {};
        struct policy_file *file;
        size_t size = 0;
        int r;

        r = policy_file_load(path, how & GUARDED, &text, &size, &what);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOENT && how & MAY_BE_MISSING)
                return 1;
        if (r > 0 && !(how & MAY_BE_MASKED))
                r = policy_error_file(&what, -EBADF, "this is not a regular file; name one");
        file = append(f, path);
        if (!file)
                return -ENOMEM;
        file->drop_in = how & DROP_IN;
        if (r < 0)
                return finding_add(f, path, r, &what);
        if (r > 0) {
                file->masked = file->good = true;
                return 0;
        }
        file->text = steal(&text);
        file->size = size;
        return decode_and_lay(f, file);
}

int policy_files_add(struct policy_files *f, const char *path, bool guarded) {
        return add(f, path, guarded ? GUARDED : 0);
}

int policy_files_add_text(
                struct policy_files *f, const char *name, const char *text, size_t size) {
        struct policy_file *file = append(f, name);

        if (!file)
                return -ENOMEM;
        file->text = malloc(size + 1);
        if (!file->text)
                return -ENOMEM;
        memcpy(file->text, text, size);
        file->text[size] = '\0';
        file->size = size;
        return decode_and_lay(f, file);
}

/* What is installed */

struct drop_ins {
        size_t n;
        char **paths;
};

static void drop_ins_done(struct drop_ins *d) {
        for (size_t i = 0; i < d->n; i++)
                free(d->paths[i]);
        free(d->paths);
}

static const char *name_of(const char *path) {
        return strrchr(path, '/') + 1;
}

/* Not what editors and package managers leave behind. */
static bool is_drop_in(const char *name) {
        size_t n = strlen(name), suffix = strlen(".json");

        return name[0] != '.' && n > suffix && strcmp(name + n - suffix, ".json") == 0;
}

static bool is_hidden(const struct drop_ins *d, const char *name) {
        for (size_t i = 0; i < d->n; i++)
                if (strcmp(name_of(d->paths[i]), name) == 0)
                        return true;
        return false;
}

static int drop_ins_add(struct drop_ins *d, const char *directory, const char *name) {
        char **more;

        if (is_hidden(d, name))
                return 0;
        more = reallocarray(d->paths, d->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        d->paths = more;
        if (asprintf(&d->paths[d->n], "%s/%s", directory, name) < 0)
                return -ENOMEM;
        d->n++;
        return 0;
}

static int drop_ins_read(struct drop_ins *d, const char *path, DIR *directory) {
        const struct dirent *entry;
        int r = 0;

        errno = 0;
        while (r >= 0 && (entry = readdir(directory))) {
                if (is_drop_in(entry->d_name))
                        r = drop_ins_add(d, path, entry->d_name);
                errno = 0;
        }
        return r < 0 ? r : -errno;
}

static int find_drop_ins(struct policy_files *f, const char *path, struct drop_ins *d) {
        struct policy_error what = {};
        DIR *directory = opendir(path);
        int r;

        if (!directory && errno == ENOENT)
                return 0;
        if (!directory)
                r = policy_error_file(&what, -errno, "cannot open the directory: %m");
        else {
                r = policy_file_check_directory(path, dirfd(directory), &what);
                if (r >= 0) {
                        r = drop_ins_read(d, path, directory);
                        if (r < 0)
                                policy_error_file(&what, r, "cannot read the directory: %m");
                }
                closedir(directory);
        }
        if (r == -ENOMEM)
                return r;
        return r < 0 ? finding_add(f, path, r, &what) : 0;
}

static int by_name(const void *a, const void *b) {
        return strcmp(name_of(*(char *const *) a), name_of(*(char *const *) b));
}

static int add_below(
                struct policy_files *f, const char *root, const char *directory, unsigned int how) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s%s/" POLICY_FILE, root, directory) < 0)
                return -ENOMEM;
        return add(f, path, how);
}

static int find_below(
                struct policy_files *f, const char *root, const char *directory,
                struct drop_ins *d) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s%s/" POLICY_DROP_INS, root, directory) < 0)
                return -ENOMEM;
        return find_drop_ins(f, path, d);
}

int policy_files_add_installed(struct policy_files *f, const char *root) {
        const unsigned int how = GUARDED | MAY_BE_MISSING | MAY_BE_MASKED;
        _cleanup_(drop_ins_done) struct drop_ins d = {};
        int r;

        r = add_below(f, root, POLICY_DIR, how);
        if (r > 0)
                r = add_below(f, root, POLICY_VENDOR_DIR, how);
        if (r >= 0)
                r = find_below(f, root, POLICY_DIR, &d);
        if (r >= 0)
                r = find_below(f, root, POLICY_VENDOR_DIR, &d);
        if (d.n > 0)
                qsort(d.paths, d.n, sizeof(d.paths[0]), by_name);
        for (size_t i = 0; i < d.n && r >= 0; i++)
                r = add(f, d.paths[i], how | DROP_IN);
        return r < 0 ? r : 0;
}

/* All of them */

int policy_files_finish(struct policy_files *f) {
        if (f->n_errors == 0)
                return warn_of_rules(f);
        f->policy = policy_free(f->policy);
        return 0;
}

static bool same_string(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

static bool same_file(const struct policy_file *a, const struct policy_file *b) {
        return same_string(a->path, b->path) && a->masked == b->masked && a->size == b->size &&
                !a->text == !b->text && (!a->text || memcmp(a->text, b->text, a->size) == 0);
}

static bool same_finding(const struct policy_finding *a, const struct policy_finding *b) {
        return same_string(a->path, b->path) && a->error == b->error &&
                a->what.line == b->what.line && a->what.column == b->what.column &&
                same_string(a->what.pointer, b->what.pointer) &&
                same_string(a->what.message, b->what.message);
}

bool policy_files_equal(const struct policy_files *a, const struct policy_files *b) {
        if (a->n_files != b->n_files || a->n_findings != b->n_findings)
                return false;
        for (size_t i = 0; i < a->n_files; i++)
                if (!same_file(&a->files[i], &b->files[i]))
                        return false;
        for (size_t i = 0; i < a->n_findings; i++)
                if (!same_finding(&a->findings[i], &b->findings[i]))
                        return false;
        return true;
}

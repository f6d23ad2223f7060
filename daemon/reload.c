/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy: read at the start, when it is asked for, and when its files change.
 * What cannot be used never takes the place of what can.
 */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "manager.h"
#include "names.h"
#include "regions.h"

static int read_files(const struct manager *m, struct policy_files **ret) {
        _cleanup_(policy_files_freep) struct policy_files *f = policy_files_new();
        int r;

        if (!f)
                return -ENOMEM;
        if (m->policy_path)
                r = policy_files_add(f, m->policy_path, true);
        else
                r = policy_files_add_installed(f, m->policy_root);
        if (r >= 0)
                r = policy_files_finish(f);
        if (r >= 0)
                *ret = steal(&f);
        return r;
}

/* Watching */

static int watch_below(struct manager *m, const char *directory) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s%s", m->policy_root, directory) < 0)
                return -ENOMEM;
        return watch_directory(m->watch, path);
}

static int watch_installed(struct manager *m) {
        static const char *const directories[] = {
                POLICY_DIR, POLICY_DIR "/" POLICY_DROP_INS,
                POLICY_VENDOR_DIR, POLICY_VENDOR_DIR "/" POLICY_DROP_INS,
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(directories) && r >= 0; i++)
                r = watch_below(m, directories[i]);
        return r;
}

static int watch_named(struct manager *m) {
        _cleanup_(freep) char *path = strdup(m->policy_path);
        char *slash = path ? strrchr(path, '/') : NULL;

        if (!path)
                return -ENOMEM;
        if (!slash)
                return watch_directory(m->watch, ".");
        slash[slash == path] = '\0';
        return watch_directory(m->watch, path);
}

/* Returns how many of the files are elsewhere. */
static int watch_targets(struct manager *m, const struct policy_files *f) {
        int n = 0;

        for (size_t i = 0; i < f->n_files; i++) {
                int r = watch_target(m->watch, f->files[i].path);

                if (r < 0)
                        return r;
                n += r;
        }
        return n;
}

static void cannot_watch(struct manager *m, int error) {
        if (error == m->watch_error)
                return;
        m->watch_error = error;
        log_about(LOG_WARNING, (struct log_about) { .error = -error },
                  "Cannot watch the files of the policy (%s): after a change, run "
                  "\"memmapctl reload\".", strerror(-error));
}

/* Watched first, then read: no change falls in between. */
static int watch_and_read(struct manager *m, struct policy_files **ret) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        int r, w;

        watch_clear(m->watch);
        w = m->policy_path ? watch_named(m) : watch_installed(m);
        r = read_files(m, &f);
        if (r < 0)
                return r;
        if (w >= 0)
                w = watch_targets(m, f);
        if (w < 0)
                cannot_watch(m, w);
        if (w <= 0) {
                *ret = steal(&f);
                return 0;
        }
        /* Where the links lead is known, and watched, only now. */
        return read_files(m, ret);
}

/* Taking it over */

static void log_warnings(const struct policy_files *f) {
        for (size_t i = 0; i < f->n_findings; i++) {
                _cleanup_(freep) char *text = NULL;

                if (f->findings[i].error < 0)
                        continue;
                text = policy_error_format(&f->findings[i].what, f->findings[i].path);
                log_about(LOG_WARNING, (struct log_about) { .message_id = MESSAGE_POLICY_DOUBTFUL },
                          "%s", text ? text : f->findings[i].path);
        }
}

static int refuse(struct manager *m, int error) {
        log_about(LOG_ERR, (struct log_about) {
                .message_id = MESSAGE_POLICY_BAD, .error = -error,
        }, "%s: %s", m->policy ? "The old policy stays in force, as the new one is refused" :
                  "No device is touched until there is a valid policy", m->policy_error);
        manager_look_in(m, 0);
        return error;
}

static int refuse_files(struct manager *m, const struct policy_files *f) {
        const struct policy_finding *first = policy_files_error(f);
        _cleanup_(freep) char *text = policy_error_format(&first->what, first->path);
        char more[64] = "";

        if (f->n_errors > 1)
                snprintf(more, sizeof(more), " (and %zu more; see memmapctl check)",
                         f->n_errors - 1);
        snprintf(m->policy_error, sizeof(m->policy_error), "%s%s", text ? text : first->path, more);
        return refuse(m, first->error);
}

static void try_again_what_was_given_up(struct manager *m) {
        for (struct record *r = m->records; r; r = r->next) {
                r->stuck = false;
                r->rounds = 0;
                r->handed_back = false;
                if (r->settled_with_failures)
                        record_renew(m, r);
        }
}

const char *manager_policy_used(const struct manager *m) {
        if (!m->in_force)
                return NULL;
        for (size_t i = 0; i < m->in_force->n_files; i++)
                if (!m->in_force->files[i].drop_in && !m->in_force->files[i].masked)
                        return m->in_force->files[i].path;
        return "built in";
}

static void log_loaded(const struct manager *m) {
        size_t n = m->policy->n_rules, drop_ins = 0;
        char more[48] = "";

        for (size_t i = 0; i < m->in_force->n_files; i++)
                drop_ins += m->in_force->files[i].drop_in && !m->in_force->files[i].masked;
        if (drop_ins > 0)
                snprintf(more, sizeof(more), " and %zu drop-in%s", drop_ins,
                         drop_ins == 1 ? "" : "s");
        log_about(LOG_INFO, (struct log_about) { .message_id = MESSAGE_POLICY_LOADED },
                  "Policy: %s%s, %zu %s.", manager_policy_used(m), more, n,
                  n == 1 ? "rule" : "rules");
}

static void put_in_force(struct manager *m, struct policy_files *f) {
        m->policy_error[0] = '\0';
        m->policy = f->policy;
        policy_files_free(m->in_force);
        m->in_force = f;
        log_loaded(m);
        try_again_what_was_given_up(m);
        regions_renew(m);
}

/* @again: even if nothing changed. */
static int reload(struct manager *m, bool again) {
        _cleanup_(policy_files_freep) struct policy_files *f = NULL;
        const struct policy_files *last = m->refused ? m->refused : m->in_force;
        bool changed;
        int r;

        r = watch_and_read(m, &f);
        if (r < 0) {
                snprintf(m->policy_error, sizeof(m->policy_error), "Cannot read the policy: %s.",
                         strerror(-r));
                return refuse(m, r);
        }
        changed = !last || !policy_files_equal(last, f);
        if (!changed && !again)
                return 0;
        log_anew(NULL);
        m->refused = policy_files_free(m->refused);
        if (changed)
                log_warnings(f);
        if (f->n_errors == 0) {
                put_in_force(m, steal(&f));
                return 0;
        }
        m->refused = steal(&f);
        return refuse_files(m, m->refused);
}

int manager_reload(struct manager *m) {
        return reload(m, true);
}

static void on_changed(void *userdata) {
        (void) reload(userdata, false);
}

int manager_start_policy(struct manager *m) {
        int r;

        r = watch_new(m->event, on_changed, m, &m->watch);
        if (r < 0)
                return r;
        r = manager_reload(m);
        /* A file that was named must be there; one that is broken can be mended. */
        return r < 0 && m->policy_path && r != -EINVAL && r != -EPERM ? r : 0;
}

void manager_stop_policy(struct manager *m) {
        m->watch = watch_free(m->watch);
        m->policy = NULL;
        m->in_force = policy_files_free(m->in_force);
        m->refused = policy_files_free(m->refused);
}

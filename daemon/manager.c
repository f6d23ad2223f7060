/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "manager.h"
#include "names.h"
#include "orphans.h"
#include "policy-json.h"
#include "state.h"

#define REFUSED_DELAY_USEC (60 * 1000000ULL)
#define FAILED_DELAY_USEC (5 * 1000000ULL)

/* The policy that is in force without any file. */
static struct policy *builtin_policy(void) {
        return calloc(1, sizeof(struct policy));
}

static int read_policy(struct manager *m, const char *path, struct policy **ret) {
        struct policy_error error = {};
        char *text;
        int r;

        r = policy_read_file(path, ret, &error);
        if (r >= 0) {
                m->policy_used = path;
                return 0;
        }
        text = policy_error_format(&error, path);
        snprintf(m->policy_error, sizeof(m->policy_error), "%s", text ? text : path);
        free(text);
        return r;
}

/* The operator's file, else the vendor's, else what is built in. */
static int find_policy(struct manager *m, struct policy **ret) {
        int r;

        if (m->policy_path)
                return read_policy(m, m->policy_path, ret);
        r = read_policy(m, POLICY_PATH, ret);
        if (r == -ENOENT)
                r = read_policy(m, POLICY_VENDOR_PATH, ret);
        if (r != -ENOENT)
                return r;
        m->policy_used = "built in";
        *ret = builtin_policy();
        return *ret ? 0 : -ENOMEM;
}

static void try_again_what_was_given_up(struct manager *m) {
        for (struct record *r = m->records; r; r = r->next) {
                r->stuck = false;
                r->rounds = 0;
                r->handed_back = false;
                if (!r->settled_with_failures)
                        continue;
                free(steal(&r->failed));
                r->n_failed = 0;
                r->settled = r->settled_with_failures = false;
                state_forget(m->sysfs, r->name);
        }
}

int manager_reload(struct manager *m) {
        struct policy *p = NULL;
        int r;

        r = find_policy(m, &p);
        if (r < 0) {
                log_about(LOG_ERR, (struct log_about) {
                        .message_id = MESSAGE_POLICY_BAD, .error = -r,
                }, "%s %s", m->policy_error, m->policy ? "The old policy stays in force." :
                          "No device is touched until there is a valid policy.");
                manager_look_in(m, 0);
                return r;
        }
        m->policy_error[0] = '\0';
        policy_free(m->policy);
        m->policy = p;
        log_about(LOG_INFO, (struct log_about) { .message_id = MESSAGE_POLICY_LOADED },
                  "Policy: %s, %zu %s.", m->policy_used, p->n_rules,
                  p->n_rules == 1 ? "rule" : "rules");
        try_again_what_was_given_up(m);
        manager_look_in(m, 0);
        return 0;
}

/* Memory that is in use cannot go with its device; the operator must know of it. */
static void log_gone(const struct manager *m, const struct record *r) {
        char which[MESSAGE_MAX];
        uint64_t n = orphans_of(m->sysfs, r->name, m->model->block_size, which, sizeof(which));

        if (n > 0)
                log_about(LOG_ERR, (struct log_about) {
                        .message_id = MESSAGE_ORPHANED, .device = r->name,
                }, "The device is gone, and %" PRIu64 " %s of it still in use: %s. If the memory is "
                          "gone as well, take them offline now.", n,
                          n == 1 ? "block is" : "blocks are", which);
        else
                log_about(LOG_NOTICE, (struct log_about) {
                        .message_id = MESSAGE_GONE, .device = r->name,
                }, "The device is gone.");
}

/* Devices that went: their records, and what was kept of them. */
static void forget_gone(struct manager *m) {
        struct record **at = &m->records;

        while (*at) {
                struct record *r = *at;
                const struct device *d = model_device(m->model, r->name);

                /* It may have gone and another one come between two looks. */
                if (d && d->identity == r->identity) {
                        at = &r->next;
                        continue;
                }
                log_gone(m, r);
                if (!m->dry_run)
                        state_forget(m->sysfs, r->name);
                *at = r->next;
                record_free(r);
        }
}

/*
 * Memory that is freed and a device node that is closed send no event.  Only
 * where a device waits for such a thing is the daemon ever woken for nothing.
 */
static void look_again_for_the_refused(struct manager *m) {
        for (const struct record *r = m->records; r; r = r->next)
                if (r->may_pass || r->stuck)
                        manager_look_in(m, REFUSED_DELAY_USEC);
}

static void look(struct manager *m) {
        struct model *model = NULL;
        int r;

        r = probe(m->sysfs, &model);
        if (r < 0) {
                log_about(LOG_ERR, (struct log_about) { .error = -r },
                          "Cannot read the machine from sysfs and /proc: %s.", strerror(-r));
                manager_look_in(m, FAILED_DELAY_USEC);
                return;
        }
        model_free(m->model);
        m->model = model;
        forget_gone(m);
        for (size_t i = 0; i < model->n_devices; i++) {
                struct device *d = &model->devices[i];
                struct record *record = record_get(m, d);

                if (!record) {
                        log_error("Out of memory.");
                        manager_look_in(m, FAILED_DELAY_USEC);
                        return;
                }
                record_overlay(record, d);
                if (!record->worker)
                        take_consider(m, record, d);
        }
        look_again_for_the_refused(m);
}

static void on_schedule(void *userdata) {
        look(userdata);
}

void manager_look_in(struct manager *m, uint64_t usec) {
        schedule_in(m->looks, usec);
}

int manager_start(struct manager *m) {
        int r;

        r = schedule_new(m->event, on_schedule, m, &m->looks);
        if (r < 0)
                return r;
        r = manager_reload(m);
        /* A file that was named must be there; one that is broken can be mended. */
        if (r < 0 && m->policy_path && r != -EINVAL)
                return r;
        look(m);
        return 0;
}

void manager_stop(struct manager *m) {
        while (m->records) {
                struct record *r = m->records;

                m->records = r->next;
                record_free(r);
        }
        m->looks = schedule_free(m->looks);
        m->model = model_free(m->model);
        m->policy = policy_free(m->policy);
}

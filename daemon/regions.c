/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regions.h"

#include <errno.h>
#include <string.h>

#include "attempts.h"
#include "eject.h"
#include "expander.h"
#include "json-c-util.h"
#include "log.h"
#include "marks.h"
#include "names.h"
#include "settings-json.h"

struct regions {
        struct manager *manager;
        struct worker *worker;
        enum cxl_task task;             /* of the worker */
        bool stuck;                     /* what is half made cannot be put right */
        uint64_t tried;                 /* fingerprint of the expanders that were tried; 0: none */
        unsigned int tries;
        bool failed;                    /* some of them, in the try at hand or the last one */
        struct retry retry;
        uint64_t again_usec;            /* monotonic; when the next one is due, 0: none */
        struct attempts *attempts;
        char *told;                     /* of these */
};

static struct regions *regions_of(struct manager *m) {
        if (!m->regions)
                m->regions = calloc(1, sizeof(*m->regions));
        if (m->regions)
                m->regions->manager = m;
        return m->regions;
}

struct regions *regions_free(struct regions *r) {
        if (!r)
                return NULL;
        worker_free(r->worker);
        attempts_free(r->attempts);
        free(r->told);
        free(r);
        return NULL;
}

/* What is known of them, if it was not told before. */
static void tell(struct regions *r) {
        _cleanup_(json_putp) struct json_object *o = attempts_describe(r->attempts, 0, 0);
        const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);

        if (strcmp(text, r->told ?: "[]") == 0)
                return;
        free(r->told);
        r->told = strdup(text);
        if (r->manager->regions_changed)
                r->manager->regions_changed(r->manager->userdata, text);
}

/* The worker */

static void log_event(const struct regions *r, const struct exec_event *e) {
        const char *subject = e->subject[0] ? e->subject : NULL;

        static const char *const ids[] = {
                [CXL_CREATE] = MESSAGE_REGION_CREATED, [CXL_CONVERGE] = MESSAGE_REGION_CONVERGED,
                [CXL_RESTORE] = NULL,
        };

        if (e->kind == EXEC_STEP_DONE)
                log_about(LOG_NOTICE, (struct log_about) {
                        .message_id = ids[r->task], .device = subject,
                }, "%s.", e->text);
        else if (e->kind == EXEC_DIVERGED)
                log_about(LOG_INFO, (struct log_about) { .device = subject }, "%s.", e->text);
        else if (e->kind == EXEC_STEP_FAILED)
                log_about(LOG_ERR, (struct log_about) {
                        .message_id = MESSAGE_REGION_FAILED, .device = subject, .error = e->error,
                }, "%s.", e->text);
}

static void end(struct regions *r) {
        struct manager *m = r->manager;

        r->worker = worker_free(r->worker);
        attempts_settle(&r->attempts);
        tell(r);
        r->stuck |= r->task == CXL_CONVERGE && r->failed;
        r->again_usec = 0;
        if (r->task == CXL_CREATE && r->failed && r->tries < r->retry.times) {
                uint64_t delay = retry_delay(&r->retry, r->tries++), now = 0;

                (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
                r->again_usec = now + delay;
        }
        manager_look_in(m, 0);
}

/* An expander that cannot be enabled again is not on its way to a region. */
static void note_event(struct regions *r, const struct exec_event *e) {
        if (r->task == CXL_RESTORE)
                return;
        if (e->kind == EXEC_BEGUN)
                attempts_begin(&r->attempts, e->subject, e->text);
        else if (e->kind == EXEC_STEP_DONE)
                attempts_end(&r->attempts, e->subject);
        else if (e->kind == EXEC_DIVERGED)
                attempts_tell(&r->attempts, e->subject, ATTEMPT_WAITING, e->text);
        else if (e->kind == EXEC_STEP_FAILED)
                attempts_tell(&r->attempts, e->subject, ATTEMPT_FAILED, e->text);
}

static void on_event(void *userdata, const struct exec_event *e) {
        struct regions *r = userdata;

        log_event(r, e);
        note_event(r, e);
        tell(r);
        r->failed |= e->kind == EXEC_STEP_FAILED;
        if (e->kind == EXEC_END)
                end(r);
}

static void on_lost(void *userdata, const char *why) {
        struct regions *r = userdata;
        char text[320];

        snprintf(text, sizeof(text), "The worker that makes CXL regions is lost: %s. %s", why,
                 r->task == CXL_CONVERGE ?
                 "What is half made stays so; \"memmapctl reload\" tries again" :
                 "What it left half made is finished or deleted");
        log_about(LOG_ERR, (struct log_about) { .message_id = MESSAGE_WORKER_LOST }, "%s.", text);
        attempts_lose(r->attempts, text);
        r->failed = true;
        end(r);
}

static int start(struct regions *r, const struct cxl_job *job) {
        struct worker_handler handler = { .event = on_event, .lost = on_lost, .userdata = r };
        struct manager *m = r->manager;
        int e;

        r->task = job->task;
        r->failed = false;
        attempts_end(&r->attempts, "");
        e = worker_start_body(m->event, m->sysfs, cxl_work, job, &handler, &r->worker);
        if (e < 0) {
                char text[160];

                snprintf(text, sizeof(text), "Cannot start a worker for CXL regions: %s; \"memmapctl "
                         "reload\" tries again", strerror(-e));
                log_about(LOG_ERR, (struct log_about) { .error = -e }, "%s.", text);
                attempts_tell(&r->attempts, "", ATTEMPT_FAILED, text);
        }
        return e;
}

/* What a worker that was killed has left half made.  Whether there is any. */
static bool converge(struct regions *r) {
        _cleanup_(json_putp) struct json_object *memdevs = NULL;
        struct cxl_job job = {
                .sysfs = r->manager->sysfs, .task = CXL_CONVERGE, .n_regions = 1,
        };

        if (r->stuck || marks_begun_region(job.sysfs, job.regions[0], sizeof(job.regions[0]),
                                           &memdevs) < 0)
                return false;
        for (size_t i = 0; i < json_object_array_length(memdevs) && i < CXL_MEMDEVS_MAX; i++)
                snprintf(job.memdevs[job.n_memdevs++].name, sizeof(job.memdevs[0].name), "%s",
                         json_object_get_string(json_object_array_get_idx(memdevs, i)));
        (void) start(r, &job);
        return true;
}

/* What the policy wants */

static bool creates_any(const struct policy *p) {
        bool any = p->defaults.create_region.create;

        for (size_t i = 0; i < p->n_rules; i++)
                any |= p->rules[i].settings.create_region.create;
        return any;
}

/* The device that will come of it, as far as it is known by now. */
static struct settings settings_of(const struct policy *p, const struct expander *e) {
        struct device d = {
                .backing = BACKING_CXL, .size = e->ram_size, .target_node = -1, .numa_node = -1,
                .n_memdevs = 1, .memdevs_known = true, .memdevs = { e->dev },
        };

        return policy_resolve(p, policy_match(p, &d));
}

static bool is_spare(const struct manager *m, const struct expander *e) {
        return e->enabled && !e->used && e->ram_size > 0 && e->n_regions == 0 &&
                !marks_removed(m->sysfs, e->dev.name);
}

static uint64_t hash(uint64_t h, uint64_t v) {
        return (h ^ v) * 0x100000001b3ULL;
}

/* Returns their fingerprint: as long as it is the same, what failed fails again. */
static uint64_t gather(struct regions *r, const struct expander *all, size_t n, struct cxl_job *job) {
        const struct policy *p = r->manager->policy;
        uint64_t h = 0xcbf29ce484222325ULL;

        for (size_t i = 0; i < n && job->n_memdevs < CXL_MEMDEVS_MAX; i++) {
                struct settings s = settings_of(p, &all[i]);
                struct cxl_memdev_job *memdev = &job->memdevs[job->n_memdevs];

                if (!s.create_region.create || s.action == ACTION_IGNORE ||
                    !is_spare(r->manager, &all[i]))
                        continue;
                if (job->n_memdevs == 0 || s.retry.times > r->retry.times)
                        r->retry = s.retry;
                snprintf(memdev->name, sizeof(memdev->name), "%s", all[i].dev.name);
                memdev->how = s.create_region;
                job->n_memdevs++;
                h = hash(hash(hash(h, all[i].identity), s.create_region.ways),
                         s.create_region.granularity);
        }
        return h;
}

/* Whether the same was tried before, and the next try is not due. */
static bool is_tried(struct regions *r, uint64_t h) {
        uint64_t now = 0;

        if (h != r->tried) {
                r->tried = h;
                r->tries = 0;
                return false;
        }
        if (r->again_usec == 0)
                return true;
        (void) sd_event_now(r->manager->event, CLOCK_MONOTONIC, &now);
        if (now >= r->again_usec)
                return false;
        manager_look_in(r->manager, r->again_usec - now);
        return true;
}

static void plan_only(struct regions *r, const struct cxl_job *job) {
        log_info("Of %zu CXL expanders that no region uses, the first is %s, regions would be "
                 "made.", job->n_memdevs, job->memdevs[0].name);
        for (size_t i = 0; i < job->n_memdevs; i++)
                attempts_tell(&r->attempts, job->memdevs[i].name, ATTEMPT_PLANNED,
                              "Would be made part of a region, if this were no dry run");
}

static void create(struct regions *r) {
        struct manager *m = r->manager;
        struct cxl_job job = { .sysfs = m->sysfs, .task = CXL_CREATE };
        _cleanup_(freep) struct expander *all = NULL;
        uint64_t h;
        size_t n;

        if (!m->policy || !creates_any(m->policy)) {
                attempts_prune(&r->attempts, m->sysfs, &job);
                return;
        }
        if (probe_expanders(m->sysfs, &all, &n) < 0)
                return;
        h = gather(r, all, n, &job);
        attempts_prune(&r->attempts, m->sysfs, &job);
        if (job.n_memdevs == 0) {
                r->tried = 0;
                return;
        }
        if (is_tried(r, h))
                return;
        if (m->dry_run)
                plan_only(r, &job);
        else
                (void) start(r, &job);
}

void regions_look(struct manager *m) {
        struct regions *r = regions_of(m);

        if (!r || r->worker || eject_look(m))
                return;
        if (m->dry_run || !converge(r))
                create(r);
        tell(r);
}

int regions_restore(struct manager *m, const char *memdev) {
        struct cxl_job job = { .sysfs = m->sysfs, .task = CXL_RESTORE, .n_memdevs = 1 };
        struct regions *r = regions_of(m);

        if (!r || r->worker)
                return r ? -EBUSY : -ENOMEM;
        snprintf(job.memdevs[0].name, sizeof(job.memdevs[0].name), "%s", memdev);
        r->tried = 0;
        return start(r, &job);
}

struct json_object *regions_describe(const struct manager *m) {
        const struct regions *r = m->regions;
        uint64_t now = 0, left = 0;

        if (!r)
                return json_object_new_array();
        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        if (r->again_usec)
                left = r->again_usec > now ? r->again_usec - now : 1;
        return attempts_describe(r->attempts, r->tries + (r->again_usec == 0), left);
}

/* "create_region" as it holds for the expander: of one that is ignored, nothing is made. */
static struct json_object *wish_of(const struct policy *p, const struct expander *e) {
        _cleanup_(json_putp) struct json_object *all = NULL;
        struct settings s = p ? settings_of(p, e) : policy_builtin();

        if (s.action == ACTION_IGNORE)
                s.create_region.create = false;
        all = settings_to_json(&s);
        return json_object_get(json_object_object_get(all, "create_region"));
}

struct json_object *regions_diff(const struct manager *m, const struct policy *p) {
        _cleanup_(freep) struct expander *all = NULL;
        struct json_object *list = json_object_new_array();
        size_t n = 0;

        (void) probe_expanders(m->sysfs, &all, &n);
        for (size_t i = 0; list && i < n; i++) {
                _cleanup_(json_putp) struct json_object *old = wish_of(m->policy, &all[i]);
                _cleanup_(json_putp) struct json_object *new = wish_of(p, &all[i]);
                struct json_object *o;

                if (!is_spare(m, &all[i]) || json_object_equal(old, new))
                        continue;
                o = json_object_new_object();
                json_add_string(o, "name", all[i].dev.name);
                json_object_object_add(o, "old", json_object_get(old));
                json_object_object_add(o, "new", json_object_get(new));
                json_object_array_add(list, o);
        }
        return list;
}

void regions_renew(struct manager *m) {
        if (m->regions) {
                m->regions->tried = 0;
                m->regions->stuck = false;
        }
        manager_look_in(m, 0);
}

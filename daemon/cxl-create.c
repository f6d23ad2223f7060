/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions of volatile memory.  The kernel gives one its name before it is anything: that
 * is written down first, so that what is half made can be found after a kill.  libcxl has
 * a function for that since its version 78 only, which tells the name when it is too late.
 */
#include "cxl-run.h"

#include <errno.h>
#include <string.h>

#include "json-c-util.h"
#include "marks.h"
#include "region.h"

#define DEVICES "sys/bus/cxl/devices"
#define MIB (1024 * 1024)
/* Others make regions as well, and names are given out one after the other. */
#define NAME_TRIES 3

/* What is known of the expanders of the job, in their order. */
struct spares {
        struct spare spare[CXL_MEMDEVS_MAX];
        enum region_verdict why[CXL_MEMDEVS_MAX];       /* of the last window that it is below */
        size_t others[CXL_MEMDEVS_MAX];                 /* ... and how many there were with it */
        unsigned int ways[CXL_MEMDEVS_MAX];
        char window[CXL_MEMDEVS_MAX][24];
};

static const char *name_of(const struct cxl_run *run, size_t i) {
        return run->job->memdevs[i].name;
}

static void names_of(const struct cxl_run *run, const struct region_plan *p, char *buf, size_t size) {
        size_t n = 0;

        for (size_t k = 0; k < p->n_members && n < size; k++)
                n += (size_t) snprintf(buf + n, size - n, "%s%s", k == 0 ? "" :
                                       k + 1 < p->n_members ? ", " : " and ",
                                       name_of(run, p->members[k]));
}

/* Health */

/* Why it is not to be used, or NULL.  One that does not tell is not ill. */
static const char *illness(struct cxl_memdev *memdev) {
        struct cxl_cmd *cmd = cxl_cmd_new_get_health_info(memdev);
        const char *why = NULL;
        int r;

        if (!cmd)
                return NULL;
        r = cxl_cmd_submit(cmd);
        if (r < 0 && r != -EOPNOTSUPP && r != -ENOTTY)
                why = "its mailbox does not answer";
        else if (r >= 0 && cxl_cmd_get_mbox_status(cmd) != 0)
                why = "its mailbox reports an error";
        else if (r >= 0 && cxl_cmd_health_info_get_hw_replacement_needed(cmd) > 0)
                why = "it says that it has to be replaced";
        else if (r >= 0 && cxl_cmd_health_info_get_media_not_ready(cmd) > 0)
                why = "it says that its memory is not ready";
        else if (r >= 0 && (cxl_cmd_health_info_get_media_data_lost(cmd) > 0 ||
                            cxl_cmd_health_info_get_media_data_loss_imminent(cmd) > 0))
                why = "it says that it loses data";
        cxl_cmd_unref(cmd);
        return why;
}

static void look_at(const struct cxl_run *run, struct spares *s, size_t i) {
        struct cxl_memdev *memdev = cxl_find_memdev(run, name_of(run, i));
        const char *ill;

        s->spare[i] = (struct spare) { .how = run->job->memdevs[i].how, .taken = true };
        if (!memdev || cxl_is_used(memdev) || !cxl_free_decoder(memdev))
                return;
        ill = illness(memdev);
        if (ill) {
                cxl_tell(run, EXEC_STEP_FAILED, name_of(run, i), -EIO, "%s; no region is made of it. "
                         "\"cxl list -H -m %s\" shows what it says", ill, name_of(run, i));
                return;
        }
        s->spare[i].size = cxl_memdev_get_ram_size(memdev);
        s->spare[i].taken = false;
}

/* Windows */

static bool is_window(struct cxl_decoder *d) {
        return cxl_decoder_is_volatile_capable(d) && cxl_decoder_is_mem_capable(d) &&
                cxl_decoder_get_interleave_ways(d) >= 1 &&
                cxl_decoder_get_interleave_ways(d) <= MEMDEVS_MAX;
}

static void place_below(const struct cxl_run *run, struct cxl_decoder *d, struct spares *s) {
        for (size_t i = 0; i < run->job->n_memdevs; i++) {
                struct cxl_memdev *memdev = cxl_find_memdev(run, name_of(run, i));
                struct cxl_target *t = memdev ? cxl_decoder_get_target_by_memdev(d, memdev) : NULL;

                s->spare[i].position = t ? cxl_target_get_position(t) : -1;
        }
}

/* The first region that can be made in this window. */
static bool plan_in(const struct cxl_run *run, struct cxl_decoder *d, struct spares *s,
                    struct region_plan *ret) {
        const struct window w = {
                .ways = cxl_decoder_get_interleave_ways(d),
                .granularity = cxl_decoder_get_interleave_granularity(d),
                .extent = cxl_decoder_get_max_available_extent(d),
        };
        enum region_verdict v;

        place_below(run, d, s);
        while ((v = region_plan(&w, s->spare, run->job->n_memdevs, ret)) != REGION_POSSIBLE) {
                size_t i = ret->members[0];

                if (v == REGION_ELSEWHERE)
                        return false;
                s->why[i] = v;
                s->others[i] = ret->n_members;
                s->ways[i] = ret->ways;
                snprintf(s->window[i], sizeof(s->window[i]), "%s", cxl_decoder_get_devname(d));
                s->spare[i].position = -1;
        }
        return true;
}

static struct cxl_decoder *find_window(const struct cxl_run *run, struct spares *s,
                                       struct region_plan *ret) {
        struct cxl_decoder *d;
        struct cxl_bus *bus;

        cxl_bus_foreach(run->ctx, bus)
                cxl_decoder_foreach(cxl_bus_get_port(bus), d)
                        if (is_window(d) && plan_in(run, d, s, ret))
                                return d;
        return NULL;
}

/* Making it */

static struct json_object *memdevs_of(const struct cxl_run *run, const struct region_plan *p) {
        struct json_object *o = json_object_new_array();

        for (size_t k = 0; o && k < p->n_members; k++)
                json_object_array_add(o, json_object_new_string(name_of(run, p->members[k])));
        return o;
}

static int begin(const struct cxl_run *run, const char *window, const struct region_plan *p,
                 char *ret, size_t size) {
        _cleanup_(json_putp) struct json_object *memdevs = memdevs_of(run, p);
        const struct sysfs *s = run->job->sysfs;
        int r = memdevs ? -EBUSY : -ENOMEM;

        for (int i = 0; i < NAME_TRIES && r == -EBUSY; i++) {
                r = sysfs_read(s, ret, size, DEVICES "/%s/create_ram_region", window);
                if (r < 0)
                        return r;
                r = marks_begin_region(s, ret, memdevs);
                if (r < 0)
                        return r;
                r = sysfs_write(s, ret, DEVICES "/%s/create_ram_region", window);
                if (r < 0)
                        marks_end_region(s, ret);
        }
        return r;
}

/* What failed, and at which decoder: libcxl's name of that does not outlive cxl_renew(). */
struct fault {
        const char *what;
        char where[24];
};

/* All but the switching on. */
static int set_target(struct cxl_run *run, struct cxl_region *region, const struct region_plan *p,
                      size_t k, struct fault *f) {
        struct cxl_memdev *memdev = cxl_find_memdev(run, name_of(run, p->members[k]));
        struct cxl_decoder *d = memdev ? cxl_free_decoder(memdev) : NULL;
        int r;

        f->what = "the expander has no free decoder";
        if (!d)
                return -ENODEV;
        snprintf(f->where, sizeof(f->where), "%s", cxl_decoder_get_devname(d));
        f->what = "the decoder cannot be set to volatile memory";
        r = cxl_decoder_set_dpa_size(d, 0);
        if (r == 0 && cxl_decoder_get_mode(d) != CXL_DECODER_MODE_RAM)
                r = cxl_decoder_set_mode(d, CXL_DECODER_MODE_RAM);
        if (r < 0)
                return r;
        f->what = "the decoder gets no memory of the expander";
        r = cxl_decoder_set_dpa_size(d, p->size / p->ways);
        if (r < 0)
                return r;
        f->what = "the decoder cannot be made part of the region";
        return cxl_region_set_target(region, (int) k, d);
}

static int set_up(struct cxl_run *run, struct cxl_region *region, const struct region_plan *p,
                  struct fault *f) {
        int r;

        f->what = "its interleaving is refused";
        r = cxl_region_set_interleave_granularity(region, p->granularity);
        if (r == 0)
                r = cxl_region_set_interleave_ways(region, p->ways);
        if (r < 0)
                return r;
        f->what = "its size is refused";
        r = cxl_region_set_size(region, p->size);
        for (size_t k = 0; r == 0 && k < p->n_members; k++)
                r = set_target(run, region, p, k, f);
        if (r < 0)
                return r;
        f->what = "the decoders cannot be committed";
        r = cxl_region_decode_commit(region);
        if (r < 0)
                return r;
        f->what = "it cannot be enabled";
        return cxl_region_enable(region);
}

/* Nothing of it stays. */
static void undo(struct cxl_run *run, const char *region, const char *window) {
        struct cxl_region *found;
        const char *what;

        if (cxl_renew(run) < 0)
                return;
        found = cxl_find_region(run, region);
        if (!found || cxl_destroy(found, &what) < 0)
                (void) sysfs_write(run->job->sysfs, region, DEVICES "/%s/delete_region", window);
}

/* @members: of the job, NULL for the first @n. */
static void tell_begun(const struct cxl_run *run, const char *region, const size_t *members,
                       size_t n) {
        char list[MEMDEVS_MAX * 24] = "";
        size_t used = 0;

        for (size_t k = 0; k < n && used < sizeof(list); k++)
                used += (size_t) snprintf(list + used, sizeof(list) - used, "%s%s", k > 0 ? " " : "",
                                          name_of(run, members ? members[k] : k));
        cxl_tell(run, EXEC_BEGUN, region, 0, "%s", list);
}

static void make(struct cxl_run *run, const char *window, const struct region_plan *p) {
        struct fault f = { .what = "the kernel gives no region a name" };
        struct cxl_region *region;
        char name[24] = "", names[160];
        int r;

        snprintf(f.where, sizeof(f.where), "%s", window);
        names_of(run, p, names, sizeof(names));
        tell_begun(run, "", p->members, p->n_members);
        r = begin(run, window, p, name, sizeof(name));
        if (r == -ENOENT)
                f.what = "this kernel makes no regions of volatile memory (Linux can since 6.3)";
        if (r >= 0) {
                tell_begun(run, name, p->members, p->n_members);
                r = cxl_renew(run);
        }
        if (r >= 0) {
                f.what = "libcxl does not know the new region";
                region = cxl_find_region(run, name);
                r = region ? set_up(run, region, p, &f) : -ENODEV;
                if (r < 0)
                        undo(run, name, window);
                for (size_t k = 0; r < 0 && run->ctx && k < p->n_members; k++)
                        cxl_free_memory(run, name_of(run, p->members[k]));
                marks_end_region(run->job->sysfs, name);
        }
        if (r < 0)
                cxl_tell(run, EXEC_STEP_FAILED, name_of(run, p->members[0]), r, "No region is made of "
                         "%s in %s: %s (at %s): %s. Nothing of it stays; \"cxl create-region -t ram -d "
                         "%s -m %s\" may tell more", names, window, f.what, f.where, strerror(-r), window,
                         name_of(run, p->members[0]));
        else
                cxl_tell(run, EXEC_STEP_DONE, name, 0, "Made of %s in %s: %llu MiB%s", names, window,
                         (unsigned long long) p->size / MIB, p->ways > 1 ? ", interleaved" : "");
}

/* What is left over */

static void tell_why(const struct cxl_run *run, const struct spares *s, size_t i) {
        static const char *const causes[_REGION_VERDICT_MAX] = {
                [REGION_WAYS] = "the window is interleaved over more host bridges than \"ways\" is a "
                        "multiple of; leave \"ways\" out of the policy",
                [REGION_GRANULARITY] = "the window is interleaved with another granularity; leave "
                        "\"granularity\" out of the policy",
                [REGION_NO_ROOM] = "there is no room for it, or it has less than 256 MiB",
        };
        const char *name = name_of(run, i);

        if (s->window[i][0] == '\0')
                cxl_tell(run, EXEC_STEP_FAILED, name, -ENXIO, "No region is made of %s: no window of "
                         "addresses for volatile memory (root decoder) leads to it; that is up to the "
                         "firmware", name);
        else if (s->why[i] == REGION_TOO_FEW)
                cxl_tell(run, EXEC_DIVERGED, name, 0, "A region in %s takes %u expanders, and there "
                         "are %zu; waiting for more", s->window[i], s->ways[i], s->others[i]);
        else
                cxl_tell(run, EXEC_STEP_FAILED, name, -ENOSPC, "No region is made of %s in %s: %s", name,
                         s->window[i], causes[s->why[i]]);
}

void cxl_create(struct cxl_run *run) {
        struct cxl_decoder *d;
        struct region_plan plan;
        struct spares s = {};

        for (size_t i = 0; i < run->job->n_memdevs; i++)
                look_at(run, &s, i);
        while (run->ctx && (d = find_window(run, &s, &plan))) {
                char window[24];

                for (size_t k = 0; k < plan.n_members; k++)
                        s.spare[plan.members[k]].taken = true;
                snprintf(window, sizeof(window), "%s", cxl_decoder_get_devname(d));
                make(run, window, &plan);
        }
        for (size_t i = 0; run->ctx && i < run->job->n_memdevs; i++)
                if (!s.spare[i].taken)
                        tell_why(run, &s, i);
}

/* What a worker that was killed left */

static bool is_one_of(const struct cxl_run *run, const char *memdev) {
        for (size_t i = 0; i < run->job->n_memdevs; i++)
                if (strcmp(name_of(run, i), memdev) == 0)
                        return true;
        return false;
}

/* Somebody else may have made another one of that name since. */
static bool is_ours(const struct cxl_run *run, struct cxl_region *region) {
        unsigned int ways = cxl_region_get_interleave_ways(region);

        for (unsigned int i = 0; i < ways && ways <= MEMDEVS_MAX; i++) {
                struct cxl_decoder *d = cxl_region_get_target_decoder(region, (int) i);
                struct cxl_memdev *memdev = d ? cxl_decoder_get_memdev(d) : NULL;

                if (memdev && !is_one_of(run, cxl_memdev_get_devname(memdev)))
                        return false;
        }
        return true;
}

void cxl_converge(struct cxl_run *run) {
        const char *name = run->job->regions[0], *what = "it cannot be enabled";
        struct cxl_region *region = cxl_find_region(run, name);
        bool whole = false;
        int r = 0;

        tell_begun(run, name, NULL, run->job->n_memdevs);
        if (region && is_ours(run, region)) {
                whole = cxl_region_decode_is_committed(region) > 0;
                r = whole ? cxl_region_enable(region) : cxl_destroy(region, &what);
        }
        if (r >= 0 && !whole && cxl_renew(run) >= 0)
                for (size_t i = 0; i < run->job->n_memdevs; i++)
                        cxl_free_memory(run, name_of(run, i));
        marks_end_region(run->job->sysfs, name);
        if (r < 0)
                cxl_tell(run, EXEC_STEP_FAILED, name, r, "It was left half made when memmapd was "
                         "killed, and %s: %s; \"cxl destroy-region -f %s\" removes it", what,
                         strerror(-r), name);
        else if (region)
                cxl_tell(run, EXEC_STEP_DONE, name, 0, whole ? "It was left half made when memmapd was "
                         "killed, and is finished" : "It was left half made when memmapd was killed, "
                         "and is deleted");
}

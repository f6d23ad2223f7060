/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "expander.h"
#include "probe.h"

#define CXL "sys/bus/cxl/devices"

static bool is_kind(const char *name, const char *kind) {
        size_t n = strlen(kind);

        return strncmp(name, kind, n) == 0 && name[n] >= '0' && name[n] <= '9';
}

static void note_region(struct expander *e, const char *region) {
        for (size_t i = 0; i < e->n_regions; i++)
                if (strcmp(e->regions[i], region) == 0)
                        return;
        if (region[0] && e->n_regions < EXPANDER_REGIONS_MAX)
                snprintf(e->regions[e->n_regions++], sizeof(e->regions[0]), "%s", region);
}

static void probe_decoder(const struct sysfs *s, const char *name, struct expander *e) {
        static const char *const uses[] = { "size", "dpa_size" };
        uint64_t locked = 0;
        char region[24];

        for (size_t i = 0; i < ELEMENTSOF(uses); i++) {
                uint64_t v = 0;

                (void) sysfs_read_u64(s, &v, 0, CXL "/%s/%s", name, uses[i]);
                e->used |= v != 0;
        }
        (void) sysfs_read_u64(s, &locked, 0, CXL "/%s/locked", name);
        e->locked |= locked != 0;
        e->used |= e->locked;
        if (sysfs_read(s, region, sizeof(region), CXL "/%s/region", name) >= 0)
                note_region(e, region);
}

/* decoder5.0 is one of endpoint5. */
static void probe_endpoint(const struct sysfs *s, const char *endpoint, char **all,
                           struct expander *e) {
        char prefix[48];

        e->enabled = true;
        snprintf(prefix, sizeof(prefix), "decoder%s.", endpoint + strlen("endpoint"));
        for (char **name = all; *name; name++)
                if (strncmp(*name, prefix, strlen(prefix)) == 0)
                        probe_decoder(s, *name, e);
}

static void probe_one(const struct sysfs *s, const char *name, char **all, struct expander *e) {
        char link[SYSFS_PATH_MAX], owner[32];

        snprintf(e->dev.name, sizeof(e->dev.name), "%s", name);
        probe_expander(s, &e->dev);
        (void) sysfs_inode(s, &e->identity, CXL "/%s/", name);
        (void) sysfs_read_u64(s, &e->ram_size, 0, CXL "/%s/ram/size", name);
        if (sysfs_link(s, link, sizeof(link), CXL "/%s/driver", name) < 0)
                return;
        for (char **other = all; *other; other++) {
                if (!is_kind(*other, "endpoint") ||
                    sysfs_link(s, link, sizeof(link), CXL "/%s/uport", *other) < 0)
                        continue;
                path_part(link, 0, owner, sizeof(owner));
                if (strcmp(owner, name) == 0)
                        probe_endpoint(s, *other, all, e);
        }
}

int probe_expanders(const struct sysfs *s, struct expander **ret, size_t *ret_n) {
        _cleanup_(strv_freep) char **names = NULL;
        struct expander *all;
        int r;

        *ret = NULL;
        *ret_n = 0;
        r = sysfs_list(s, &names, CXL);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        all = calloc(strv_length(names) + 1, sizeof(*all));
        if (!all)
                return -ENOMEM;
        for (char **name = names; *name; name++)
                if (is_kind(*name, "mem"))
                        probe_one(s, *name, names, &all[(*ret_n)++]);
        *ret = all;
        return 0;
}

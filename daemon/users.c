/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "users.h"

/* The kernel says so of a node that was unlinked while it was open. */
#define DELETED " (deleted)"

static bool is_node(const char *path, const char *device) {
        const char *name = base_of(path);
        size_t n = strlen(device);

        return path[0] == '/' && strncmp(name, device, n) == 0 &&
                (name[n] == '\0' || strcmp(name + n, DELETED) == 0);
}

/* The process went while we looked at it. */
static bool has_ended(int error) {
        return error == -ENOENT || error == -ESRCH;
}

static bool has_open(const struct sysfs *s, const char *pid, const char *device) {
        _cleanup_(strv_freep) char **fds = NULL;
        char link[SYSFS_PATH_MAX];
        int r;

        r = sysfs_list(s, &fds, "proc/%s/fd", pid);
        if (r < 0)
                return !has_ended(r);
        for (size_t i = 0; fds[i]; i++)
                if (sysfs_link(s, link, sizeof(link), "proc/%s/fd/%s", pid, fds[i]) >= 0 &&
                    is_node(link, device))
                        return true;
        return false;
}

/* A mapping outlives the descriptor it was made from. */
static bool has_mapped(const struct sysfs *s, const char *pid, const char *device) {
        _cleanup_(freep) char *maps = NULL;
        char path[64];
        int r;

        snprintf(path, sizeof(path), "proc/%.20s/maps", pid);
        r = sysfs_read_all(s, &maps, NULL, path);
        if (r < 0)
                return !has_ended(r);
        for (char *save = NULL, *line = strtok_r(maps, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
                const char *name = strchr(line, '/');

                if (name && is_node(name, device))
                        return true;
        }
        return false;
}

bool users_of_node(const struct sysfs *s, const char *device) {
        _cleanup_(strv_freep) char **pids = NULL;

        if (sysfs_list(s, &pids, "proc") < 0)
                return true;
        for (size_t i = 0; pids[i]; i++)
                if (isdigit((unsigned char) pids[i][0]) &&
                    (has_open(s, pids[i], device) || has_mapped(s, pids[i], device)))
                        return true;
        return false;
}

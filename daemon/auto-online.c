/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "auto-online.h"
#include "names.h"

#define AUTO_ONLINE "sys/devices/system/memory/auto_online_blocks"
#define OFFLINE "offline"
#define DIRECTORY (RUN_DIR + 1)
#define KEPT RUN_DIR "/auto-online"

static int lock(const struct sysfs *s, int operation) {
        _cleanup_(closep) int fd = -1;
        int r;

        r = sysfs_make_dir(s, DIRECTORY);
        if (r < 0)
                return r;
        fd = sysfs_open(s, O_RDONLY | O_DIRECTORY, "%s", DIRECTORY);
        if (fd < 0)
                return fd;
        if (flock(fd, operation) < 0)
                return -errno;
        r = fd;
        fd = -1;
        return r;
}

static void put_back(const struct sysfs *s) {
        char now[32], before[32];

        if (sysfs_read(s, before, sizeof(before), "%s", KEPT + 1) < 0)
                return;
        if (sysfs_read(s, now, sizeof(now), AUTO_ONLINE) >= 0 && strcmp(now, OFFLINE) == 0)
                (void) sysfs_write(s, before, AUTO_ONLINE);
        (void) sysfs_remove(s, KEPT + 1);
}

/* What was kept by one that was killed counts, not what it left. */
static int hold(const struct sysfs *s) {
        char now[32];
        int r;

        put_back(s);
        r = sysfs_read(s, now, sizeof(now), AUTO_ONLINE);
        if (r < 0 || strcmp(now, OFFLINE) == 0)
                return r;
        r = sysfs_put(s, now, KEPT + 1);
        return r < 0 ? r : sysfs_write(s, OFFLINE, AUTO_ONLINE);
}

int auto_online_hold(const struct sysfs *s, int *ret_lock) {
        int fd = lock(s, LOCK_EX), r;

        if (fd < 0)
                return fd;
        r = hold(s);
        if (r < 0) {
                auto_online_release(s, fd);
                return r;
        }
        *ret_lock = fd;
        return 0;
}

void auto_online_release(const struct sysfs *s, int lock) {
        put_back(s);
        closep(&lock);
}

bool auto_online_is_held(const struct sysfs *s) {
        _cleanup_(closep) int fd = lock(s, LOCK_EX | LOCK_NB);

        return fd == -EWOULDBLOCK;
}

void auto_online_recover(const struct sysfs *s) {
        _cleanup_(closep) int kept = sysfs_open(s, O_PATH, "%s", KEPT + 1);
        int fd;

        if (kept < 0)
                return;
        fd = lock(s, LOCK_EX | LOCK_NB);
        if (fd >= 0)
                auto_online_release(s, fd);
}

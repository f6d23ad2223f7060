/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "names.h"

const struct fix fix_boot_parameter = {
        .directory = "etc/default/grub.d",
        .path = "etc/default/grub.d/memmapd.cfg",
        .text =
                "# Made by \"memmapctl doctor --fix\": a memmap can be on the block that it is of.\n"
                "# To undo it, remove this file, run update-grub, and boot.\n"
                "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT "
                MEMMAP_ON_MEMORY_PARAMETER "\"\n",
        .command = "usr/sbin/update-grub",
        .then = "It is in effect from the next boot on.",
};

const struct fix fix_kmem = {
        .directory = "etc/modprobe.d",
        .path = "etc/modprobe.d/memmapd.conf",
        .text =
                "# Made by \"memmapctl doctor --fix\": udev does not load the kernel's own driver,\n"
                "# so that new memory waits for memmapd, which loads it where it wants it.\n"
                "# To undo it, remove this file.\n"
                "blacklist " KMEM_NAME "\n",
        .then = "It is in effect from the next boot on, and memmapd must be enabled by then; if "
                "kmem is in the initramfs, run update-initramfs -u before.",
};

int fix_look(const struct sysfs *s, const struct fix *fix, enum fix_state *ret) {
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        int r;

        if (fstatat(s->root, fix->path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                *ret = FIX_MISSING;
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        }
        *ret = FIX_FOREIGN;
        if (!S_ISREG(st.st_mode))
                return 0;
        r = sysfs_read_all(s, &text, NULL, fix->path);
        if (r < 0)
                return r;
        if (strcmp(text, fix->text) == 0)
                *ret = FIX_THERE;
        return 0;
}

static int fill(int fd, const char *text) {
        size_t size = strlen(text);
        ssize_t n = write(fd, text, size);

        if (n < 0)
                return -errno;
        if ((size_t) n != size)
                return -ENOSPC;
        /* Others are to read it, whatever the umask. */
        return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* A name for it is made last, and only if there is none: rename() would replace one. */
static int write_new(const struct sysfs *s, const struct fix *fix) {
        char temporary[SYSFS_PATH_MAX];
        _cleanup_(closep) int fd = -1;
        int r;

        /* Neither GRUB nor modprobe reads what ends like this. */
        snprintf(temporary, sizeof(temporary), "%s.%d.new", fix->path, (int) getpid());
        fd = openat(s->root, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = fill(fd, fix->text);
        if (r >= 0 && linkat(s->root, temporary, s->root, fix->path, 0) < 0)
                r = -errno;
        unlinkat(s->root, temporary, 0);
        return r;
}

int fix_write(const struct sysfs *s, const struct fix *fix) {
        _cleanup_(closep) int directory = -1;
        int r;

        if (mkdirat(s->root, fix->directory, 0755) < 0) {
                if (errno != EEXIST)
                        return -errno;
        } else if (fchmodat(s->root, fix->directory, 0755, 0) < 0) {
                return -errno;
        }
        r = write_new(s, fix);
        if (r < 0)
                return r;
        directory = sysfs_open(s, O_RDONLY | O_DIRECTORY, "%s", fix->directory);
        if (directory < 0)
                return directory;
        return fsync(directory) < 0 ? -errno : 0;
}

bool fix_has_grub(const struct sysfs *s) {
        _cleanup_(freep) char *script = NULL;

        return sysfs_read_all(s, &script, NULL, "usr/sbin/grub-mkconfig") >= 0 &&
                strstr(script, "/default/grub.d/");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For doctor: the module, and what the kernel was built with and booted with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "findings.h"
#include "names.h"

static bool exists(const struct sysfs *s, const char *path) {
        _cleanup_(closep) int fd = sysfs_open(s, O_PATH, "%s", path);

        return fd >= 0;
}

static int release(const struct sysfs *s, char *buf, size_t size) {
        return sysfs_read(s, buf, size, "proc/sys/kernel/osrelease");
}

/* A file of the kernel that runs. */
static int read_of_kernel(const struct sysfs *s, const char *format_before, const char *after,
                          char **ret) {
        char version[128], path[SYSFS_PATH_MAX];
        int r = release(s, version, sizeof(version));

        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "%s%s%s", format_before, version, after);
        return sysfs_read_all(s, ret, NULL, path);
}

/* Whether it was built for this kernel; what cannot be told is taken for built. */
static bool is_built(const struct sysfs *s) {
        _cleanup_(freep) char *modules = NULL;

        return read_of_kernel(s, "lib/modules/", "/modules.dep", &modules) < 0 ||
                strstr(modules, "/" MODULE_NAME ".ko");
}

static char *how_to_build(const struct sysfs *s, const char *version) {
        if (!exists(s, "var/lib/dkms/memmapd"))
                return finding_text("Install memmapd-dkms and linux-headers-%s, then "
                                    "\"systemctl restart memmapd\".", version);
        return finding_text("Install linux-headers-%s, run \"dkms autoinstall -k %s\", then "
                            "\"systemctl restart memmapd\".", version, version);
}

/* @why: as module_explain() has it. */
static char *module_remedy(const struct sysfs *s, const char *why) {
        char version[128] = "$(uname -r)";

        (void) release(s, version, sizeof(version));
        if (strstr(why, "signature"))
                return finding_text("Let the machine trust the key that dkms signs with: run\n"
                                    "mokutil --import /var/lib/dkms/mok.pub\n"
                                    "boot, and confirm it there; see memmapd(8), SECURE BOOT.");
        if (strstr(why, "blacklisted"))
                return finding_text("Remove the line from /etc/modprobe.d that \"grep -r "
                                    MODULE_NAME " /etc/modprobe.d\" shows, then \"systemctl "
                                    "restart memmapd\".");
        if (strstr(why, "another kernel"))
                return finding_text("Run \"dkms autoinstall --force -k %s\", then \"systemctl "
                                    "restart memmapd\".", version);
        if (!is_built(s))
                return how_to_build(s, version);
        if (strstr(why, "install memmapd-dkms") || !exists(s, "var/lib/dkms/memmapd"))
                return finding_text("Install memmapd-dkms, then \"systemctl restart memmapd\".");
        return finding_text("Run \"modprobe " MODULE_NAME "\" and look at what dmesg says, then "
                            "\"systemctl restart memmapd\".");
}

void look_at_module(struct findings *f, const struct sysfs *s, const struct model *m) {
        if (m->module_loaded) {
                findings_add(f, "module", FINDING_GOOD, finding_text(MODULE_NAME " is loaded."),
                            NULL);
                return;
        }
        findings_add(f, "module", FINDING_WRONG,
                    finding_text("Memory can only be taken in by the kernel's own driver, without "
                                 "seeds: %s.", is_built(s) ? m->module_why :
                                 MODULE_NAME " was not built for this kernel"),
                    module_remedy(s, m->module_why));
        if (!m->kmem_loaded && !exists(s, "sys/bus/dax/drivers_autoprobe"))
                findings_add(f, "dax", FINDING_WRONG,
                            finding_text("This kernel has no dax bus, so no driver can take memory "
                                         "in."),
                            finding_text("Use a kernel with CONFIG_DAX and CONFIG_DEV_DAX_KMEM."));
}

/* How a boot parameter is set, by what there is on this machine. */
static char *how_to_boot(const struct sysfs *s) {
        char version[128] = "$(uname -r)";

        (void) release(s, version, sizeof(version));
        if (exists(s, fix_boot_parameter.path))
                return finding_text("/%s is there: if it has the parameter, run update-grub and "
                                    "boot.", fix_boot_parameter.path);
        if (exists(s, "usr/sbin/grubby"))
                return finding_text("To have them on their own blocks, run\n"
                                    "grubby --update-kernel=ALL --args="
                                    MEMMAP_ON_MEMORY_PARAMETER "\nand boot.");
        if (exists(s, "etc/kernel/cmdline"))
                return finding_text("To have them on their own blocks, add\n"
                                    MEMMAP_ON_MEMORY_PARAMETER "\n"
                                    "to /etc/kernel/cmdline, run \"kernel-install add %s "
                                    "/boot/vmlinuz-%s\", and boot.", version, version);
        return finding_text("To have them on their own blocks, write\n"
                            "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT "
                            MEMMAP_ON_MEMORY_PARAMETER "\"\n"
                            "to /%s, run update-grub, and boot.%s", fix_boot_parameter.path,
                            fix_has_grub(s) ? "\nmemmapctl doctor --fix does it." : "");
}

void look_at_memmap_on_memory(struct findings *f, const struct sysfs *s, const struct model *m) {
        bool by_boot = strstr(m->memmap_on_memory_why, MEMMAP_ON_MEMORY_PARAMETER);

        if (m->memmap_on_memory) {
                findings_add(f, "memmap-on-memory", FINDING_GOOD,
                            finding_text("The kernel can put a memmap on the block that it is of."),
                            NULL);
                return;
        }
        findings_add(f, "memmap-on-memory", FINDING_NOTE,
                    finding_text("Memmaps that do not fit into RAM go to seeds: %s.",
                                 m->memmap_on_memory_why),
                    by_boot ? how_to_boot(s) :
                    strstr(m->memmap_on_memory_why, "CONFIG_") ?
                    finding_text("To have them on their own blocks, use a kernel with "
                                 "CONFIG_MHP_MEMMAP_ON_MEMORY.") : NULL);
        if (by_boot && fix_has_grub(s))
                findings_fix(f, &fix_boot_parameter);
}

static bool is_set(const char *config, const char *option) {
        size_t n = strlen(option);

        for (const char *line = config; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, option, n) == 0 && line[n] == '=')
                        return true;
        }
        return false;
}

static void add_option(char *list, size_t size, const char *option) {
        size_t n = strlen(list);

        snprintf(list + n, size - n, "%s%s", n ? ", " : "", option);
}

void look_at_config(struct findings *f, const struct sysfs *s) {
        static const struct {
                const char *option;
                bool needed;            /* not just good to have */
        } options[] = {
                { "CONFIG_MEMORY_HOTPLUG",      true },
                { "CONFIG_MEMORY_HOTREMOVE",    false },
                { "CONFIG_MHP_MEMMAP_ON_MEMORY", false },
                { "CONFIG_DAX",                 true },
                { "CONFIG_DEV_DAX",             true },
                { "CONFIG_DEV_DAX_HMEM",        false },
                { "CONFIG_DEV_DAX_KMEM",        false },
        };
        _cleanup_(freep) char *config = NULL;
        char lacking[256] = "";
        bool needed = false;

        if (read_of_kernel(s, "boot/config-", "", &config) < 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                if (!is_set(config, options[i].option)) {
                        add_option(lacking, sizeof(lacking), options[i].option);
                        needed |= options[i].needed;
                }
        if (!lacking[0])
                findings_add(f, "config", FINDING_GOOD,
                            finding_text("The kernel was built with all that memmapd can use."),
                            NULL);
        else
                findings_add(f, "config", needed ? FINDING_WRONG : FINDING_NOTE,
                            finding_text("The kernel was built without %s.", lacking),
                            finding_text("Use a kernel with %s; those of Debian 12 and later "
                                         "have it.", lacking));
}

void look_at_no_hotplug(struct findings *f) {
        findings_add(f, "hotplug", FINDING_WRONG,
                    finding_text("The kernel shows no memory blocks, and cannot add memory."),
                    finding_text("Use a kernel with CONFIG_MEMORY_HOTPLUG."));
}

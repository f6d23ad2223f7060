/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loads the kernel module; where that is impossible, the kernel's own driver instead, if no
 * device would be bound by that alone.  Why it is impossible is kept for the daemon, which has
 * no right to load any: below RUN_DIR, as one line.
 *
 * A program of its own, as libkmod brings libraries along that the daemon has no use for.
 */
#include <errno.h>
#include <libkmod.h>
#include <string.h>
#include <sys/utsname.h>

#include "log.h"
#include "names.h"
#include "sysfs.h"

/* modprobe.d forbids it: no errno of the kernel's. */
#define BLACKLISTED (-ECANCELED)

static void kmod_unrefp(struct kmod_ctx **c) {
        kmod_unref(*c);
}

static void list_unrefp(struct kmod_list **l) {
        kmod_module_unref_list(*l);
}

static int insert(struct kmod_module *module, unsigned int flags) {
        int r = kmod_module_probe_insert_module(module, flags, NULL, NULL, NULL, NULL);

        return r > 0 ? BLACKLISTED : r;
}

/* -ENOENT: this kernel has none of that name. */
static int load(struct kmod_ctx *c, const char *name, unsigned int flags) {
        _cleanup_(list_unrefp) struct kmod_list *list = NULL;
        struct kmod_list *i;
        int r;

        r = kmod_module_new_from_lookup(c, name, &list);
        if (r < 0)
                return r;
        r = -ENOENT;
        kmod_list_foreach(i, list) {
                struct kmod_module *module = kmod_module_get_module(i);

                r = insert(module, flags);
                kmod_module_unref(module);
                if (r < 0)
                        break;
        }
        return r;
}

/* In words: why loading it ended with @error, on a kernel @release. */
static const char *explain(int error, const char *release, char *buf, size_t size) {
        switch (error) {
        case -ENOENT:
                snprintf(buf, size, MODULE_NAME " is not there for Linux %s; install memmapd-dkms",
                         release);
                break;
        /* module_sig_check(), kernel/module/signing.c: EKEYREJECTED if signatures are
         * enforced, EPERM if the kernel is locked down, the others for bad ones. */
        case -EKEYREJECTED:
        case -ENOKEY:
        case -EPERM:
        case -EBADMSG:
        case -ENOPKG:
                snprintf(buf, size, "the kernel refuses the signature of " MODULE_NAME " (%s); see "
                         "SECURE BOOT in memmapd(8)", strerror(-error));
                break;
        case -ENOEXEC:
                snprintf(buf, size, MODULE_NAME " was built for another kernel than this, %s",
                         release);
                break;
        case BLACKLISTED:
                snprintf(buf, size, MODULE_NAME " is blacklisted in modprobe.d");
                break;
        default:
                snprintf(buf, size, MODULE_NAME " cannot be loaded: %s; see dmesg",
                         strerror(-error));
        }
        return buf;
}

/* Loaded while the bus gives devices away, it would take what is to be decided on. */
static bool is_bus_quiet(const struct sysfs *s) {
        uint64_t autoprobe;

        return sysfs_read_u64(s, &autoprobe, 10, "sys/bus/dax/drivers_autoprobe") >= 0 &&
                autoprobe == 0;
}

static int keep(const struct sysfs *s, const char *why) {
        int r = sysfs_make_dir(s, RUN_DIR + 1);

        return r < 0 ? r : sysfs_put(s, why, MODULE_WHY_PATH + 1);
}

static int load_or_tell(const struct sysfs *s) {
        _cleanup_(kmod_unrefp) struct kmod_ctx *c = kmod_new(NULL, NULL);
        struct utsname kernel;
        char why[128];
        int r;

        if (!c)
                return -ENOMEM;
        kmod_set_log_priority(c, LOG_CRIT);
        r = load(c, MODULE_NAME, KMOD_PROBE_APPLY_BLACKLIST);
        if (r >= 0) {
                (void) sysfs_remove(s, MODULE_WHY_PATH + 1);
                return 0;
        }
        uname(&kernel);
        explain(r, kernel.release, why, sizeof(why));
        log_about(LOG_WARNING, (struct log_about) {
                .message_id = MESSAGE_NO_MODULE, .error = -r,
        }, "Memory can be taken in by the kernel's own driver only: %s.", why);
        if (keep(s, why) < 0)
                log_error("Cannot write " MODULE_WHY_PATH ".");
        /* That this one is not to be loaded by itself says nothing against us. */
        if (is_bus_quiet(s))
                (void) load(c, KMEM_NAME, 0);
        return r;
}

int main(int argc, char **argv) {
        struct sysfs s = { .root = -1 };
        int r;

        if (argc > 1) {
                fprintf(stderr, "%s: \"%s\" is one word too many; see memmapd(8)\n",
                        base_of(argv[0]), argv[1]);
                return 2;
        }
        r = sysfs_open_root(&s, "/");
        if (r < 0) {
                log_error("Cannot open /: %s.", strerror(-r));
                return EXIT_FAILURE;
        }
        r = load_or_tell(&s);
        sysfs_close(&s);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

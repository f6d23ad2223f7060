/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "bus-device.h"
#include "bus.h"
#include "eject.h"
#include "log.h"
#include "monitor.h"
#include "names.h"

/* Device events come in bursts of a few; memory events by the thousand. */
#define DEVICE_DELAY_USEC 50000
#define MEMORY_DELAY_USEC 300000

struct options {
        const char *policy;
        const char *sysroot;
        bool dry_run;
};

struct daemon {
        struct sysfs sysfs;
        struct manager manager;
        struct monitor *monitor;
        sd_bus *bus;
};

static void help(void) {
        printf("memmapd [OPTIONS...]\n\n"
               "Take in CXL and dax memory, and decide where its memmap goes.\n\n"
               "  -h --help           Show this help\n"
               "     --version        Show the version\n"
               "  -n --dry-run        Decide and say so, change nothing\n"
               "  -p --policy FILE    Use this policy, not what is in " POLICY_DIR "\n"
               "     --sysroot DIR    Take DIR for /: sys, proc, run and the policy are there\n\n"
               "See memmapd(8), memmapd-policy(5) and memmapctl(1).\n");
}

/* 1: go on, 0: all done, negative errno: usage. */
static int parse_options(int argc, char **argv, struct options *o) {
        enum { OPT_VERSION = 256, OPT_SYSROOT };
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPT_VERSION },
                { "dry-run", no_argument, NULL, 'n' },
                { "policy", required_argument, NULL, 'p' },
                { "sysroot", required_argument, NULL, OPT_SYSROOT },
                {}
        };

        for (int c; (c = getopt_long(argc, argv, "hnp:", options, NULL)) >= 0;)
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case OPT_VERSION:
                        printf("memmapd " VERSION "\n");
                        return 0;
                case 'n':
                        o->dry_run = true;
                        break;
                case 'p':
                        o->policy = optarg;
                        break;
                case OPT_SYSROOT:
                        o->sysroot = optarg;
                        break;
                default:
                        return -EINVAL;
                }
        if (optind < argc) {
                fprintf(stderr, "memmapd: \"%s\" is one word too many; see memmapd --help\n",
                        argv[optind]);
                return -EINVAL;
        }
        return 1;
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        struct daemon *d = userdata;

        (void) s;
        (void) si;
        sd_notify(false, "RELOADING=1");
        (void) manager_reload(&d->manager);
        sd_notify(false, "READY=1");
        return 0;
}

static bool anybody_works(const struct manager *m) {
        for (const struct record *r = m->records; r; r = r->next)
                if (r->worker)
                        return true;
        return false;
}

/* While a worker is at it, memory events are of our own making; its end is waited for. */
static void on_uevent(void *userdata, bool memory) {
        struct daemon *d = userdata;

        if (!memory)
                manager_look_in(&d->manager, DEVICE_DELAY_USEC);
        else if (!anybody_works(&d->manager))
                manager_look_in(&d->manager, MEMORY_DELAY_USEC);
}

static void on_came(void *userdata, const struct record *r) {
        const struct daemon *d = userdata;

        bus_device_came(d->bus, r);
}

static void on_goes(void *userdata, const struct record *r) {
        const struct daemon *d = userdata;

        bus_device_goes(d->bus, r);
}

static void on_changed(void *userdata, const struct record *r) {
        struct daemon *d = userdata;

        bus_device_changed(d->bus, r);
        sd_notifyf(false, "STATUS=%s: %s", r->name, r->message);
}

static void on_progressed(void *userdata, const struct record *r) {
        const struct daemon *d = userdata;
        const char *order = eject_order_of(&d->manager, r->name);

        bus_device_progressed(d->bus, r->name, r);
        bus_device_online_changed(d->bus, r);
        if (order)
                bus_device_progressed(d->bus, order, r);
}

static void on_finished(void *userdata, const char *name, const struct operation_end *end) {
        const struct daemon *d = userdata;

        bus_operation_finished(d->bus, name, end);
}

static void on_regions_changed(void *userdata, const char *json) {
        const struct daemon *d = userdata;

        bus_regions_changed(d->bus, json);
}

static int listen_to_signals(struct daemon *d, sd_event *event) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, d);
        return r;
}

/* Events are listened to before the first look, so that nothing falls in between. */
static int set_up(struct daemon *d, sd_event *event) {
        int r;

        r = listen_to_signals(d, event);
        if (r < 0)
                return r;
        r = monitor_new(event, on_uevent, d, &d->monitor);
        if (r < 0) {
                log_error("Cannot listen to udev: %s.", strerror(-r));
                return r;
        }
        r = bus_new(&d->manager, &d->bus);
        if (r < 0)
                return r;
        return manager_start(&d->manager);
}

static int run(struct daemon *d, const struct options *o) {
        sd_event *event = NULL;
        int r;

        r = sd_event_default(&event);
        if (r < 0)
                return r;
        d->manager = (struct manager) {
                .event = event,
                .sysfs = &d->sysfs,
                .policy_path = o->policy,
                .policy_root = o->sysroot ?: "",
                .dry_run = o->dry_run,
                .came = on_came,
                .goes = on_goes,
                .changed = on_changed,
                .progressed = on_progressed,
                .finished = on_finished,
                .regions_changed = on_regions_changed,
                .userdata = d,
        };
        r = set_up(d, event);
        if (r >= 0) {
                (void) sd_event_set_watchdog(event, true);
                sd_notify(false, "READY=1");
                r = sd_event_loop(event);
                sd_notify(false, "STOPPING=1");
        }
        manager_stop(&d->manager);
        monitor_free(d->monitor);
        sd_bus_flush_close_unref(d->bus);
        sd_event_unref(event);
        return r;
}

int main(int argc, char **argv) {
        struct options options = {};
        struct daemon daemon = { .sysfs = { .root = -1 } };
        int r;

        r = parse_options(argc, argv, &options);
        if (r <= 0)
                return r < 0 ? 2 : EXIT_SUCCESS;
        r = sysfs_open_root(&daemon.sysfs, options.sysroot ?: "/");
        if (r < 0) {
                log_error("Cannot open %s: %s.", options.sysroot ?: "/", strerror(-r));
                return EXIT_FAILURE;
        }
        r = run(&daemon, &options);
        sysfs_close(&daemon.sysfs);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

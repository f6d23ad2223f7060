/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libudev.h>
#include <string.h>

#include "log.h"
#include "monitor.h"

/* A large device brings thousands of memory events at once. */
#define RECEIVE_BUFFER (16 * 1024 * 1024)

/* So many at once, that a storm of events leaves time for other things. */
#define MAX_EVENTS 4096

struct monitor {
        struct udev *udev;
        struct udev_monitor *udev_monitor;
        sd_event_source *source;
        monitor_handler handler;
        void *userdata;
};

static int on_event(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct monitor *m = userdata;
        bool memory = false, other = false;

        (void) s;
        (void) fd;
        (void) revents;
        for (int i = 0; i < MAX_EVENTS; i++) {
                struct udev_device *d;

                errno = 0;
                d = udev_monitor_receive_device(m->udev_monitor);
                if (!d)
                        break;
                if (strcmp(udev_device_get_subsystem(d) ?: "", "memory") == 0)
                        memory = true;
                else
                        other = true;
                udev_device_unref(d);
                errno = 0;
        }
        if (errno == ENOBUFS) {
                log_info("Some uevents were lost; looking at everything again.");
                other = true;
        }
        if (other)
                m->handler(m->userdata, false);
        else if (memory)
                m->handler(m->userdata, true);
        return 0;
}

static int listen_to(struct monitor *m) {
        static const char *const subsystems[] = { "dax", "cxl", "memory", "module" };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(subsystems); i++) {
                r = udev_monitor_filter_add_match_subsystem_devtype(m->udev_monitor,
                                                                    subsystems[i], NULL);
                if (r < 0)
                        return r;
        }
        /* Refused without CAP_NET_ADMIN, and the default does in a pinch. */
        (void) udev_monitor_set_receive_buffer_size(m->udev_monitor, RECEIVE_BUFFER);
        return udev_monitor_enable_receiving(m->udev_monitor);
}

int monitor_new(sd_event *event, monitor_handler handler, void *userdata, struct monitor **ret) {
        _cleanup_(monitor_freep) struct monitor *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->handler = handler;
        m->userdata = userdata;
        m->udev = udev_new();
        if (!m->udev)
                return -ENOMEM;
        m->udev_monitor = udev_monitor_new_from_netlink(m->udev, "udev");
        if (!m->udev_monitor)
                return -ENOMEM;
        r = listen_to(m);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &m->source, udev_monitor_get_fd(m->udev_monitor), EPOLLIN,
                            on_event, m);
        if (r < 0)
                return r;
        *ret = steal(&m);
        return 0;
}

struct monitor *monitor_free(struct monitor *m) {
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->source);
        udev_monitor_unref(m->udev_monitor);
        udev_unref(m->udev);
        free(m);
        return NULL;
}

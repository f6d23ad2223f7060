/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process of its own for a plan.
 *
 * A write to sysfs may take minutes, or for ever (offline_pages(),
 * mm/memory_hotplug.c), and only a signal ends it: so it is done by a process
 * that can be killed, while the daemon goes on.
 */
#pragma once

#include <systemd/sd-event.h>

#include "exec.h"

struct worker;

/* The worker is gone after an EXEC_END event, or @lost is called. */
struct worker_handler {
        void (*event)(void *userdata, const struct exec_event *e);
        void (*lost)(void *userdata, const char *why);
        void *userdata;
};

/*
 * What another worker than exec_run() does.  It tells of it with @report, and ends with an
 * EXEC_END event.
 */
typedef void (*worker_body)(const void *job, exec_report report, void *userdata);

/* @job needs to live only as long as this call.  Of files, the worker has @sysfs. */
int worker_start_body(sd_event *event, const struct sysfs *sysfs, worker_body body,
                      const void *job, const struct worker_handler *handler, struct worker **ret);

/* @job needs to live only as long as this call; its report is not used. */
int worker_start(sd_event *event, const struct exec_job *job,
                 const struct worker_handler *handler, struct worker **ret);

/* Ends what it is at.  @lost is called once the kernel has let go of it. */
void worker_kill(struct worker *w);

/* Kills it if it still runs.  Returns NULL. */
struct worker *worker_free(struct worker *w);

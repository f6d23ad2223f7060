/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "worker.h"

/* A step that takes longer than this is not coming back. */
#define STEP_TIMEOUT_USEC (300 * 1000000ULL)

struct worker {
        pid_t pid;
        int fd;
        bool exited;
        sd_event_source *child;
        sd_event_source *io;
        sd_event_source *timer;
        struct worker_handler handler;
};

static int send_event(void *userdata, const struct exec_event *e) {
        struct exec_event stamped = *e;
        int fd = *(int *) userdata;
        struct timespec t;

        /* Here, as the daemon may be busy when it comes. */
        clock_gettime(CLOCK_MONOTONIC, &t);
        stamped.usec = (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
        return send(fd, &stamped, sizeof(stamped), MSG_NOSIGNAL) == sizeof(stamped) ? 0 : -EPIPE;
}

/*
 * A worker that is busy in the kernel outlives a daemon that was killed.  It must
 * not keep the name on the bus, or another worker's socket.
 */
static void close_all_but(int a, int b) {
        unsigned int low = (unsigned int) (a < b ? a : b), high = (unsigned int) (a < b ? b : a);

        (void) close_range(STDERR_FILENO + 1, low - 1, 0);
        if (high > low + 1)
                (void) close_range(low + 1, high - 1, 0);
        (void) close_range(high + 1, ~0U, 0);
}

static void run_plan(const void *job, exec_report report, void *userdata) {
        struct exec_job mine = *(const struct exec_job *) job;

        mine.report = report;
        mine.userdata = userdata;
        (void) exec_run(&mine);
}

_Noreturn static void worker_main(int root, worker_body body, const void *job, int fd,
                                  pid_t parent) {
        sigset_t none;

        /* The daemon may have died before the signal was asked for. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(EXIT_FAILURE);
        prctl(PR_SET_NAME, "memmapd-worker");
        close_all_but(fd, root);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        body(job, send_event, &fd);
        _exit(EXIT_SUCCESS);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct worker *w = userdata;

        (void) s;
        (void) usec;
        w->handler.lost(w->handler.userdata, "a step took longer than five minutes");
        return 0;
}

static void rearm(struct worker *w) {
        uint64_t now;

        if (sd_event_now(sd_event_source_get_event(w->io), CLOCK_MONOTONIC, &now) >= 0)
                (void) sd_event_source_set_time(w->timer, now + STEP_TIMEOUT_USEC);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct worker *w = userdata;
        struct exec_event e;
        ssize_t n;

        (void) s;
        (void) revents;
        n = recv(fd, &e, sizeof(e), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n != sizeof(e)) {
                w->handler.lost(w->handler.userdata, "it ended without a word");
                return 0;
        }
        rearm(w);
        w->handler.event(w->handler.userdata, &e);
        return 0;
}

/* The pid is ours until this returns, so that no other process is ever killed. */
static int on_exit_of_child(sd_event_source *s, const siginfo_t *si, void *userdata) {
        struct worker *w = userdata;

        (void) s;
        (void) si;
        if (w)
                w->exited = true;
        return 0;
}

static int watch(struct worker *w, sd_event *event) {
        int r;

        r = sd_event_add_child(event, &w->child, w->pid, WEXITED, on_exit_of_child, w);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &w->io, w->fd, EPOLLIN, on_io, w);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &w->timer, CLOCK_MONOTONIC, STEP_TIMEOUT_USEC,
                                       1000000, on_timer, w);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(w->timer, SD_EVENT_ON);
}

int worker_start(sd_event *event, const struct exec_job *job,
                 const struct worker_handler *handler, struct worker **ret) {
        return worker_start_body(event, job->sysfs, run_plan, job, handler, ret);
}

int worker_start_body(sd_event *event, const struct sysfs *sysfs, worker_body body,
                      const void *job, const struct worker_handler *handler, struct worker **ret) {
        struct worker *w = calloc(1, sizeof(*w));
        pid_t parent = getpid();
        int fds[2], r;

        if (!w)
                return -ENOMEM;
        w->handler = *handler;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
                r = -errno;
                free(w);
                return r;
        }
        w->fd = fds[0];
        w->pid = fork();
        if (w->pid == 0) {
                close(fds[0]);
                worker_main(sysfs->root, body, job, fds[1], parent);
        }
        r = w->pid < 0 ? -errno : watch(w, event);
        close(fds[1]);
        if (r < 0) {
                worker_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

void worker_kill(struct worker *w) {
        if (!w->exited)
                kill(w->pid, SIGKILL);
}

struct worker *worker_free(struct worker *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->io);
        sd_event_source_disable_unref(w->timer);
        if (w->pid > 0 && !w->exited)
                kill(w->pid, SIGKILL);
        /* One that hangs in the kernel is not waited for; the loop reaps it in time. */
        if (w->child && !w->exited) {
                sd_event_source_set_userdata(w->child, NULL);
                (void) sd_event_source_set_floating(w->child, true);
        }
        sd_event_source_unref(w->child);
        close(w->fd);
        free(w);
        return NULL;
}

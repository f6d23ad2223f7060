/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <systemd/sd-journal.h>

#include "log-limit.h"
#include "log.h"
#include "names.h"

#define MAX_FIELDS 8
#define MAX_MESSAGE 1024

/* Of the process: so is its journal. */
static struct log_limit limit;

/* systemd names the stream it gave a service; it may have been redirected since. */
static bool stderr_is_journal(void) {
        const char *e = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        return e && sscanf(e, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
                st.st_dev == dev && st.st_ino == ino;
}

struct fields {
        char text[MAX_FIELDS][MAX_MESSAGE + 32];
        struct iovec iov[MAX_FIELDS];
        int n;
};

static void add(struct fields *f, const char *name, const char *value) {
        if (!value || f->n == MAX_FIELDS)
                return;
        snprintf(f->text[f->n], sizeof(f->text[f->n]), "%s=%s", name, value);
        f->iov[f->n] = (struct iovec) { f->text[f->n], strlen(f->text[f->n]) };
        f->n++;
}

static void to_journal(int priority, const struct log_about *about, const char *message) {
        char number[16], error[16];
        struct fields f = {};

        snprintf(number, sizeof(number), "%d", priority);
        snprintf(error, sizeof(error), "%d", about->error);
        add(&f, "MESSAGE", message);
        add(&f, "PRIORITY", number);
        add(&f, "SYSLOG_IDENTIFIER", "memmapd");
        add(&f, "MESSAGE_ID", about->message_id);
        add(&f, FIELD_DEVICE, about->device);
        add(&f, FIELD_STEP, about->step);
        add(&f, FIELD_BLOCK, about->block);
        add(&f, FIELD_ERRNO, about->error ? error : NULL);
        sd_journal_sendv(f.iov, f.n);
}

static uint64_t now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

void log_anew(const char *device) {
        log_limit_anew(&limit, device);
}

void log_about(int priority, struct log_about about, const char *format, ...) {
        char text[MAX_MESSAGE - 128], message[MAX_MESSAGE], more[48] = "";
        unsigned int left_out;
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        if (!log_limit_pass(&limit, &about, text, now_usec(), &left_out))
                return;
        if (left_out > 0)
                snprintf(more, sizeof(more), " (%u more of these were left out.)", left_out);
        snprintf(message, sizeof(message), "%s%s%s%s", about.device ? about.device : "",
                 about.device ? ": " : "", text, more);

        if (stderr_is_journal())
                to_journal(priority, &about, message);
        else
                fprintf(stderr, "memmapd: %s\n", message);
}

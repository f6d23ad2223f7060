/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "format.h"
#include "names.h"

#define TEXT_MAX 2048

/* A field of the message that it is at, NULL if it has none. */
static const char *get(sd_journal *j, const char *name, char buf[static TEXT_MAX]) {
        size_t size, skip = strlen(name) + 1;
        const void *data;

        if (sd_journal_get_data(j, name, &data, &size) < 0 || size < skip)
                return NULL;
        snprintf(buf, TEXT_MAX, "%.*s", (int) (size - skip), (const char *) data + skip);
        return buf;
}

static int match(sd_journal *j, const char *field, const char *value) {
        char text[256];

        snprintf(text, sizeof(text), "%s=%s", field, value);
        return sd_journal_add_match(j, text, 0);
}

/* Anybody can send a message in anybody's name, but not as root. */
static int match_memmapd(sd_journal *j, const char *device) {
        int r = match(j, "_UID", "0");

        if (r >= 0)
                r = match(j, "SYSLOG_IDENTIFIER", "memmapd");
        return r >= 0 && device ? match(j, FIELD_DEVICE, device) : r;
}

/* Files that may not be read are as good as not there, and nobody tells. */
static bool is_readable(sd_journal *j) {
        return sd_journal_seek_head(j) >= 0 && sd_journal_next(j) > 0;
}

enum exit_code journal_open(const char *directory, const char *device, sd_journal **ret) {
        _cleanup_(journal_closep) sd_journal *j = NULL;
        int r;

        r = directory ? sd_journal_open_directory(&j, directory, 0) :
                sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0 && !is_readable(j)) {
                complain("There is no journal that you may read; try again as root, or as one of "
                         "the group systemd-journal.");
                return EXIT_FAILED;
        }
        if (r >= 0)
                r = match_memmapd(j, device);
        if (r < 0) {
                complain("Cannot read the journal%s%s: %s.", directory ? " in " : "",
                         directory ?: "", strerror(-r));
                return EXIT_FAILED;
        }
        *ret = steal(&j);
        return EXIT_OK;
}

/* To the first one since then. */
static int seek_since(sd_journal *j, uint64_t since) {
        int r = since > 0 ? sd_journal_seek_realtime_usec(j, since) : sd_journal_seek_head(j);

        return r < 0 ? r : sd_journal_next(j);
}

int journal_seek(sd_journal *j, uint64_t n, uint64_t since) {
        uint64_t usec;
        int r;

        if (n == UINT64_MAX)
                return seek_since(j, since);
        r = sd_journal_seek_tail(j);
        if (r >= 0)
                /* None: to the last one, behind which the next is to come. */
                r = sd_journal_previous_skip(j, n > 0 ? n : 1);
        if (r <= 0)
                return r;
        if (n == 0)
                return sd_journal_next(j);
        r = sd_journal_get_realtime_usec(j, &usec);
        if (r < 0)
                return r;
        return usec < since ? seek_since(j, since) : 1;
}

static int priority(sd_journal *j) {
        char buf[TEXT_MAX];
        const char *text = get(j, "PRIORITY", buf);

        return text && text[0] >= '0' && text[0] <= '7' ? text[0] - '0' : LOG_INFO;
}

static const char *color(int p) {
        return p <= LOG_ERR ? "\033[1;31m" : p <= LOG_WARNING ? "\033[1;33m" : "";
}

static void print_catalog(sd_journal *j) {
        _cleanup_(freep) char *text = NULL;
        char *rest;

        if (sd_journal_get_catalog(j, &text) < 0)
                return;
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                printf("    %s\n", line);
}

void journal_print(sd_journal *j, bool colors, bool catalog) {
        char time[FORMAT_TIME_MAX], buf[TEXT_MAX];
        const char *c = colors ? color(priority(j)) : "";
        uint64_t usec = 0;

        (void) sd_journal_get_realtime_usec(j, &usec);
        printf("%s %s%s%s\n", format_time(time, usec), c, get(j, "MESSAGE", buf) ?: "",
               *c ? "\033[m" : "");
        if (catalog)
                print_catalog(j);
}

static void add(struct json_object *o, const char *key, const char *text) {
        json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

struct json_object *journal_describe(sd_journal *j, bool catalog) {
        static const struct {
                const char *key, *field;
        } strings[] = {
                { "device",     FIELD_DEVICE },
                { "message",    "MESSAGE" },
                { "message_id", "MESSAGE_ID" },
                { "step",       FIELD_STEP },
                { "block",      FIELD_BLOCK },
        };
        struct json_object *o = json_object_new_object();
        _cleanup_(freep) char *text = NULL;
        char time[FORMAT_TIME_MAX], buf[TEXT_MAX];
        uint64_t usec = 0;

        (void) sd_journal_get_realtime_usec(j, &usec);
        add(o, "time", format_time(time, usec));
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                add(o, strings[i].key, get(j, strings[i].field, buf));
        json_object_object_add(o, "priority", json_object_new_int(priority(j)));
        if (catalog) {
                (void) sd_journal_get_catalog(j, &text);
                add(o, "catalog", text);
        }
        return o;
}

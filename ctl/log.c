/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memmapd said of a device, or of all. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "fields.h"
#include "journal.h"

/* As journalctl does: before one that follows there are some. */
#define LINES_BEFORE 10

static enum exit_code parse(const struct options *o, uint64_t *ret_lines, uint64_t *ret_since) {
        *ret_lines = o->follow ? LINES_BEFORE : UINT64_MAX;
        *ret_since = 0;
        if (o->lines && strcmp(o->lines, "all") == 0)
                *ret_lines = UINT64_MAX;
        else if (o->lines && parse_count(o->lines, ret_lines) < 0) {
                complain("--lines takes a number or \"all\", not \"%s\".", o->lines);
                return EXIT_USAGE;
        }
        if (o->since && parse_since(o->since, ret_since) < 0) {
                complain("--since takes a time as \"2026-01-31 12:00\", \"12:00\", \"today\", "
                         "\"yesterday\" or \"-10min\", not \"%s\".", o->since);
                return EXIT_USAGE;
        }
        return EXIT_OK;
}

static void tell(const struct options *o, sd_journal *j) {
        _cleanup_(json_putp) struct json_object *one = NULL;

        if (o->json == JSON_OFF) {
                journal_print(j, o->colors, o->catalog);
                return;
        }
        one = journal_describe(j, o->catalog);
        /* A line each, whatever was asked for. */
        json_print(one, JSON_SHORT);
}

/* @r: whether it is at a message. */
static int tell_all(const struct options *o, sd_journal *j, int r) {
        for (;;) {
                for (; r > 0; r = sd_journal_next(j))
                        tell(o, j);
                /* Nobody reads it any more: main() complains. */
                if (r < 0 || fflush(stdout) != 0 || !o->follow)
                        return r;
                r = sd_journal_wait(j, UINT64_MAX);
                if (r >= 0)
                        r = sd_journal_next(j);
        }
}

enum exit_code verb_log(const struct options *o, int argc, char **argv) {
        _cleanup_(journal_closep) sd_journal *j = NULL;
        uint64_t lines, since;
        enum exit_code code;
        int r;

        code = parse(o, &lines, &since);
        if (code == EXIT_OK)
                /* Also of one that is gone: nobody is asked whether there is such a device. */
                code = journal_open(o->directory, argc > 0 ? argv[0] : NULL, &j);
        if (code != EXIT_OK)
                return code;
        r = journal_seek(j, lines, since);
        if (r >= 0)
                r = tell_all(o, j, r);
        if (r >= 0)
                return EXIT_OK;
        complain("Cannot read the journal: %s.", strerror(-r));
        return EXIT_FAILED;
}

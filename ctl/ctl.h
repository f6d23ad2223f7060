/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs of memmapctl share. */
#pragma once

#include <stdbool.h>

#include "util.h"

/* Part of the interface, see memmapctl(1). */
enum exit_code {
        EXIT_OK                 = 0,
        EXIT_FAILED             = 1,
        EXIT_USAGE              = 2,
        EXIT_NOT_RUNNING        = 3,
        EXIT_NO_DEVICE          = 4,
        EXIT_UNFINISHED         = 5,    /* an order could not be carried out to its end */
        EXIT_GOES_ON            = 6,    /* it was not waited for */
        EXIT_NOT_FIXED          = 7,    /* something could be, and nobody said yes */

        /* Those of diff(1), for "diff" alone. */
        EXIT_DIFFERENT          = 1,
        EXIT_TROUBLE            = 2,
};

enum json_mode {
        JSON_OFF,
        JSON_SHORT,             /* one line */
        JSON_PRETTY,
};

struct options {
        enum json_mode json;
        bool colors;
        bool merge;             /* check: files are parts of one policy */
        const char *sysroot;    /* check, diff, doctor: where the files of the machine are */
        const char *snapshot;   /* plan, doctor: a machine that was recorded */
        /* Of doctor alone: */
        bool fix, yes, dry_run;
        /* Of plan alone: */
        const char *policy;
        bool fresh, module;
        /* Of remove and offline alone: */
        const char *deadline;   /* NULL: the default */
        bool keep, force;
        /* Of those that look: list, show, map, log, metrics, plot. */
        bool no_legend, follow, catalog;
        const char *lines, *since;
        const char *directory;  /* where the journal is */
        bool labels;            /* metrics: not for Prometheus */
        const char *output;
};

/* @argv holds the arguments of the verb, without its name. */
enum exit_code verb_status(const struct options *o, int argc, char **argv);
enum exit_code verb_explain(const struct options *o, int argc, char **argv);
enum exit_code verb_reload(const struct options *o, int argc, char **argv);
enum exit_code verb_plan(const struct options *o, int argc, char **argv);
enum exit_code verb_snapshot(const struct options *o, int argc, char **argv);
enum exit_code verb_check(const struct options *o, int argc, char **argv);
enum exit_code verb_diff(const struct options *o, int argc, char **argv);
enum exit_code verb_doctor(const struct options *o, int argc, char **argv);
enum exit_code verb_remove(const struct options *o, int argc, char **argv);
enum exit_code verb_offline(const struct options *o, int argc, char **argv);
enum exit_code verb_online(const struct options *o, int argc, char **argv);
enum exit_code verb_hold(const struct options *o, int argc, char **argv);
enum exit_code verb_release(const struct options *o, int argc, char **argv);
enum exit_code verb_apply(const struct options *o, int argc, char **argv);
enum exit_code verb_list(const struct options *o, int argc, char **argv);
enum exit_code verb_show(const struct options *o, int argc, char **argv);
enum exit_code verb_map(const struct options *o, int argc, char **argv);
enum exit_code verb_log(const struct options *o, int argc, char **argv);
enum exit_code verb_metrics(const struct options *o, int argc, char **argv);
enum exit_code verb_plot(const struct options *o, int argc, char **argv);
enum exit_code verb_monitor(const struct options *o, int argc, char **argv);

/* One line on stderr, with the name of the program in front. */
void complain(const char *format, ...) _printf_(1, 2);

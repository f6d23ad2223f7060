/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memmapctl: what memmapd did, and why. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

struct verb {
        const char *name;
        int min_args, max_args; /* max_args -1: any number */
        bool has_json, has_sysroot, has_plan, has_out;  /* options */
        enum exit_code (*run)(const struct options *o, int argc, char **argv);
};

static const struct verb verbs[] = {
        { "status",     0, -1,  true,   false,  false,  false,  verb_status },
        { "list",       0, 0,   true,   false,  false,  false,  verb_list },
        { "show",       1, 1,   true,   false,  false,  false,  verb_show },
        { "map",        0, -1,  true,   false,  false,  false,  verb_map },
        { "log",        0, 1,   true,   false,  false,  false,  verb_log },
        { "metrics",    0, 0,   false,  false,  false,  false,  verb_metrics },
        { "plot",       1, 1,   true,   false,  false,  false,  verb_plot },
        { "explain",    1, 1,   true,   false,  false,  false,  verb_explain },
        { "plan",       0, 0,   true,   false,  true,   false,  verb_plan },
        { "snapshot",   1, 1,   false,  false,  false,  false,  verb_snapshot },
        { "reload",     0, 0,   false,  false,  false,  false,  verb_reload },
        { "check",      0, -1,  true,   true,   false,  false,  verb_check },
        { "diff",       0, -1,  true,   true,   false,  false,  verb_diff },
        { "doctor",     0, 0,   true,   true,   false,  false,  verb_doctor },
        { "remove",     1, 1,   true,   false,  false,  true,   verb_remove },
        { "offline",    1, -1,  true,   false,  false,  true,   verb_offline },
        { "online",     1, -1,  true,   false,  false,  false,  verb_online },
        { "hold",       1, 1,   false,  false,  false,  false,  verb_hold },
        { "release",    1, 1,   false,  false,  false,  false,  verb_release },
        { "apply",      0, 1,   false,  false,  false,  false,  verb_apply },
        { "monitor",    0, 0,   true,   false,  false,  false,  verb_monitor },
};

void complain(const char *format, ...) {
        va_list ap;

        fputs("memmapctl: ", stderr);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
}

static void help(void) {
        puts("memmapctl [OPTION...] [VERB]\n"
             "\n"
             "Ask memmapd about CXL and dax memory that becomes system RAM, and give it orders.\n"
             "\n"
             "Verbs:\n"
             "  status [DEVICE...]      What became of each device (the default)\n"
             "  list                    A line for each device, for scripts\n"
             "  show DEVICE             All about one: what it is, what became of it, messages\n"
             "  map [DEVICE...]         Its blocks, drawn: memmaps, zones, states\n"
             "  log [DEVICE]            What memmapd said of it in the journal\n"
             "  metrics                 Numbers for Prometheus\n"
             "  plot DEVICE             How it was taken in, over time, as SVG\n"
             "  explain DEVICE          What was decided for it, and why\n"
             "  plan                    What memmapd would do, on this machine or a snapshot\n"
             "  snapshot DIRECTORY      Record what memmapd reads of this machine\n"
             "  reload                  Let memmapd read its policy again\n"
             "  check [FILE...]         Look for mistakes in policy files, or in those installed\n"
             "  diff [FILE...]          What would be decided otherwise if these were the policy\n"
             "  monitor                 What happens, as it happens\n"
             "  doctor                  What stands in the way of memmapd, and what to do\n"
             "\n"
             "For root, and whom polkit lets:\n"
             "  remove DEVICE           Take all of its memory out; it stays out.  Of a CXL region\n"
             "                          or expander (mem0): all there, ready to be pulled\n"
             "  offline DEVICE [N...]   Take blocks offline: 3 5-7, all by default\n"
             "  online DEVICE [N...]    Bring them online, or take a removed device in again\n"
             "  hold DEVICE             Let the policy do nothing more to it\n"
             "  release DEVICE          Let the policy go on\n"
             "  apply [DEVICE]          Let the policy decide on it as if it had just come\n"
             "\n"
             "Options:\n"
             "  --json[=short|pretty]   JSON instead of text, where there is something to tell\n"
             "  --deadline TIME         Give up then, and bring back what is offline (remove,\n"
             "                          offline; 90s, 10min, 0: never; 10min by default)\n"
             "  --keep                  ... and do not bring it back (remove, offline)\n"
             "  --force                 Even if what is in it may not fit elsewhere (remove, offline)\n"
             "  --fix                   Write the files that help, once you have said yes (doctor)\n"
             "  --yes                   Yes (doctor --fix)\n"
             "  --dry-run               Only show them (doctor --fix)\n"
             "  --merge                 The files are parts of one policy (check)\n"
             "  --sysroot DIR           The files of the machine are below DIR (check, diff,\n"
             "                          doctor)\n"
             "  --snapshot DIRECTORY    The machine that was recorded there (plan, doctor)\n"
             "  --policy FILE           Not the policy in force, but this one (plan)\n"
             "  --fresh                 As if no memory had been taken in yet (plan)\n"
             "  --module                As if memmapd_kmem were loaded (plan)\n"
             "  --no-legend             No head of columns, no key to letters (list, map)\n"
             "  --color WHEN            Colours: auto (on a terminal), always, never\n"
             "  -n, --lines N           So many of the last messages, or \"all\" (log, show)\n"
             "  -f, --follow            And those that come (log)\n"
             "  --since TIME            From then on: today, 12:00, \"2026-01-31 12:00\", -10min (log)\n"
             "  -x, --catalog           What each message means, and what to do (log, show)\n"
             "  -D, --directory DIR     The journal there (log, show)\n"
             "  --format FORMAT         openmetrics, or labels of a node: nfd (metrics)\n"
             "  -o, --output FILE       Into this file, all at once (metrics, plot)\n"
             "  -h, --help              This text\n"
             "  --version               The version\n"
             "\n"
             "See memmapctl(1) for the exit codes and the JSON.");
}

/* Colours only where somebody looks at them and has not forbidden them. */
static bool want_colors(void) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        if (no_color && *no_color)
                return false;
        return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static int parse_json_mode(const char *arg, enum json_mode *ret) {
        if (!arg || strcmp(arg, "pretty") == 0)
                *ret = JSON_PRETTY;
        else if (strcmp(arg, "short") == 0)
                *ret = JSON_SHORT;
        else
                return -1;
        return 0;
}

static int parse_color(const char *arg, bool *colors) {
        if (strcmp(arg, "always") == 0)
                *colors = true;
        else if (strcmp(arg, "never") == 0)
                *colors = false;
        else if (strcmp(arg, "auto") == 0)
                *colors = want_colors();
        else
                return -1;
        return 0;
}

/* As node-feature-discovery is called in Kubernetes. */
static int parse_format(const char *format, bool *ret_labels) {
        if (strcmp(format, "openmetrics") != 0 && strcmp(format, "nfd") != 0) {
                complain("--format is openmetrics or nfd, not \"%s\".", format);
                return -EINVAL;
        }
        *ret_labels = strcmp(format, "nfd") == 0;
        return 0;
}

/* Returns an exit code, or -1 to go on with the verb. */
static int parse_options(int argc, char **argv, struct options *o) {
        enum {
                OPTION_JSON = 0x100, OPTION_VERSION, OPTION_MERGE, OPTION_SYSROOT,
                OPTION_SNAPSHOT, OPTION_POLICY, OPTION_FRESH, OPTION_MODULE,
                OPTION_DEADLINE, OPTION_KEEP, OPTION_FORCE,
                OPTION_FIX, OPTION_YES, OPTION_DRY_RUN, OPTION_FORMAT,
                OPTION_NO_LEGEND, OPTION_COLOR, OPTION_SINCE,
        };
        static const struct option options[] = {
                { "help",       no_argument,            NULL,   'h' },
                { "json",       optional_argument,      NULL,   OPTION_JSON },
                { "merge",      no_argument,            NULL,   OPTION_MERGE },
                { "sysroot",    required_argument,      NULL,   OPTION_SYSROOT },
                { "version",    no_argument,            NULL,   OPTION_VERSION },
                { "snapshot",   required_argument,      NULL,   OPTION_SNAPSHOT },
                { "policy",     required_argument,      NULL,   OPTION_POLICY },
                { "fresh",      no_argument,            NULL,   OPTION_FRESH },
                { "module",     no_argument,            NULL,   OPTION_MODULE },
                { "deadline",   required_argument,      NULL,   OPTION_DEADLINE },
                { "keep",       no_argument,            NULL,   OPTION_KEEP },
                { "force",      no_argument,            NULL,   OPTION_FORCE },
                { "fix",        no_argument,            NULL,   OPTION_FIX },
                { "yes",        no_argument,            NULL,   OPTION_YES },
                { "dry-run",    no_argument,            NULL,   OPTION_DRY_RUN },
                { "format",     required_argument,      NULL,   OPTION_FORMAT },
                { "no-legend",  no_argument,            NULL,   OPTION_NO_LEGEND },
                { "color",      required_argument,      NULL,   OPTION_COLOR },
                { "lines",      required_argument,      NULL,   'n' },
                { "follow",     no_argument,            NULL,   'f' },
                { "since",      required_argument,      NULL,   OPTION_SINCE },
                { "catalog",    no_argument,            NULL,   'x' },
                { "output",     required_argument,      NULL,   'o' },
                { "directory",  required_argument,      NULL,   'D' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "hn:fxD:o:", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return EXIT_OK;
                case OPTION_VERSION:
                        puts("memmapctl " VERSION);
                        return EXIT_OK;
                case OPTION_JSON:
                        if (parse_json_mode(optarg, &o->json) >= 0)
                                break;
                        complain("--json= takes \"short\" or \"pretty\", not \"%s\".", optarg);
                        return EXIT_USAGE;
                case OPTION_MERGE:
                        o->merge = true;
                        break;
                case OPTION_SYSROOT:
                        o->sysroot = optarg;
                        break;
                case OPTION_SNAPSHOT:
                        o->snapshot = optarg;
                        break;
                case OPTION_POLICY:
                        o->policy = optarg;
                        break;
                case OPTION_FRESH:
                        o->fresh = true;
                        break;
                case OPTION_MODULE:
                        o->module = true;
                        break;
                case OPTION_DEADLINE:
                        o->deadline = optarg;
                        break;
                case OPTION_KEEP:
                        o->keep = true;
                        break;
                case OPTION_FORCE:
                        o->force = true;
                        break;
                case OPTION_FIX:
                        o->fix = true;
                        break;
                case OPTION_YES:
                        o->yes = true;
                        break;
                case OPTION_DRY_RUN:
                        o->dry_run = true;
                        break;
                case OPTION_FORMAT:
                        if (parse_format(optarg, &o->labels) < 0)
                                return EXIT_USAGE;
                        break;
                case OPTION_NO_LEGEND:
                        o->no_legend = true;
                        break;
                case OPTION_COLOR:
                        if (parse_color(optarg, &o->colors) >= 0)
                                break;
                        complain("--color takes \"auto\", \"always\" or \"never\", not \"%s\".",
                                 optarg);
                        return EXIT_USAGE;
                case 'n':
                        o->lines = optarg;
                        break;
                case 'f':
                        o->follow = true;
                        break;
                case OPTION_SINCE:
                        o->since = optarg;
                        break;
                case 'x':
                        o->catalog = true;
                        break;
                case 'o':
                        o->output = optarg;
                        break;
                case 'D':
                        o->directory = optarg;
                        break;
                default:
                        return EXIT_USAGE;
                }
        return -1;
}

static const struct verb *verb_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
        return NULL;
}

static enum exit_code run(const struct options *o, int argc, char **argv) {
        const char *name = argc > 0 ? argv[0] : "status";
        const struct verb *v = verb_find(name);
        int n = argc > 0 ? argc - 1 : 0;

        if (!v)
                complain("Unknown verb \"%s\"; see memmapctl --help.", name);
        else if (n < v->min_args)
                complain("%s needs an argument; see memmapctl --help.", name);
        else if (v->max_args >= 0 && n > v->max_args)
                complain("Too many arguments for %s; see memmapctl --help.", name);
        else if (o->json != JSON_OFF && !v->has_json)
                complain("%s has no --json.", name);
        else if (o->sysroot && (!v->has_sysroot || n > 0))
                complain("--sysroot is for \"check\" and \"diff\" without a file, and \"doctor\".");
        else if (o->fix && v->run != verb_doctor)
                complain("--fix is for \"doctor\".");
        else if ((o->yes || o->dry_run) && !o->fix)
                complain("--yes and --dry-run are for \"doctor --fix\".");
        else if (o->yes && o->dry_run)
                complain("Either --yes or --dry-run.");
        else if (o->snapshot && (o->fix || o->sysroot) && !v->has_plan)
                complain("A machine that was recorded cannot be changed, and is not elsewhere.");
        else if (o->merge && (v->run != verb_check || n == 0))
                complain("--merge is for \"check\" with files.");
        else if (o->snapshot && !v->has_plan && v->run != verb_doctor)
                complain("--snapshot is for \"plan\" and \"doctor\".");
        else if ((o->policy || o->fresh || o->module) && !v->has_plan)
                complain("%s has no options of plan; see memmapctl --help.", name);
        else if ((o->deadline || o->keep || o->force) && !v->has_out)
                complain("%s has no options of remove; see memmapctl --help.", name);
        else if (o->no_legend && v->run != verb_list && v->run != verb_map)
                complain("--no-legend is for \"list\" and \"map\".");
        else if (o->labels && v->run != verb_metrics)
                complain("--format is for \"metrics\".");
        else if (o->output && v->run != verb_metrics && v->run != verb_plot)
                complain("--output is for \"metrics\" and \"plot\".");
        else if ((o->follow || o->since) && v->run != verb_log)
                complain("--follow and --since are for \"log\".");
        else if ((o->lines || o->catalog || o->directory) && v->run != verb_log &&
                 v->run != verb_show)
                complain("--lines, --catalog and --directory are for \"log\" and \"show\".");
        else
                return v->run(o, n, argv + argc - n);
        return EXIT_USAGE;
}

int main(int argc, char **argv) {
        struct options o = { .json = JSON_OFF, .colors = want_colors() };
        int code;

        code = parse_options(argc, argv, &o);
        if (code < 0)
                code = run(&o, argc - optind, argv + optind);
        /* Half a table in a full file is no success. */
        if (fflush(stdout) != 0 || ferror(stdout)) {
                complain("Cannot write the output: %m.");
                return EXIT_FAILED;
        }
        return code;
}

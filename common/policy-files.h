/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that make up the policy, from the lowest to the uppermost: each is laid
 * on those before it, see policy_stack().
 *
 * What is wrong with them is not an error here, but a finding: functions return
 * -ENOMEM or 0.
 */
#pragma once

#include "policy-error.h"
#include "policy.h"

struct policy_file {
        char *path;                     /* or what to call it */
        char *text;                     /* with a NUL; NULL: masked, or it could not be read */
        size_t size;
        size_t n_rules;
        bool drop_in;
        bool masked;                    /* a link to /dev/null in place of a drop-in */
        bool good;
};

struct policy_finding {
        char *path;                     /* a file, or a directory of drop-ins */
        int error;                      /* negative errno; 0: a warning */
        struct policy_error what;
};

struct policy_files {
        size_t n_files;
        struct policy_file *files;
        size_t n_findings;
        struct policy_finding *findings;
        size_t n_errors;                /* among the findings */
        struct policy *policy;          /* all in one; NULL: not finished, or an error */
};

struct policy_files *policy_files_new(void);
struct policy_files *policy_files_free(struct policy_files *f);
DEFINE_CLEANUP(struct policy_files *, policy_files_free)

/* Lays a file on those before it.  @guarded: see policy_file_load(). */
int policy_files_add(struct policy_files *f, const char *path, bool guarded);
int policy_files_add_text(struct policy_files *f, const char *name, const char *text, size_t size);

/*
 * Adds what is installed below @root: the operator's file or else the vendor's, and
 * the drop-ins of both in the order of their names, where one of the operator's hides
 * the vendor's of the same name.  All is guarded.
 */
int policy_files_add_installed(struct policy_files *f, const char *root);

/* After the last one: looks at all of them together. */
int policy_files_finish(struct policy_files *f);

/* Whether the same was read, with the same findings. */
bool policy_files_equal(const struct policy_files *a, const struct policy_files *b);

/* The first that is not a warning, or NULL. */
const struct policy_finding *policy_files_error(const struct policy_files *f);

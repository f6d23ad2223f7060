/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that use libcxl have in common. */
#pragma once

#include <cxl/libcxl.h>

#include "cxl.h"

struct cxl_run {
        const struct cxl_job *job;
        exec_report report;
        void *userdata;
        struct cxl_ctx *ctx;
};

void cxl_tell(const struct cxl_run *run, enum exec_event_kind kind, const char *subject, int error,
              const char *format, ...) _printf_(5, 6);

/* What libcxl has read stays as it was read: after a change, it has to read again. */
int cxl_renew(struct cxl_run *run);

struct cxl_memdev *cxl_find_memdev(const struct cxl_run *run, const char *name);
struct cxl_region *cxl_find_region(const struct cxl_run *run, const char *name);

/* A decoder of it that is free, whose memory is then that of a region. */
struct cxl_decoder *cxl_free_decoder(struct cxl_memdev *memdev);
bool cxl_is_used(struct cxl_memdev *memdev);

/* No decoder of it keeps volatile memory that is in no region. */
void cxl_free_memory(const struct cxl_run *run, const char *memdev);

/* The region is taken apart.  What failed is in *ret_what, the decoder in *ret_decoder. */
int cxl_destroy(struct cxl_region *region, const char **ret_what);

/* cxl-create.c */
void cxl_create(struct cxl_run *run);
void cxl_converge(struct cxl_run *run);

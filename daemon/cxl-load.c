/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What needs libcxl is a module of its own, which only a worker loads: libcxl brings libkmod
 * along, and that libcrypto, half a megabyte that the daemon would have for nothing.
 */
#include "cxl.h"

#include <dlfcn.h>
#include <errno.h>

static worker_body load(void) {
        /* Found by DT_RUNPATH; never closed, as the worker ends with it. */
        void *module = dlopen(CXL_MODULE, RTLD_NOW | RTLD_LOCAL);

        return module ? (worker_body) dlsym(module, "cxl_module_work") : NULL;
}

bool cxl_is_possible(void) {
        return true;
}

void cxl_work(const void *job, exec_report report, void *userdata) {
        struct exec_event e = { .kind = EXEC_STEP_FAILED, .error = ELIBACC };
        worker_body body = load();

        if (body) {
                body(job, report, userdata);
                return;
        }
        snprintf(e.text, sizeof(e.text), "libcxl cannot be used: %s", dlerror());
        (void) report(userdata, &e);
        (void) report(userdata, &(struct exec_event) { .kind = EXEC_END, .error = ELIBACC });
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What needs libcxl is a module of its own, which only a worker loads: libcxl brings libkmod
 * along, and that libcrypto, half a megabyte that the daemon would have for nothing.
 */
#include "cxl.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/*
 * Found by DT_RUNPATH; never closed, as the worker ends with it.  While memmapd is being
 * upgraded, the one that runs is older than the module, and knows other structures.
 */
static worker_body load(const char **ret_why) {
        void *module = dlopen(CXL_MODULE, RTLD_NOW | RTLD_LOCAL);
        const char *version = module ? (const char *) dlsym(module, "cxl_module_version") : NULL;

        if (version && strcmp(version, VERSION) != 0) {
                *ret_why = "it is of another version of memmapd, which has to be restarted";
                return NULL;
        }
        if (version) {
                worker_body body = (worker_body) dlsym(module, "cxl_module_work");

                if (body)
                        return body;
        }
        *ret_why = dlerror();
        return NULL;
}

bool cxl_is_possible(void) {
        return true;
}

void cxl_work(const void *job, exec_report report, void *userdata) {
        struct exec_event e = { .kind = EXEC_STEP_FAILED, .error = ELIBACC };
        const char *why = NULL;
        worker_body body = load(&why);

        if (body) {
                body(job, report, userdata);
                return;
        }
        snprintf(e.text, sizeof(e.text), "libcxl cannot be used: %s", why);
        (void) report(userdata, &e);
        (void) report(userdata, &(struct exec_event) { .kind = EXEC_END, .error = ELIBACC });
}

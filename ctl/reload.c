/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

enum exit_code verb_reload(const struct options *o, int argc, char **argv) {
        (void) o, (void) argc, (void) argv;

        /* Silent when it went well: the unit's ExecReload= calls this. */
        return call_reload();
}

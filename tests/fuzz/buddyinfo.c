/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/buddyinfo */
#include "fuzz.h"
#include "probe.h"

#define NODES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct node nodes[NODES] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 1023 } };
        char *text = string_of(data, size);

        buddyinfo_parse(text, 4096, nodes, NODES);
        for (size_t i = 0; i < NODES; i++) {
                /* Pieces of 2 MiB and more, and nothing else. */
                MUST(nodes[i].kernel_free_huge % (2 << 20) == 0);
                MUST(!nodes[i].has_kernel_zone && nodes[i].kernel_free == 0);
        }
        free(text);
        return 0;
}

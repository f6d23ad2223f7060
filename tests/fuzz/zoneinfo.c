/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/zoneinfo */
#include <errno.h>

#include "fuzz.h"
#include "probe.h"

#define NODES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct node nodes[NODES] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 1023 } };
        char *text = string_of(data, size);
        int r = zoneinfo_parse(text, 4096, nodes, NODES);

        MUST(r == 0 || r == -EBADMSG);
        for (size_t i = 0; i < NODES && r == 0; i++) {
                const struct node *n = &nodes[i];

                /* What the kernel keeps back it has, and without a zone there is none. */
                MUST(n->kernel_watermark <= n->kernel_free);
                MUST(n->has_kernel_zone == (n->kernel_total > 0));
                MUST(n->has_kernel_zone || (n->kernel_free == 0 && n->kernel_reclaimable == 0));
                MUST(n->kernel_free_huge == 0 && n->total == 0);
        }
        free(text);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "letters.h"

char placement_letter(enum placement p, bool plugged) {
        static const char letters[_PLACEMENT_MAX] = {
                [PLACEMENT_NONE] = '.', [PLACEMENT_RAM] = 'r',
                [PLACEMENT_DEVICE] = 'd', [PLACEMENT_SEED] = 's',
        };

        return plugged && p == PLACEMENT_NONE ? '?' : letters[p];
}

char block_letter(const struct block *b) {
        if (b->failed)
                return 'x';
        switch (b->state) {
        case BLOCK_ABSENT:
                return '.';
        case BLOCK_OFFLINE:
                return '-';
        case BLOCK_ONLINE:
                return b->zone == ZONE_KERNEL ? 'k' : 'm';
        default:
                return '~';
        }
}

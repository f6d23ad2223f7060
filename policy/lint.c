/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lint.h"
#include "use.h"

/* See place_alike(), placing.c. */
static bool can_place(enum backend b, enum memmap_mode m) {
        if (!backend_is_whole(b) || m == MEMMAP_AUTO || m == MEMMAP_RAM)
                return true;
        return b == BACKEND_NATIVE && m == MEMMAP_DEVICE;
}

enum contradiction lint_settings(const struct settings *below, const struct settings *own) {
        struct settings s = *below;

        settings_override(&s, own);
        if (!can_place(s.backend, s.memmap) && own->given & (SETTING_BACKEND | SETTING_MEMMAP))
                return CONTRADICTION_BACKEND;
        if (backend_is_whole(s.backend) && s.given & SETTING_MAX_SIZE &&
            own->given & (SETTING_BACKEND | SETTING_MAX_SIZE))
                return CONTRADICTION_LIMIT;
        if (own->given & (SETTING_USE | SETTING_ZONE | SETTING_MEMMAP) && use_contradiction(&s))
                return use_contradiction(&s);
        if (s.memmap != MEMMAP_SEED)
                return CONTRADICTION_NONE;
        if (s.action == ACTION_PLUG && own->given & (SETTING_ACTION | SETTING_MEMMAP))
                return CONTRADICTION_OFFLINE;
        /* The other way round, it is an exception to what holds in general. */
        if (own->given & SETTING_ALLOW_SEEDS && !own->allow_seeds)
                return CONTRADICTION_FORBIDDEN;
        return CONTRADICTION_NONE;
}

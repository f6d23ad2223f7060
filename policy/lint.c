/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fnmatch.h>
#include <string.h>

#include "lint.h"

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
        if (s.memmap != MEMMAP_SEED)
                return CONTRADICTION_NONE;
        if (s.action == ACTION_PLUG && own->given & (SETTING_ACTION | SETTING_MEMMAP))
                return CONTRADICTION_OFFLINE;
        /* The other way round, it is an exception to what holds in general. */
        if (own->given & SETTING_ALLOW_SEEDS && !own->allow_seeds)
                return CONTRADICTION_FORBIDDEN;
        return CONTRADICTION_NONE;
}

/* How much of a pattern stands for itself. */
static size_t literal_length(const char *pattern) {
        return strcspn(pattern, "*?[\\");
}

static bool pattern_covers(const char *general, const char *special) {
        size_t n = literal_length(general);

        if (strcmp(general, special) == 0)
                return true;
        if (special[literal_length(special)] == '\0')
                return fnmatch(general, special, 0) == 0;
        /* "dax*" covers "dax0.*"; other pairs of patterns are left alone. */
        return strcmp(general + n, "*") == 0 && literal_length(special) >= n &&
                strncmp(general, special, n) == 0;
}

/* Devices have a name, so that this says nothing. */
static bool is_any_name(const char *pattern) {
        return strcmp(pattern, "*") == 0;
}

bool lint_covers(const struct match *general, const struct match *special) {
        unsigned int both = general->given & special->given;
        unsigned int alone = general->given & ~special->given;

        if (alone & (MATCH_BACKING | MATCH_TARGET_NODE))
                return false;
        if (alone & MATCH_DEVICE && !is_any_name(general->device))
                return false;
        if (alone & MATCH_MIN_SIZE && general->min_size > 0)
                return false;
        if (alone & MATCH_MAX_SIZE && general->max_size < UINT64_MAX)
                return false;
        return (!(both & MATCH_BACKING) || general->backing == special->backing) &&
                (!(both & MATCH_TARGET_NODE) || general->target_node == special->target_node) &&
                (!(both & MATCH_DEVICE) || pattern_covers(general->device, special->device)) &&
                (!(both & MATCH_MIN_SIZE) || general->min_size <= special->min_size) &&
                (!(both & MATCH_MAX_SIZE) || general->max_size >= special->max_size);
}

const struct rule *lint_shadow(const struct policy *p, size_t i) {
        for (size_t before = 0; before < i; before++)
                if (lint_covers(&p->rules[before].match, &p->rules[i].match))
                        return &p->rules[before];
        return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend.h"
#include "words.h"

static const char *const backend_words[_BACKEND_MAX] = {
        [BACKEND_AUTO] = "auto",
        [BACKEND_CHUNKED] = "chunked",
        [BACKEND_NATIVE] = "native",
        [BACKEND_PLAIN] = "plain",
};

const char *backend_to_string(enum backend b) {
        return b < _BACKEND_MAX ? backend_words[b] : "unknown";
}

int backend_from_string(const char *s) {
        return word_index(backend_words, _BACKEND_MAX, s);
}

bool backend_is_whole(enum backend b) {
        return b == BACKEND_NATIVE || b == BACKEND_PLAIN;
}

bool backend_holds(enum backend b, const struct device *d) {
        if (backend_is_whole(b))
                return d->holder == HOLDER_KMEM;
        return d->holder == HOLDER_MEMMAPD && d->measured;
}

/* NULL: @b can take the device in.  Else why not. */
static const char *obstacle(const struct model *m, const struct device *d, enum backend b) {
        if (b == BACKEND_CHUNKED)
                return m->module_loaded ? NULL : m->module_why;
        if (!m->kmem_loaded)
                return "the kernel's driver, kmem, is not loaded; see modprobe kmem";
        if (b == BACKEND_NATIVE && !d->can_place)
                return "this kernel does not let a dax device choose (that came with 6.8)";
        return NULL;
}

enum backend backend_choose(const struct model *m, const struct device *d, enum backend asked,
                            const char **ret_why) {
        static const enum backend best_first[] = {
                BACKEND_CHUNKED, BACKEND_NATIVE, BACKEND_PLAIN,
        };

        /* What memmapd has begun with the kernel's driver can only go on with it. */
        if (d->adopted && d->holder == HOLDER_KMEM)
                return d->can_place ? BACKEND_NATIVE : BACKEND_PLAIN;
        if (asked != BACKEND_AUTO) {
                *ret_why = obstacle(m, d, asked);
                return *ret_why ? BACKEND_AUTO : asked;
        }
        for (size_t i = 0; i < sizeof(best_first) / sizeof(best_first[0]); i++)
                if (!obstacle(m, d, best_first[i]))
                        return best_first[i];
        *ret_why = obstacle(m, d, BACKEND_CHUNKED);
        return BACKEND_AUTO;
}

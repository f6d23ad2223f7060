/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "maker.h"
#include "use.h"

static bool given(const struct maker *k, enum reason_code code) {
        for (size_t i = 0; i < k->decision->n_reasons; i++)
                if (k->decision->reasons[i].code == code)
                        return true;
        return false;
}

/* Bytes short of @memmaps more in RAM, which may be more than there ever was. */
static uint64_t missing(const struct maker *k, size_t memmaps, uint64_t reserve) {
        const struct budget *b = &k->decision->budget;
        uint64_t have = b->free + b->reclaimable;
        uint64_t need = memmap_bytes(k, memmaps) + b->watermark + b->promised + reserve;

        return need > have ? need - have : 0;
}

/* How much more RAM would have done, by the way that takes least.  0: none would. */
static uint64_t missing_bytes(const struct maker *k) {
        uint64_t reserve = k->decision->budget.reserve, first, stray;

        if (given(k, REASON_NO_ALLOWANCE) || given(k, REASON_SEEDS_NO_ROOM)) {
                first = missing(k, 1, reserve);
                stray = missing(k, 2, has_strayed(k) ? reserve : 0);
                return first > stray ? first : stray;
        }
        if (given(k, REASON_EXCEEDS) || given(k, REASON_MIXED))
                return missing(k, k->n_wanted - k->n_in_ram, reserve);
        return 0;
}

/* After a refusal: what would have helped. */
void help(struct maker *k) {
        uint64_t bytes = missing_bytes(k);

        if (bytes > 0)
                reason_add_node(k, REASON_HELP_BYTES, bytes, 0, k->decision->payer);
        if (given(k, REASON_NO_DEVICE) && !k->model->memmap_on_memory &&
            !use_is_whole(&k->decision->settings.use))
                reason_add(k, REASON_HELP_PARAMETER, 0, 0);
        if (given(k, REASON_SEEDS_FORBIDDEN))
                reason_add(k, REASON_HELP_SEEDS, 0, 0);
        if (backend_is_whole(k->decision->backend))
                reason_add_text(k, REASON_HELP_MODULE,
                                k->model->module_loaded ? "" : k->model->module_why);
}

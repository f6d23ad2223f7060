/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A decision in the making: shared by the files that make it, and by nobody else.
 */
#pragma once

#include "decide.h"

struct maker {
        const struct model *model;
        const struct device *device;
        struct decision *decision;
        const struct node *payer;
        size_t n_wanted;        /* blocks that are there or shall be */
        size_t n_absent;        /* of these: still to be plugged */
        size_t n_in_ram;        /* of those plugged: memmap in RAM */
};

/* decide.c: reasons, as they come up.  A cause to refuse returns the refusal. */
void reason_add(struct maker *k, enum reason_code code, uint64_t a, uint64_t b);
void reason_add_text(struct maker *k, enum reason_code code, const char *text);
void reason_add_node(struct maker *k, enum reason_code code, uint64_t a, uint64_t b, int node);
enum verdict refuse_for(struct maker *k, enum reason_code code, uint64_t a, uint64_t b);

/* Where a block goes that has no reason to go elsewhere. */
enum zone zone_of_choice(const struct maker *k);

static inline bool is_present(const struct block *b) {
        return b->state != BLOCK_ABSENT;
}

static inline bool is_to_be_plugged(const struct block *b) {
        return !is_present(b) && !b->failed;
}

/* Still to be plugged, and wanted: it is within the limit. */
static inline bool is_coming(const struct maker *k, size_t i) {
        return k->decision->targets[i].wanted && !is_present(&k->device->blocks[i]);
}

static inline uint64_t memmap_bytes(const struct maker *k, size_t blocks) {
        return blocks * k->device->memmap_size;
}

/* placing.c: where the memmaps of the absent blocks go. */
enum verdict place_memmaps(struct maker *k);

/* What RAM may bear beyond what is planned for it, bytes. */
uint64_t bearable(const struct maker *k);
bool has_strayed(const struct maker *k);

/* zones.c: which of the blocks that are not online yet go to the kernel zone. */
void choose_zones(struct maker *k);

/* help.c: after a refusal, what would have helped. */
void help(struct maker *k);

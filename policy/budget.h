/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which node pays for a memmap in RAM, and what it can afford.
 */
#pragma once

#include "model.h"
#include "policy.h"

/* The sum, with its terms, so that it can be shown.  All bytes. */
struct budget {
        uint64_t free, reclaimable;     /* plus */
        uint64_t watermark, reserve, promised;  /* minus */
        uint64_t total;                 /* never below 0 */
        uint64_t headroom;              /* the same without the reserve */
};

/*
 * The node whose RAM vmemmap_alloc_block() (mm/sparse-vmemmap.c) takes for a
 * block of @d: the target node if it has RAM of its own, else the nearest that
 * does.  Where the distance cannot be known, as the kernel shows none for a node
 * that is not online yet, the one that can spare least beyond its @reserve is
 * assumed.  NULL if there is none.
 */
const struct node *budget_payer(const struct model *m, const struct device *d,
                                struct amount reserve);

/*
 * Whether @node has kernel memory besides what dax devices brought: then a
 * memmap that asks for this node may land there instead of in a seed.
 */
bool budget_has_ram(const struct node *node);

struct budget budget_of(const struct node *payer, struct amount reserve);

/*
 * How many memmaps of @memmap_size one seed block is planned to hold, beside its
 * own if that is @on_itself.
 */
size_t seed_capacity(uint64_t block_size, uint64_t memmap_size, bool on_itself);

/* How many more memmaps the kernel zones of @n would take now. */
size_t seed_room(const struct node *n, uint64_t memmap_size);

/* How many of these to plan with: the same slack as in seed_capacity(). */
size_t seed_room_planned(const struct node *n, uint64_t memmap_size);

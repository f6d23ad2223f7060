/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which order memory blocks come online, and go offline.
 *
 * Every online ends in set_zone_contiguous() (mm/page_alloc.c), which walks the
 * zone from its start, pageblock by pageblock, until it meets a gap.  Ascending
 * order never leaves one, so the N-th block costs a walk over N blocks.  A gap
 * held open near the start of the zone ends each walk at once; it is closed
 * last, for one full walk.  The same walk ends every offline, so there the gap is made
 * first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

/*
 * Put the @n blocks of one zone, given by ascending number, into @order.
 * @online_below says that a block of the zone below the first one is online
 * already, so that the first one is itself a gap.
 */
void order_online(enum order order, bool online_below, size_t *blocks, size_t n);

/* The same for those that go offline: it is always the fast order. */
void order_offline(bool online_below, size_t *blocks, size_t n);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memmapd_kmem: dax memory into system RAM, block by block.
 *
 *	driver.c   binds dax devices, adopts what an earlier binding left
 *	claim.c    the memory of one device: plug, unplug, orphans
 *	tier.c     the memory tier of a node
 *	memmap.c   where the memmap of a block is
 *	support.c  whether the kernel can put it on the block itself
 *	guard.c    keeps a block offline until user space orders it online
 *	attrs.c    the sysfs interface (ABI/testing/sysfs-bus-dax-memmapd)
 */
#ifndef MEMMAPD_H
#define MEMMAPD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/range.h>
#include <linux/types.h>

struct attribute_group;
struct dev_dax;
struct memmapd_tier;
struct resource;

/* One contiguous part of a device, cut down to whole memory blocks. */
struct memmapd_range {
	struct range range;
	unsigned long first;	/* index of its first block in the device */
	unsigned long blocks;
	struct resource *res;
};

enum memmapd_block_state {
	MEMMAPD_ABSENT,
	MEMMAPD_PLUGGED,
	MEMMAPD_LEAVING,	/* plugged, and its memmap may go any moment */
};

/*
 * The memory of one dax device that this driver reserved.  It outlives the
 * binding as long as a block of it is plugged: memory in use cannot be taken
 * back, so it is kept on the books (an orphan) until it can, or until the same
 * ranges are bound again.
 *
 * Lock order: claims_lock, ops_lock, the kernel's hotplug locks, map_lock.
 */
struct memmapd_claim {
	struct list_head node;
	char *name;		/* of the device; names the reservation too */
	int nid;
	int mgid;
	struct memmapd_tier *tier;
	bool bound;		/* claims_lock */
	bool dying;		/* the device is about to be unbound */
	bool memmap_on_memory;	/* ops_lock: for the blocks plugged next */
	struct mutex ops_lock;	/* one plug or unplug at a time */
	struct mutex map_lock;	/* @state; PLUGGED memmaps stay while it is held */
	u8 *state;		/* enum memmapd_block_state, one per block */
	unsigned long nr_blocks;
	unsigned long nr_plugged;
	u64 trimmed;		/* bytes lost to alignment */
	int nr_ranges;
	struct memmapd_range ranges[];
};

struct memmapd_claim *memmapd_claim_get(struct dev_dax *dev_dax);
void memmapd_claim_release(struct memmapd_claim *claim);
void memmapd_claim_set_dying(struct memmapd_claim *claim);
int memmapd_claim_plug(struct memmapd_claim *claim, unsigned long index);
int memmapd_claim_unplug(struct memmapd_claim *claim, unsigned long index);
char memmapd_claim_map(struct memmapd_claim *claim, unsigned long index);
u64 memmapd_claim_start(const struct memmapd_claim *claim, unsigned long index);
bool memmapd_claim_find(const struct memmapd_claim *claim, u64 phys,
			unsigned long *index);
ssize_t memmapd_orphans_show(char *buf);
void memmapd_orphans_reclaim(void);

struct memmapd_tier *memmapd_tier_get(int nid);
void memmapd_tier_use(struct memmapd_tier *tier);
void memmapd_tier_unuse(struct memmapd_tier *tier);
int memmapd_tiers_init(void);
void memmapd_tiers_exit(void);

u64 memmapd_memmap_size(void);
char memmapd_memmap_place(const struct memmapd_claim *claim,
			  unsigned long index);

const char *memmapd_no_memmap_on_memory(void);

int memmapd_guard_init(void);
void memmapd_guard_exit(void);
void memmapd_guard_begin(u64 start);
void memmapd_guard_end(void);

extern const struct attribute_group *memmapd_device_groups[];
extern const struct attribute_group *memmapd_driver_groups[];

#endif

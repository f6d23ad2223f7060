// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of one dax device: reserved, plugged and unplugged block by block.
 *
 * Memory is removed exactly as it was added, one block at a time: on x86 a
 * partly removed 1 GiB leaf of the direct map is taken for a page table
 * (remove_pud_table(), arch/x86/mm/init_64.c).
 */
#include <linux/ioport.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "dax-private.h"
#include "memmapd.h"

/*
 * Never copied by the kernel, and compared by address when resources are
 * merged: one constant for all, and the module stays while any block does.
 */
static const char res_name[] = "System RAM (memmapd)";

static DEFINE_MUTEX(claims_lock);
static LIST_HEAD(claims);

u64 memmapd_claim_start(const struct memmapd_claim *claim, unsigned long index)
{
	const struct memmapd_range *r = claim->ranges;

	while (index >= r->first + r->blocks)
		r++;
	return r->range.start + (index - r->first) * memory_block_size_bytes();
}

/* Which block @phys lies in; false if it is not in a plugged one. */
bool memmapd_claim_find(const struct memmapd_claim *claim, u64 phys,
			unsigned long *index)
{
	int i;

	for (i = 0; i < claim->nr_ranges; i++) {
		const struct memmapd_range *r = &claim->ranges[i];

		if (!r->blocks || phys < r->range.start || phys > r->range.end)
			continue;
		*index = r->first + div64_ul(phys - r->range.start,
					     memory_block_size_bytes());
		return claim->state[*index] != MEMMAPD_ABSENT;
	}
	return false;
}

static void set_state(struct memmapd_claim *claim, unsigned long index,
		      enum memmapd_block_state state)
{
	mutex_lock(&claim->map_lock);
	claim->state[index] = state;
	mutex_unlock(&claim->map_lock);
}

/* False if the module is on its way out: no block may outlive it. */
static bool count_plugged(struct memmapd_claim *claim)
{
	if (!claim->nr_plugged) {
		if (!try_module_get(THIS_MODULE))
			return false;
		memmapd_tier_use(claim->tier);
	}
	claim->nr_plugged++;
	return true;
}

static void count_unplugged(struct memmapd_claim *claim)
{
	if (--claim->nr_plugged)
		return;
	memmapd_tier_unuse(claim->tier);
	module_put(THIS_MODULE);
}

/**
 * memmapd_claim_plug() - add one block, offline
 * @claim: the device, its ops_lock held
 * @index: the block
 *
 * Return: 0; -ENODEV if the device is being unbound; -EEXIST if the block is
 * plugged; -EBUSY if its addresses cannot be had; what else
 * add_memory_driver_managed() says.
 */
int memmapd_claim_plug(struct memmapd_claim *claim, unsigned long index)
{
	mhp_t flags = MHP_NID_IS_MGID | MHP_MERGE_RESOURCE;
	u64 size = memory_block_size_bytes();
	u64 start = memmapd_claim_start(claim, index);
	int rc;

	lockdep_assert_held(&claim->ops_lock);
	if (READ_ONCE(claim->dying))
		return -ENODEV;
	if (claim->state[index] != MEMMAPD_ABSENT)
		return -EEXIST;
	if (claim->memmap_on_memory)
		flags |= MHP_MEMMAP_ON_MEMORY;

	if (!count_plugged(claim))
		return -ENODEV;
	memmapd_guard_begin(start);
	rc = add_memory_driver_managed(claim->mgid, start, size, res_name,
				       flags);
	memmapd_guard_end();
	if (rc) {
		count_unplugged(claim);
		/* Said of the resource, also if there is no memory for it. */
		return rc == -EEXIST ? -EBUSY : rc;
	}
	set_state(claim, index, MEMMAPD_PLUGGED);
	return 0;
}

/* Remove a block; with @offline, take it offline first if it is not. */
static int claim_remove(struct memmapd_claim *claim, unsigned long index,
			bool offline)
{
	u64 size = memory_block_size_bytes();
	u64 start = memmapd_claim_start(claim, index);
	int rc;

	lockdep_assert_held(&claim->ops_lock);
	set_state(claim, index, MEMMAPD_LEAVING);
	rc = offline ? offline_and_remove_memory(start, size) :
		       remove_memory(start, size);
	set_state(claim, index, rc ? MEMMAPD_PLUGGED : MEMMAPD_ABSENT);
	if (!rc)
		count_unplugged(claim);
	return rc;
}

/**
 * memmapd_claim_unplug() - take one block offline and remove it
 * @claim: the device, its ops_lock held
 * @index: the block
 *
 * Return: 0; -ENODEV if the device is being unbound; -ENOENT if the block is
 * not plugged; -EBUSY if it is in use and stays as it was; -EINTR, -ENOMEM.
 */
int memmapd_claim_unplug(struct memmapd_claim *claim, unsigned long index)
{
	int rc;

	if (READ_ONCE(claim->dying))
		return -ENODEV;
	if (claim->state[index] == MEMMAPD_ABSENT)
		return -ENOENT;
	rc = claim_remove(claim, index, true);
	return rc == 0 || rc == -EINTR || rc == -ENOMEM ? rc : -EBUSY;
}

/* '.' absent, else as memmapd_memmap_place(). */
char memmapd_claim_map(struct memmapd_claim *claim, unsigned long index)
{
	char place = '.';

	mutex_lock(&claim->map_lock);
	switch (claim->state[index]) {
	case MEMMAPD_PLUGGED:
		place = memmapd_memmap_place(claim, index);
		break;
	case MEMMAPD_LEAVING:
		/* Its memmap must not be walked; it has no place to name. */
		place = '-';
		break;
	}
	mutex_unlock(&claim->map_lock);
	return place;
}

/* Remove what is offline.  What is online is in use and left alone. */
static void claim_remove_offline(struct memmapd_claim *claim)
{
	unsigned long i;

	for (i = 0; i < claim->nr_blocks && claim->nr_plugged; i++)
		if (claim->state[i] == MEMMAPD_PLUGGED)
			claim_remove(claim, i, false);
}

static void claim_free(struct memmapd_claim *claim)
{
	int i;

	for (i = 0; i < claim->nr_ranges; i++) {
		struct resource *res = claim->ranges[i].res;

		if (!res)
			continue;
		remove_resource(res);
		kfree(res);
	}
	if (claim->mgid >= 0)
		memory_group_unregister(claim->mgid);
	mutex_destroy(&claim->ops_lock);
	mutex_destroy(&claim->map_lock);
	kvfree(claim->state);
	kfree(claim->name);
	kfree(claim);
}

/* The whole memory blocks of @whole that the kernel can map; 0 if there are none. */
static unsigned long whole_blocks(const struct range *whole,
				  struct range *blocks)
{
	const struct range pluggable = mhp_get_pluggable_range(true);
	u64 size = memory_block_size_bytes();
	u64 start = ALIGN(whole->start, size);
	u64 end = ALIGN_DOWN(whole->end + 1, size);

	if (start >= end || start < pluggable.start || end - 1 > pluggable.end)
		return 0;
	blocks->start = start;
	blocks->end = end - 1;
	return div64_ul(end - start, size);
}

static int claim_measure(struct memmapd_claim *claim,
			 const struct dev_dax *dev_dax)
{
	int i;

	for (i = 0; i < dev_dax->nr_range; i++) {
		const struct range *whole = &dev_dax->ranges[i].range;
		struct memmapd_range *r = &claim->ranges[i];

		r->first = claim->nr_blocks;
		r->blocks = whole_blocks(whole, &r->range);
		claim->nr_blocks += r->blocks;
		claim->trimmed += range_len(whole) -
				  r->blocks * memory_block_size_bytes();
	}
	claim->nr_ranges = dev_dax->nr_range;
	return claim->nr_blocks ? 0 : -ENOSPC;
}

static int claim_reserve(struct memmapd_claim *claim)
{
	int i;

	for (i = 0; i < claim->nr_ranges; i++) {
		struct memmapd_range *r = &claim->ranges[i];

		if (!r->blocks)
			continue;
		r->res = request_mem_region(r->range.start,
					    range_len(&r->range), claim->name);
		if (!r->res)
			return -EBUSY;
		/* Not busy, so that the blocks can become its children. */
		r->res->flags = IORESOURCE_SYSTEM_RAM;
	}
	return 0;
}

static struct memmapd_claim *claim_new(const struct dev_dax *dev_dax)
{
	struct memmapd_claim *claim;
	int rc;

	claim = kzalloc(struct_size(claim, ranges, dev_dax->nr_range),
			GFP_KERNEL);
	if (!claim)
		return ERR_PTR(-ENOMEM);
	mutex_init(&claim->ops_lock);
	mutex_init(&claim->map_lock);
	claim->nid = dev_dax->target_node;
	claim->mgid = -1;
	claim->memmap_on_memory = !memmapd_no_memmap_on_memory();

	rc = claim_measure(claim, dev_dax);
	if (rc) {
		dev_err(&dev_dax->dev, "holds no whole memory block of %lu bytes\n",
			memory_block_size_bytes());
		goto fail;
	}
	rc = -ENOMEM;
	claim->name = kstrdup(dev_name(&dev_dax->dev), GFP_KERNEL);
	claim->state = kvzalloc(claim->nr_blocks, GFP_KERNEL);
	if (!claim->name || !claim->state)
		goto fail;
	claim->tier = memmapd_tier_get(claim->nid);
	rc = PTR_ERR_OR_ZERO(claim->tier);
	if (rc)
		goto fail;
	rc = memory_group_register_dynamic(claim->nid,
					   PHYS_PFN(memory_block_size_bytes()));
	if (rc < 0)
		goto fail;
	claim->mgid = rc;
	rc = claim_reserve(claim);
	if (rc) {
		dev_err(&dev_dax->dev, "its physical range is in use, see /proc/iomem\n");
		goto fail;
	}
	return claim;
fail:
	claim_free(claim);
	return ERR_PTR(rc);
}

static bool same_memory(const struct memmapd_claim *claim,
			const struct dev_dax *dev_dax)
{
	struct range blocks;
	int i;

	if (claim->nid != dev_dax->target_node ||
	    claim->nr_ranges != dev_dax->nr_range)
		return false;
	for (i = 0; i < claim->nr_ranges; i++) {
		const struct memmapd_range *r = &claim->ranges[i];

		if (whole_blocks(&dev_dax->ranges[i].range, &blocks) !=
		    r->blocks)
			return false;
		if (r->blocks && blocks.start != r->range.start)
			return false;
	}
	return true;
}

/**
 * memmapd_claim_get() - claim the memory of a device that is being bound
 * @dev_dax: the device
 *
 * Return: a claim, new or with the blocks that an earlier binding left plugged;
 * an ERR_PTR().
 */
struct memmapd_claim *memmapd_claim_get(struct dev_dax *dev_dax)
{
	struct memmapd_claim *claim;

	mutex_lock(&claims_lock);
	list_for_each_entry(claim, &claims, node) {
		if (claim->bound || !same_memory(claim, dev_dax))
			continue;
		dev_info(&dev_dax->dev, "adopted %lu plugged blocks\n",
			 claim->nr_plugged);
		goto found;
	}
	claim = claim_new(dev_dax);
	if (IS_ERR(claim))
		goto out;
	list_add_tail(&claim->node, &claims);
found:
	claim->bound = true;
	WRITE_ONCE(claim->dying, false);
out:
	mutex_unlock(&claims_lock);
	return claim;
}

/* A plug or unplug that is under way stops at its next block. */
void memmapd_claim_set_dying(struct memmapd_claim *claim)
{
	WRITE_ONCE(claim->dying, true);
}

static void claim_reclaim(struct memmapd_claim *claim)
{
	mutex_lock(&claim->ops_lock);
	claim_remove_offline(claim);
	mutex_unlock(&claim->ops_lock);
	if (claim->nr_plugged)
		return;
	list_del(&claim->node);
	claim_free(claim);
}

/* The device goes: give back what can be, keep the rest as orphans. */
void memmapd_claim_release(struct memmapd_claim *claim)
{
	mutex_lock(&claims_lock);
	claim->bound = false;
	claim_reclaim(claim);
	mutex_unlock(&claims_lock);
}

void memmapd_orphans_reclaim(void)
{
	struct memmapd_claim *claim, *next;

	mutex_lock(&claims_lock);
	list_for_each_entry_safe(claim, next, &claims, node)
		if (!claim->bound)
			claim_reclaim(claim);
	mutex_unlock(&claims_lock);
}

static int show_orphan(const struct memmapd_claim *claim, char *buf, int at)
{
	u64 size = memory_block_size_bytes();
	unsigned long i;
	u64 start = 0, end = 0;

	for (i = 0; i <= claim->nr_blocks; i++) {
		bool plugged = i < claim->nr_blocks && claim->state[i];
		u64 here = plugged ? memmapd_claim_start(claim, i) : 0;

		if (end && (!plugged || here != end)) {
			at += sysfs_emit_at(buf, at, "%#llx-%#llx node %d %s\n",
					    start, end - 1, claim->nid,
					    claim->name);
			end = 0;
		}
		if (!plugged)
			continue;
		if (!end)
			start = here;
		end = here + size;
	}
	return at;
}

ssize_t memmapd_orphans_show(char *buf)
{
	struct memmapd_claim *claim;
	int at = 0;

	mutex_lock(&claims_lock);
	list_for_each_entry(claim, &claims, node)
		if (!claim->bound)
			at = show_orphan(claim, buf, at);
	mutex_unlock(&claims_lock);
	return at;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory tier of the nodes that memory is plugged into.
 *
 * A node is of the memory type that its first driver gives it.  As the kernel
 * counts, clear_node_memory_type() may only be called while the node is of the
 * type given: otherwise it drops a reference that nobody took (6.1), or one of
 * no type at all (mm/memory-tiers.c).  Other drivers on the same node can have
 * been there first, or can have cleared it for us, as kmem does.  The node holds
 * one reference of its type, and each node has a type of its own here, so the
 * count tells whether it is still the node's.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "compat.h"
#include "memmapd.h"

/* As the in-tree kmem driver: memory five times as far away as DRAM. */
#define DEFAULT_ADISTANCE	(MEMTIER_ADISTANCE_DRAM * 5)

struct memmapd_tier {
	struct list_head node;
	int nid;
	unsigned long users;
	struct memory_dev_type *type;
};

static DEFINE_MUTEX(tiers_lock);
static LIST_HEAD(tiers);

/**
 * memmapd_tier_get() - the tier of a node, as long as the module is loaded
 * @nid: the node
 *
 * Return: it, or an ERR_PTR().
 */
struct memmapd_tier *memmapd_tier_get(int nid)
{
	int adist = DEFAULT_ADISTANCE;
	struct memmapd_tier *tier;

	mutex_lock(&tiers_lock);
	list_for_each_entry(tier, &tiers, node)
		if (tier->nid == nid)
			goto out;
	tier = kzalloc(sizeof(*tier), GFP_KERNEL);
	if (!tier) {
		tier = ERR_PTR(-ENOMEM);
		goto out;
	}
	mt_calc_adistance(nid, &adist);
	tier->nid = nid;
	tier->type = alloc_memory_type(adist);
	if (IS_ERR(tier->type)) {
		struct memory_dev_type *failed = tier->type;

		kfree(tier);
		tier = ERR_CAST(failed);
		goto out;
	}
	list_add(&tier->node, &tiers);
out:
	mutex_unlock(&tiers_lock);
	return tier;
}

/* A device begins to have memory in the node. */
void memmapd_tier_use(struct memmapd_tier *tier)
{
	mutex_lock(&tiers_lock);
	if (!tier->users++)
		init_node_memory_type(tier->nid, tier->type);
	mutex_unlock(&tiers_lock);
}

/* Nothing of the device is in the node any more. */
void memmapd_tier_unuse(struct memmapd_tier *tier)
{
	mutex_lock(&tiers_lock);
	if (!--tier->users && kref_read(&tier->type->kref) > 1)
		clear_node_memory_type(tier->nid, tier->type);
	mutex_unlock(&tiers_lock);
}

void memmapd_tiers_exit(void)
{
	struct memmapd_tier *tier, *next;

	list_for_each_entry_safe(tier, next, &tiers, node) {
		put_memory_type(tier->type);
		kfree(tier);
	}
}

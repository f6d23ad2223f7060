// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory tier of the nodes that memory is plugged into.
 *
 * A node is of the memory type that its first driver gives it, and the kernel
 * takes drivers that share a node to share the type, which ours cannot (kmem's is
 * private).  So mm/memory-tiers.c is to be kept from two things:
 *
 *  - clear_node_memory_type() of a type that the node is not of, as another driver
 *    was there first, or has cleared it: it drops a reference of that type, which
 *    nobody took (6.1), or of no type at all.
 *  - a node that has memory and no type: its last block going offline is fatal.
 *
 * The node holds one reference of its type, and each node has a type of its own
 * here, so the count tells whether the node is of it.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
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

static bool is_of_ours(const struct memmapd_tier *tier)
{
	return kref_read(&tier->type->kref) > 1;
}

/* A device begins to have memory in the node. */
void memmapd_tier_use(struct memmapd_tier *tier)
{
	mutex_lock(&tiers_lock);
	tier->users++;
	if (!is_of_ours(tier))
		init_node_memory_type(tier->nid, tier->type);
	mutex_unlock(&tiers_lock);
}

/*
 * Nothing of the device is in the node any more.  If something of another driver
 * is, the type is left to it.
 */
void memmapd_tier_unuse(struct memmapd_tier *tier)
{
	mutex_lock(&tiers_lock);
	if (!--tier->users && is_of_ours(tier) &&
	    !node_state(tier->nid, N_MEMORY))
		clear_node_memory_type(tier->nid, tier->type);
	mutex_unlock(&tiers_lock);
}

/*
 * A block is about to go offline, of whatever node: those with memory of ours get
 * back the type that another driver took away.  Runs under the hotplug locks, none
 * of which is ever taken with tiers_lock held.
 */
static int tiers_notify(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct memmapd_tier *tier;

	if (action != MEM_GOING_OFFLINE)
		return NOTIFY_DONE;
	mutex_lock(&tiers_lock);
	list_for_each_entry(tier, &tiers, node)
		if (tier->users && !is_of_ours(tier))
			init_node_memory_type(tier->nid, tier->type);
	mutex_unlock(&tiers_lock);
	return NOTIFY_DONE;
}

static struct notifier_block tiers_nb = {
	.notifier_call = tiers_notify,
};

int memmapd_tiers_init(void)
{
	return register_memory_notifier(&tiers_nb);
}

void memmapd_tiers_exit(void)
{
	struct memmapd_tier *tier, *next;

	unregister_memory_notifier(&tiers_nb);
	list_for_each_entry_safe(tier, next, &tiers, node) {
		put_memory_type(tier->type);
		kfree(tier);
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, behind one name each, so that the sources
 * read as if there were only one kernel.
 */
#ifndef MEMMAPD_COMPAT_H
#define MEMMAPD_COMPAT_H

#include <linux/err.h>
#include <linux/memory-tiers.h>

/* As the in-tree kmem driver: memory five times as far away as DRAM. */
#define MEMMAPD_ADISTANCE	(MEMTIER_ADISTANCE_DRAM * 5)

static inline struct memory_dev_type *compat_memory_type_get(void)
{
	struct memory_dev_type *type = alloc_memory_type(MEMMAPD_ADISTANCE);

	/*
	 * clear_node_memory_type() of 6.1 drops a reference of the type it is
	 * given even if the node never took one, when another driver's type
	 * was there and has gone (mm/memory-tiers.c).  A reference that is
	 * never dropped costs one small object per load of the module; without
	 * it the type could be freed while it is in use.
	 */
	if (!IS_ERR(type))
		kref_get(&type->kref);
	return type;
}

static inline void compat_memory_type_put(struct memory_dev_type *type)
{
	destroy_memory_type(type);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the kernel can put the memmap of a block on the block itself.
 *
 * mhp_supports_memmap_on_memory() (mm/memory_hotplug.c) knows, but does not say
 * why not, and is exported from 6.8 on only.  Its conditions are the build option,
 * the boot parameter and two alignments; all can be looked at from here.
 */
#include <linux/kobject.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "memmapd.h"

/* What is wrong, other than the boot parameter; NULL if nothing is. */
static const char *misfit(void)
{
	u64 memmap = memmapd_memmap_size();
	u64 rest = memory_block_size_bytes() - memmap;

	if (!IS_ENABLED(CONFIG_MHP_MEMMAP_ON_MEMORY))
		return "the kernel was built without CONFIG_MHP_MEMMAP_ON_MEMORY";
	if (!IS_ALIGNED(memmap, PMD_SIZE))
		return "the memmap of a block does not fill whole page table entries";
	if (!IS_ALIGNED(rest, pageblock_nr_pages << PAGE_SHIFT))
		return "the memmap of a block does not fill whole pageblocks";
	return NULL;
}

#ifdef HAVE_MHP_SUPPORTS_MEMMAP_ON_MEMORY
static bool supported(void)
{
	return mhp_supports_memmap_on_memory();
}
#else
/* As kernel/params.c has it. */
struct module_param_attrs {
	unsigned int num;
	struct attribute_group grp;
};

static struct attribute *find_param(struct module_kobject *mk, const char *name)
{
	struct attribute **attr;

	if (!mk->mp || !mk->mp->grp.name || !mk->mp->grp.attrs ||
	    strcmp(mk->mp->grp.name, "parameters"))
		return NULL;
	for (attr = mk->mp->grp.attrs; *attr; attr++)
		if (!strcmp((*attr)->name, name))
			return *attr;
	return NULL;
}

/*
 * First letter of the built-in parameter memory_hotplug.memmap_on_memory, read
 * as its sysfs file would be; 0 if there is none.
 */
static char memmap_on_memory_param(void)
{
	struct attribute *attr;
	struct kobject *kobj;
	char *page, first = 0;

	page = (char *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return 0;
	kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "memory_hotplug");
	if (kobj) {
		attr = find_param(container_of(kobj, struct module_kobject,
					       kobj), "memmap_on_memory");
		if (attr && kobj->ktype->sysfs_ops->show(kobj, attr, page) > 0)
			first = page[0];
		kobject_put(kobj);
	}
	free_page((unsigned long)page);
	return first;
}

static bool supported(void)
{
	char param = memmap_on_memory_param();

	/* From 6.6 on there is "force" as well. */
	return !misfit() && (param == 'Y' || param == 'f');
}
#endif

/**
 * memmapd_no_memmap_on_memory() - why a memmap cannot be on its own block
 *
 * Return: NULL if it can, else the reason in words.
 */
const char *memmapd_no_memmap_on_memory(void)
{
	if (supported())
		return NULL;
	return misfit() ?:
	       "the kernel was booted without memory_hotplug.memmap_on_memory=1";
}

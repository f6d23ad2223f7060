// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps a block offline while it is being added.
 *
 * add_memory_*() brings new blocks online by itself where the kernel's default
 * says so, in its own order and zone.  Which zone, and when, is user space's
 * decision here, so onlining is refused for the block that is being added, and
 * only for as long as it is.
 */
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pfn.h>

#include "memmapd.h"

#define NO_BLOCK	ULONG_MAX

static DEFINE_MUTEX(guard_lock);
static unsigned long guard_block = NO_BLOCK;

static unsigned long pfn_to_block(unsigned long pfn)
{
	return pfn / PHYS_PFN(memory_block_size_bytes());
}

/*
 * Runs under device_hotplug_lock, which an adding thread waits for while it
 * holds guard_lock: so no lock is taken here, and there is one word to read.
 */
static int guard_notify(struct notifier_block *nb, unsigned long action,
			void *data)
{
	const struct memory_notify *arg = data;

	if (action == MEM_GOING_ONLINE &&
	    pfn_to_block(arg->start_pfn) == READ_ONCE(guard_block))
		return NOTIFY_BAD;
	return NOTIFY_DONE;
}

static struct notifier_block guard_nb = {
	.notifier_call = guard_notify,
};

void memmapd_guard_begin(u64 start)
{
	mutex_lock(&guard_lock);
	WRITE_ONCE(guard_block, pfn_to_block(PHYS_PFN(start)));
}

void memmapd_guard_end(void)
{
	WRITE_ONCE(guard_block, NO_BLOCK);
	mutex_unlock(&guard_lock);
}

int memmapd_guard_init(void)
{
	return register_memory_notifier(&guard_nb);
}

void memmapd_guard_exit(void)
{
	unregister_memory_notifier(&guard_nb);
}

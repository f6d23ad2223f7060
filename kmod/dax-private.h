/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dax bus as its drivers see it.
 *
 * The kernel keeps these in drivers/dax/{bus,dax-private}.h, which no header
 * package ships.  They are declared here as Linux 6.1 declares them, no
 * further than this driver needs, and checked at probe: see layout_is_ours().
 */
#ifndef MEMMAPD_DAX_PRIVATE_H
#define MEMMAPD_DAX_PRIVATE_H

#include <linux/device.h>
#include <linux/idr.h>
#include <linux/range.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#error "memmapd_kmem knows the dax bus of Linux 6.1 only"
#endif

struct dev_dax_range {
	unsigned long pgoff;
	struct range range;
	struct dax_mapping *mapping;
};

struct dev_dax {
	struct dax_region *region;
	struct dax_device *dax_dev;
	unsigned int align;
	int target_node;
	bool dyn_id;
	int id;
	struct ida ida;
	struct device dev;
	struct dev_pagemap *pgmap;
	int nr_range;
	struct dev_dax_range *ranges;
};

struct dax_device_driver {
	struct device_driver drv;
	struct list_head ids;
	int match_always;
	int (*probe)(struct dev_dax *dev);
	void (*remove)(struct dev_dax *dev);
};

int __dax_driver_register(struct dax_device_driver *dax_drv,
			  struct module *module, const char *mod_name);
void dax_driver_unregister(struct dax_device_driver *dax_drv);

#endif

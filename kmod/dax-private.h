/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dax bus as its drivers see it.
 *
 * The kernel keeps these in drivers/dax/{bus,dax-private}.h, which no header
 * package ships.  They are declared here as Linux declares them, all members of
 * all kernels that this driver was tried on.  Which of them the target has is
 * known from its type information, and each offset is checked against that; or,
 * if there is none, from its version.  In any case they are checked at probe:
 * see layout_is_ours().
 */
#ifndef MEMMAPD_DAX_PRIVATE_H
#define MEMMAPD_DAX_PRIVATE_H

#include <linux/build_bug.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/range.h>
#include <linux/stddef.h>
#include <linux/version.h>

#include "target.h"

#ifndef HAVE_DAX_LAYOUT
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0) && \
	 LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0)
#error "not tried on this kernel: to be built it takes bpftool and BTF=FILE"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define HAVE_DAX_TYPE 1
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define HAVE_DAX_MEMMAP_ON_MEMORY 1
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#define HAVE_DAX_CACHED_SIZE 1
#endif
#define DAX_LAYOUT_CHECKS
#endif

struct dev_dax_range {
	unsigned long pgoff;
	struct range range;
	struct dax_mapping *mapping;
};

struct dev_dax {
	struct dax_region *region;
	struct dax_device *dax_dev;
#ifdef HAVE_DAX_CACHED_SIZE
	u64 cached_size;
#endif
	unsigned int align;
	int target_node;
	bool dyn_id;
	int id;
	struct ida ida;
	struct device dev;
	struct dev_pagemap *pgmap;
#ifdef HAVE_DAX_MEMMAP_ON_MEMORY
	bool memmap_on_memory;
#endif
	int nr_range;
	struct dev_dax_range *ranges;
};

/*
 * The bus matches what is written to a driver's new_id, and else, before 6.3,
 * everything or, from then on, devices of the driver's type.  A type that no
 * device has leaves new_id.
 */
enum dax_driver_type {
	DAXDRV_MEMMAPD_TYPE = 0x6d6d,
};

#ifdef HAVE_DAX_TYPE
#define DAX_DRIVER_NEW_ID_ONLY .type = DAXDRV_MEMMAPD_TYPE
#else
#define DAX_DRIVER_NEW_ID_ONLY .match_always = 0
#endif

struct dax_device_driver {
	struct device_driver drv;
	struct list_head ids;
#ifdef HAVE_DAX_TYPE
	enum dax_driver_type type;
#else
	int match_always;
#endif
	int (*probe)(struct dev_dax *dev);
	void (*remove)(struct dev_dax *dev);
};

#ifndef __CHECKER__	/* sparse does not lay out struct device as gcc does */
DAX_LAYOUT_CHECKS
#endif

int __dax_driver_register(struct dax_device_driver *dax_drv,
			  struct module *module, const char *mod_name);
void dax_driver_unregister(struct dax_device_driver *dax_drv);

#endif

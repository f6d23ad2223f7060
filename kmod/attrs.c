// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sysfs interface, documented in ABI/testing/sysfs-bus-dax-memmapd.
 *
 * The driver core creates the device's group after probe and drains it before
 * remove, so a claim is there as long as an attribute is.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/memory.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "memmapd.h"

static struct memmapd_claim *to_claim(struct device *dev)
{
	return dev_get_drvdata(dev);
}

static ssize_t block_size_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", memory_block_size_bytes());
}
static DEVICE_ATTR_RO(block_size);

static ssize_t blocks_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%lu\n", to_claim(dev)->nr_blocks);
}
static DEVICE_ATTR_RO(blocks);

static ssize_t trimmed_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_claim(dev)->trimmed);
}
static DEVICE_ATTR_RO(trimmed);

static ssize_t memmap_size_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", memmapd_memmap_size());
}
static DEVICE_ATTR_RO(memmap_size);

static ssize_t memmap_on_memory_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", to_claim(dev)->memmap_on_memory);
}

static ssize_t memmap_on_memory_store(struct device *dev,
				      struct device_attribute *attr,
				      const char *buf, size_t count)
{
	struct memmapd_claim *claim = to_claim(dev);
	bool on;
	int rc;

	rc = kstrtobool(buf, &on);
	if (rc)
		return rc;
	if (on && memmapd_no_memmap_on_memory())
		return -EOPNOTSUPP;
	if (mutex_lock_interruptible(&claim->ops_lock))
		return -EINTR;
	claim->memmap_on_memory = on;
	mutex_unlock(&claim->ops_lock);
	return count;
}
static DEVICE_ATTR_RW(memmap_on_memory);

static ssize_t memmap_on_memory_supported_show(struct device *dev,
					       struct device_attribute *attr,
					       char *buf)
{
	const char *why = memmapd_no_memmap_on_memory();

	return why ? sysfs_emit(buf, "0 %s\n", why) : sysfs_emit(buf, "1\n");
}
static DEVICE_ATTR_RO(memmap_on_memory_supported);

/* "N" or "N-M", both of them blocks of the device; M may be below N. */
static int parse_blocks(const struct memmapd_claim *claim, const char *buf,
			size_t count, unsigned long *from, unsigned long *to)
{
	char text[48];
	char *first, *last;
	int rc;

	/* What comes after a NUL was written as well. */
	if (strlen(buf) != count || strscpy(text, buf, sizeof(text)) < 0)
		return -EINVAL;
	last = strim(text);
	/* kstrtoul() takes a sign and a newline, also in the middle. */
	if (last[strspn(last, "0123456789-")])
		return -EINVAL;
	first = strsep(&last, "-");
	rc = kstrtoul(first, 10, from);
	if (rc)
		return rc;
	*to = *from;
	if (last)
		rc = kstrtoul(last, 10, to);
	if (rc)
		return rc;
	return *from < claim->nr_blocks && *to < claim->nr_blocks ? 0 : -ERANGE;
}

static ssize_t each_block(struct device *dev, const char *buf, size_t count,
			  int (*act)(struct memmapd_claim *, unsigned long))
{
	struct memmapd_claim *claim = to_claim(dev);
	unsigned long i, to;
	int rc;

	rc = parse_blocks(claim, buf, count, &i, &to);
	if (rc)
		return rc;
	for (;;) {
		/* Let go between blocks: an unbinding must not starve. */
		if (mutex_lock_interruptible(&claim->ops_lock))
			return -EINTR;
		rc = act(claim, i);
		mutex_unlock(&claim->ops_lock);
		if (rc)
			return rc;
		if (i == to)
			return count;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
		i = i < to ? i + 1 : i - 1;
	}
}

static ssize_t plug_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	return each_block(dev, buf, count, memmapd_claim_plug);
}
static DEVICE_ATTR_WO(plug);

static ssize_t unplug_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	return each_block(dev, buf, count, memmapd_claim_unplug);
}
static DEVICE_ATTR_WO(unplug);

/* Binary, as a text attribute ends after a page: 4096 blocks. */
static ssize_t map_read(struct file *file, struct kobject *kobj,
			compat_const_attr struct bin_attribute *attr, char *buf,
			loff_t off, size_t count)
{
	struct memmapd_claim *claim = to_claim(kobj_to_dev(kobj));
	size_t i;

	if (off >= claim->nr_blocks)
		return 0;
	count = min_t(u64, count, claim->nr_blocks - off);
	for (i = 0; i < count; i++) {
		buf[i] = memmapd_claim_map(claim, off + i);
		cond_resched();
	}
	return count;
}
static BIN_ATTR_RO(map, 0);

static struct attribute *device_attrs[] = {
	&dev_attr_block_size.attr,
	&dev_attr_blocks.attr,
	&dev_attr_trimmed.attr,
	&dev_attr_memmap_size.attr,
	&dev_attr_memmap_on_memory.attr,
	&dev_attr_memmap_on_memory_supported.attr,
	&dev_attr_plug.attr,
	&dev_attr_unplug.attr,
	NULL
};

static compat_const_attrs struct bin_attribute *compat_const_attrs
device_bin_attrs[] = {
	&bin_attr_map,
	NULL
};

static const struct attribute_group device_group = {
	.name = "memmapd",
	.attrs = device_attrs,
	.bin_attrs = device_bin_attrs,
};

const struct attribute_group *memmapd_device_groups[] = {
	&device_group,
	NULL
};

static ssize_t orphans_show(struct device_driver *drv, char *buf)
{
	return memmapd_orphans_show(buf);
}
static DRIVER_ATTR_RO(orphans);

static ssize_t reclaim_store(struct device_driver *drv, const char *buf,
			     size_t count)
{
	bool on;
	int rc = kstrtobool(buf, &on);

	if (rc)
		return rc;
	if (!on)
		return -EINVAL;
	memmapd_orphans_reclaim();
	return count;
}
static DRIVER_ATTR_WO(reclaim);

static struct attribute *driver_attrs[] = {
	&driver_attr_orphans.attr,
	&driver_attr_reclaim.attr,
	NULL
};

static const struct attribute_group driver_group = {
	.attrs = driver_attrs,
};

const struct attribute_group *memmapd_driver_groups[] = {
	&driver_group,
	NULL
};

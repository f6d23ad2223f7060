// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver on the dax bus.
 *
 * The bus hands over the ranges and tells of removal, so no physical address is
 * ever taken from user space.  Devices are bound through new_id only.  Probe and
 * remove can run under a lock that is global to all dax devices: probe only
 * registers, and remove gives back no more than what is offline already.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "dax-private.h"
#include "memmapd.h"

#define MAX_RANGES	4096

static int memmapd_probe(struct dev_dax *dev_dax);
static void memmapd_remove(struct dev_dax *dev_dax);

static struct dax_device_driver memmapd_driver = {
	.drv = {
		.groups = memmapd_driver_groups,
		.dev_groups = memmapd_device_groups,
	},
	DAX_DRIVER_NEW_ID_ONLY,
	.probe = memmapd_probe,
	.remove = memmapd_remove,
};

/*
 * struct dev_dax is declared by ourselves.  Were it laid out differently in the
 * running kernel, this is where it would show, before anything is believed.
 */
static bool layout_is_ours(const struct dev_dax *dev_dax)
{
	unsigned long pgoff = 0;
	int i;

	if (dev_dax->dev.bus != memmapd_driver.drv.bus ||
	    dev_dax->dev.driver != &memmapd_driver.drv)
		return false;
	if (dev_dax->nr_range < 1 || dev_dax->nr_range > MAX_RANGES ||
	    !virt_addr_valid(dev_dax->ranges))
		return false;
	for (i = 0; i < dev_dax->nr_range; i++) {
		const struct range *r = &dev_dax->ranges[i].range;

		if (dev_dax->ranges[i].pgoff != pgoff || r->start >= r->end ||
		    !PAGE_ALIGNED(r->start) || !PAGE_ALIGNED(r->end + 1))
			return false;
		pgoff += PHYS_PFN(range_len(r));
	}
	return true;
}

static int memmapd_probe(struct dev_dax *dev_dax)
{
	struct device *dev = &dev_dax->dev;
	struct memmapd_claim *claim;

	if (!layout_is_ours(dev_dax)) {
		pr_err("struct dev_dax of this kernel is not the one this module was built for; not binding\n");
		return -ENODEV;
	}
	if (dev_dax->target_node < 0) {
		dev_err(dev, "has no target node\n");
		return -EINVAL;
	}
	claim = memmapd_claim_get(dev_dax);
	if (IS_ERR(claim))
		return PTR_ERR(claim);
	dev_set_drvdata(dev, claim);
	return 0;
}

/* The attributes are gone by now, and with them every plug and unplug. */
static void memmapd_remove(struct dev_dax *dev_dax)
{
	struct memmapd_claim *claim = dev_get_drvdata(&dev_dax->dev);

	dev_set_drvdata(&dev_dax->dev, NULL);
	memmapd_claim_release(claim);
}

/*
 * Unbinding waits for a running plug to return.  This comes before, and makes
 * it return at its next block.
 */
static int bus_notify(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	struct device *dev = data;

	if (action == BUS_NOTIFY_UNBIND_DRIVER &&
	    dev->driver == &memmapd_driver.drv && dev_get_drvdata(dev))
		memmapd_claim_set_dying(dev_get_drvdata(dev));
	return NOTIFY_DONE;
}

static struct notifier_block bus_nb = {
	.notifier_call = bus_notify,
};

static int __init memmapd_init(void)
{
	int rc;

	rc = memmapd_tiers_init();
	if (rc)
		return rc;
	rc = memmapd_guard_init();
	if (rc)
		goto err_guard;
	rc = __dax_driver_register(&memmapd_driver, THIS_MODULE,
				   KBUILD_MODNAME);
	if (rc)
		goto err_driver;
	rc = bus_register_notifier(memmapd_driver.drv.bus, &bus_nb);
	if (rc)
		goto err_notifier;
	return 0;

err_notifier:
	dax_driver_unregister(&memmapd_driver);
err_driver:
	memmapd_guard_exit();
err_guard:
	memmapd_tiers_exit();
	return rc;
}

static void __exit memmapd_exit(void)
{
	bus_unregister_notifier(memmapd_driver.drv.bus, &bus_nb);
	dax_driver_unregister(&memmapd_driver);
	memmapd_guard_exit();
	memmapd_tiers_exit();
}

module_init(memmapd_init);
module_exit(memmapd_exit);
MODULE_AUTHOR("The memmapd developers");
MODULE_DESCRIPTION("dax memory into system RAM, block by block");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * famez_dax: FAM as device-dax, /dev/daxX.Y, without a byte of it written.
 *
 * No kernel takes it as System RAM by itself, as the region is not marked for that; nor
 * does one that is told to, as the memory has no NUMA node to go to.  It has one when
 * the owner is "ram": then the guest is alone on FAM.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/memregion.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/numa.h>

#include <linux/famez_fabric.h>
#include <famez/client.h>
#include <famez/compat.h>

#include "core.h"

static int famez_dax_node(struct famez_fam *fam)
{
	int node = dev_to_node(&fam->adev.dev);

	if (!(fam->use & FAMEZ_USE_ALONE))
		return NUMA_NO_NODE;
	return node == NUMA_NO_NODE ? 0 : node;
}

/* @id: X of /dev/daxX.Y */
static int famez_dax_create(struct famez_fam *fam, int id)
{
	struct range range = {
		.start = fam->start,
		.end = fam->start + fam->length - 1,
	};
	struct dev_dax_data data = { .id = -1, .size = fam->length };
	struct dev_dax *dev_dax;

	data.dax_region = alloc_dax_region(&fam->adev.dev, id, &range,
					   famez_dax_node(fam), PMD_SIZE, 0);
	if (!data.dax_region)
		return -ENOMEM;
	dev_dax = devm_create_dev_dax(&data);
	famez_dax_region_put(data.dax_region);
	return PTR_ERR_OR_ZERO(dev_dax);
}

static void famez_dax_free_id(void *id)
{
	memregion_free((unsigned long)id);
}

static int famez_dax_probe(struct auxiliary_device *adev,
			   const struct auxiliary_device_id *aux_id)
{
	struct famez_fam *fam = famez_fam_of(adev);
	int id, err;

	/* of those for 2 MiB a kernel keeps two or more pages */
	err = famez_fam_affords(fam, fam->length / PAGE_SIZE * sizeof(struct page) / 4);
	if (err)
		return err;
	/* nvdimm's regions, which may be /dev/daxX.Y, have theirs from there, too */
	id = memregion_alloc(GFP_KERNEL);
	if (id < 0)
		return id;
	/* goes when the dax core's devices have, by the same means */
	err = devm_add_action_or_reset(&adev->dev, famez_dax_free_id,
				       (void *)(unsigned long)id);
	if (!err)
		err = famez_dax_create(fam, id);
	if (err)
		famez_fam_trouble(fam, "refused",
				  "the dax core does not take it: no memory, or larger pages");
	else
		famez_fam_ready(fam);
	return err;
}

/* The dax core has its own way to end with the device. */
static void famez_dax_remove(struct auxiliary_device *adev)
{
	famez_fam_free(famez_fam_of(adev));
}

static const struct auxiliary_device_id famez_dax_ids[] = {
	{ .name = "famez_bridge.dax" },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, famez_dax_ids);

static struct auxiliary_driver famez_dax_driver = {
	.name = "dax",
	.id_table = famez_dax_ids,
	.probe = famez_dax_probe,
	.remove = famez_dax_remove,
};
module_auxiliary_driver(famez_dax_driver);

MODULE_DESCRIPTION("famez: FAM as device-dax");
MODULE_AUTHOR("The famez developers");
MODULE_LICENSE("GPL");

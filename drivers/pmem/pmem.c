// SPDX-License-Identifier: GPL-2.0
/*
 * famez_pmem: FAM as an nvdimm region, for ndctl, file systems and /dev/pmemN.
 *
 * What a namespace is, nvdimm keeps in the memory itself, so that all guests see the
 * same one.  A flush asks the switch; where there is none, nvdimm says that it cannot
 * guarantee persistence.
 */
#include <linux/align.h>
#include <linux/libnvdimm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <famez/client.h>

#include "superblock.h"

/* ndctl makes a namespace of nothing else, unless the region is changed first */
#define FAMEZ_PMEM_ALIGN	SZ_16M

#define FAMEZ_MAP_DEV	"a namespace was made with --map=dev: guests would overwrite each other's struct pages"
#define FAMEZ_REPAIR	"to begin anew, without what is there: head -c 4096 /dev/zero | famezctl --device /dev/%s write --in-use %llu; then ndctl create-namespace with --map=mem\n"

/* How often strangers' superblocks are looked for; on a CPU that is awake anyway. */
#define FAMEZ_WATCH	(2 * HZ)

/**
 * struct famez_pmem - the region
 * @fam: its memory
 * @descriptor: nvdimm keeps a pointer to it
 * @bus: with its one region; NULL when it was disabled; by @watch alone, and when that
 *	has ended
 * @watch: looks for a superblock that must not be
 */
struct famez_pmem {
	struct famez_fam *fam;
	struct nvdimm_bus_descriptor descriptor;
	struct nvdimm_bus *bus;
	struct delayed_work watch;
};

static int famez_pmem_flush(struct nd_region *region, struct bio *bio)
{
	struct famez_pmem *p = nd_region_provider_data(region);

	return famez_fam_flush(p->fam);
}

/* ---- Struct pages in the memory --------------------------------------------------- */

static int famez_pmem_check(struct famez_fam *fam)
{
	int map_dev = famez_map_dev(fam->start, fam->length);

	if (map_dev <= 0)
		return map_dev;
	famez_fam_trouble(fam, "map-dev", FAMEZ_MAP_DEV);
	dev_err(&fam->adev.dev, FAMEZ_REPAIR, famez_fam_name(fam),
		famez_fam_offset(fam) + 4096);
	return -EINVAL;
}

static void famez_pmem_disable(struct famez_pmem *p)
{
	nvdimm_bus_unregister(p->bus);
	p->bus = NULL;
}

static void famez_pmem_watch(struct work_struct *work)
{
	struct famez_pmem *p = container_of(to_delayed_work(work), struct famez_pmem,
					    watch);

	if (famez_pmem_check(p->fam) == -EINVAL)
		famez_pmem_disable(p);
	else
		queue_delayed_work(system_power_efficient_wq, &p->watch, FAMEZ_WATCH);
}

/* ---- Binding ------------------------------------------------------------------------ */

static int famez_pmem_register(struct famez_pmem *p)
{
	u64 length = ALIGN_DOWN(p->fam->length, FAMEZ_PMEM_ALIGN) ?: p->fam->length;
	struct resource memory = {
		.start = p->fam->start,
		.end = p->fam->start + length - 1,
		.flags = IORESOURCE_MEM,
	};
	struct nd_region_desc region = {
		.res = &memory,
		.numa_node = dev_to_node(&p->fam->adev.dev),
		.target_node = NUMA_NO_NODE,
		.provider_data = p,
	};

	set_bit(ND_REGION_PAGEMAP, &region.flags);
	if (famez_fam_can_flush(p->fam)) {
		region.flush = famez_pmem_flush;
		set_bit(ND_REGION_ASYNC, &region.flags);
	}
	p->descriptor.provider_name = (char *)famez_fam_name(p->fam);
	p->descriptor.module = THIS_MODULE;
	p->bus = nvdimm_bus_register(&p->fam->adev.dev, &p->descriptor);
	if (!p->bus)
		return -ENOMEM;
	if (nvdimm_pmem_region_create(p->bus, &region))
		return 0;
	nvdimm_bus_unregister(p->bus);
	return -ENOMEM;
}

static int famez_pmem_probe(struct auxiliary_device *adev,
			    const struct auxiliary_device_id *id)
{
	struct famez_fam *fam = famez_fam_of(adev);
	struct famez_pmem *p;
	int err;

	err = famez_pmem_check(fam);
	if (!err)
		err = famez_fam_affords(fam, fam->length / PAGE_SIZE * sizeof(struct page));
	if (err)
		return err;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->fam = fam;
	INIT_DEFERRABLE_WORK(&p->watch, famez_pmem_watch);
	err = famez_pmem_register(p);
	if (err) {
		famez_fam_trouble(fam, "refused", "nvdimm does not take it: no memory");
		kfree(p);
		return err;
	}
	auxiliary_set_drvdata(adev, p);
	famez_fam_ready(fam);
	queue_delayed_work(system_power_efficient_wq, &p->watch, FAMEZ_WATCH);
	return 0;
}

static void famez_pmem_remove(struct auxiliary_device *adev)
{
	struct famez_pmem *p = auxiliary_get_drvdata(adev);

	cancel_delayed_work_sync(&p->watch);
	if (p->bus)
		nvdimm_bus_unregister(p->bus);
	famez_fam_free(p->fam);
	kfree(p);
}

static const struct auxiliary_device_id famez_pmem_ids[] = {
	{ .name = "famez_bridge.pmem" },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, famez_pmem_ids);

static struct auxiliary_driver famez_pmem_driver = {
	.name = "pmem",
	.id_table = famez_pmem_ids,
	.probe = famez_pmem_probe,
	.remove = famez_pmem_remove,
};
module_auxiliary_driver(famez_pmem_driver);

MODULE_DESCRIPTION("famez: FAM as persistent memory");
MODULE_AUTHOR("The famez developers");
MODULE_LICENSE("GPL");

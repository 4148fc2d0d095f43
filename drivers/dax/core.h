/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's dax core exports to its own drivers alone: drivers/dax/bus.h, which
 * is in no package of headers.  The signatures are those of 6.1 to 7.2.
 */
#ifndef _FAMEZ_DAX_CORE_H
#define _FAMEZ_DAX_CORE_H

#include <linux/range.h>
#include <linux/types.h>

struct dax_region;
struct dev_dax;
struct dev_pagemap;
struct device;

/**
 * struct dev_dax_data - what devm_create_dev_dax() is to make
 * @dax_region: where
 * @pgmap: NULL: the core makes one
 * @size: bytes
 * @id: Y of daxX.Y, -1: any
 * @memmap_on_memory: since 6.8; for System RAM alone
 */
struct dev_dax_data {
	struct dax_region *dax_region;
	struct dev_pagemap *pgmap;
	resource_size_t size;
	int id;
	bool memmap_on_memory;
};

/*
 * Uses the driver data of @parent, with which both end.  @flags: 0, as the others say
 * that the region is one device, and that it is for System RAM.
 */
struct dax_region *alloc_dax_region(struct device *parent, int region_id,
				    struct range *range, int target_node,
				    unsigned int align, unsigned long flags);
struct dev_dax *devm_create_dev_dax(struct dev_dax_data *data);

#endif /* _FAMEZ_DAX_CORE_H */

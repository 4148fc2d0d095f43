// SPDX-License-Identifier: GPL-2.0
/*
 * nvdimm's information block, struct nd_pfn_sb of drivers/nvdimm/pfn.h: 4 KiB into the
 * namespace, a signature of 16 bytes at its start and, at byte 72, where struct pages are kept.
 */
#include <linux/io.h>
#include <linux/string.h>

#include "superblock.h"

#define FAMEZ_SB_OFFSET		4096
#define FAMEZ_SB_SIGNATURE	16
#define FAMEZ_SB_MODE		72
#define FAMEZ_SB_BYTES		76
#define FAMEZ_SB_MODE_DEV	2	/* struct pages in the namespace, "map=dev" */

static bool famez_superblock_is(const u8 *sb, const char *signature)
{
	return !memcmp(sb, signature, strlen(signature) + 1);
}

int famez_map_dev(u64 start, u64 length)
{
	u8 sb[FAMEZ_SB_BYTES];
	__le32 mode;
	void *at;

	if (length < FAMEZ_SB_OFFSET + sizeof(sb))
		return 0;
	at = memremap(start + FAMEZ_SB_OFFSET, sizeof(sb), MEMREMAP_WB);
	if (!at)
		return -ENOMEM;
	memcpy(sb, at, sizeof(sb));
	memunmap(at);
	BUILD_BUG_ON(sizeof("NVDIMM_PFN_INFO") != FAMEZ_SB_SIGNATURE);
	if (!famez_superblock_is(sb, "NVDIMM_PFN_INFO") &&
	    !famez_superblock_is(sb, "NVDIMM_DAX_INFO"))
		return 0;
	memcpy(&mode, sb + FAMEZ_SB_MODE, sizeof(mode));
	return le32_to_cpu(mode) == FAMEZ_SB_MODE_DEV;
}

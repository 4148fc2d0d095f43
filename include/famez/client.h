/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For modules that offer FAM in other forms: famez_pmem and famez_dax.
 *
 * FAM has one owner at a time, which the bridge's "fam" says.  For an owner other
 * than none, the bridge creates an auxiliary device, "famez_bridge.pmem.N" or
 * "famez_bridge.dax.N", below the PCI device, and takes it away before the
 * memory goes: a driver's remove() is over by then.
 */
#ifndef _FAMEZ_CLIENT_H
#define _FAMEZ_CLIENT_H

#include <linux/auxiliary_bus.h>
#include <linux/types.h>

struct famez_bridge;

/**
 * struct famez_fam - the memory that an owner offers
 * @adev: its device; famez_dax leaves driver data to the dax core
 * @bridge: whose memory it is
 * @start: bus address, a multiple of 2 MiB
 * @length: bytes, likewise
 * @use: %FAMEZ_USE_PMEM or %FAMEZ_USE_DAX, and further flags
 * @status: what has become of it, a word for sysfs; a constant string, set by famez_fam_ready()
 *	and its like alone, in the driver's probe() and remove(), and its work
 *
 * All but @status are constant.
 */
struct famez_fam {
	struct auxiliary_device adev;
	struct famez_bridge *bridge;
	u64 start;
	u64 length;
	u32 use;
	const char *status;
};

static inline struct famez_fam *famez_fam_of(struct auxiliary_device *adev)
{
	return container_of(adev, struct famez_fam, adev);
}

/** famez_fam_name() - of the bridge's device, as "famez_bridge" */
const char *famez_fam_name(const struct famez_fam *fam);

/** famez_fam_offset() - where in the FAM it begins, in bytes */
u64 famez_fam_offset(const struct famez_fam *fam);

/** famez_fam_can_flush() - is there a switch that syncs? */
bool famez_fam_can_flush(const struct famez_fam *fam);

/**
 * famez_fam_flush() - have all that was written to FAM on the host's disk
 * @fam: the memory
 *
 * Asks the switch, and waits for its answer, at most twice as long as famez_bridge's
 * flush_timeout says: one that has begun before comes first.  Allocates nothing, and
 * waits for nobody who does so in a way that begins I/O.
 *
 * Context: may sleep
 *
 * Return: 0, or -EIO: the sync has failed, or it is not known; -EOPNOTSUPP where
 * famez_fam_can_flush() says no
 */
int famez_fam_flush(struct famez_fam *fam);

/** famez_fam_ready() - the driver has it */
void famez_fam_ready(struct famez_fam *fam);

/** famez_fam_free() - the driver has let go of it */
void famez_fam_free(struct famez_fam *fam);

/**
 * famez_fam_trouble() - say why there is no pmem or dax
 * @fam: the memory
 * @status: a word for sysfs, a constant string
 * @trouble: for the log
 */
void famez_fam_trouble(struct famez_fam *fam, const char *status, const char *trouble);

/**
 * famez_fam_affords() - is there memory for what describes it?
 * @fam: the memory
 * @bytes: bytes of struct page
 *
 * Return: 0, or -ENOMEM with a line in the log: over a quarter of what is free
 */
int famez_fam_affords(struct famez_fam *fam, u64 bytes);

#endif /* _FAMEZ_CLIENT_H */

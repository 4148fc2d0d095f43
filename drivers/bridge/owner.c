// SPDX-License-Identifier: GPL-2.0
/*
 * Who has the FAM: none, so that programs map it; pmem or dax, which are modules of
 * their own (<famez/client.h>); ram is dax that may become System RAM, and so is for
 * who is alone on the fabric.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <famez/client.h>

#include "bridge.h"

static const struct {
	const char *name;	/* in sysfs */
	const char *device;	/* on the auxiliary bus */
	u32 use;
} famez_owners[] = {
	{ "none", NULL, 0 },
	{ "pmem", "pmem", FAMEZ_USE_PMEM },
	{ "dax", "dax", FAMEZ_USE_DAX },
	{ "ram", "dax", FAMEZ_USE_DAX | FAMEZ_USE_ALONE },
};

/* ---- For the drivers ---------------------------------------------------------------- */

const char *famez_fam_name(const struct famez_fam *f)
{
	return dev_name(&f->bridge->dev);
}
EXPORT_SYMBOL_GPL(famez_fam_name);

u64 famez_fam_offset(const struct famez_fam *f)
{
	return f->start - f->bridge->memory - f->bridge->layout.fam_offset;
}
EXPORT_SYMBOL_GPL(famez_fam_offset);

bool famez_fam_can_flush(const struct famez_fam *f)
{
	return famez_can_flush(f->bridge);
}
EXPORT_SYMBOL_GPL(famez_fam_can_flush);

int famez_fam_flush(struct famez_fam *f)
{
	return famez_fam_can_flush(f) ? famez_flush(f->bridge) : -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(famez_fam_flush);

void famez_fam_ready(struct famez_fam *f)
{
	WRITE_ONCE(f->status, "ready");
}
EXPORT_SYMBOL_GPL(famez_fam_ready);

void famez_fam_free(struct famez_fam *f)
{
	WRITE_ONCE(f->status, "no-driver");
}
EXPORT_SYMBOL_GPL(famez_fam_free);

void famez_fam_trouble(struct famez_fam *f, const char *status, const char *trouble)
{
	WRITE_ONCE(f->status, status);
	dev_err(&f->adev.dev, "%s\n", trouble);
}
EXPORT_SYMBOL_GPL(famez_fam_trouble);

int famez_fam_affords(struct famez_fam *f, u64 bytes)
{
	u64 there = (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;

	if (bytes <= there / 4)
		return 0;
	famez_fam_trouble(f, "no-memory", "too little memory for what describes FAM");
	dev_err(&f->adev.dev, "struct pages take %llu MiB, over a quarter of %llu MiB that are free\n",
		bytes >> 20, there >> 20);
	return -ENOMEM;
}
EXPORT_SYMBOL_GPL(famez_fam_affords);

/* ---- What is wanted, and may it be? --------------------------------------------------- */

static bool famez_region_named(struct famez_bridge *b, const char *name,
			       struct famez_region_info *r)
{
	u32 index = 0;

	while (famez_regions(b, &index, r, 1) > 0)
		if (!strcmp(r->name, name))
			return true;
	return false;
}

/* All of FAM, up to the first region that is scratch. */
static u64 famez_whole(struct famez_bridge *b)
{
	u64 end = b->layout.fam_size;
	struct famez_region_info r;
	u32 index = 0;

	while (famez_regions(b, &index, &r, 1) > 0)
		if (r.use == FAMEZ_USE_SCRATCH)
			end = min(end, r.offset);
	return ALIGN_DOWN(end, FAMEZ_REGION_ALIGN_DAX);
}

/* Return: 0, with offset and length of @want; or -errno, and why */
static int famez_want(struct famez_bridge *b, u32 *use, struct famez_region_info *want,
		      const char **why)
{
	if (*b->fam_region) {
		*why = "there is no such region";
		if (!famez_region_named(b, b->fam_region, want))
			return -ENOENT;
		*why = "the region is for another use";
		if (want->use != (*use & FAMEZ_USE_MASK))
			return -EINVAL;
	} else {
		*want = (struct famez_region_info) { .length = famez_whole(b) };
		*use |= FAMEZ_USE_WHOLE;
	}
	*why = "FAM does not begin at a multiple of 2 MiB, or is shorter";
	if (!want->length || !IS_ALIGNED(want->length, FAMEZ_REGION_ALIGN_DAX) ||
	    !IS_ALIGNED(b->memory + b->layout.fam_offset + want->offset,
			FAMEZ_REGION_ALIGN_DAX))
		return -EINVAL;
	return 0;
}

/* ---- The device that drivers bind ------------------------------------------------------- */

static void famez_fam_release(struct device *dev)
{
	struct famez_fam *f = famez_fam_of(to_auxiliary_dev(dev));

	put_device(&f->bridge->dev);
	kfree(f);
}

static struct famez_fam *famez_fam_add(struct famez_bridge *b, const char *name, u32 use,
				       const struct famez_region_info *want)
{
	struct famez_fam *f;
	int err;

	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->bridge = b;
	f->start = b->memory + b->layout.fam_offset + want->offset;
	f->length = want->length;
	f->use = use;
	famez_fam_free(f);
	f->adev.name = name;
	f->adev.id = MINOR(b->dev.devt);
	f->adev.dev.parent = &b->pdev->dev;
	f->adev.dev.release = famez_fam_release;
	set_dev_node(&f->adev.dev, dev_to_node(&b->pdev->dev));
	err = auxiliary_device_init(&f->adev);
	if (err) {
		kfree(f);
		return ERR_PTR(err);
	}
	get_device(&b->dev);
	err = auxiliary_device_add(&f->adev);
	if (err) {
		auxiliary_device_uninit(&f->adev);
		return ERR_PTR(err);
	}
	return f;
}

/* ---- Changing hands: under owner_lock ---------------------------------------------------- */

/* Waits for those who map FAM as it was. */
static void famez_owner_map(struct famez_bridge *b, bool paged, bool private)
{
	down_write(&b->fam_sem);
	b->fam_paged = paged;
	b->fam_private = private;
	up_write(&b->fam_sem);
	if (private)
		famez_mappings_zap(b);
}

/* @use: what peers are told from then on */
static void famez_owner_drop(struct famez_bridge *b, u32 use)
{
	if (b->fam_device) {
		/* its driver has let go when this returns */
		auxiliary_device_delete(&b->fam_device->adev);
		auxiliary_device_uninit(&b->fam_device->adev);
	}
	famez_owner_map(b, false, false);
	b->fam_device = NULL;
	b->owner = 0;
	famez_fabric_use(b, use);
}

/* Is any of it System RAM of ours?  No driver can take that back, and no peer may have it. */
static bool famez_owner_online(struct famez_bridge *b)
{
	const struct famez_fam *f = b->fam_device;
	u64 at;

	if (!f)
		return false;
	for (at = 0; at < f->length; at += 1ULL << SECTION_SIZE_BITS)
		if (pfn_to_online_page(PHYS_PFN(f->start + at)))
			return true;
	return pfn_to_online_page(PHYS_PFN(f->start + f->length - 1));
}

/*
 * Says so before it looks: of two peers that begin at once, one sees the other.  What it
 * was is said, too, until that is no more.
 */
static int famez_owner_claim(struct famez_bridge *b, u32 use,
			     const struct famez_region_info *want, const char **why)
{
	u32 before = b->fam_use;

	famez_fabric_use(b, before | use);
	*why = famez_fam_conflict(b, use, want);
	if (!*why)
		return 0;
	famez_fabric_use(b, before);
	return -EBUSY;
}

static int famez_owner_take(struct famez_bridge *b, u32 owner, const char **why)
{
	u32 use = famez_owners[owner].use;
	struct famez_region_info want;
	struct famez_fam *f;
	int err;

	*why = "another switch has the memory by now";
	if (famez_lost(b))
		return -ENODEV;
	*why = b->tables.unknown;
	if (*why)
		return -EBUSY;
	err = famez_want(b, &use, &want, why);
	if (!err)
		err = famez_owner_claim(b, use, &want, why);
	if (err)
		return err;
	famez_owner_drop(b, use);
	famez_owner_map(b, true, use & FAMEZ_USE_ALONE);
	*why = "the device for its driver cannot be made";
	f = famez_fam_add(b, famez_owners[owner].device, use, &want);
	if (IS_ERR(f)) {
		famez_owner_drop(b, 0);
		return PTR_ERR(f);
	}
	b->fam_device = f;
	b->owner = owner;
	if (famez_fam_plain_memtype(b) != FAMEZ_MEMORY_WB)
		dev_warn(&b->dev, "%s is uncached, and slow: the BAR is under an uncached MTRR; place it above 4 GiB, or see famezctl fam --writeback\n",
			 famez_owners[owner].name);
	return 0;
}

/* Return: which it is; ARRAY_SIZE(famez_owners): none */
static u32 famez_owner_find(const char *name)
{
	u32 owner;

	for (owner = 0; owner < ARRAY_SIZE(famez_owners); owner++)
		if (sysfs_streq(name, famez_owners[owner].name))
			break;
	return owner;
}

bool famez_owner_known(const char *name)
{
	return famez_owner_find(name) < ARRAY_SIZE(famez_owners);
}

int famez_owner_set(struct famez_bridge *b, const char *name)
{
	u32 owner = famez_owner_find(name);
	const char *why = NULL;
	int err = 0;

	if (owner == ARRAY_SIZE(famez_owners))
		return -EINVAL;
	mutex_lock(&b->owner_lock);
	if (b->owner_shut)
		err = -ENODEV;
	else if (owner == b->owner)
		err = 0;
	else if (famez_owner_online(b))
		err = -EBUSY;
	else if (!owner)
		famez_owner_drop(b, 0);
	else
		err = famez_owner_take(b, owner, &why);
	mutex_unlock(&b->owner_lock);
	if (err == -EBUSY && !why)
		why = "it is System RAM; take it back by daxctl first";
	if (err && why)
		dev_err(&b->dev, "fam: not %s: %s\n", famez_owners[owner].name, why);
	return err;
}

/* ---- For sysfs ------------------------------------------------------------------------------ */

const char *famez_owner_name(struct famez_bridge *b)
{
	return famez_owners[READ_ONCE(b->owner)].name;
}

ssize_t famez_owner_status(struct famez_bridge *b, char *buf)
{
	const char *status = "none";

	mutex_lock(&b->owner_lock);
	if (b->fam_device)
		status = READ_ONCE(b->fam_device->status);
	mutex_unlock(&b->owner_lock);
	return sysfs_emit(buf, "%s\n", status);
}

ssize_t famez_owner_region(struct famez_bridge *b, char *buf)
{
	ssize_t bytes;

	mutex_lock(&b->owner_lock);
	bytes = sysfs_emit(buf, "%s\n", b->fam_region);
	mutex_unlock(&b->owner_lock);
	return bytes;
}

ssize_t famez_owner_memtype(struct famez_bridge *b, char *buf)
{
	bool cached;

	if (!famez_enter(b))
		return -ENODEV;
	cached = famez_fam_plain_memtype(b) == FAMEZ_MEMORY_WB;
	famez_leave(b);
	return sysfs_emit(buf, "%s\n", cached ? "write-back" : "uncached");
}

int famez_owner_set_region(struct famez_bridge *b, const char *name, size_t length)
{
	char copy[FAMEZ_REGION_NAME] = "";
	int err = -EBUSY;

	if (length && name[length - 1] == '\n')
		length--;
	if (length >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, name, length);
	if (length && !famez_region_name_ok(copy))
		return -EINVAL;
	mutex_lock(&b->owner_lock);
	if (!b->owner) {
		memcpy(b->fam_region, copy, sizeof(copy));
		err = 0;
	}
	mutex_unlock(&b->owner_lock);
	return err;
}

/* ---- Start and stop ------------------------------------------------------------------------ */

void famez_owner_start(struct famez_bridge *b)
{
	const char *fam = famez_first_owner();
	int err = famez_owner_set(b, fam);

	if (err)
		dev_err(&b->dev, "fam=%s: error %d; the FAM is for programs to map\n", fam,
			err);
}

void famez_owner_stop(struct famez_bridge *b)
{
	mutex_lock(&b->owner_lock);
	b->owner_shut = true;
	/* what is online stays this kernel's, and peers keep off it until it restarts */
	famez_owner_drop(b, famez_owner_online(b) ? b->fam_use : 0);
	mutex_unlock(&b->owner_lock);
}

/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/* The one reader of the control area's table of regions. */
#ifndef _FAMEZ_REGIONS_H
#define _FAMEZ_REGIONS_H

#include <linux/famez.h>
#include <famez/layout.h>

/**
 * famez_region_is_dax() - do kernels use it, rather than programs?
 *
 * So does whoever has it for a use that is newer than this: who does not know better,
 * does not write there.
 */
static inline bool famez_region_is_dax(const struct famez_region_info *r)
{
	return r->use != FAMEZ_USE_FREE && r->use != FAMEZ_USE_SCRATCH;
}

/** famez_region_align() - what offset and length are multiples of */
static inline __u64 famez_region_align(const struct famez_region_info *r)
{
	return famez_region_is_dax(r) ? FAMEZ_REGION_ALIGN_DAX : FAMEZ_REGION_ALIGN;
}

/* Is that some of FAM, in whole pages? */
static inline bool famez_region_is_there(__u64 fam_size, const struct famez_region_info *r)
{
	return r->length && !((r->offset | r->length) % FAMEZ_REGION_ALIGN) &&
	       r->offset <= fam_size && r->length <= fam_size - r->offset;
}

/** famez_region_fits() - can a switch of this version have made it? */
static inline bool famez_region_fits(__u64 fam_size, const struct famez_region_info *r)
{
	return famez_region_is_there(fam_size, r) && r->use <= FAMEZ_USE_SCRATCH &&
	       !((r->offset | r->length) % famez_region_align(r));
}

/** famez_region_meets() - has it any of @length bytes from @offset on? */
static inline bool famez_region_meets(const struct famez_region_info *r, __u64 offset,
				      __u64 length)
{
	return offset < r->offset + r->length && r->offset < offset + length;
}

/**
 * famez_region_name_ok() - is it a name?
 * @name: %FAMEZ_REGION_NAME bytes
 *
 * Printable ASCII without space or slash, up to 63 bytes.
 */
static inline bool famez_region_name_ok(const char *name)
{
	unsigned int i;

	for (i = 0; i < FAMEZ_REGION_NAME && name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
			return false;
	return i && i < FAMEZ_REGION_NAME;
}

/* A name that we would not give is one, too: a newer switch may know more characters. */
static inline void famez_region_printable(char *name, const char *said)
{
	int i;

	for (i = 0; i < FAMEZ_REGION_NAME - 1 && said[i]; i++)
		name[i] = said[i] > ' ' && said[i] <= '~' && said[i] != '/' ? said[i] : '?';
}

/**
 * famez_region_read() - check a record
 * @fam_size: bytes of FAM
 * @shared: the record
 * @info: what it says, on true
 *
 * Its use may be one that a newer switch knows: it is a region, too.
 *
 * What changes while it is copied, the switch is about to make another: that is none.
 *
 * Return: true when there is a region
 */
static inline bool famez_region_read(__u64 fam_size, const struct famez_region *shared,
				     struct famez_region_info *info)
{
	struct famez_region copy, again;

	famez_copy_in(&copy, shared, sizeof(copy));
	famez_mb();
	famez_copy_in(&again, shared, sizeof(again));
	memset(info, 0, sizeof(*info));
	info->offset = famez_le64(copy.offset);
	info->length = famez_le64(copy.length);
	info->creator = famez_le32(copy.creator);
	info->use = famez_le32(copy.use);
	if (memcmp(&copy, &again, sizeof(copy)))
		return false;
	famez_region_printable(info->name, copy.name);
	return info->name[0] && famez_region_is_there(fam_size, info);
}

/**
 * struct famez_tables - what tells who uses FAM; no @regions: nothing does
 * @fam_size: bytes of FAM
 * @regions: struct famez_region
 * @peers: struct famez_peer
 * @unknown: NULL, or why tables that are there are not read: then all of FAM may be in
 *	use
 */
struct famez_tables {
	__u64 fam_size;
	struct famez_place regions;
	struct famez_place peers;
	const char *unknown;
};

/* Where in the memory they end. */
static inline __u64 famez_tables_end(const struct famez_tables *t)
{
	__u64 regions = t->regions.offset + (__u64)t->regions.count * t->regions.stride;
	__u64 peers = t->peers.offset + (__u64)t->peers.count * t->peers.stride;

	return regions > peers ? regions : peers;
}

/** famez_tables_region() - a record; true when there is a region */
static inline bool famez_tables_region(const struct famez_tables *t, const void *memory,
				       __u32 index, struct famez_region_info *info)
{
	const char *at = (const char *)memory + t->regions.offset;

	at += (__u64)famez_nospec(index, t->regions.count) * t->regions.stride;
	return famez_region_read(t->fam_size, (const void *)at, info);
}

static inline const struct famez_peer *famez_tables_peer(const struct famez_tables *t,
							 const void *memory, __u32 id)
{
	const char *at = (const char *)memory + t->peers.offset;

	return (const void *)(at + (__u64)id * t->peers.stride);
}

/*
 * How a peer uses FAM.  Whether it is up, the switch says later than it does itself, and
 * one that sleeps is not: so all that are there count.
 */
static inline __u32 famez_peer_use(const struct famez_peer *peer)
{
	if (famez_load(&peer->state) == FAMEZ_PEER_ABSENT)
		return 0;
	return famez_load(&peer->fam_use);
}

/* Does a peer use all of FAM as pmem or dax? */
static inline bool famez_tables_whole(const struct famez_tables *t, const void *memory)
{
	__u32 i;

	for (i = 0; i < t->peers.count; i++) {
		const struct famez_peer *peer = famez_tables_peer(t, memory, i);

		if (famez_peer_use(peer) & FAMEZ_USE_WHOLE)
			return true;
	}
	return false;
}

/**
 * famez_tables_in_use() - is any of a part of FAM in use as pmem or dax?
 * @t: the tables
 * @memory: the memory from its start, up to famez_tables_end()
 * @offset: from the start of FAM
 * @length: bytes
 *
 * Strangers can write the tables: this keeps the honest from spoiling a file system by
 * mistake, and nobody else from anything.
 */
static inline bool famez_tables_in_use(const struct famez_tables *t, const void *memory,
				       __u64 offset, __u64 length)
{
	struct famez_region_info r;
	bool scratch = false;
	__u32 i;

	for (i = 0; i < t->regions.count; i++) {
		if (!famez_tables_region(t, memory, i, &r))
			continue;
		if (famez_region_is_dax(&r) && famez_region_meets(&r, offset, length))
			return true;
		scratch |= r.use == FAMEZ_USE_SCRATCH && r.offset <= offset &&
			   length <= r.length && offset - r.offset <= r.length - length;
	}
	return !scratch && famez_tables_whole(t, memory);
}

/* What of a peer's use stands in the way of another?  NULL: nothing. */
static inline const char *famez_use_conflict(__u32 theirs, __u32 ours)
{
	if (!theirs)
		return NULL;
	if ((theirs | ours) & FAMEZ_USE_ALONE)
		return "another peer uses FAM, or has it for itself alone";
	if ((theirs ^ ours) & FAMEZ_USE_WHOLE)
		return "a peer uses all of FAM where another uses a region";
	if (ours & FAMEZ_USE_WHOLE && (theirs ^ ours) & FAMEZ_USE_MASK)
		return "another peer uses all of FAM in another way";
	return NULL;
}

/**
 * famez_tables_conflict() - may pmem or dax have a part of FAM?
 * @t: the tables
 * @memory: the memory from its start, up to famez_tables_end()
 * @own: own id, whose record is not looked at
 * @use: %FAMEZ_USE_PMEM and so on
 * @want: the region, or, with %FAMEZ_USE_WHOLE, all that is to be used
 *
 * Return: NULL, or why not
 */
static inline const char *famez_tables_conflict(const struct famez_tables *t,
						const void *memory, __u32 own, __u32 use,
						const struct famez_region_info *want)
{
	const char *why = NULL;
	struct famez_region_info r;
	__u32 i;

	for (i = 0; i < t->regions.count && use & FAMEZ_USE_WHOLE; i++)
		if (famez_tables_region(t, memory, i, &r) &&
		    famez_region_meets(&r, want->offset, want->length))
			return "there are regions; name one of them, or remove them";
	for (i = 0; i < t->peers.count && !why; i++) {
		const struct famez_peer *peer = famez_tables_peer(t, memory, i);

		if (i != own)
			why = famez_use_conflict(famez_peer_use(peer), use);
	}
	return why;
}

#endif /* _FAMEZ_REGIONS_H */

/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The one reader of the control area's header: checks a copy of it, and turns
 * it into native numbers that can be trusted to lie inside the memory.
 */
#ifndef _FAMEZ_LAYOUT_H
#define _FAMEZ_LAYOUT_H

#include <famez/shm.h>

/** struct famez_place - a checked struct famez_table */
struct famez_place {
	__u64 offset;
	__u32 count;
	__u32 stride;
};

/**
 * struct famez_layout - a checked header, see struct famez_header
 *
 * Without a header @major and @minor are 0; of one whose major or required features are
 * unknown, no more than them, @memory_size, @fam_offset and @fam_size is there.
 */
struct famez_layout {
	__u32 major;
	__u32 minor;
	__u64 optional;
	__u64 fabric;
	__u64 memory_size;
	__u64 fam_offset;
	__u64 fam_size;
	__u32 server_id;
	__u32 vectors;
	__u32 notify_vector;
	struct famez_place peers;
	struct famez_place bells;
	struct famez_place directory;
	struct famez_place regions;
	struct famez_place channels;
	__u64 taken;	/* bytes of channels, see famez_found_charge() */
};

/** famez_header_checksum() - what famez_header.checksum must be */
static inline __u32 famez_header_checksum(const struct famez_header *h)
{
	const __u8 *bytes = (const __u8 *)h;
	__u32 hash = 2166136261U;
	__u32 i;

	for (i = 0; i < offsetof(struct famez_header, peers_epoch); i++) {
		bool skip = i - offsetof(struct famez_header, checksum) < 4;

		hash = (hash ^ (skip ? 0 : bytes[i])) * 16777619U;
	}
	return hash;
}

/* A table is inside the control area and has records of at least @least. */
static inline bool famez_place_read(struct famez_place *place,
				    const struct famez_table *table,
				    __u64 end, __u32 least)
{
	place->offset = famez_le64(table->offset);
	place->count = famez_le32(table->count);
	place->stride = famez_le32(table->stride);
	return place->offset >= FAMEZ_SLOT_SIZE && place->offset <= end &&
	       !(place->offset & 63) && place->stride >= least &&
	       !(place->stride & 31) &&
	       (__u64)place->count * place->stride <= end - place->offset;
}

static inline bool famez_layout_tables(struct famez_layout *l,
				       const struct famez_header *h)
{
	__u64 end = l->fam_offset;

	return famez_place_read(&l->peers, &h->peers, end,
				FAMEZ_PEER_SIZE_VER0) &&
	       l->peers.count >= 2 && l->peers.count <= FAMEZ_PEERS_MAX &&
	       famez_place_read(&l->bells, &h->bells, end,
				2 * FAMEZ_BELL_ROW(l->peers.count)) &&
	       l->bells.count >= l->peers.count &&
	       famez_place_read(&l->directory, &h->directory, end,
				FAMEZ_DIRENTRY_SIZE_VER0) &&
	       famez_place_read(&l->regions, &h->regions, end,
				FAMEZ_REGION_SIZE_VER0) &&
	       l->regions.count <= FAMEZ_REGIONS_MAX &&
	       famez_place_read(&l->channels, &h->channels, end,
				FAMEZ_CHANNEL_SIZE_VER0 + FAMEZ_RING_MIN);
}

/**
 * famez_layout_read() - check a header
 * @l: what it says, on 0
 * @h: a private copy of the bytes at %FAMEZ_HEADER_OFFSET
 * @memory_size: bytes of the whole memory
 *
 * Return: 0; -ENODATA where no famez header is; -EPROTONOSUPPORT when its major
 * version or a required feature is unknown; -EBADMSG when it is damaged or does not fit
 */
static inline int famez_layout_read(struct famez_layout *l,
				    const struct famez_header *h,
				    __u64 memory_size)
{
	memset(l, 0, sizeof(*l));
	if (famez_le64(h->magic) != FAMEZ_MAGIC)
		return -ENODATA;
	if (famez_le32(h->header_size) < FAMEZ_HEADER_SIZE_VER0 ||
	    famez_le32(h->checksum) != famez_header_checksum(h) ||
	    famez_le64(h->memory_size) != memory_size ||
	    !h->fam_offset || famez_le64(h->fam_offset) >= memory_size ||
	    famez_le64(h->fam_offset) & 4095 ||
	    famez_le64(h->fam_size) != memory_size - famez_le64(h->fam_offset))
		return -EBADMSG;
	l->memory_size = memory_size;
	l->fam_offset = famez_le64(h->fam_offset);
	l->fam_size = famez_le64(h->fam_size);
	l->major = famez_le32(h->major);
	l->minor = famez_le32(h->minor);
	if (l->major != FAMEZ_MAJOR || h->required)
		return -EPROTONOSUPPORT;
	l->optional = famez_le64(h->optional);
	l->fabric = famez_le64(h->fabric);
	l->server_id = famez_le32(h->server_id);
	l->vectors = famez_le32(h->vectors);
	l->notify_vector = famez_le32(h->notify_vector);
	if (!l->fabric || !famez_layout_tables(l, h) ||
	    l->server_id >= l->peers.count || !l->vectors ||
	    l->vectors > FAMEZ_VECTORS_MAX || l->notify_vector >= l->vectors)
		return -EBADMSG;
	return 0;
}

/** struct famez_span - a checked struct famez_direntry */
struct famez_span {
	__u64 offset;
	__u32 from;
	__u32 to;
	__u32 size;
};

/**
 * famez_direntry_read() - check an entry of the directory
 * @l: the layout
 * @e: a private copy of the entry
 * @span: what it says, on true
 *
 * Return: true when it names a channel that can be used
 */
static inline bool famez_direntry_read(const struct famez_layout *l,
				       const struct famez_direntry *e,
				       struct famez_span *span)
{
	__u64 bytes = (__u64)l->channels.count * l->channels.stride;

	span->offset = famez_le64(e->offset);
	span->from = famez_le32(e->from);
	span->to = famez_le32(e->to);
	span->size = famez_le32(e->size);
	return !e->ring && span->size >= FAMEZ_RING_MIN && span->size <= FAMEZ_RING_MAX &&
	       !(span->size & (span->size - 1)) &&
	       span->from < l->peers.count && span->to < l->peers.count &&
	       span->from != span->to && !(span->offset & 63) &&
	       span->offset >= l->channels.offset &&
	       span->offset - l->channels.offset <= bytes &&
	       sizeof(struct famez_channel) + span->size <=
	       bytes - (span->offset - l->channels.offset);
}

/**
 * famez_peer_begin() - a start of a peer: take its half of its record down
 * @mine: own record
 *
 * A predecessor may have been of a later version; what it left where we know nothing is
 * not for ours.  The caller writes the rest, and the generation last.
 */
static inline void famez_peer_begin(struct famez_peer *mine)
{
	famez_store(&mine->generation, 0);
	famez_wmb();	/* nobody reads what is half written */
	famez_store(&mine->protocol, FAMEZ_PROTOCOL);
	famez_store(&mine->features, 0);
	memset(mine->reserved1, 0, sizeof(mine->reserved1));
	memset(mine->reserved2, 0, sizeof(mine->reserved2));
}

/**
 * famez_copy_string() - copy a stranger's string out of the control area
 * @to: %FAMEZ_NAME_SIZE bytes; terminated, and padded with NUL
 * @from: as many
 *
 * Each byte is read once; what is not printable ASCII becomes a question mark.
 */
static inline void famez_copy_string(char *to, const char *from)
{
	unsigned int i;

	memset(to, 0, FAMEZ_NAME_SIZE);
	for (i = 0; i < FAMEZ_NAME_SIZE - 1; i++) {
		char c = famez_load_byte(&from[i]);

		if (!c)
			break;
		to[i] = c >= ' ' && c <= '~' ? c : '?';
	}
}

#endif /* _FAMEZ_LAYOUT_H */

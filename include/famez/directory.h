/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * A peer's view of the directory: which channels are its own, and how it asks for
 * more.  Used by the driver, the library and the switch.
 *
 * Where memory is too small for a channel of each pair, a pair has its two when one
 * of them first wants them.  That peer writes the other's id into its record (ask)
 * and rings the switch, which writes directory entries, raises channels_epoch of
 * both, says that it has answered, whether or not there was room, and rings both.
 * One ask is open at a time.
 *
 * The channels of a peer that is gone for good are taken back: their entries go, and
 * channels_epoch of the other end is raised.  That one writes to its half no more,
 * and says so (channels_seen), before the memory becomes another pair's.
 */
#ifndef _FAMEZ_DIRECTORY_H
#define _FAMEZ_DIRECTORY_H

#include <famez/inbox.h>
#include <famez/layout.h>
#include <famez/outbox.h>

/* ---- What it names ------------------------------------------------------------- */

/**
 * struct famez_found - the channels with a peer that the directory names
 * @out: the one to it; NULL: none
 * @in: the one from it; NULL: none
 * @out_size: bytes of its ring
 * @in_size: likewise
 * @charged: bytes of all channels that famez_found_charge() took for this peer
 * @lost_out: our side of one that it names no more, see famez_found_lose()
 * @lost_in: likewise
 */
struct famez_found {
	struct famez_channel *out;
	struct famez_channel *in;
	__u32 out_size;
	__u32 in_size;
	__u64 charged;
	struct famez_tx lost_out;
	struct famez_rx lost_in;
};

/**
 * famez_directory_read() - is an entry one of ours?
 * @l: the layout
 * @memory: what it is the layout of
 * @index: of the entry, below directory.count
 * @id: own id
 * @span: the channel, on true
 *
 * The switch may be changing it: then channels_epoch changes afterwards.
 */
static inline bool famez_directory_read(const struct famez_layout *l,
					const void *memory, __u32 index,
					__u32 id, struct famez_span *span)
{
	struct famez_direntry entry;

	famez_copy_in(&entry, (const __u8 *)memory + l->directory.offset +
			      (__u64)index * l->directory.stride,
		      sizeof(entry));
	return famez_direntry_read(l, &entry, span) &&
	       (span->from == id || span->to == id);
}

/**
 * famez_found_note() - take note of one of our channels
 * @found: those with the other peer, emptied before the directory was read
 * @channel: where it is
 * @span: what the directory says
 * @id: own id
 *
 * The first of a pair counts.
 */
static inline void famez_found_note(struct famez_found *found,
				    struct famez_channel *channel,
				    const struct famez_span *span, __u32 id)
{
	if (span->from == id && !found->out) {
		found->out = channel;
		found->out_size = span->size;
	} else if (span->to == id && !found->in) {
		found->in = channel;
		found->in_size = span->size;
	}
}

static inline bool famez_found_same(const struct famez_channel *channel,
				    __u32 size, const __u8 *data, __u32 used)
{
	return channel ? channel->data == data && size == used : !data;
}

/** famez_found_new() - is that another than what the two ends use? */
static inline bool famez_found_new(const struct famez_found *found,
				   const struct famez_outbox *out,
				   const struct famez_inbox *in)
{
	return !famez_found_same(found->out, found->out_size, out->tx.data,
				 out->tx.size) ||
	       !famez_found_same(found->in, found->in_size, in->rx.data,
				 in->rx.size);
}

static inline __u64 famez_channel_bytes(const struct famez_channel *channel,
					__u32 size)
{
	return channel ? sizeof(*channel) + size : 0;
}

/**
 * famez_found_charge() - see that all channels have room side by side
 * @found: those with a peer; emptied when they have not
 * @l: counts them
 * @boxes: the inbox has still boxes of a channel: their memory counts, too
 *
 * Entries that overlap would need more memory beside the rings than the shared
 * memory has bytes.
 */
static inline void famez_found_charge(struct famez_found *found,
				      struct famez_layout *l, bool boxes)
{
	__u64 room = (__u64)l->channels.count * l->channels.stride;
	__u64 need = famez_channel_bytes(found->out, found->out_size) +
		     famez_channel_bytes(found->in, found->in_size);

	if (need > room - (l->taken - found->charged)) {
		found->out = NULL;
		found->in = NULL;
		need = 0;
	}
	if (boxes && need < found->charged)
		return;
	l->taken = l->taken - found->charged + need;
	found->charged = need;
}

/**
 * famez_found_lose() - stop using channels that the directory does not name
 * @found: the channels with a peer
 * @out: the sending end
 * @in: the receiving end
 *
 * Not a byte of them is written: they may be others' by now.  Somebody may have
 * spoilt the directory, though, so our side is kept for famez_found_use().
 */
static inline void famez_found_lose(struct famez_found *found,
				    struct famez_outbox *out,
				    struct famez_inbox *in)
{
	if (out->tx.data &&
	    !famez_found_same(found->out, found->out_size, out->tx.data,
			      out->tx.size)) {
		if (out->tx.own)
			found->lost_out = out->tx;
		out->tx.own = 0;
		out->tx.other = 0;
		out->tx.data = NULL;
	}
	if (in->rx.data &&
	    !famez_found_same(found->in, found->in_size, in->rx.data,
			      in->rx.size)) {
		if (in->rx.own)
			found->lost_in = in->rx;
		in->rx.own = 0;
		in->rx.other = 0;
		in->rx.data = NULL;
	}
}

/**
 * famez_found_forget() - a pair of generations ends: what was lost of it is lost
 * @found: the channels
 *
 * Return: true when a sender must be told
 */
static inline bool famez_found_forget(struct famez_found *found)
{
	bool lost = found->lost_out.data;

	found->lost_out.data = NULL;
	found->lost_in.data = NULL;
	return lost;
}

/**
 * famez_found_use() - have the two ends use what was found
 * @found: the channels
 * @out: the sending end; where another channel is found, it has none
 * @in: the receiving end, likewise, with its ports
 * @own: own generation
 * @other: the peer's; 0: it is not up
 *
 * A channel that was lost, and is found again for the same generations, goes on where
 * it was.  A box is made for one size of ring, so as long as there is one, a ring of
 * another size is none.
 */
static inline void famez_found_use(struct famez_found *found,
				   struct famez_outbox *out,
				   struct famez_inbox *in, __u32 own,
				   __u32 other)
{
	struct famez_channel *c = found->out;

	if (c && !out->tx.data) {
		if (found->lost_out.data == c->data && other &&
		    found->lost_out.size == found->out_size &&
		    found->lost_out.own == own &&
		    found->lost_out.other == other)
			out->tx = found->lost_out;
		out->tx.mine = &c->tx;
		out->tx.theirs = &c->rx;
		out->tx.data = c->data;
		out->tx.size = found->out_size;
		found->lost_out.data = NULL;
	}
	c = found->in;
	if (c && famez_inbox_has_boxes(in) && in->rx.size != found->in_size)
		c = NULL;
	if (c && !in->rx.data) {
		if (found->lost_in.data == c->data && other &&
		    found->lost_in.size == found->in_size &&
		    found->lost_in.own == own && found->lost_in.other == other)
			in->rx = found->lost_in;
		in->rx.mine = &c->rx;
		in->rx.theirs = &c->tx;
		in->rx.data = c->data;
		in->rx.size = found->in_size;
		found->lost_in.data = NULL;
	}
}

/* ---- Asking for more ------------------------------------------------------------- */

/**
 * struct famez_asker - what a peer asks the switch for
 * @ask: what it asked last: famez_peer.ask
 * @open: that is not answered yet
 */
struct famez_asker {
	__u32 ask;
	bool open;
};

#define FAMEZ_ASK_PEER(ask)	((ask) & 0xffffU)

/** famez_asker_begin() - a start of the peer: nothing is asked */
static inline void famez_asker_begin(struct famez_asker *asker,
				     struct famez_peer *mine)
{
	/* as if it were ours, and answered: the next is another */
	asker->ask = famez_load(&mine->answered);
	asker->open = false;
	famez_store(&mine->ask, asker->ask);
}

/**
 * famez_asker_ask() - want channels with a peer
 * @asker: with nothing open
 * @mine: own record
 * @id: the peer
 *
 * The caller rings the switch.
 */
static inline void famez_asker_ask(struct famez_asker *asker,
				   struct famez_peer *mine, __u32 id)
{
	asker->ask = ((asker->ask & ~0xffffU) + 0x10000U) | id;
	asker->open = true;
	famez_store(&mine->ask, asker->ask);
	famez_mb();	/* the switch, when it is rung, finds it */
}

/** famez_asker_answered() - was it dealt with?  What came of it is in the directory */
static inline bool famez_asker_answered(const struct famez_asker *asker,
					const struct famez_peer *mine)
{
	return famez_load_acquire(&mine->answered) == asker->ask;
}

#endif /* _FAMEZ_DIRECTORY_H */

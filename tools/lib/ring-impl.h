/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * User-space rings: what ring.c (records, sleeping) and ring-sides.c (who is at the
 * two ends) share, and what lies in the region.
 */
#ifndef FAMEZ_LIB_RING_IMPL_H
#define FAMEZ_LIB_RING_IMPL_H

#include <famez/ring.h>
#include "handle.h"

#define RING_MAGIC	0x01474e525a4d4146ULL	/* "FAMZRNG", version 1 */
#define RING_SIZE_MIN	4096U
#define RING_SIZE_MAX	0x10000000U
#define RING_HALVES	2048U	/* bytes of the two halves before each ring */
#define RING_CHANNELS	4096U	/* where the channels begin */

/**
 * struct ring_side - one end of a ring
 * @owner: the program at this end: id of its peer in the upper 16 bits, its port in the
 *	next 16, its generation in the lower 32; 0: nobody.  A program owns the end while
 *	its port is open.  Taken by compare-and-swap, which is atomic between machines in
 *	programs (kernels may have it otherwise).
 * @vector: on which of its peer's vectors it wants to be rung
 * @reserved: zero, cleared by who takes the end
 */
struct ring_side {
	__le64 owner;
	__le32 vector;
	__le32 reserved[13];
};

/**
 * struct ring_area - the start of the region
 * @magic: %RING_MAGIC
 * @reserved: zero, cleared by who writes @magic
 * @sides: the two ends
 *
 * At %RING_CHANNELS the channel from the first end to the second begins, and behind
 * it the other: %RING_HALVES bytes for struct famez_channel, of which ports' grants
 * and asks are not used, then the ring.  Rings are the largest powers of two for which
 * the region has room; the size is written nowhere, so nobody can spoil it.
 */
struct ring_area {
	__le64 magic;
	__le64 reserved[7];
	struct ring_side sides[2];
};

/**
 * struct famez_ring - one end of a ring, a program's own
 * @own: an endpoint for it: its port says that we live, and it rings and is rung
 * @id: our peer's id
 * @vectors: that this fabric has
 * @armed: those of them that our peer has
 * @area: the region
 * @mapping: the pages that it lies in
 * @side: which end is ours, 0 or 1
 * @owner: what that says while it is ours, 0: it is not
 * @vector: likewise
 * @other: the program at the other end as we know it, 0: nobody
 * @gone: it says so of its end, but has died
 * @last: who was the last to take part in a pair
 * @rung: we were, and it is not known what for
 * @doubt: it is to be asked whether it lives
 * @forget: what a former one sent is not wanted
 * @fresh: the program has not been told of @rx_other, by a connection or a record
 * @helped: it was rung as its half is not what it should be
 * @full: the head at which it was rung as there is no room
 * @polls: looks of a program that never sleeps
 * @listens: the vector on which its peer's driver rings us, too; -1: none yet
 * @tx: to the other end
 * @tx_other: with whom that is paired, 0: nobody
 * @tx_lost: what was sent is lost, which the program was not told
 * @tx_waits: famez_tx_wait() was not taken back
 * @payload: room for a record
 * @reserved: bytes of the record that the program writes there; -1: none
 * @rx: from the other end
 * @rx_other: with whom that is paired, 0: nobody
 * @rx_lost: as @tx_lost, of what there would have been to receive
 * @next: the record that famez_ring_peek() told of
 * @peeked: there is one
 * @bell: the eventfd that others ring
 * @fd: what famez_ring_fd() tells: @bell and @own's
 * @nonblock: never sleep
 * @timeout_ms: sleep no longer, 0: as long as it takes
 * @looks: how often to look before sleeping
 */
struct famez_ring {
	struct famez *own;
	uint32_t id;
	uint32_t vectors;
	uint32_t armed;
	struct ring_area *area;
	struct iovec mapping;
	unsigned int side;
	uint64_t owner;
	uint32_t vector;
	uint64_t other;
	uint64_t gone;
	uint64_t last;
	bool rung;
	bool doubt;
	bool forget;
	bool fresh;
	bool helped;
	uint32_t full;
	uint32_t polls;
	int64_t listens;
	struct famez_tx tx;
	uint64_t tx_other;
	bool tx_lost;
	bool tx_waits;
	uint8_t *payload;
	int64_t reserved;
	struct famez_rx rx;
	uint64_t rx_other;
	bool rx_lost;
	struct famez_message next;
	bool peeked;
	int bell;
	int fd;
	bool nonblock;
	uint32_t timeout_ms;
	uint32_t looks;
};

static inline uint64_t ring_load_owner(const struct famez_ring *r, unsigned int side)
{
	return le64toh(__atomic_load_n(&r->area->sides[side].owner, __ATOMIC_ACQUIRE));
}

/** ring_changed() - is at either end somebody else than we know?  Reads memory alone */
static inline bool ring_changed(const struct famez_ring *r)
{
	return ring_load_owner(r, !r->side) != r->other ||
	       ring_load_owner(r, r->side) != r->owner;
}

/** ring_claim() - take our end, if nobody alive has it; 0 or -errno */
int ring_claim(struct famez_ring *r);

/** ring_leave() - give it up */
void ring_leave(struct famez_ring *r);

/**
 * ring_follow() - pair both directions with who is at the other end now
 * @r: the ring
 *
 * Not the one in which there is still something to receive from who was there before.
 *
 * Return: 0; -ESTALE: another program has our end; or of famez_probe() and
 * famez_doorbell_eventfd()
 */
int ring_follow(struct famez_ring *r);

/** ring_bell() - ring the program at the other end, if there is one; 0 or -errno */
int ring_bell(struct famez_ring *r);

/** ring_refresh() - put right what strangers have spoilt of ours; whether they had, or -errno */
int ring_refresh(struct famez_ring *r);

#endif /* FAMEZ_LIB_RING_IMPL_H */

// SPDX-License-Identifier: LGPL-2.1
/*
 * Who is at the two ends of a user-space ring.
 *
 * A program that takes an end has a port open before it says so, and says so in one
 * word: so there is always somebody to ask.  Whose port is closed is gone, however it
 * ended, and whoever comes may have the end.
 */
#include <errno.h>
#include <sys/random.h>

#include "ring-impl.h"

#define TRIES		16	/* at an end that changes all the time */
#define PATIENCE_MS	30000	/* with a peer that is up and tells nothing of its ports */

static uint32_t owner_generation(uint64_t owner)
{
	return owner;
}

static uint16_t owner_port(uint64_t owner)
{
	return owner >> 32;
}

static uint16_t owner_peer(uint64_t owner)
{
	return owner >> 48;
}

static int probe(struct famez_ring *r, uint64_t owner, bool patient)
{
	int err;

	r->own->nonblock = !patient;
	famez_set_timeout(r->own, PATIENCE_MS);
	err = famez_probe(r->own, owner_peer(owner), owner_port(owner));
	r->own->nonblock = true;
	return err;
}

/* Does that program live?  1, 0, or why that cannot be told: -EAGAIN: not yet. */
static int lives(struct famez_ring *r, uint64_t owner, bool patient)
{
	int err;

	if (!owner_generation(owner) || !owner_port(owner))
		return 0;
	/* a former program may have had the port that we have */
	if (owner >> 32 == r->owner >> 32)
		return owner == r->owner;
	err = probe(r, owner, patient);
	if (err == -ECONNRESET)	/* its peer restarted meanwhile */
		err = probe(r, owner, patient);
	switch (err) {
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EHOSTUNREACH:
	case -ENOTCONN:
		return 0;
	case 0:
	case -ENOBUFS:		/* no way to ask: it is there for all that is known */
	case -ETIMEDOUT:	/* likewise */
		return 1;
	}
	return err;
}

static bool swap_owner(struct famez_ring *r, uint64_t from, uint64_t to)
{
	__le64 expected = htole64(from);

	return __atomic_compare_exchange_n(&r->area->sides[r->side].owner, &expected,
					   htole64(to), false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static bool is_ours(const struct famez_ring *r)
{
	return le64toh(__atomic_load_n(&r->area->magic, __ATOMIC_ACQUIRE)) == RING_MAGIC;
}

/* What lies there: a ring of ours, or what nobody uses any more. */
static int check_magic(struct famez_ring *r)
{
	unsigned int side;
	int live;

	if (is_ours(r))
		return 0;
	for (side = 0; side < 2; side++) {
		live = lives(r, ring_load_owner(r, side), true);
		if (live < 0)
			return live;
		/* one that came when we did has said what it is before it took its end */
		if (live)
			return is_ours(r) ? 0 : -EPROTONOSUPPORT;
	}
	/* what lay there before is nothing of ours */
	memset(r->area->reserved, 0, sizeof(r->area->reserved));
	__atomic_store_n(&r->area->magic, htole64(RING_MAGIC), __ATOMIC_RELEASE);
	return 0;
}

/* The same program at the same port, with another generation. */
static int new_generation(uint64_t *owner)
{
	uint32_t generation = 0;

	while (!generation || generation == owner_generation(*owner))
		if (getrandom(&generation, sizeof(generation), 0) < 0)
			return -errno;
	*owner = (*owner & ~(uint64_t)UINT32_MAX) | generation;
	return 0;
}

/* A port for our life, and a word that names it. */
static int make_owner(struct famez_ring *r)
{
	uint32_t port = 0;
	int err;

	/* nobody sends there */
	err = famez_bind(r->own, &port, 1);
	if (err)
		return err;
	r->owner = (uint64_t)r->id << 48 | (uint64_t)port << 32;
	return new_generation(&r->owner);
}

/* A vector of ours on which there is still somebody's place. */
static int listen_somewhere(struct famez_ring *r)
{
	uint32_t i;
	int err = -ENOSPC;

	for (i = 0; i < r->armed && err == -ENOSPC; i++) {
		r->vector = (owner_port(r->owner) + i) % r->armed;
		err = famez_doorbell_eventfd(r->own, r->vector, r->bell);
	}
	return err;
}

static int take_end(struct famez_ring *r)
{
	uint64_t owner;
	int live, i;

	for (i = 0; i < TRIES; i++) {
		owner = ring_load_owner(r, r->side);
		live = lives(r, owner, true);
		if (live)
			return live < 0 ? live : -EADDRINUSE;
		if (swap_owner(r, owner, r->owner))
			return 0;
	}
	return -EADDRINUSE;
}

int ring_claim(struct famez_ring *r)
{
	int err;

	/* before our own port is open, which a former program's may have been */
	err = check_magic(r);
	if (!err)
		err = make_owner(r);
	if (!err)
		err = listen_somewhere(r);
	if (!err)
		err = take_end(r);
	if (err) {
		r->owner = 0;
		return err;
	}
	/* ours now: of what was before, nothing is valid */
	famez_store(&r->tx.mine->accepted, 0);
	famez_store(&r->rx.mine->accepted, 0);
	memset(r->area->sides[r->side].reserved, 0, sizeof(r->area->sides[0].reserved));
	famez_store_release(&r->area->sides[r->side].vector, r->vector);
	/* who comes now sees us, or is seen by us */
	famez_mb();
	return ring_follow(r);
}

void ring_leave(struct famez_ring *r)
{
	/* what was sent stays there for who reads it */
	if (r->owner && swap_owner(r, r->owner, 0)) {
		/* whoever came since we last looked */
		r->other = ring_load_owner(r, !r->side);
		r->gone = 0;
		ring_bell(r);
	}
	r->owner = 0;
}

/* Somebody has written over our word: another program, which lives, or anybody. */
static int take_back(struct famez_ring *r)
{
	uint64_t owner = ring_load_owner(r, r->side);
	int live;

	if (!r->owner)
		return -ESTALE;
	if (owner == r->owner)
		return 0;
	live = lives(r, owner, false);
	if (live == -EAGAIN)
		return 0;
	if (live < 0)
		return live;
	/* who took us for gone is to look once more */
	if (!live && swap_owner(r, owner, r->owner))
		return ring_bell(r);
	/* that one's now: nothing more is written there */
	r->owner = 0;
	r->tx.own = 0;
	r->tx_waits = false;
	r->reserved = -1;
	r->rx.own = 0;
	r->rx.known = r->rx.tail;
	r->peeked = false;
	return -ESTALE;
}

/* Where its peer's driver rings us when its port is closed.  If too many listen there,
 * we are not told that it has died, until we ask.
 */
static int listen_for(struct famez_ring *r, uint64_t other)
{
	uint32_t vector = owner_peer(other) % r->armed;
	int err;

	if (vector == r->vector || vector == r->listens)
		return 0;
	if (r->listens >= 0)
		famez_doorbell_eventfd(r->own, r->listens, -1);
	r->listens = -1;
	err = famez_doorbell_eventfd(r->own, vector, r->bell);
	if (!err)
		r->listens = vector;
	return err == -ENOSPC ? 0 : err;
}

static int meet(struct famez_ring *r, uint64_t other)
{
	int err;

	/* if it lives, a stranger has written over its word, which it puts right */
	err = ring_bell(r);
	if (err)
		return err;
	r->other = other;
	r->doubt = other;
	r->helped = false;
	return other ? listen_for(r, other) : 0;
}

/* It says that it is there: if there is reason to doubt it, it is asked. */
static int ask_other(struct famez_ring *r)
{
	int live;

	if (!r->doubt || !r->other)
		return 0;
	live = lives(r, r->other, false);
	if (live == -EAGAIN)
		return 0;
	if (live < 0)
		return live;
	r->gone = live ? 0 : r->other;
	r->doubt = false;
	return 0;
}

static bool tx_follow(struct famez_ring *r, uint64_t other)
{
	if (r->tx_other == other)
		return false;
	r->tx_lost |= famez_tx_in_flight(&r->tx);
	r->tx_other = other;
	r->tx_waits = false;
	r->reserved = -1;
	r->helped = false;
	if (famez_tx_unpair(&r->tx, owner_generation(r->owner), owner_generation(other)))
		famez_tx_pair(&r->tx);
	r->full = r->tx.head - 1;
	return true;
}

static bool rx_follow(struct famez_ring *r, uint64_t other)
{
	struct famez_message m;

	if (r->rx_other == other)
		return false;
	/*
	 * What a former program sent is received first; unless that is not wanted, by
	 * who knew of it: one that came, sent and went since is not former.
	 */
	if ((!r->forget || r->fresh) && famez_rx_peek(&r->rx, &m) != -EAGAIN)
		return false;
	r->peeked = false;
	r->fresh = other;
	/* who left it in good order had sent all that was there */
	r->rx_lost |= r->rx_other && r->other;
	r->rx_other = other;
	if (famez_rx_unpair(&r->rx, owner_generation(r->owner), owner_generation(other)))
		famez_rx_pair(&r->rx);
	return true;
}

/*
 * We took it for gone, and unpaired; it has not, as it has not gone.  With the same two
 * generations both would begin anew where one goes on: so we are a newcomer to it.
 */
static int begin_anew(struct famez_ring *r)
{
	uint64_t owner = r->owner;
	int err = new_generation(&owner);

	if (err)
		return err;
	if (!swap_owner(r, r->owner, owner))
		return -EAGAIN;	/* a stranger, again */
	r->owner = owner;
	r->last = 0;
	r->forget = true;
	r->fresh = false;
	tx_follow(r, 0);
	rx_follow(r, 0);
	r->forget = false;
	return 0;
}

int ring_follow(struct famez_ring *r)
{
	uint64_t other = ring_load_owner(r, !r->side);
	bool changed;
	int err;

	/* not who only says that it is there, as a stranger can */
	if (r->tx_other && famez_tx_ready(&r->tx))
		r->last = r->tx_other;
	err = take_back(r);
	if (!err && other != r->other)
		err = meet(r, other);
	if (!err)
		err = ask_other(r);
	if (other == r->gone)
		other = 0;
	if (!err && other && other == r->last && r->tx_other != other)
		err = begin_anew(r);
	if (err)
		return err;
	changed = tx_follow(r, other);
	changed |= rx_follow(r, other);
	return changed ? ring_bell(r) : 0;
}

int ring_bell(struct famez_ring *r)
{
	uint32_t vector;
	int err;

	if (!r->other || r->other == r->gone)
		return 0;
	famez_mb();	/* who claims its end now sees what we ring for */
	vector = famez_load_acquire(&r->area->sides[!r->side].vector);
	err = famez_doorbell(r->own, owner_peer(r->other), vector % r->vectors);
	if (err == -EHOSTUNREACH) {
		r->doubt = true;
		return 0;
	}
	return err;
}

int ring_refresh(struct famez_ring *r)
{
	bool spoilt = famez_tx_refresh(&r->tx);
	int err;

	spoilt |= famez_rx_refresh(&r->rx);
	spoilt |= famez_restore(&r->area->sides[r->side].vector, r->vector);
	if (le64toh(__atomic_load_n(&r->area->magic, __ATOMIC_RELAXED)) != RING_MAGIC)
		__atomic_store_n(&r->area->magic, htole64(RING_MAGIC), __ATOMIC_RELAXED);
	err = spoilt ? ring_bell(r) : 0;
	famez_mb();	/* what was spoilt may have kept others from ringing: look again */
	return err ? err : spoilt;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Channels, from pair to pair.  Where all pairs have one, they have it from the
 * start to the end.  Else the switch has its own with each client, and the others
 * are given to the pairs that ask, both directions at once, until none is left.
 *
 * When a client is gone for good, its channels are taken back.  Who is at the other
 * end may just be writing there, so a channel is given again only when that peer has
 * said that it has let go, or is gone, too.
 */
#include <stdlib.h>
#include <string.h>

#include <famez/directory.h>

#include "server.h"

/**
 * struct entry - the truth about an entry of the directory, and its channel
 * @from: the sender; 0: nobody's
 * @to: the receiver
 * @holder: nobody's, but this peer may still write there; 0: none
 * @until: what its channels_seen says when it does not any more
 */
struct entry {
	uint32_t from;
	uint32_t to;
	uint32_t holder;
	uint32_t until;
};

static uint64_t offset_of(const struct server *s, uint32_t n)
{
	const struct famez_place *channels = &s->plan.layout.channels;

	return channels->offset + (uint64_t)n * channels->stride;
}

static struct famez_direntry *shared_entry(const struct server *s, uint32_t n)
{
	const struct famez_place *directory = &s->plan.layout.directory;

	return (void *)((char *)s->memory.map + directory->offset +
			(uint64_t)n * directory->stride);
}

/* Mirrors an entry.  Its size makes it valid. */
static void write_entry(const struct server *s, uint32_t n)
{
	const struct entry *e = &s->entries[n];
	struct famez_direntry *shared = shared_entry(s, n);

	famez_store(&shared->size, e->from ? famez_load(&shared->size) : 0);
	famez_wmb();
	famez_store(&shared->ring, 0);
	famez_store(&shared->from, e->from);
	famez_store(&shared->to, e->to);
	__atomic_store_n(&shared->offset,
			 htole64(e->from ? offset_of(s, n) : 0),
			 __ATOMIC_RELAXED);
	famez_store_release(&shared->size, e->from ? s->plan.ring : 0);
}

static void give(struct server *s, uint32_t n, uint32_t from, uint32_t to)
{
	/* what another pair has left there is nobody's */
	memset((char *)s->memory.map + offset_of(s, n), 0,
	       sizeof(struct famez_channel));
	s->entries[n] = (struct entry){ .from = from, .to = to };
	write_entry(s, n);
}

/* ---- The start --------------------------------------------------------------- */

static void give_all(struct server *s)
{
	uint32_t from, to, n = 0;

	for (from = 1; from <= s->plan.layout.server_id; from++)
		for (to = 1; to <= s->plan.layout.server_id; to++)
			if (from != to)
				give(s, n++, from, to);
}

static void give_own(struct server *s)
{
	uint32_t id, n = 0;

	for (id = 1; id <= s->plan.clients; id++) {
		give(s, n++, id, s->plan.layout.server_id);
		give(s, n++, s->plan.layout.server_id, id);
	}
}

bool directory_make(struct server *s)
{
	s->entries = calloc(s->plan.layout.directory.count,
			    sizeof(*s->entries));
	if (!s->entries) {
		complain("out of memory");
		return false;
	}
	if (s->plan.all_pairs)
		give_all(s);
	else
		give_own(s);
	return true;
}

void directory_free(struct server *s)
{
	free(s->entries);
	s->entries = NULL;
}

/* ---- The mirror ---------------------------------------------------------------- */

/* Tells peers that their channels have changed. */
static void tell_changed(struct server *s)
{
	uint32_t id;

	for (id = 1; id <= s->plan.layout.server_id; id++) {
		if (famez_load(&control_peer(s, id)->channels_epoch) ==
		    s->peers[id].channels_epoch)
			continue;
		control_publish_channels(s, id);
		peer_notify(s, id);
	}
}

static void changed(struct server *s, uint32_t id)
{
	if (id < s->plan.layout.peers.count)
		s->peers[id].channels_epoch++;
}

static bool is_right(const struct server *s, uint32_t n,
		     const struct famez_direntry *shared)
{
	const struct entry *e = &s->entries[n];

	return famez_load(&shared->size) == (e->from ? s->plan.ring : 0) &&
	       !famez_load(&shared->ring) &&
	       famez_load(&shared->from) == e->from &&
	       famez_load(&shared->to) == e->to &&
	       le64toh(__atomic_load_n(&shared->offset, __ATOMIC_RELAXED)) ==
	       (e->from ? offset_of(s, n) : 0);
}

/*
 * Who follows a spoilt entry loses a channel, or takes one that is others': so both
 * look once more, those it is about and those it was said to be about.
 */
void directory_mend(struct server *s)
{
	uint32_t n;

	for (n = 0; n < s->plan.layout.directory.count; n++) {
		struct famez_direntry *shared = shared_entry(s, n);

		if (is_right(s, n, shared))
			continue;
		changed(s, famez_load(&shared->from));
		changed(s, famez_load(&shared->to));
		changed(s, s->entries[n].from);
		changed(s, s->entries[n].to);
		write_entry(s, n);
	}
	tell_changed(s);
}

/* ---- On demand ----------------------------------------------------------------- */

/* The entry of a pair, or -1. */
static int64_t find(const struct server *s, uint32_t from, uint32_t to)
{
	uint32_t n;

	for (n = 0; n < s->plan.layout.directory.count; n++)
		if (s->entries[n].from == from && s->entries[n].to == to)
			return n;
	return -1;
}

/* Has who may have been writing there let go of it? */
static bool is_free(const struct server *s, const struct entry *e)
{
	const struct famez_peer *record;

	if (e->from)
		return false;
	if (!e->holder)
		return true;
	record = control_peer(s, e->holder);
	return s->peers[e->holder].state == FAMEZ_PEER_UP &&
	       (int32_t)(famez_load_acquire(&record->channels_seen) -
			 e->until) >= 0;
}

/* A free entry from @n on, or -1. */
static int64_t find_free(const struct server *s, uint32_t n)
{
	for (; n < s->plan.layout.directory.count; n++)
		if (is_free(s, &s->entries[n]))
			return n;
	return -1;
}

/* Both or none: who is sent something must be able to answer. */
static bool give_pair(struct server *s, uint32_t one, uint32_t other)
{
	int64_t there = find_free(s, 0);
	int64_t back = there < 0 ? -1 : find_free(s, there + 1);

	if (back < 0)
		return false;
	give(s, there, one, other);
	give(s, back, other, one);
	return true;
}

static void none_left(struct server *s, uint32_t one, uint32_t other)
{
	if (!s->exhausted)
		say("no channel is left for peers %u and %u: all %u are in use; a larger --size has more",
		    one, other, s->plan.layout.directory.count);
	s->exhausted = true;
}

static void answer(struct server *s, struct peer *p, struct peer *other)
{
	/* both may have asked */
	if (!other->client || other == p || find(s, p->id, other->id) >= 0)
		return;
	if (!give_pair(s, p->id, other->id)) {
		none_left(s, p->id, other->id);
		return;
	}
	changed(s, p->id);
	changed(s, other->id);
}

void directory_look(struct server *s, struct peer *p)
{
	const struct famez_peer *record = control_peer(s, p->id);
	uint32_t ask = famez_load_acquire(&record->ask);
	uint32_t id = FAMEZ_ASK_PEER(ask);

	/* asked again: it has not heard the answer */
	if (ask == p->answered && famez_load(&record->answered) == ask)
		return;
	if (ask != p->answered && id && id <= s->plan.clients)
		answer(s, p, &s->peers[id]);
	/* what it does not see, somebody has spoilt */
	directory_mend(s);
	p->answered = ask;
	control_publish_channels(s, p->id);
	peer_notify(s, p->id);
}

void directory_take_back(struct server *s, struct peer *gone)
{
	uint32_t n;

	for (n = 0; n < s->plan.layout.directory.count; n++) {
		struct entry *e = &s->entries[n];
		uint32_t other = e->from == gone->id ? e->to : e->from;

		if (e->holder == gone->id)
			e->holder = 0;
		if ((e->from != gone->id && e->to != gone->id) ||
		    other == s->plan.layout.server_id || s->plan.all_pairs)
			continue;
		*e = (struct entry){ };
		write_entry(s, n);
		s->exhausted = false;
		if (!s->peers[other].client && !s->peers[other].retired)
			continue;
		e->holder = other;
		e->until = ++s->peers[other].channels_epoch;
	}
	tell_changed(s);
}

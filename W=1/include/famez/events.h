/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * What happened to peers, for those who follow it: the newest events, and a
 * cursor for each follower, who notices when it fell behind.  Used by the driver
 * and the library.
 */
#ifndef _FAMEZ_EVENTS_H
#define _FAMEZ_EVENTS_H

#include <linux/famez.h>
#include <famez/shm.h>

/**
 * struct famez_events - the newest events
 * @next: how many there have been
 * @ring: the newest %FAMEZ_EVENTS of them
 *
 * The caller serialises.
 */
struct famez_events {
	__u64 next;
	struct {
		__u32 type;
		__u32 peer;
		__u32 generation;
		__u32 epoch;
	} ring[FAMEZ_EVENTS];
};

/**
 * struct famez_seen - what is known of one peer
 * @state: %FAMEZ_PEER_ABSENT and so on
 * @generation: 0 unless up
 */
struct famez_seen {
	__u32 state;
	__u32 generation;
};

static inline void famez_events_add(struct famez_events *e, __u32 type,
				    __u32 peer, __u32 generation, __u32 epoch)
{
	__u32 i = e->next++ % FAMEZ_EVENTS;

	e->ring[i].type = type;
	e->ring[i].peer = peer;
	e->ring[i].generation = generation;
	e->ring[i].epoch = epoch;
}

/**
 * famez_events_note() - turn what is seen of a peer now into events
 * @e: the events
 * @peer: its id
 * @seen: what was known; brought up to date
 * @now: what is seen
 * @epoch: of the peer table
 *
 * A start that followed another unseen tells of both: the end of the one, and
 * the other.
 *
 * Return: true when there are new events
 */
static inline bool famez_events_note(struct famez_events *e, __u32 peer,
				     struct famez_seen *seen,
				     const struct famez_seen *now, __u32 epoch)
{
	__u64 before = e->next;

	if (seen->generation && seen->generation != now->generation)
		famez_events_add(e, FAMEZ_EVENT_DOWN, peer, seen->generation,
				 epoch);
	if (seen->state != FAMEZ_PEER_ABSENT && now->state == FAMEZ_PEER_ABSENT)
		famez_events_add(e, FAMEZ_EVENT_LEFT, peer, 0, epoch);
	if (seen->state == FAMEZ_PEER_ABSENT && now->state != FAMEZ_PEER_ABSENT)
		famez_events_add(e, FAMEZ_EVENT_JOINED, peer, 0, epoch);
	if (now->generation && seen->generation != now->generation)
		famez_events_add(e, FAMEZ_EVENT_UP, peer, now->generation,
				 epoch);
	*seen = *now;
	return e->next != before;
}

/**
 * famez_events_get() - the next event for a follower
 * @e: the events
 * @cursor: the follower's; starts at famez_events.next
 * @epoch: of the peer table now, for %FAMEZ_EVENT_OVERFLOW
 * @event: its output fields, on true
 *
 * Return: false when there is none
 */
static inline bool famez_events_get(const struct famez_events *e, __u64 *cursor,
				    __u32 epoch, struct famez_event *event)
{
	__u32 i;

	if (*cursor == e->next)
		return false;
	if (e->next - *cursor > FAMEZ_EVENTS) {
		*cursor = e->next;
		event->type = FAMEZ_EVENT_OVERFLOW;
		event->peer = 0;
		event->generation = 0;
		event->epoch = epoch;
		return true;
	}
	i = (*cursor)++ % FAMEZ_EVENTS;
	event->type = e->ring[i].type;
	event->peer = e->ring[i].peer;
	event->generation = e->ring[i].generation;
	event->epoch = e->ring[i].epoch;
	return true;
}

#endif /* _FAMEZ_EVENTS_H */

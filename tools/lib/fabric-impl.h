/* SPDX-License-Identifier: LGPL-2.1 */
/* What fabric.c (peers) and channel.c (messages) share. */
#ifndef FAMEZ_LIB_FABRIC_IMPL_H
#define FAMEZ_LIB_FABRIC_IMPL_H

#include <famez/events.h>
#include <famez/inbox.h>
#include <famez/outbox.h>
#include "fabric.h"

/**
 * struct peer - another peer, and the two channels with it
 * @generation: for which the channels are set up, 0: not up
 * @seen: what events have told of it
 * @out: channel to it; no data: there is none
 * @in: channel from it
 * @active: the channel from it is not armed; it may have messages
 * @waiting: places of ports for which famez_out_wait() was not taken back
 * @boxed: places of our ports in whose box there may be messages
 * @reset: messages to it were lost, which no sender has been told
 * @pong_due: bytes of @pong that wait for room, 0: none
 * @pong: the ping that is to go back
 */
struct peer {
	uint32_t generation;
	struct famez_seen seen;
	struct famez_outbox out;
	struct famez_inbox in;
	bool active;
	uint64_t waiting;
	uint64_t boxed;
	bool reset;
	uint32_t pong_due;
	uint8_t pong[FAMEZ_PING_MAX];
};

struct famez_fabric {
	struct famez_fabric_config config;
	struct famez_layout layout;
	uint32_t generation;
	uint32_t peers_epoch;
	struct famez_ports ports;
	uint32_t next[FAMEZ_GRANTS];	/* whose message is looked for first */
	struct peer *peers;	/* by id */
	struct famez_events events;
};

/* ---- fabric.c ---- */

/* A record of the peer table; the id is below layout.peers.count. */
struct famez_peer *fabric_record(const struct famez_fabric *f, uint32_t id);

/* Leaves our mark with a peer, and rings it. */
void fabric_ring(struct famez_fabric *f, uint32_t id);

/* There is more to do for a peer: rings ourselves, to come back for it. */
void fabric_ring_self(struct famez_fabric *f, uint32_t id);

/* ---- channel.c ---- */

/* Sets both channels with a peer up for its generation, 0: down. */
int channel_pair(struct famez_fabric *f, uint32_t id, uint32_t generation);

/*
 * Does what a peer's mark may ask for, whether or not a program reads.  True:
 * there may be more, which is to be done after others had their turn.
 */
bool channel_service(struct famez_fabric *f, uint32_t id);

#endif /* FAMEZ_LIB_FABRIC_IMPL_H */

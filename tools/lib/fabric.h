/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * A peer of a fabric in user space: the control area, peers and channels, as
 * the driver does it in a guest.  Used by the switch and by host programs.
 *
 * Nothing here sleeps or waits, and nothing is thread-safe: the caller calls
 * famez_fabric_service() when one of its own vectors was rung, and serialises.
 */
#ifndef FAMEZ_LIB_FABRIC_H
#define FAMEZ_LIB_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/famez.h>
#include <linux/famez_fabric.h>
#include <famez/link.h>
#include <famez/regions.h>

struct famez_fabric;

/**
 * struct famez_fabric_config - what makes a peer
 * @memory: the whole shared memory, mapped read-write; stays the caller's
 * @size: bytes of it
 * @header: what its header says; NULL: as it is there
 * @mailbox: the layout of a server that knows mailslots alone: there are no peer table,
 *	channels, ports and events; NULL: a famez fabric
 * @id: own id
 * @kind: FAMEZ_KIND_SWITCH or FAMEZ_KIND_HOST
 * @vectors: vectors that the caller listens on, at least 1
 * @name: own name, up to 31 bytes
 * @cclass: own Gen-Z class, up to 31 bytes
 * @ring: rings a peer's vector; called from within any function below
 * @pong: a ping came back: its payload; may be NULL
 * @flush: a peer wants the memory synced, @known: and nothing that this version does not
 *	know; NULL: nobody here does that
 * @link: a peer has said a word of the link layer; NULL: it is answered here, as by a
 *	component
 * @context: handed to all of them
 */
struct famez_fabric_config {
	void *memory;
	uint64_t size;
	const struct famez_header *header;
	const struct famez_layout *mailbox;
	uint32_t id;
	uint32_t kind;
	uint32_t vectors;
	const char *name;
	const char *cclass;
	void (*ring)(void *context, uint32_t peer, uint32_t vector);
	void (*pong)(void *context, uint32_t peer, const void *data, size_t size);
	void (*flush)(void *context, uint32_t peer, const struct famez_flush *request,
		      bool known);
	void (*link)(void *context, uint32_t peer, const struct famez_link *link);
	void *context;
};

/*
 * Checks the control area, picks a generation, publishes it and rings everyone.
 * Return: 0, or -ENODATA, -EBADMSG, -EPROTONOSUPPORT (famez_layout_read()),
 * -EINVAL, -ENOMEM
 */
int famez_fabric_start(struct famez_fabric **fabric,
		       const struct famez_fabric_config *config);

/* Ends the generation, rings everyone, frees; NULL is fine. */
void famez_fabric_stop(struct famez_fabric *fabric);

/* The checked header. */
const struct famez_layout *famez_fabric_layout(const struct famez_fabric *f);

/* Own generation. */
uint32_t famez_fabric_generation(const struct famez_fabric *f);

/* The start of a peer that our channels with it are for, 0: it is not up. */
uint32_t famez_fabric_paired(const struct famez_fabric *f, uint32_t id);

/* The longest message that our channels take. */
uint32_t famez_fabric_longest(const struct famez_fabric *f);

/* To be called when an own vector was rung: takes up new peers, answers pings,
 * drains rings that must be drained.  Afterwards recv() and send() may work
 * that did not.
 * Return: 0, or -ENODEV when the fabric number has changed (another switch)
 */
int famez_fabric_service(struct famez_fabric *f);

/* A program's message, from one of our ports (0: none) to one of the peer's.
 * Return: 0, -EAGAIN (the caller is rung when it is worth another try), -EMSGSIZE,
 * -EHOSTUNREACH, -ENOTCONN, -ENOBUFS, -ECONNREFUSED, -ECONNRESET, -EINVAL; -ENODEV: there
 * is no mailbox any more
 */
int famez_fabric_send(struct famez_fabric *f, uint32_t peer, uint16_t sport,
		      uint16_t dport, const void *data, size_t size);

/* Has something come, whoever took it in, for which a send that was -EAGAIN is worth
 * another try?  Until it is tried.
 */
bool famez_fabric_news(const struct famez_fabric *f);

/* Is a port open, of a peer or ourselves?  Return: 0, or as famez_fabric_send() */
int famez_fabric_probe(struct famez_fabric *f, uint32_t peer, uint16_t port);

/* Sends a ping.  Return: as famez_fabric_send(); -EMSGSIZE over FAMEZ_PING_MAX */
int famez_fabric_ping(struct famez_fabric *f, uint32_t peer,
		      const void *data, size_t size);

/*
 * Says a word of the link layer, now or when there is room.  Return: 0, -EINVAL: nobody
 * can be that; -EAGAIN: the last one to it still waits
 */
int famez_fabric_say(struct famez_fabric *f, uint32_t peer, const struct famez_link *link);

/* Likewise, to what a peer has said; it replaces an answer that still waits. */
void famez_fabric_answer(struct famez_fabric *f, uint32_t peer,
			 const struct famez_link *link);

/* What we are for the link layer, unless config.link has that; on a server that knows
 * mailslots alone, the switch is asked from the first time on.
 */
struct famez_component *famez_fabric_component(struct famez_fabric *f);

/* Is it one that knows nothing newer than mailslots? */
bool famez_fabric_is_old(const struct famez_fabric *f, uint32_t id);

/* Its vector of that number was rung: takes what an old peer may have sent. */
void famez_fabric_rung(struct famez_fabric *f, uint32_t vector);

/* Has the last message to an old peer been read?  Return: 0; -EAGAIN: not yet;
 * -ETIMEDOUT: not in time, and it was taken back
 */
int famez_fabric_unread(struct famez_fabric *f, uint32_t peer);

/* The server has gone: a mailbox that is no famez fabric's is not ours to write to. */
void famez_fabric_abandon(struct famez_fabric *f);

/* Takes the last message to an old peer back, if it was not read. */
void famez_fabric_withdraw(struct famez_fabric *f, uint32_t peer);

/* Leaves a message in another's mailslot, as if that had sent it: what F.E.E.'s users test
 * theirs with.  Return: 0; -EAGAIN: it has one there; -EMSGSIZE; -EHOSTUNREACH: one of
 * them is not there; -EOPNOTSUPP: there are no mailslots
 */
int famez_fabric_spoof(struct famez_fabric *f, uint32_t from, uint32_t to,
		       const void *data, size_t size);

/* Does somebody wait for the own mailslot, of which no ring tells?  Then
 * famez_fabric_service() is to be called every FAMEZ_FABRIC_TICK nanoseconds.
 */
bool famez_fabric_ticks(const struct famez_fabric *f);

#define FAMEZ_FABRIC_TICK	2000000

/* Answers a flush.  Return: as famez_fabric_send() */
int famez_fabric_flushed(struct famez_fabric *f, uint32_t peer,
			 const struct famez_flush *answer);

/**
 * struct famez_letter - a message that came
 * @peer: its sender
 * @sport: the sender's port, 0: none
 * @size: bytes of it
 */
struct famez_letter {
	uint32_t peer;
	uint16_t sport;
	size_t size;
};

/* Next message to the port at @slot (port 0 is at 0), at most @room bytes.
 * Return: 0; -EAGAIN when there is none (the caller is rung for the next);
 * -EMSGSIZE when it is longer than @room (letter->size tells; it stays)
 */
int famez_fabric_recv(struct famez_fabric *f, uint32_t slot,
		      struct famez_letter *letter, void *data, size_t room);

/* Opens a port, 0: any that is free, with room for @window bytes from each sender,
 * 0: as it comes.  Return: its place, or -EADDRINUSE, -ENOSPC, -ENOMEM
 */
int famez_fabric_bind(struct famez_fabric *f, uint32_t port, uint32_t window);

/* The port at a place. */
uint32_t famez_fabric_port(const struct famez_fabric *f, uint32_t slot);

/* Closes it; what it has not read is discarded, and its senders are told. */
void famez_fabric_unbind(struct famez_fabric *f, uint32_t slot);

/* How many events there have been: where a follower's cursor starts. */
uint64_t famez_fabric_events(const struct famez_fabric *f);

/* The next change of a peer that famez_fabric_service() has seen, for a
 * follower.  Return: 0; -EAGAIN when there is none
 */
int famez_fabric_event(const struct famez_fabric *f, uint64_t *cursor,
		       struct famez_event *event);

/* What the table says of a peer, checked and printable; state 0: absent.
 * Return: 0, -EINVAL when no such id can be
 */
int famez_fabric_peer(const struct famez_fabric *f, uint32_t id,
		      struct famez_peer_info *info);

/* What the table says of a region, checked.  Return: true when there is one */
bool famez_fabric_region(const struct famez_fabric *f, uint32_t index,
			 struct famez_region_info *info);

#endif /* FAMEZ_LIB_FABRIC_H */

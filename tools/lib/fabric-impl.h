/* SPDX-License-Identifier: LGPL-2.1 */
/* What fabric.c (peers), directory.c and channel.c (messages) share. */
#ifndef FAMEZ_LIB_FABRIC_IMPL_H
#define FAMEZ_LIB_FABRIC_IMPL_H

#include <famez/directory.h>
#include <famez/events.h>
#include <famez/mailslot.h>
#include "fabric.h"

/** struct ends - our ends of the two channels with a peer; @out is first */
struct ends {
	struct famez_outbox out;
	struct famez_inbox in;
};

/**
 * struct peer - another peer; small, as there may be a thousand that we never speak
 *	with, and all are looked at when one comes or goes
 * @generation: for which the channels are set up, 0: not up
 * @seen: what events have told of it
 * @active: the channel from it is not armed; it may have messages
 * @wanted: the switch is to be asked for channels
 * @sender: since somebody sends to it, who is to be told if there are none
 * @refused: it had none to give, which no sender has been told
 * @reset: messages to it were lost, which no sender has been told
 * @boxed: places of our ports in whose box there may be messages
 * @waiting: places of ports for which famez_out_wait() was not taken back
 * @news: those of them whose senders may find it otherwise now; place 0 also when
 *	there was no channel
 * @found: the channels with it that the directory names
 * @out: channel to it; no data: there is none
 * @in: channel from it; both are those of famez_fabric.none before its first
 * @pong_due: bytes of @pong that wait for room, 0: none
 * @pong: the ping that is to go back
 * @link_due: what is to be said to it of the link layer, and waits for room
 * @mails: what came by its mailslot; NULL: nothing has
 */
struct peer {
	uint32_t generation;
	struct famez_seen seen;
	bool active;
	bool wanted;
	bool sender;
	bool refused;
	bool reset;
	uint64_t boxed;
	uint64_t waiting;
	uint64_t news;
	struct famez_found found;
	struct famez_outbox *out;
	struct famez_inbox *in;
	uint32_t pong_due;
	uint8_t pong[FAMEZ_PING_MAX];
	struct famez_link_due link_due;
	struct famez_mails *mails;
};

struct famez_fabric {
	struct famez_fabric_config config;
	struct famez_layout layout;
	uint32_t generation;
	uint32_t peers_epoch;
	uint32_t channels_epoch;	/* as of which the directory was followed */
	uint32_t channels_seen;		/* what our record says of that */
	struct famez_asker asker;
	bool for_sender;		/* somebody who sends is to be told the answer */
	struct famez_ports ports;
	uint32_t next[FAMEZ_GRANTS];	/* whose message is looked for first */
	struct peer *peers;	/* by id */
	uint32_t newsy;		/* of whom there is news */
	struct ends none;	/* of channels that there are not */
	struct famez_events events;
	struct famez_component component;	/* what we are for the link layer */
	bool link_begun;		/* the switch was asked */
	struct famez_post post;		/* the own mailslot; no slot: there are none */
	bool post_wanted;		/* a sender waits for it */
	bool post_news;			/* and may find it free */
	bool words_wait;		/* for it, of the link layer, in link_due */
	uint32_t mail_next;		/* whose mail is looked for first */
	uint32_t mail_sent;		/* which was the last that is no word of the link layer */
	uint32_t pinged;		/* an old peer; 0: none */
	uint32_t ping_size;
	uint8_t ping[FAMEZ_PING_MAX];	/* what it would have sent back */
};

/* Is there a channel with it?  Who has none hears of us by the switch alone. */
static inline bool channel_there(const struct peer *p)
{
	return p->out->tx.data || p->in->rx.data;
}

/* ---- fabric.c ---- */

/* Changes what there is news of. */
void fabric_set_news(struct famez_fabric *f, struct peer *p, uint64_t news);

/* Is there a peer table?  If not, there are mailslots alone. */
static inline bool fabric_has_table(const struct famez_fabric *f)
{
	return !f->config.mailbox;
}

/* A record of the peer table; the id is below layout.peers.count. */
struct famez_peer *fabric_record(const struct famez_fabric *f, uint32_t id);

/* %FAMEZ_PEER_ABSENT, or is it attached at least? */
uint32_t fabric_state_of(const struct famez_fabric *f, uint32_t id);

/* The generation that a peer has published, 0 when it is not there. */
uint32_t fabric_generation_of(const struct famez_fabric *f, uint32_t id);

/* Takes up what the table says of a peer. */
void fabric_look_at_peer(struct famez_fabric *f, uint32_t id);

/* Leaves our mark with a peer, and rings it. */
void fabric_ring(struct famez_fabric *f, uint32_t id);

/* There is more to do for a peer: rings ourselves, to come back for it. */
void fabric_ring_self(struct famez_fabric *f, uint32_t id);

/* ---- directory.c ---- */

/* Reads the directory, and has all channels where it says. */
void channels_follow(struct famez_fabric *f);

/* The same, if it has changed; and takes in what the switch has answered. */
void channels_look(struct famez_fabric *f);

/*
 * There is no channel to a peer.  Return: -EAGAIN: the switch is asked, and rings;
 * -ENOBUFS: it was, and has none
 */
int channel_want(struct famez_fabric *f, uint32_t id);

/* ---- channel.c ---- */

/* Sets those channels with a peer up that are not yet, for its generation. */
int channel_up(struct famez_fabric *f, uint32_t id);

/* Sets both channels with a peer up for its generation, 0: down. */
int channel_pair(struct famez_fabric *f, uint32_t id, uint32_t generation);

/*
 * Does what a peer's mark may ask for, whether or not a program reads.  True:
 * there may be more, which is to be done after others had their turn.
 */
bool channel_service(struct famez_fabric *f, uint32_t id);

/* ---- link.c ---- */

/* The switch is up: a component begins to speak with it. */
void link_begin(struct famez_fabric *f);

/* A peer has said this, in a record or a mailslot. */
void link_heard(struct famez_fabric *f, uint32_t id, const struct famez_link *l);

/* Sends what waits for room, if there is some. */
void link_send(struct famez_fabric *f, uint32_t id);

/* ---- mail.c: F.E.E.'s mailslots ---- */

/* Finds the own one, and says there who we are; and that we are not, any more. */
void mail_start(struct famez_fabric *f);
void mail_stop(struct famez_fabric *f);

/* Without a peer table: is there somebody, or only a QEMU, or nobody? */
uint32_t mail_state(const struct famez_fabric *f, uint32_t id);

/* The same for famez_fabric_peer(): what the slots say. */
void mail_info(const struct famez_fabric *f, struct famez_peer_info *info);

/* Has somebody written over what makes it a mailbox, or another server come? */
bool mail_lost(const struct famez_fabric *f);

/* Return: 0; -EAGAIN: the slot is not free; -EMSGSIZE; -ENODEV: see mail_lost() */
int mail_send(struct famez_fabric *f, uint32_t id, const void *data, size_t size);

/* Looks whether the slot is free, and sends what waits for that. */
void mail_service(struct famez_fabric *f);

/* The next message from an old peer; as famez_fabric_recv() */
int mail_recv(struct famez_fabric *f, struct famez_letter *letter, void *data,
	      size_t room);

/* ---- channel.c ---- */

/* Sends a record.  Return: as famez_fabric_send() */
int channel_send(struct famez_fabric *f, uint32_t id, uint16_t type, const void *data,
		 size_t size);

#endif /* FAMEZ_LIB_FABRIC_IMPL_H */

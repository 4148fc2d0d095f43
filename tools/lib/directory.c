// SPDX-License-Identifier: LGPL-2.1
/* Which channels are ours: what the directory says, and what we ask the switch for. */
#include <errno.h>
#include <stdlib.h>

#include "fabric-impl.h"

/* ---- Following the directory ----------------------------------------------------- */

static void read_directory(struct famez_fabric *f)
{
	uint8_t *memory = f->config.memory;
	struct famez_span span;
	uint32_t i, other;

	for (i = 0; i < f->layout.peers.count; i++) {
		f->peers[i].found.out = NULL;
		f->peers[i].found.in = NULL;
	}
	for (i = 0; i < f->layout.directory.count; i++) {
		if (!famez_directory_read(&f->layout, memory, i, f->config.id,
					  &span))
			continue;
		other = span.from == f->config.id ? span.to : span.from;
		famez_found_note(&f->peers[other].found,
				 (void *)(memory + span.offset), &span,
				 f->config.id);
	}
}

/* Its first channel. */
static int make_ends(struct famez_fabric *f, struct peer *p)
{
	struct ends *ends;

	if (p->out != &f->none.out)
		return 0;
	ends = calloc(1, sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	ends->in.ports = &f->ports;
	p->out = &ends->out;
	p->in = &ends->in;
	return 0;
}

/* Those with something to read stay. */
static void drop_boxes(struct peer *p)
{
	uint32_t slot;

	for (slot = 0; slot < FAMEZ_GRANTS; slot++)
		free(famez_inbox_drop_box(p->in, slot));
}

static void place(struct famez_fabric *f, struct peer *p)
{
	if (!p->generation)
		drop_boxes(p);
	famez_found_charge(&p->found, &f->layout,
			   famez_inbox_has_boxes(p->in));
	famez_found_lose(&p->found, p->out, p->in);
	famez_found_use(&p->found, p->out, p->in, f->generation,
			p->generation);
}

/* Has the ends of the channels with a peer where the directory says. */
static int follow_peer(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	bool both = p->out->tx.data && p->in->rx.data;
	int err;

	if (!famez_found_new(&p->found, p->out, p->in))
		return 0;
	/* of one that is gone, all that came is taken out first */
	if (channel_there(p))
		fabric_look_at_peer(f, id);
	if (make_ends(f, p))
		return -ENOMEM;
	place(f, p);
	err = channel_up(f, id);
	if (err) {
		p->found.out = NULL;
		p->found.in = NULL;
		place(f, p);
	}
	if (p->generation)
		fabric_ring(f, id);
	/* it is here before the answer is: who sends to it later waits for another */
	if (p->out->tx.data && id == FAMEZ_ASK_PEER(f->asker.ask)) {
		if (p->sender)
			fabric_set_news(f, p, p->news | 1);
		p->sender = false;
		f->for_sender = false;
	}
	/* one without the other: somebody has spoilt it; the switch puts it right */
	p->wanted |= both && !p->out->tx.data != !p->in->rx.data;
	return err;
}

void channels_follow(struct famez_fabric *f)
{
	struct famez_peer *mine = fabric_record(f, f->config.id);
	uint32_t epoch = famez_load_acquire(&mine->channels_epoch);
	uint32_t id;
	int err = 0;

	read_directory(f);
	for (id = 0; id < f->layout.peers.count; id++)
		err |= follow_peer(f, id);
	/* out of memory: what is missing is looked for the next time */
	f->channels_epoch = err ? epoch - 1 : epoch;
	f->channels_seen = epoch;
	/* from here on, what we let go of may be another's */
	famez_store_release(&mine->channels_seen, epoch);
}

/* ---- Asking the switch ----------------------------------------------------------- */

/* One ask at a time, each peer that is wanted in turn. */
static void ask_next(struct famez_fabric *f)
{
	uint32_t i, id, n = f->layout.peers.count;
	struct peer *p;

	for (i = 1; i <= n && !f->asker.open; i++) {
		id = (FAMEZ_ASK_PEER(f->asker.ask) + i) % n;
		p = &f->peers[id];
		/* it may have come meanwhile, since the other wanted it, too */
		if (p->out->tx.data && p->in->rx.data)
			p->wanted = false;
		if (!p->wanted)
			continue;
		f->for_sender = p->sender;
		famez_asker_ask(&f->asker, fabric_record(f, f->config.id), id);
		fabric_ring(f, f->layout.server_id);
	}
}

int channel_want(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];

	if (p->refused) {
		p->refused = false;
		return -ENOBUFS;
	}
	p->wanted = true;
	p->sender = true;
	ask_next(f);
	return -EAGAIN;
}

static void end_ask(struct famez_fabric *f, struct peer *p)
{
	if (p->sender)
		fabric_set_news(f, p, p->news | 1);
	p->refused = p->sender && !p->out->tx.data;
	p->wanted = false;
	p->sender = false;
}

void channels_look(struct famez_fabric *f)
{
	struct famez_peer *mine = fabric_record(f, f->config.id);
	/* the answer first: what it is about is in the directory by then */
	bool answered = f->asker.open && famez_asker_answered(&f->asker, mine);
	bool changed = famez_load(&mine->channels_epoch) != f->channels_epoch;
	struct peer *asked = &f->peers[FAMEZ_ASK_PEER(f->asker.ask)];

	if (changed)
		channels_follow(f);
	if (answered) {
		f->asker.open = false;
		/* who came since it was asked is not answered by that */
		if (asked->out->tx.data || asked->sender == f->for_sender) {
			end_ask(f, asked);
			/* a word that waits for it is told of a refusal, too */
			link_send(f, asked - f->peers);
		}
	}
	/* all peers are gone through for that: not at each ring */
	if (changed || answered)
		ask_next(f);
}

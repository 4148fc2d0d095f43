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

static void use_none(struct peer *p)
{
	static const struct famez_found none;

	famez_found_use(&none, p->out, p->in);
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

/* Has the ends of the channels with a peer where the directory says. */
static int follow_peer(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	uint32_t slot;
	int err;

	if (!famez_found_new(&p->found, p->out, p->in))
		return 0;
	if (make_ends(f, p))
		return -ENOMEM;
	channel_down(f, id);
	for (slot = 0; slot < FAMEZ_GRANTS; slot++)
		free(famez_inbox_drop_box(p->in, slot));
	famez_found_charge(&p->found, &f->layout,
			   famez_inbox_has_boxes(p->in));
	famez_found_use(&p->found, p->out, p->in);
	err = p->generation ? channel_pair(f, id, p->generation) : 0;
	if (err)
		use_none(p);
	else if (p->generation)
		fabric_ring(f, id);
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

	for (i = 1; i <= n && !f->asker.open; i++) {
		id = (FAMEZ_ASK_PEER(f->asker.ask) + i) % n;
		if (!f->peers[id].wanted)
			continue;
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
	ask_next(f);
	return -EAGAIN;
}

void channels_look(struct famez_fabric *f)
{
	struct famez_peer *mine = fabric_record(f, f->config.id);
	/* the answer first: what it is about is in the directory by then */
	bool answered = f->asker.open && famez_asker_answered(&f->asker, mine);
	struct peer *asked = &f->peers[FAMEZ_ASK_PEER(f->asker.ask)];

	if (famez_load(&mine->channels_epoch) != f->channels_epoch)
		channels_follow(f);
	if (!answered)
		return;
	f->asker.open = false;
	asked->wanted = false;
	asked->refused = !asked->out->tx.data;
	ask_next(f);
}

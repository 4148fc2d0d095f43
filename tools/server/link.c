// SPDX-License-Identifier: GPL-2.0
/*
 * The switch in Gen-Z's link layer: it answers for itself, and as the fabric manager
 * gives each component that is ready for configuration its CID and SID.  As F.E.E.'s
 * does, so that its users find their way: one subnet, and a hundred CIDs a port.
 */
#include <string.h>

#include "server.h"

#define CIDS_A_PORT	100U

void link_start(struct server *s, const struct options *o)
{
	struct peer *own = &s->peers[s->plan.layout.server_id];

	strcpy(s->link.cclass, "FabricSwitch");
	if (o->no_manager)
		return;
	s->link.state = FAMEZ_LINK_CONFIGURED;
	s->link.cid = own->id * CIDS_A_PORT;
	s->link.sid = LINK_SID;
	own->cid = s->link.cid;
	own->sid = s->link.sid;
}

void link_forget(struct peer *p)
{
	p->cid = 0;
	p->sid = 0;
	p->tag = 0;
}

/* Ready for configuration.  Who manages nothing, keeps silent. */
static bool configure(struct server *s, struct peer *p, const struct famez_link *l,
		      struct famez_link *answer)
{
	if (s->link.state != FAMEZ_LINK_CONFIGURED)
		return false;
	/* 0 is none */
	if (!++s->tags)
		s->tags++;
	p->tag = s->tags;
	*answer = (struct famez_link){
		.word = FAMEZ_LINK_WRITE,
		.tracked = l->tracked,
		.tracker = l->tracked ? l->tracker + 1 : 0,
		.manager_cid = s->link.cid,
		.manager_sid = s->link.sid,
		.cid = p->id * CIDS_A_PORT,
		.sid = LINK_SID,
		.tag = p->tag,
	};
	return true;
}

/* It has taken what it was given; what F.E.E. asks then, is whether it says so itself. */
static bool configured(struct server *s, struct peer *p, const struct famez_link *l,
		       struct famez_link *answer)
{
	if (!p->tag || l->tag != p->tag)
		return false;
	p->tag = 0;
	p->cid = p->id * CIDS_A_PORT;
	p->sid = LINK_SID;
	peer_changed(s, p);
	say("peer %u configured: CID %u, SID %u", p->id, p->cid, p->sid);
	*answer = (struct famez_link){
		.word = FAMEZ_LINK_ATTRIBUTE,
		.tracked = l->tracked,
		.tracker = l->tracked ? l->tracker + 1 : 0,
	};
	return true;
}

static bool answers(struct server *s, struct peer *p, const struct famez_link *l,
		    struct famez_link *answer)
{
	switch (l->word) {
	case FAMEZ_LINK_RFC:
		return configure(s, p, l, answer);
	case FAMEZ_LINK_DONE:
		return configured(s, p, l, answer);
	case FAMEZ_LINK_DUMP:
		/* it has a line for each peer: one for all who ask meanwhile */
		s->picture_due = true;
		return false;
	default:
		return famez_link_answer(&s->link, l, false, answer);
	}
}

void link_take(void *context, uint32_t id, const struct famez_link *l)
{
	struct server *s = context;
	struct famez_link answer;
	uint32_t generation;
	char text[FAMEZ_LINK_ROOM], shown[2 * FAMEZ_LINK_ROOM];

	if (id >= s->plan.layout.server_id || !s->peers[id].client)
		return;
	/* what it says belongs to this start of it, not to the last; its end can wait */
	generation = famez_load_acquire(&control_peer(s, id)->generation);
	if (generation)
		self_sees(s, &s->peers[id], generation);
	printable(shown, sizeof(shown), text, famez_link_write(l, text));
	detail("link: peer %u: %s", id, shown);
	if (!answers(s, &s->peers[id], l, &answer))
		return;
	famez_link_write(&answer, text);
	detail("link: to peer %u: %s", id, text);
	famez_fabric_answer(s->fabric, id, &answer);
}

void link_look(struct server *s)
{
	if (s->picture_due)
		picture(s);
	s->picture_due = false;
}

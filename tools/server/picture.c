// SPDX-License-Identifier: GPL-2.0
/* The switch's picture of itself: who is at which port. */
#include <stdio.h>

#include "server.h"

static const char *state_name(uint32_t state)
{
	switch (state) {
	case FAMEZ_PEER_ATTACHED:
		return "attached";
	case FAMEZ_PEER_UP:
		return "up";
	case FAMEZ_PEER_STATE_OLD:
		return "mailslot";
	default:
		return "absent";
	}
}

/* "CID,SID", or a dash */
static void print_ids(char *text, size_t room, const struct peer *p)
{
	if (p->cid)
		snprintf(text, room, "%u,%u", p->cid, p->sid);
	else
		snprintf(text, room, "-");
}

static void print_port(const struct server *s, const struct peer *p)
{
	struct famez_peer_info info = { };
	char ids[24];

	famez_fabric_peer(s->fabric, p->id, &info);
	print_ids(ids, sizeof(ids), p);
	say("%5u  %-9s  %-10s  %-16s  %s", p->id,
	    p->retired ? "retired" : state_name(info.state), ids,
	    *info.cclass ? info.cclass : "-", *info.name ? info.name : "-");
}

void picture(struct server *s)
{
	uint32_t id;

	if (!s->fabric)
		return;
	say(" port  state      CID,SID     class             name");
	for (id = 1; id <= s->plan.layout.server_id; id++)
		if (s->peers[id].client || s->peers[id].retired ||
		    id == s->plan.layout.server_id)
			print_port(s, &s->peers[id]);
}

// SPDX-License-Identifier: GPL-2.0
/* F.E.E.'s mailslots, for peers that know nothing newer. */
#include <string.h>

#include <famez/mailslot.h>

#include "server.h"

static struct famez_slot *slot(const struct server *s, uint32_t id)
{
	return famez_slot(s->memory.map, id);
}

void mailslot_setup(struct server *s)
{
	uint32_t server_id = s->plan.layout.server_id;
	struct famez_slot0 *slot0 = s->memory.map;
	uint32_t id;

	if (!s->plan.mailslots)
		return;
	*slot0 = (struct famez_slot0){
		.slotsize = htole64(FAMEZ_SLOT_SIZE),
		.buf_offset = htole64(FAMEZ_SLOT_BUF_OFFSET),
		.nclients = htole64(s->plan.clients),
		.nevents = htole64(s->plan.layout.vectors),
		.server_id = htole64(server_id),
	};
	for (id = 1; id <= server_id; id++)
		slot(s, id)->peer_id = htole64(id);
}

void mailslot_name(struct server *s, uint32_t id, const char *cclass)
{
	struct famez_slot *mine = slot(s, id);

	if (!s->plan.mailslots)
		return;
	famez_slot_name(mine->nodename, "");
	famez_slot_name(mine->cclass, cclass);
	mine->last_responder = 0;
	mine->peer_id = htole64(id);
}

void mailslot_empty(struct server *s, uint32_t sender)
{
	if (!s->plan.mailslots || !sender ||
	    sender > s->plan.layout.server_id)
		return;
	famez_slot_set_length(slot(s, sender), 0);
}

void mailslot_nodename(const struct server *s, uint32_t id, char *text,
		       size_t room)
{
	char name[FAMEZ_NAME_SIZE];

	*text = '\0';
	if (!s->plan.mailslots || !id || id > s->plan.layout.server_id)
		return;
	memcpy(name, slot(s, id)->nodename, sizeof(name));
	printable(text, room, name, strnlen(name, sizeof(name)));
}

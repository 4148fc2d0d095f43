// SPDX-License-Identifier: GPL-2.0
/* F.E.E.'s mailslots, for peers that know nothing newer. */
#include <string.h>

#include "server.h"

static struct famez_slot *slot(const struct server *s, uint32_t id)
{
	return (void *)((char *)s->memory.map + (size_t)id * FAMEZ_SLOT_SIZE);
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
	strcpy(slot(s, server_id)->nodename, "Z-switch");
	strcpy(slot(s, server_id)->cclass, "FabricSwitch");
}

void mailslot_name(struct server *s, uint32_t id, const char *cclass)
{
	struct famez_slot *mine = slot(s, id);

	if (!s->plan.mailslots)
		return;
	memset(mine->nodename, 0, sizeof(mine->nodename));
	memset(mine->cclass, 0, sizeof(mine->cclass));
	memcpy(mine->cclass, cclass, strlen(cclass));
	mine->peer_id = htole64(id);
}

void mailslot_empty(struct server *s, uint32_t sender)
{
	if (!s->plan.mailslots || !sender ||
	    sender > s->plan.layout.server_id)
		return;
	__atomic_store_n(&slot(s, sender)->buflen, 0, __ATOMIC_RELEASE);
}

int mailslot_take(struct server *s, uint32_t sender)
{
	struct famez_slot *from = slot(s, sender);
	uint64_t length;

	if (!s->plan.mailslots || !sender || sender > s->plan.clients)
		return -1;
	length = le64toh(__atomic_load_n(&from->buflen, __ATOMIC_ACQUIRE));
	/* famez's peers ring this vector too, and leave their slot empty */
	if (!length)
		return -1;
	if (length > sizeof(from->buf))
		length = sizeof(from->buf);
	memcpy(s->inbox, from->buf, length);
	mailslot_empty(s, sender);
	return length;
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

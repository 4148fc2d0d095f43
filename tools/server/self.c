// SPDX-License-Identifier: GPL-2.0
/* The switch as a peer: reads messages, answers pings, sees who is up. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server.h"

#define SHOWN		200	/* bytes of a message that are printed */
#define MESSAGES	64	/* printed in one turn of the loop */

static void ring(void *context, uint32_t peer, uint32_t vector)
{
	struct server *s = context;

	/* ourselves: there is more to do than one call takes */
	if (peer == s->plan.layout.server_id)
		self_wake(s);
	else
		peer_ring(s, peer, vector);
}

/* ---- Messages ------------------------------------------------------------------ */

static void flush(void *context, uint32_t peer, const struct famez_flush *request,
		  bool known)
{
	if (known)
		sync_ask(context, peer, request);
	else
		sync_refuse(context, peer, request);
}

static void print_message(struct server *s, uint32_t from, size_t size)
{
	char text[4 * SHOWN + 8], whole[40] = "";
	char name[FAMEZ_NAME_SIZE];
	size_t length = size;

	if (length && s->inbox[length - 1] == '\n')
		length--;
	if (length > SHOWN) {
		length = SHOWN;
		snprintf(whole, sizeof(whole), "... (%zu bytes)", size);
	}
	printable(text, sizeof(text), s->inbox, length);
	/* not the record's: by now it may be down, or have a next start */
	if (*s->peers[from].name)
		strcpy(name, s->peers[from].name);
	else
		mailslot_nodename(s, from, name, sizeof(name));
	say("message from %u (%s): %s%s", from, name, text, whole);
}

/* Return: true when there may be more */
static bool read_messages(struct server *s)
{
	struct famez_letter letter;
	int i;

	for (i = 0; i < MESSAGES; i++) {
		if (famez_fabric_recv(s->fabric, 0, &letter, s->inbox,
				      sizeof(s->inbox)))
			return false;
		print_message(s, letter.peer, letter.size);
	}
	return true;
}

/* ---- Who is up ------------------------------------------------------------------- */

static const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case FAMEZ_KIND_SWITCH:
		return "switch";
	case FAMEZ_KIND_BRIDGE:
		return "bridge";
	case FAMEZ_KIND_HOST:
		return "host";
	default:
		return "unknown";
	}
}

static void is_up(struct server *s, struct peer *p)
{
	struct famez_peer_info info = { };

	famez_fabric_peer(s->fabric, p->id, &info);
	strcpy(p->name, info.name);
	say("peer %u up: %s (%s, %u vectors)", p->id, p->name,
	    kind_name(info.kind), info.vectors_armed);
}

/* May be called for a record that is being read, unless the generation is 0. */
void self_sees(struct server *s, struct peer *p, uint32_t generation)
{
	if (generation == p->generation)
		return;
	p->generation = generation;
	/* it has to be configured again */
	link_forget(p);
	peer_set_state(s, p, generation ? FAMEZ_PEER_UP : FAMEZ_PEER_ATTACHED);
	if (generation) {
		is_up(s, p);
		return;
	}
	/* its last words come before its end */
	read_messages(s);
	say("peer %u down", p->id);
}

static void look_at_peers(struct server *s)
{
	uint32_t id;

	for (id = 1; id <= s->plan.clients; id++) {
		if (!s->peers[id].client)
			continue;
		self_sees(s, &s->peers[id],
			  famez_load_acquire(&control_peer(s, id)->generation));
		/* before that, what it asks is what its predecessor asked */
		if (s->peers[id].generation)
			directory_look(s, &s->peers[id]);
	}
}

/* ---- Start, service, stop -------------------------------------------------------- */

static bool start_fabric(struct server *s)
{
	struct famez_fabric_config config = {
		.memory = s->memory.map,
		.size = s->memory.size,
		/* whatever strangers have written there */
		.header = &s->header,
		.id = s->plan.layout.server_id,
		.kind = FAMEZ_KIND_SWITCH,
		.vectors = s->plan.layout.vectors,
		.name = s->link.state == FAMEZ_LINK_CONFIGURED ? "Z-switch" : "Z-server",
		.cclass = s->link.cclass,
		.ring = ring,
		.flush = flush,
		.link = link_take,
		.context = s,
	};
	int err = famez_fabric_start(&s->fabric, &config);

	if (!err && regions_start(s))
		return true;
	if (err)
		complain("the switch cannot be a peer: %s", strerror(-err));
	else
		famez_fabric_stop(s->fabric);
	s->fabric = NULL;
	return false;
}

/*
 * Somebody wrote over the header.  Peers that saw it have given up; for those
 * still to come it is made good, and the switch starts anew as a peer.
 */
static void heal(struct server *s)
{
	complain("a peer has overwritten the control area's header");
	control_write_header(s);
	famez_fabric_stop(s->fabric);
	s->fabric = NULL;
	start_fabric(s);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	self_look(context);
	return 0;
}

/* Nobody rings when a mailslot was read: looks once more, soon. */
static void tick(struct server *s)
{
	sd_event_source_set_time_relative(s->ticks, FAMEZ_FABRIC_TICK / 1000);
	sd_event_source_set_enabled(s->ticks, SD_EVENT_ONESHOT);
}

void self_look(struct server *s)
{
	if (s->silent)
		return;
	if (s->fabric && famez_fabric_service(s->fabric))
		heal(s);
	if (!s->fabric && !start_fabric(s))
		return;
	look_at_peers(s);
	link_look(s);
	sync_look(s);
	if (read_messages(s) | regions_look(s))
		self_wake(s);
	if (famez_fabric_ticks(s->fabric))
		tick(s);
}

static int on_service(sd_event_source *source, void *context)
{
	(void)source;
	self_look(context);
	return 0;
}

void self_wake(struct server *s)
{
	sd_event_source_set_enabled(s->service, SD_EVENT_ONESHOT);
}

void self_rung(struct server *s, uint32_t vector)
{
	if (s->fabric)
		famez_fabric_rung(s->fabric, vector);
	self_wake(s);
}

bool self_start(struct server *s, const struct options *o)
{
	if (sd_event_add_defer(s->event, &s->service, on_service, s) < 0 ||
	    sd_event_add_time(s->event, &s->ticks, CLOCK_MONOTONIC, 0, 1, on_tick, s) < 0 ||
	    sd_event_source_set_enabled(s->ticks, SD_EVENT_OFF) < 0) {
		complain("out of memory");
		return false;
	}
	link_start(s, o);
	if (s->silent)
		return true;
	peer_set_state(s, &s->peers[s->plan.layout.server_id],
		       FAMEZ_PEER_UP);
	return start_fabric(s);
}

void self_stop(struct server *s)
{
	if (!s->fabric)
		return;
	peer_set_state(s, &s->peers[s->plan.layout.server_id],
		       FAMEZ_PEER_ABSENT);
	peers_tell(s);
	famez_fabric_stop(s->fabric);
	s->fabric = NULL;
}

// SPDX-License-Identifier: LGPL-2.1
/* Words of the Gen-Z link layer: heard and said, by records or mailslots. */
#include <errno.h>
#include <string.h>

#include "fabric-impl.h"

/*
 * A switch that knows mailslots alone has one for all, and who leaves before he has read
 * its answer is in everybody's way: so who does not ask, does not begin to speak.
 */
struct famez_component *famez_fabric_component(struct famez_fabric *f)
{
	if (!fabric_has_table(f) && !f->link_begun && f->component.state == FAMEZ_LINK_DOWN)
		link_begin(f);
	return &f->component;
}

void link_begin(struct famez_fabric *f)
{
	struct famez_link ask;

	if (f->config.link)
		return;
	f->link_begun = true;
	famez_link_begin(&f->component, &ask);
	/* whatever else was to be said was for its last start, or can be said again */
	famez_link_put(&f->peers[f->layout.server_id].link_due, FAMEZ_LINK_OWN, &ask);
	link_send(f, f->layout.server_id);
}

/* An old peer says no more than that it is there. */
static void take_pong(struct famez_fabric *f, uint32_t id)
{
	if (f->pinged != id || !f->config.pong)
		return;
	f->pinged = 0;
	f->config.pong(f->config.context, id, f->ping, f->ping_size);
}

void link_heard(struct famez_fabric *f, uint32_t id, const struct famez_link *l)
{
	struct famez_link answer;

	if (l->word == FAMEZ_LINK_PONG)
		take_pong(f, id);
	else if (f->config.link)
		f->config.link(f->config.context, id, l);
	else if (famez_link_answer(&f->component, l, id == f->layout.server_id, &answer))
		famez_fabric_answer(f, id, &answer);
}

static void send_one(struct famez_fabric *f, uint32_t id, uint32_t which)
{
	struct famez_link_due *due = &f->peers[id].link_due;
	char text[FAMEZ_LINK_ROOM];
	uint32_t length;
	int err;

	if (!due->word[which].word)
		return;
	length = famez_link_write(&due->word[which], text);
	if (famez_fabric_is_old(f, id)) {
		err = mail_send(f, id, text, length);
		f->words_wait |= err == -EAGAIN;
	} else {
		err = channel_send(f, id, FAMEZ_TYPE_LINK, text, length);
	}
	if (err != -EAGAIN)
		famez_link_said(due, which, due->turn[which]);
}

void link_send(struct famez_fabric *f, uint32_t id)
{
	send_one(f, id, FAMEZ_LINK_ANSWER);
	send_one(f, id, FAMEZ_LINK_OWN);
}

static bool is_other(const struct famez_fabric *f, uint32_t id)
{
	return id < f->layout.peers.count && id != f->config.id;
}

int famez_fabric_say(struct famez_fabric *f, uint32_t id, const struct famez_link *link)
{
	if (!is_other(f, id))
		return -EINVAL;
	if (f->peers[id].link_due.word[FAMEZ_LINK_OWN].word)
		return -EAGAIN;
	famez_link_put(&f->peers[id].link_due, FAMEZ_LINK_OWN, link);
	link_send(f, id);
	return 0;
}

void famez_fabric_answer(struct famez_fabric *f, uint32_t id, const struct famez_link *link)
{
	if (!is_other(f, id))
		return;
	famez_link_put(&f->peers[id].link_due, FAMEZ_LINK_ANSWER, link);
	link_send(f, id);
}

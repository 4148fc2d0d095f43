// SPDX-License-Identifier: GPL-2.0
/*
 * The eventfds of each id.  They are made when the id is first used, and kept
 * for the life of the switch: every client that was told of the id has them,
 * and must not be told again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <doorbell.h>
#include "server.h"

/*
 * Nobody has the id.  Old peers must not wait for the dead: F.E.E.'s handshake
 * is an emptied slot, and with mailslots vector k is rung by peer k.
 */
static void swallow(struct vector *v)
{
	if (doorbell_take(v->fd))
		mailslot_empty(v->server, v->number);
}

static int on_ring(sd_event_source *source, int fd, uint32_t events,
		   void *context)
{
	struct vector *v = context;

	(void)source;
	(void)fd;
	(void)events;
	if (v->id != v->server->plan.layout.server_id)
		swallow(v);
	else if (doorbell_take(v->fd))
		self_rung(v->server, v->number);
	return 0;
}

static bool vector_make(struct vector *v)
{
	int err;

	v->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = v->fd < 0 ? -errno :
	      sd_event_add_io(v->server->event, &v->source, v->fd, EPOLLIN,
			      on_ring, v);
	if (err >= 0)
		err = sd_event_source_set_enabled(v->source, SD_EVENT_OFF);
	if (err >= 0)
		return true;
	complain("peer %u: no eventfd: %s", v->id, strerror(-err));
	return false;
}

bool vectors_make(struct server *s, struct peer *p)
{
	uint32_t i, n = s->plan.layout.vectors;

	if (p->vectors)
		return true;
	p->vectors = calloc(n, sizeof(*p->vectors));
	if (!p->vectors)
		return false;
	for (i = 0; i < n; i++)
		p->vectors[i] = (struct vector){
			.server = s, .id = p->id, .number = i, .fd = -1,
		};
	for (i = 0; i < n; i++) {
		if (!vector_make(&p->vectors[i])) {
			vectors_free(s, p);
			return false;
		}
	}
	return true;
}

void vectors_free(struct server *s, struct peer *p)
{
	uint32_t i;

	if (!p->vectors)
		return;
	for (i = 0; i < s->plan.layout.vectors; i++) {
		sd_event_source_disable_unref(p->vectors[i].source);
		if (p->vectors[i].fd >= 0)
			close(p->vectors[i].fd);
	}
	free(p->vectors);
	p->vectors = NULL;
}

void vectors_watch(struct server *s, struct peer *p, bool on)
{
	uint32_t i;

	for (i = 0; i < s->plan.layout.vectors; i++) {
		struct vector *v = &p->vectors[i];

		/* what the former owner was rung for is not for the next one */
		if (!on)
			swallow(v);
		sd_event_source_set_enabled(v->source,
					    on ? SD_EVENT_ON : SD_EVENT_OFF);
	}
}

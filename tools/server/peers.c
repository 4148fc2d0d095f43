// SPDX-License-Identifier: GPL-2.0
/*
 * Ids, from hand to hand.  An id is free, has a client, or is retired: its
 * client has left, but the process may live.  A QEMU whose socket was closed
 * does, and goes on reading its eventfds and writing its half of the channels;
 * so the id has a next owner only when that process is known to be gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <time.h>

#include <doorbell.h>
#include <famez/mailslot.h>
#include "server.h"

#define TELL_USEC	10	/* for each client that there may be */

/* ---- State ------------------------------------------------------------------- */

/* Never waits: where the counter is full, the peer has been rung already. */
void peer_ring(struct server *s, uint32_t id, uint32_t vector)
{
	if (id >= s->plan.layout.peers.count || !s->peers[id].client ||
	    vector >= s->plan.layout.vectors)
		return;
	doorbell_ring(s->peers[id].vectors[vector].fd);
}

/*
 * Only one that is up.  Others have nothing that reads the peer table, and
 * will read it when they start; what F.E.E.'s programs would make of vector 0
 * is a message in slot 0, which holds our header.
 */
/* Who is no peer itself, hears from nobody that it is up. */
static bool is_up(const struct server *s, uint32_t id)
{
	if (s->silent)
		return s->peers[id].client && famez_load(&control_peer(s, id)->generation);
	return s->peers[id].state == FAMEZ_PEER_UP;
}

void peer_notify(struct server *s, uint32_t id)
{
	const struct famez_layout *l = &s->plan.layout;
	uint32_t armed;

	if (!is_up(s, id))
		return;
	armed = famez_load(&control_peer(s, id)->vectors);
	if (!armed || armed > l->vectors)
		armed = l->vectors;
	peer_ring(s, id, l->notify_vector % armed);
}

void peers_tell(struct server *s)
{
	uint32_t id;

	sd_event_now(s->event, CLOCK_MONOTONIC, &s->told);
	control_publish(s);
	for (id = 1; id <= s->plan.clients; id++)
		peer_notify(s, id);
	/* nobody rings us for it, and we are a peer like the others */
	self_wake(s);
}

static int on_time_to_tell(sd_event_source *source, uint64_t usec,
			   void *context)
{
	(void)source;
	(void)usec;
	peers_tell(context);
	return 0;
}

/*
 * Each of many that come or go at once makes all others look at all.  So they are
 * told at once of a first one, and of those that follow together: in the time that
 * it takes so many to look.
 */
static void tell_soon(struct server *s)
{
	uint64_t now, next = s->told + TELL_USEC * s->plan.clients;

	if (!s->tell ||
	    sd_event_source_get_enabled(s->tell, NULL) == SD_EVENT_ONESHOT)
		return;
	sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	if (now >= next) {
		peers_tell(s);
		return;
	}
	sd_event_source_set_time(s->tell, next);
	sd_event_source_set_enabled(s->tell, SD_EVENT_ONESHOT);
}

void peer_changed(struct server *s, struct peer *p)
{
	p->epoch++;
	control_publish_peer(s, p->id);
	tell_soon(s);
}

void peer_set_state(struct server *s, struct peer *p, uint32_t state)
{
	p->state = state;
	peer_changed(s, p);
}

/* ---- The beginning and the end -------------------------------------------- */

bool peers_make(struct server *s)
{
	uint32_t id, n = s->plan.layout.peers.count;
	struct peer *own;

	s->peers = calloc(n, sizeof(*s->peers));
	if (!s->peers) {
		complain("out of memory");
		return false;
	}
	for (id = 0; id < n; id++) {
		s->peers[id].id = id;
		s->peers[id].pidfd = -1;
	}
	if (sd_event_add_time(s->event, &s->tell, CLOCK_MONOTONIC, 0, 1,
			      on_time_to_tell, s) < 0 ||
	    sd_event_source_set_enabled(s->tell, SD_EVENT_OFF) < 0) {
		complain("out of memory");
		return false;
	}
	own = &s->peers[s->plan.layout.server_id];
	if (!vectors_make(s, own))
		return false;
	vectors_watch(s, own, true);
	return true;
}

static void unwatch(struct peer *p)
{
	p->watch = sd_event_source_disable_unref(p->watch);
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
}

void peers_free(struct server *s)
{
	uint32_t id;

	s->tell = sd_event_source_disable_unref(s->tell);
	for (id = 0; s->peers && id < s->plan.layout.peers.count; id++) {
		unwatch(&s->peers[id]);
		vectors_free(s, &s->peers[id]);
	}
	free(s->peers);
	s->peers = NULL;
}

/* ---- From retired to free -------------------------------------------------- */

static void set_free(struct server *s, struct peer *p)
{
	unwatch(p);
	p->retired = false;
	control_clear_peer(s, p->id);
	directory_take_back(s, p);
	/* its owner may have written there until now */
	mailslot_name(s, p->id, "");
	say("peer %u free", p->id);
}

/* The process is gone.  Its socket may live on in another one's hands. */
static int on_gone(sd_event_source *source, int fd, uint32_t events,
		   void *context)
{
	struct server *s = context;
	uint32_t id;

	(void)source;
	(void)events;
	for (id = 1; id <= s->plan.clients; id++) {
		struct peer *p = &s->peers[id];

		if (p->pidfd != fd)
			continue;
		unwatch(p);
		if (p->retired)
			set_free(s, p);
		break;
	}
	return 0;
}

/*
 * The number may be another process's by now, if ours is gone and was so quick:
 * then the id is retired for longer than it had to be, and that is all.
 *
 * Return: false when there is no way to know when the process ends
 */
static bool watch(struct server *s, struct peer *p, pid_t pid)
{
	int err;

	p->pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0 && errno == ESRCH)
		return true;
	err = p->pidfd < 0 ? -errno :
	      sd_event_add_io(s->event, &p->watch, p->pidfd, EPOLLIN, on_gone,
			      s);
	if (err >= 0)
		return true;
	detail("peer %u: process %d cannot be watched: %s", p->id, (int)pid,
	       strerror(-err));
	unwatch(p);
	return false;
}

/* ---- Join and leave ---------------------------------------------------------- */

struct peer *peer_take(struct server *s)
{
	uint32_t id;

	for (id = 1; id <= s->plan.clients; id++) {
		struct peer *p = &s->peers[id];

		if (p->client || p->retired)
			continue;
		if (!vectors_make(s, p))
			return NULL;
		vectors_watch(s, p, false);
		return p;
	}
	return NULL;
}

void peer_join(struct server *s, struct peer *p, struct client *c, pid_t pid)
{
	p->client = c;
	p->generation = 0;
	link_forget(p);
	*p->name = '\0';
	p->unwatched = !watch(s, p, pid);
	control_mend(s);
	mailslot_name(s, p->id, FAMEZ_CLASS_DRIVERLESS);
	peer_set_state(s, p, FAMEZ_PEER_ATTACHED);
}

void peer_leave(struct server *s, struct peer *p)
{
	p->client = NULL;
	p->generation = 0;
	link_forget(p);
	p->retired = true;
	vectors_watch(s, p, true);
	mailslot_name(s, p->id, "");
	peer_set_state(s, p, FAMEZ_PEER_ABSENT);
	say("peer %u left", p->id);
	if (p->unwatched)
		say("peer %u stays retired: its process cannot be watched",
		    p->id);
	else if (p->pidfd < 0)
		set_free(s, p);
}

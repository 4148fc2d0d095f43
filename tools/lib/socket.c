// SPDX-License-Identifier: LGPL-2.1
/*
 * The backend on the host: the program is a peer itself, connected to the
 * switch's socket.
 *
 * Two epoll descriptors.  The inner one (attach.epoll) holds what wakes a
 * sleeping call: the socket, and our eventfds, which others ring.  The outer
 * one is famez_fd(): it holds the inner one and an eventfd of our own, set
 * while something may wait for which nobody is going to ring again: messages,
 * events for a program that has asked for any, and room for who sent and found
 * none, as another call may have taken in the ring that told of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <famez/ring.h>
#include "attach.h"
#include "doorbell.h"
#include "fabric.h"
#include "handle.h"

#define EVENTS	16	/* taken from the inner epoll at a time */
#define HEED	16	/* times that a program is told of room before it has given up */

/**
 * struct host - a peer on the host
 * @attach: the connection to the switch
 * @fabric: the control area, or an older server's mailslots; NULL: a raw server has none,
 *	and whoever calls what needs one is told so by famez_ops
 * @failed: why no messages are possible any more, 0: they are
 * @endpoints: all handles of this peer
 * @looked: when the inner epoll was last asked
 * @timer: ticks, while @ticking
 * @ticking: somebody waits for the own mailslot
 * @token: number of the last ping
 * @ping_peer: to whom it went
 * @pong: it came back
 */
struct host {
	struct attach attach;
	struct famez_fabric *fabric;
	int failed;
	struct sock *endpoints;
	struct timespec looked;
	int timer;
	bool ticking;
	uint64_t token;
	uint32_t ping_peer;
	bool pong;
};

/**
 * struct sock - an endpoint of a peer on the host
 * @handle: what the caller has; first, so that it is the same address
 * @host: the peer
 * @next: another endpoint of it
 * @slot: place of the port that it has bound; 0: port 0
 * @more: see above
 * @more_set: @more is readable
 * @messages: there may be some
 * @unheeded: how often it had no message to read, and has not sent either, while
 *	there was news for who sends
 * @follows: the program has asked for an event
 * @cursor: its place in the events
 * @listeners: the program's eventfds, by own vector, or -1
 */
struct sock {
	struct famez handle;
	struct host *host;
	struct sock *next;
	uint32_t slot;
	int more;
	bool more_set;
	bool messages;
	uint32_t unheeded;
	bool follows;
	uint64_t cursor;
	int *listeners;
};

static struct sock *to_sock(struct famez *handle)
{
	return (struct sock *)handle;
}

/* Is it a famez fabric?  Events, ports and regions are there alone. */
static bool has_table(const struct host *h)
{
	return h->attach.config == FAMEZ_CONFIG_FAMEZ;
}

/* ---- Waiting ------------------------------------------------------------- */

static bool events_wait(const struct sock *s)
{
	return s->follows && famez_fabric_events(s->host->fabric) != s->cursor;
}

/* Some programs do without what they could not send. */
static bool room_waits(const struct sock *s)
{
	return s->host->fabric && s->unheeded < HEED && famez_fabric_news(s->host->fabric);
}

/* What is there may have changed: does famez_fd() have to tell? */
static void set_more(struct sock *s)
{
	bool more = s->host->failed || s->messages || events_wait(s) || room_waits(s);

	if (more && !s->more_set)
		doorbell_ring(s->more);
	else if (!more && s->more_set)
		doorbell_take(s->more);
	s->more_set = more;
}

static void set_messages(struct sock *s, bool messages)
{
	s->messages = messages;
	set_more(s);
}

/* The program listens no more on a vector. */
static void drop_listener(struct sock *s, uint32_t vector)
{
	if (s->listeners[vector] >= 0)
		close(s->listeners[vector]);
	s->listeners[vector] = -1;
}

/* An own vector may have been rung. */
static void hear(struct host *h, uint32_t vector)
{
	struct sock *s;

	if (!attach_was_rung(&h->attach, vector))
		return;
	if (h->fabric)
		famez_fabric_rung(h->fabric, vector);
	for (s = h->endpoints; s; s = s->next)
		if (s->listeners[vector] >= 0)
			doorbell_ring(s->listeners[vector]);
}

/* Tells those who listen a last time. */
static void end_listeners(struct sock *s)
{
	uint32_t i;

	for (i = 0; s->listeners && i < s->host->attach.layout.vectors; i++) {
		if (s->listeners[i] >= 0)
			doorbell_ring(s->listeners[i]);
		drop_listener(s, i);
	}
}

/* No more messages; famez_fd() stays readable from now on. */
static int fail(struct host *h, int error)
{
	struct sock *s;

	h->failed = error;
	if (h->fabric && !has_table(h))
		famez_fabric_abandon(h->fabric);
	for (s = h->endpoints; s; s = s->next) {
		end_listeners(s);
		set_more(s);
	}
	return error;
}

static void ring(void *context, uint32_t peer, uint32_t vector)
{
	struct host *h = context;
	int r = h->failed ? 0 : attach_ring(&h->attach, peer, vector);

	if (r)
		fail(h, r);
}

static void pong(void *context, uint32_t peer, const void *data, size_t size)
{
	struct host *h = context;

	if (peer == h->ping_peer && size == sizeof(h->token) &&
	    !memcmp(data, &h->token, size))
		h->pong = true;
}

/* Nobody rings when a mailslot was read: who waits for that looks every tick. */
static void set_ticks(struct host *h)
{
	bool on = h->fabric && famez_fabric_ticks(h->fabric);
	const struct timespec tick = { .tv_nsec = on ? FAMEZ_FABRIC_TICK : 0 };
	const struct itimerspec ticks = { .it_interval = tick, .it_value = tick };

	if (on != h->ticking)
		timerfd_settime(h->timer, 0, &ticks, NULL);
	h->ticking = on;
}

/* Not as an eventfd: before Linux 6.10, timers know no RWF_NOWAIT. */
static void timer_take(int timer)
{
	uint64_t ticks;

	if (read(timer, &ticks, sizeof(ticks)) < 0)
		return;
}

/* Takes in what the inner epoll has told. */
static int take_events(struct host *h, const struct epoll_event *events, int n)
{
	struct sock *s;
	int i, r;

	for (i = 0; i < n; i++) {
		if (events[i].data.u32 == ATTACH_TIMER) {
			timer_take(h->timer);
			continue;
		}
		if (events[i].data.u32 != ATTACH_SOCKET) {
			hear(h, events[i].data.u32);
			continue;
		}
		r = attach_take(&h->attach);
		if (r)
			return r;
	}
	r = h->fabric ? famez_fabric_service(h->fabric) : 0;
	set_ticks(h);
	/* the ring that announced messages is taken, the messages are not */
	for (s = h->endpoints; s; s = s->next) {
		s->unheeded = 0;
		set_messages(s, h->fabric);
	}
	return r ? r : h->failed;
}

/*
 * Waits for something to happen, @timeout as of epoll_wait(), and takes it in.
 * Return: whether something did (> 0), 0, or a negative errno
 */
static int look(struct host *h, int timeout)
{
	struct epoll_event events[EVENTS];
	int n, r;

	if (h->failed)
		return h->failed;
	set_ticks(h);
	n = epoll_wait(h->attach.epoll, events, EVENTS, timeout);
	if (n < 0)
		return -errno;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &h->looked);
	if (!n)
		return 0;
	r = take_events(h, events, n);
	return r ? fail(h, r) : n;
}

/* When the timeout of a call that begins now is over, 0: never. */
static uint64_t call_deadline(const struct sock *s)
{
	uint64_t timeout = s->handle.timeout_ms;

	return timeout ? now_ns() + timeout * 1000000 : 0;
}

static bool is_over(uint64_t deadline)
{
	return deadline && !ms_until(deadline);
}

/*
 * A call got -EAGAIN; waits as long as it may for a reason to try again.
 * Return: 0: try again; or what the call is to return
 */
static int wait_more(struct sock *s, uint64_t deadline, bool *looked)
{
	bool nonblock = s->handle.nonblock;
	int n;

	if (*looked && nonblock)
		return -EAGAIN;
	/* others may keep us busy, but not for ever */
	if (*looked && is_over(deadline))
		return -ETIMEDOUT;
	n = look(s->host, nonblock ? 0 : deadline ? ms_until(deadline) : -1);
	*looked = true;
	if (!n && nonblock)
		return -EAGAIN;
	return n < 0 ? n : 0;
}

/*
 * A program that always finds room, or messages, never has to wait; so that it
 * answers pings and sees peers come and go, it looks once per clock tick.
 */
static int glance(struct host *h)
{
	struct timespec now;
	int r;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (!h->failed && now.tv_nsec == h->looked.tv_nsec &&
	    now.tv_sec == h->looked.tv_sec)
		return 0;
	r = look(h, 0);
	return r < 0 ? r : 0;
}

/* ---- The calls ----------------------------------------------------------- */

/* An old peer has it when it has read it. */
static int wait_read(struct sock *s, uint32_t peer, uint64_t deadline)
{
	bool looked = false;
	int r, waited = 0;

	while (!waited && (r = famez_fabric_unread(s->host->fabric, peer)) == -EAGAIN)
		waited = wait_more(s, deadline, &looked);
	if (!waited)
		return r;
	famez_fabric_withdraw(s->host->fabric, peer);
	return waited;
}

/* Could it go otherwise once what waits for us is taken in? */
static bool worth_a_look(int error)
{
	return error == -EAGAIN || error == -ENOTCONN || error == -EHOSTUNREACH;
}

/** struct letter_out - what goes to a port; no data: it is asked whether it is open */
struct letter_out {
	uint32_t peer;
	uint16_t port;
	const void *data;
	size_t size;
};

static int try_send(struct sock *s, const struct letter_out *l)
{
	struct famez_fabric *f = s->host->fabric;
	int r;

	if (!l->data)
		return famez_fabric_probe(f, l->peer, l->port);
	r = famez_fabric_send(f, l->peer, famez_fabric_port(f, s->slot), l->port,
			      l->data, l->size);
	return r == -ENODEV ? fail(s->host, r) : r;
}

static int send_letter(struct sock *s, const struct letter_out *l, uint64_t deadline)
{
	bool looked = false, waited = false;
	int n, r;

	n = glance(s->host);
	if (n < 0)
		return n;
	for (;;) {
		r = try_send(s, l);
		/* it was there when we began to wait */
		if (waited && (r == -ENOTCONN || r == -EHOSTUNREACH))
			return -ECONNRESET;
		if (!worth_a_look(r) || (looked && r != -EAGAIN))
			return r;
		if (r == -EAGAIN) {
			r = wait_more(s, deadline, &looked);
			if (r)
				return r;
			waited = true;
			continue;
		}
		n = look(s->host, 0);
		if (n <= 0)
			return n ? n : r;
		looked = true;
	}
}

static int socket_send(struct famez *handle, uint32_t peer, uint16_t port,
		       const void *data, size_t size)
{
	const struct letter_out l = { peer, port, size ? data : "", size };
	struct sock *s = to_sock(handle);
	uint64_t deadline = call_deadline(s);
	int r;

	s->unheeded = 0;
	r = send_letter(s, &l, deadline);
	if (!r && !handle->nonblock && famez_fabric_is_old(s->host->fabric, peer))
		r = wait_read(s, peer, deadline);
	set_ticks(s->host);
	/* one less to tell of, perhaps */
	set_more(s);
	return r;
}

static int socket_probe(struct famez *handle, uint32_t peer, uint16_t port)
{
	const struct letter_out l = { .peer = peer, .port = port };

	return send_letter(to_sock(handle), &l, call_deadline(to_sock(handle)));
}

static int socket_recv(struct famez *handle, struct famez_letter *letter,
		       void *data, size_t room)
{
	struct sock *s = to_sock(handle);
	uint64_t deadline = call_deadline(s);
	bool looked = false;
	int r;

	r = glance(s->host);
	if (r < 0)
		return r;
	for (;;) {
		r = famez_fabric_recv(s->host->fabric, s->slot, letter, data,
				      room);
		if (r != -EAGAIN)
			break;
		r = wait_more(s, deadline, &looked);
		/* from here on, we are rung for the next one */
		if (r == -EAGAIN || r == -ETIMEDOUT) {
			s->unheeded += famez_fabric_news(s->host->fabric);
			set_messages(s, false);
		}
		if (r)
			return r;
	}
	set_messages(s, true);
	return r < 0 ? r : 0;
}

static int socket_next_event(struct famez *handle, struct famez_event *event)
{
	struct sock *s = to_sock(handle);
	uint64_t deadline = call_deadline(s);
	bool looked = false;
	int r;

	if (!has_table(s->host))
		return -EOPNOTSUPP;
	s->follows = true;
	r = glance(s->host);
	if (r < 0)
		return r;
	while (famez_fabric_event(s->host->fabric, &s->cursor, event)) {
		r = wait_more(s, deadline, &looked);
		if (r)
			break;
	}
	set_more(s);
	return r;
}

/* Sends a ping, waiting for room; @start: when it went. */
static int send_ping(struct host *h, uint32_t peer, uint64_t deadline,
		     uint64_t *start)
{
	bool looked = false;
	int n, r;

	h->ping_peer = peer;
	h->pong = false;
	h->token++;
	for (;;) {
		*start = now_ns();
		r = famez_fabric_ping(h->fabric, peer, &h->token,
				      sizeof(h->token));
		if (!worth_a_look(r) || (looked && r != -EAGAIN))
			return r;
		n = look(h, r == -EAGAIN ? ms_until(deadline) : 0);
		if (n < 0)
			return n;
		if (r == -EAGAIN && !ms_until(deadline))
			return -ETIMEDOUT;
		if (r != -EAGAIN && !n)
			return r;
		looked = true;
	}
}

static int socket_ping(struct famez *handle, uint32_t peer,
		       uint32_t timeout_ms, uint64_t *nanoseconds)
{
	struct host *h = to_sock(handle)->host;
	uint64_t deadline = now_ns() + timeout_ms * 1000000ULL;
	uint32_t generation;
	uint64_t start;
	int n, r;

	n = glance(h);
	if (n < 0)
		return n;
	r = send_ping(h, peer, deadline, &start);
	if (r)
		return r;
	generation = famez_fabric_paired(h->fabric, peer);
	while (!h->pong) {
		if (famez_fabric_paired(h->fabric, peer) != generation)
			return -ECONNRESET;
		if (!ms_until(deadline))
			return -ETIMEDOUT;
		n = look(h, ms_until(deadline));
		if (n < 0)
			return n;
	}
	*nanoseconds = now_ns() - start;
	return 0;
}

/* Does the fabric know it, and has it such a vector? */
static int check_vector(const struct host *h, uint32_t peer, uint32_t vector)
{
	struct famez_peer_info info;

	if (vector >= h->attach.layout.vectors)
		return -EINVAL;
	if (peer >= h->attach.layout.peers.count)
		return -EHOSTUNREACH;
	if (h->fabric && (famez_fabric_peer(h->fabric, peer, &info) || !info.state))
		return -EHOSTUNREACH;
	return 0;
}

static int socket_ring(struct famez *handle, uint32_t peer, uint32_t vector)
{
	struct host *h = to_sock(handle)->host;
	int r;

	r = glance(h);
	if (!r)
		r = check_vector(h, peer, vector);
	if (r)
		return r;
	r = attach_ring_exactly(&h->attach, peer, vector);
	if (r == -EHOSTUNREACH) {
		/* it is there: the switch has told how to ring it, and we have yet to hear */
		r = look(h, 0);
		if (r < 0)
			return r;
		r = attach_ring_exactly(&h->attach, peer, vector);
	}
	return r && r != -EHOSTUNREACH && r != -EINVAL ? fail(h, r) : r;
}

static int socket_vector(struct famez *handle, uint32_t vector, int eventfd)
{
	struct sock *s = to_sock(handle);
	int own = -1;

	if (s->host->failed)
		return s->host->failed;
	if (vector >= s->host->attach.vectors)
		return -EINVAL;
	/* as in a guest, it may be closed by those who gave it */
	if (eventfd != -1) {
		own = fcntl(eventfd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			return -errno;
		if (!doorbell_is_eventfd(own)) {
			close(own);
			return -EINVAL;
		}
	}
	drop_listener(s, vector);
	s->listeners[vector] = own;
	return 0;
}

static int socket_service(struct famez *handle)
{
	int n = look(to_sock(handle)->host, 0);

	set_messages(to_sock(handle), false);
	return n < 0 ? n : 0;
}

static int socket_get_info(struct famez *handle, struct famez_info *info)
{
	struct host *h = to_sock(handle)->host;
	struct famez_peer_info self;

	info->config = h->attach.config;
	info->id = h->attach.id;
	info->vectors = h->attach.vectors;
	info->vectors_armed = h->attach.vectors;
	info->memory_size = h->attach.layout.memory_size;
	info->fam_offset = h->attach.layout.fam_offset;
	info->fam_size = h->attach.layout.fam_size;
	if (!h->fabric)
		return 0;
	info->peers_max = h->attach.layout.peers.count;
	info->server_id = h->attach.layout.server_id;
	info->message_max = famez_fabric_longest(h->fabric);
	info->generation = famez_fabric_generation(h->fabric);
	info->fabric = h->attach.layout.fabric;
	info->layout_major = h->attach.layout.major;
	info->layout_minor = h->attach.layout.minor;
	if (!famez_fabric_peer(h->fabric, h->attach.id, &self))
		memcpy(info->name, self.name, sizeof(info->name));
	return 0;
}

static int socket_get_link(struct famez *handle, struct famez_link_info *info)
{
	struct host *h = to_sock(handle)->host;
	const struct famez_component *c;
	int r = glance(h);

	if (r)
		return r;
	c = famez_fabric_component(h->fabric);
	set_ticks(h);
	info->state = c->state;
	info->cid = c->cid;
	info->sid = c->sid;
	info->manager_cid = c->manager_cid;
	info->manager_sid = c->manager_sid;
	info->switch_cid = c->switch_cid;
	info->switch_sid = c->switch_sid;
	memcpy(info->cclass, c->cclass, sizeof(info->cclass));
	memcpy(info->switch_class, c->switch_class, sizeof(info->switch_class));
	return 0;
}

static int socket_say(struct famez *handle, uint32_t peer, const char *word)
{
	struct host *h = to_sock(handle)->host;
	struct famez_peer_info info;
	struct famez_link link;
	int r = glance(h);

	if (r)
		return r;
	famez_link_read(&link, word, strlen(word));
	if (!link.word || peer == h->attach.id)
		return -EINVAL;
	if (famez_fabric_peer(h->fabric, peer, &info) || !info.state)
		return -EHOSTUNREACH;
	if (info.state == FAMEZ_PEER_ATTACHED)
		return -ENOTCONN;
	r = famez_fabric_say(h->fabric, peer, &link);
	set_ticks(h);
	return r == -EAGAIN ? -EBUSY : r;
}

/* What there is of a peer; a raw server has told that it is there, and no more. */
static bool get_peer(const struct host *h, uint32_t id, struct famez_peer_info *info)
{
	if (h->fabric)
		return !famez_fabric_peer(h->fabric, id, info) && info->state;
	*info = (struct famez_peer_info){
		.id = id,
		.state = FAMEZ_PEER_ATTACHED,
		.vectors_armed = attach_knows(&h->attach, id),
	};
	return info->vectors_armed;
}

static int socket_get_peers(struct famez *handle, struct famez_peer_info **peers,
			    size_t *count, size_t each)
{
	struct host *h = to_sock(handle)->host;
	struct famez_peer_info info;
	uint32_t id;
	char *list;
	size_t n = 0;
	int r;

	r = glance(h);
	if (r < 0)
		return r;
	for (id = 0; id < h->attach.layout.peers.count; id++)
		n += get_peer(h, id, &info);
	list = calloc(n ? n : 1, each);
	if (!list)
		return -ENOMEM;
	/* some may have gone meanwhile, or come */
	*count = n;
	for (id = n = 0; id < h->attach.layout.peers.count && n < *count; id++)
		if (get_peer(h, id, &info))
			put_entry(list + n++ * each, each, &info, sizeof(info));
	*peers = (struct famez_peer_info *)list;
	*count = n;
	return 0;
}

/* ---- Regions ------------------------------------------------------------- */

static int socket_get_regions(struct famez *handle, struct famez_region_info **regions,
			      size_t *count, size_t each)
{
	struct host *h = to_sock(handle)->host;
	uint32_t i, n = h->attach.layout.regions.count;
	struct famez_region_info info;
	char *list;
	int r;

	r = glance(h);
	if (r < 0)
		return r;
	if (!has_table(h))
		return -EOPNOTSUPP;
	list = calloc(n ? n : 1, each);
	if (!list)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (famez_fabric_region(h->fabric, i, &info))
			put_entry(list + (*count)++ * each, each, &info, sizeof(info));
	*regions = (struct famez_region_info *)list;
	return 0;
}

static int socket_in_use(struct famez *handle, uint64_t offset, uint64_t length)
{
	const struct host *h = to_sock(handle)->host;
	const struct famez_layout *l = &h->attach.layout;
	const struct famez_tables tables = {
		.fam_size = l->fam_size, .regions = l->regions, .peers = l->peers,
	};

	return has_table(h) && famez_tables_in_use(&tables, h->attach.memory, offset, length);
}

/* ---- Ports --------------------------------------------------------------- */

static int socket_bind(struct famez *handle, uint32_t *port, uint32_t buffer)
{
	struct sock *s = to_sock(handle);
	int slot;

	if (!has_table(s->host))
		return -EOPNOTSUPP;
	if (s->slot)
		return -EINVAL;
	slot = famez_fabric_bind(s->host->fabric, *port, buffer);
	if (slot < 0)
		return slot;
	s->slot = slot;
	*port = famez_fabric_port(s->host->fabric, slot);
	return 0;
}

/* Nobody but the caller's own thread could signal it. */
static int socket_set_eventfd(struct famez *handle, int fd)
{
	(void)handle;
	(void)fd;
	return -EOPNOTSUPP;
}

/* How many were done; else why not one. */
static int done_or(uint32_t done, int error)
{
	return done ? (int)done : error;
}

static int socket_send_batch(struct famez *handle, struct famez_msg *messages,
			     uint32_t count, size_t each)
{
	struct famez_msg *m;
	uint32_t i;
	int r = 0;

	for (i = 0; i < count && !r; i += !r) {
		m = batch_message(messages, i, each);
		r = famez_send_to(handle, m->peer, m->dport, (void *)(uintptr_t)m->data,
				  m->length);
	}
	return done_or(i, r);
}

static int socket_recv_batch(struct famez *handle, struct famez_msg *messages,
			     uint32_t count, size_t each)
{
	bool nonblock = handle->nonblock;
	uint16_t port = famez_fabric_port(to_sock(handle)->host->fabric,
					  to_sock(handle)->slot);
	struct famez_msg *m;
	uint32_t i;
	int r = 0;

	for (i = 0; i < count && !r; i += !r) {
		struct famez_letter letter = { };

		m = batch_message(messages, i, each);
		r = socket_recv(handle, &letter, (void *)(uintptr_t)m->data, m->length);
		/* sleeps for the first alone */
		handle->nonblock = true;
		if (r && r != -EMSGSIZE)
			break;
		m->peer = letter.peer;
		m->sport = letter.sport;
		m->dport = port;
		m->length = letter.size;
	}
	handle->nonblock = nonblock;
	return done_or(i, r);
}

/* ---- Opening and closing ------------------------------------------------- */

static void host_close(struct host *h)
{
	famez_fabric_stop(h->fabric);
	attach_close(&h->attach);
	if (h->timer >= 0)
		close(h->timer);
	free(h);
}

/* The last endpoint takes the peer along. */
static void socket_close(struct famez *handle)
{
	struct sock *s = to_sock(handle), **at;
	struct host *h = s->host;
	uint32_t i;

	for (at = &h->endpoints; *at && *at != s; at = &(*at)->next)
		;
	if (*at)
		*at = s->next;
	if (s->slot && !h->failed)
		famez_fabric_unbind(h->fabric, s->slot);
	for (i = 0; s->listeners && i < h->attach.layout.vectors; i++)
		drop_listener(s, i);
	free(s->listeners);
	if (!h->endpoints)
		host_close(h);
	if (handle->fd >= 0)
		close(handle->fd);
	if (s->more >= 0)
		close(s->more);
	free(s);
}

static int socket_open_endpoint(struct famez **other, struct famez *handle);

static const struct famez_ops socket_ops = {
	.close = socket_close,
	.open_endpoint = socket_open_endpoint,
	.get_info = socket_get_info,
	.get_link = socket_get_link,
	.say = socket_say,
	.get_peers = socket_get_peers,
	.get_regions = socket_get_regions,
	.in_use = socket_in_use,
	.bind = socket_bind,
	.send = socket_send,
	.probe = socket_probe,
	.recv = socket_recv,
	.send_batch = socket_send_batch,
	.recv_batch = socket_recv_batch,
	.set_eventfd = socket_set_eventfd,
	.ping = socket_ping,
	.next_event = socket_next_event,
	.ring = socket_ring,
	.vector = socket_vector,
	.service = socket_service,
};

/* What has come is taken in, as it is where there are messages. */
static int socket_recv_none(struct famez *handle, struct famez_letter *letter, void *data,
			    size_t room)
{
	int n = look(to_sock(handle)->host, 0);

	(void)letter;
	(void)data;
	(void)room;
	return n < 0 ? n : -EOPNOTSUPP;
}

/* On a server that knows nobody: who calls the rest is told so. */
static const struct famez_ops raw_ops = {
	.close = socket_close,
	.open_endpoint = socket_open_endpoint,
	.get_info = socket_get_info,
	.get_peers = socket_get_peers,
	.recv = socket_recv_none,
	.ring = socket_ring,
	.vector = socket_vector,
	.service = socket_service,
};

int famez_spoof(struct famez *handle, uint32_t from, uint32_t to, const void *data,
		size_t size)
{
	struct host *h = to_sock(handle)->host;
	int r;

	if (handle->ops != &socket_ops)
		return -EOPNOTSUPP;
	r = glance(h);
	return r ? r : famez_fabric_spoof(h->fabric, from, to, data, size);
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* What famez_fd() tells. */
static int make_fd(struct sock *s)
{
	int r;

	s->handle.fd = epoll_create1(EPOLL_CLOEXEC);
	s->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->handle.fd < 0 || s->more < 0)
		return -errno;
	r = watch(s->handle.fd, s->host->attach.epoll);
	return r ? r : watch(s->handle.fd, s->more);
}

/* Another endpoint of a peer, which is up or about to be. */
static struct sock *new_endpoint(struct host *h, bool nonblock)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->handle.ops = &raw_ops;	/* until it is known what the server is */
	s->handle.nonblock = nonblock;
	s->handle.fd = -1;
	s->more = -1;
	s->host = h;
	s->next = h->endpoints;
	h->endpoints = s;
	return s;
}

/* Nobody listens yet. */
static int make_listeners(struct sock *s)
{
	size_t size = s->host->attach.layout.vectors * sizeof(*s->listeners);

	s->listeners = malloc(size);
	if (!s->listeners)
		return -ENOMEM;
	memset(s->listeners, 0xff, size);
	return 0;
}

/* The peer is up: what there is of it for this endpoint. */
static int begin_endpoint(struct sock *s)
{
	const struct attach *a = &s->host->attach;
	int r = make_listeners(s);

	if (!r)
		r = make_fd(s);
	if (r)
		return r;
	if (s->host->fabric) {
		s->handle.ops = &socket_ops;
		/* what was there before us is no event */
		s->cursor = famez_fabric_events(s->host->fabric);
	}
	s->handle.map_fd = a->memory_fd;
	s->handle.map_base = a->layout.fam_offset;
	s->handle.fam_size = a->layout.fam_size;
	s->handle.server_id = a->layout.server_id;
	s->handle.peers_max = a->layout.peers.count;
	set_messages(s, s->host->fabric);
	return s->host->failed;
}

static int socket_open_endpoint(struct famez **other, struct famez *handle)
{
	struct sock *s = new_endpoint(to_sock(handle)->host, handle->nonblock);
	int r;

	if (!s)
		return -ENOMEM;
	r = begin_endpoint(s);
	if (r) {
		socket_close(&s->handle);
		return r;
	}
	*other = &s->handle;
	return 0;
}

/* What others call us, if nobody has a better idea. */
static void own_name(char *name, size_t size)
{
	const char *given = getenv("FAMEZ_NAME");

	if (given && *given)
		snprintf(name, size, "%s", given);
	else
		snprintf(name, size, "%.20s.%d", program_invocation_short_name,
			 getpid());
}

static int start(struct host *h)
{
	const struct attach *a = &h->attach;
	char name[FAMEZ_NAME_SIZE];
	int r;
	struct famez_fabric_config config = {
		.memory = a->memory,
		.size = a->layout.memory_size,
		.mailbox = has_table(h) ? NULL : &a->layout,
		.id = a->id,
		.kind = FAMEZ_KIND_HOST,
		.vectors = a->layout.vectors,
		.name = name,
		.cclass = "HostProgram",
		.ring = ring,
		.pong = pong,
		.context = h,
	};

	h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->timer < 0)
		return -errno;
	r = attach_watch(&h->attach, h->timer, ATTACH_TIMER);
	if (r || a->config == FAMEZ_CONFIG_RAW)
		return r;
	own_name(name, sizeof(name));
	return famez_fabric_start(&h->fabric, &config);
}

int famez_socket_open(struct famez **handle, const char *path, bool nonblock)
{
	struct host *h;
	struct sock *s;
	int r;

	h = calloc(1, sizeof(*h));
	if (h)
		h->timer = -1;
	s = h ? new_endpoint(h, nonblock) : NULL;
	if (!s) {
		free(h);
		return -ENOMEM;
	}
	r = attach_open(&h->attach, path);
	if (!r)
		r = start(h);
	if (!r)
		r = begin_endpoint(s);
	if (r) {
		socket_close(&s->handle);
		return r;
	}
	*handle = &s->handle;
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1
/*
 * The backend on the host: the program is a peer itself, connected to the
 * switch's socket.
 *
 * Two epoll descriptors.  The inner one (attach.epoll) holds what wakes a
 * sleeping call: the socket, and our eventfds, which others ring.  The outer
 * one is famez_fd(): it holds the inner one and an eventfd of our own, set
 * while something may wait for which nobody is going to ring again: messages,
 * and events for a program that has asked for any.
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
#include <famez/ring.h>
#include "attach.h"
#include "doorbell.h"
#include "fabric.h"
#include "handle.h"

#define EVENTS	16	/* taken from the inner epoll at a time */

/**
 * struct sock - a peer on the host
 * @handle: what the caller has; first, so that it is the same address
 * @attach: the connection to the switch
 * @fabric: the control area
 * @failed: why no messages are possible any more, 0: they are
 * @more: see above
 * @more_set: @more is readable
 * @messages: there may be some
 * @follows: the program has asked for an event
 * @cursor: its place in the events
 * @looked: when the inner epoll was last asked
 * @listeners: the program's eventfds, by own vector, or -1
 * @token: number of the last ping
 * @ping_peer: to whom it went
 * @pong: it came back
 */
struct sock {
	struct famez handle;
	struct attach attach;
	struct famez_fabric *fabric;
	int failed;
	int more;
	bool more_set;
	bool messages;
	bool follows;
	uint64_t cursor;
	struct timespec looked;
	int *listeners;
	uint64_t token;
	uint32_t ping_peer;
	bool pong;
};

static struct sock *to_sock(struct famez *handle)
{
	return (struct sock *)handle;
}

/* ---- Waiting ------------------------------------------------------------- */

static bool events_wait(const struct sock *s)
{
	return s->follows && famez_fabric_events(s->fabric) != s->cursor;
}

/* What is there may have changed: does famez_fd() have to tell? */
static void set_more(struct sock *s)
{
	bool more = s->failed || s->messages || events_wait(s);

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
static void hear(struct sock *s, uint32_t vector)
{
	if (attach_was_rung(&s->attach, vector) && s->listeners[vector] >= 0)
		doorbell_ring(s->listeners[vector]);
}

/* Tells those who listen a last time. */
static void end_listeners(struct sock *s)
{
	uint32_t i;

	for (i = 0; i < s->attach.layout.vectors; i++) {
		if (s->listeners[i] >= 0)
			doorbell_ring(s->listeners[i]);
		drop_listener(s, i);
	}
}

/* No more messages; famez_fd() stays readable from now on. */
static int fail(struct sock *s, int error)
{
	s->failed = error;
	end_listeners(s);
	set_more(s);
	return error;
}

static void ring(void *context, uint32_t peer, uint32_t vector)
{
	struct sock *s = context;
	int r = s->failed ? 0 : attach_ring(&s->attach, peer, vector);

	if (r)
		fail(s, r);
}

static void pong(void *context, uint32_t peer, const void *data, size_t size)
{
	struct sock *s = context;

	if (peer == s->ping_peer && size == sizeof(s->token) &&
	    !memcmp(data, &s->token, size))
		s->pong = true;
}

/* Takes in what the inner epoll has told. */
static int take_events(struct sock *s, const struct epoll_event *events, int n)
{
	int i, r;

	for (i = 0; i < n; i++) {
		if (events[i].data.u32 != ATTACH_SOCKET) {
			hear(s, events[i].data.u32);
			continue;
		}
		r = attach_take(&s->attach);
		if (r)
			return r;
	}
	r = famez_fabric_service(s->fabric);
	/* the ring that announced messages is taken, the messages are not */
	set_messages(s, true);
	return r ? r : s->failed;
}

/*
 * Waits for something to happen, @timeout as of epoll_wait(), and takes it in.
 * Return: whether something did (> 0), 0, or a negative errno
 */
static int look(struct sock *s, int timeout)
{
	struct epoll_event events[EVENTS];
	int n, r;

	if (s->failed)
		return s->failed;
	n = epoll_wait(s->attach.epoll, events, EVENTS, timeout);
	if (n < 0)
		return -errno;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &s->looked);
	if (!n)
		return 0;
	r = take_events(s, events, n);
	return r ? fail(s, r) : n;
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
	n = look(s, nonblock ? 0 : deadline ? ms_until(deadline) : -1);
	*looked = true;
	if (!n && nonblock)
		return -EAGAIN;
	return n < 0 ? n : 0;
}

/*
 * A program that always finds room, or messages, never has to wait; so that it
 * answers pings and sees peers come and go, it looks once per clock tick.
 */
static int glance(struct sock *s)
{
	struct timespec now;
	int r;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (!s->failed && now.tv_nsec == s->looked.tv_nsec &&
	    now.tv_sec == s->looked.tv_sec)
		return 0;
	r = look(s, 0);
	return r < 0 ? r : 0;
}

/* ---- The calls ----------------------------------------------------------- */

/* Could it go otherwise once what waits for us is taken in? */
static bool worth_a_look(int error)
{
	return error == -EAGAIN || error == -ENOTCONN || error == -EHOSTUNREACH;
}

static int socket_send(struct famez *handle, uint32_t peer, const void *data,
		       size_t size)
{
	struct sock *s = to_sock(handle);
	uint64_t deadline = call_deadline(s);
	bool looked = false, waited = false;
	int n, r;

	n = glance(s);
	if (n < 0)
		return n;
	for (;;) {
		r = famez_fabric_send(s->fabric, peer, data, size);
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
		n = look(s, 0);
		if (n <= 0)
			return n ? n : r;
		looked = true;
	}
}

static int socket_recv(struct famez *handle, uint32_t *peer, void *data,
		       size_t room, size_t *size)
{
	struct sock *s = to_sock(handle);
	uint64_t deadline = call_deadline(s);
	bool looked = false;
	int r;

	r = glance(s);
	if (r < 0)
		return r;
	for (;;) {
		r = famez_fabric_recv(s->fabric, peer, data, room, size);
		if (r != -EAGAIN)
			break;
		r = wait_more(s, deadline, &looked);
		/* from here on, we are rung for the next one */
		if (r == -EAGAIN || r == -ETIMEDOUT)
			set_messages(s, false);
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

	s->follows = true;
	*event = (struct famez_event){ .size = sizeof(*event) };
	r = glance(s);
	if (r < 0)
		return r;
	while (famez_fabric_event(s->fabric, &s->cursor, event)) {
		r = wait_more(s, deadline, &looked);
		if (r)
			break;
	}
	set_more(s);
	return r;
}

/* Sends a ping, waiting for room; @start: when it went. */
static int send_ping(struct sock *s, uint32_t peer, uint64_t deadline,
		     uint64_t *start)
{
	bool looked = false;
	int n, r;

	s->ping_peer = peer;
	s->pong = false;
	s->token++;
	for (;;) {
		*start = now_ns();
		r = famez_fabric_ping(s->fabric, peer, &s->token,
				      sizeof(s->token));
		if (!worth_a_look(r) || (looked && r != -EAGAIN))
			return r;
		n = look(s, r == -EAGAIN ? ms_until(deadline) : 0);
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
	struct sock *s = to_sock(handle);
	uint64_t deadline = now_ns() + timeout_ms * 1000000ULL;
	uint64_t start;
	int n, r;

	n = glance(s);
	if (n < 0)
		return n;
	r = send_ping(s, peer, deadline, &start);
	if (r)
		return r;
	while (!s->pong) {
		n = look(s, ms_until(deadline));
		if (n < 0)
			return n;
		if (!s->pong && !ms_until(deadline))
			return -ETIMEDOUT;
	}
	*nanoseconds = now_ns() - start;
	return 0;
}

static int socket_ring(struct famez *handle, uint32_t peer, uint32_t vector)
{
	struct sock *s = to_sock(handle);
	struct famez_peer_info info;
	int r;

	r = glance(s);
	if (r)
		return r;
	if (vector >= s->attach.layout.vectors)
		return -EINVAL;
	if (famez_fabric_peer(s->fabric, peer, &info) || !info.state)
		return -EHOSTUNREACH;
	r = attach_ring_exactly(&s->attach, peer, vector);
	return r && r != -EHOSTUNREACH ? fail(s, r) : r;
}

static int socket_vector(struct famez *handle, uint32_t vector, int eventfd)
{
	struct sock *s = to_sock(handle);
	int own = -1;

	if (s->failed)
		return s->failed;
	if (vector >= s->attach.layout.vectors)
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

/* The longest message that the roomiest of our channels takes. */
static uint32_t message_max(const struct sock *s)
{
	const struct famez_place *place = &s->attach.layout.directory;
	uint32_t i, longest = 0;

	for (i = 0; i < place->count; i++) {
		struct famez_direntry entry;
		struct famez_span span;

		memcpy(&entry, (uint8_t *)s->attach.memory + place->offset +
			       (uint64_t)i * place->stride, sizeof(entry));
		if (famez_direntry_read(&s->attach.layout, &entry, &span) &&
		    span.from == s->attach.id &&
		    famez_ring_longest(span.size) > longest)
			longest = famez_ring_longest(span.size);
	}
	return longest < FAMEZ_MESSAGE_MAX ? longest : FAMEZ_MESSAGE_MAX;
}

static int socket_get_info(struct famez *handle, struct famez_info *info)
{
	struct sock *s = to_sock(handle);
	struct famez_peer_info self;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->config = FAMEZ_CONFIG_FAMEZ;
	info->id = s->attach.id;
	info->peers_max = s->attach.layout.peers.count;
	info->server_id = s->attach.layout.server_id;
	info->vectors = s->attach.layout.vectors;
	info->vectors_armed = s->attach.layout.vectors;
	info->message_max = message_max(s);
	info->generation = famez_fabric_generation(s->fabric);
	info->fabric = s->attach.layout.fabric;
	info->memory_size = s->attach.layout.memory_size;
	info->fam_offset = s->attach.layout.fam_offset;
	info->fam_size = s->attach.layout.fam_size;
	info->layout_major = FAMEZ_MAJOR;
	info->layout_minor = FAMEZ_MINOR;
	if (!famez_fabric_peer(s->fabric, s->attach.id, &self))
		memcpy(info->name, self.name, sizeof(info->name));
	return 0;
}

static int socket_get_peers(struct famez *handle,
			    struct famez_peer_info **peers, size_t *count)
{
	struct sock *s = to_sock(handle);
	struct famez_peer_info *list;
	uint32_t id;
	size_t n = 0;
	int r;

	r = glance(s);
	if (r < 0)
		return r;
	list = calloc(s->attach.layout.peers.count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (id = 0; id < s->attach.layout.peers.count; id++)
		if (!famez_fabric_peer(s->fabric, id, &list[n]) &&
		    list[n].state)
			n++;
	*peers = list;
	*count = n;
	return 0;
}

/* ---- Opening and closing ------------------------------------------------- */

static void socket_close(struct famez *handle)
{
	struct sock *s = to_sock(handle);
	uint32_t i;

	famez_fabric_stop(s->fabric);
	for (i = 0; s->listeners && i < s->attach.layout.vectors; i++)
		drop_listener(s, i);
	free(s->listeners);
	attach_close(&s->attach);
	if (handle->fd >= 0)
		close(handle->fd);
	if (s->more >= 0)
		close(s->more);
	free(s);
}

static const struct famez_ops socket_ops = {
	.close = socket_close,
	.get_info = socket_get_info,
	.get_peers = socket_get_peers,
	.send = socket_send,
	.recv = socket_recv,
	.ping = socket_ping,
	.next_event = socket_next_event,
	.ring = socket_ring,
	.vector = socket_vector,
};

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
	r = watch(s->handle.fd, s->attach.epoll);
	return r ? r : watch(s->handle.fd, s->more);
}

/* Nobody listens yet. */
static int make_listeners(struct sock *s)
{
	size_t size = s->attach.layout.vectors * sizeof(*s->listeners);

	s->listeners = malloc(size);
	if (!s->listeners)
		return -ENOMEM;
	memset(s->listeners, 0xff, size);
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

static int start(struct sock *s)
{
	const struct attach *a = &s->attach;
	char name[FAMEZ_NAME_SIZE];
	struct famez_fabric_config config = {
		.memory = a->memory,
		.size = a->layout.memory_size,
		.id = a->id,
		.kind = FAMEZ_KIND_HOST,
		.vectors = a->layout.vectors,
		.name = name,
		.cclass = "HostProgram",
		.ring = ring,
		.pong = pong,
		.context = s,
	};
	int r;

	own_name(name, sizeof(name));
	r = famez_fabric_start(&s->fabric, &config);
	if (r)
		return r;
	/* what was there before us is no event */
	s->cursor = famez_fabric_events(s->fabric);
	return s->failed;
}

int famez_socket_open(struct famez **handle, const char *path, bool nonblock)
{
	struct sock *s;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->handle.ops = &socket_ops;
	s->handle.nonblock = nonblock;
	s->handle.fd = -1;
	s->more = -1;
	r = attach_open(&s->attach, path);
	if (!r)
		r = make_fd(s);
	if (!r)
		r = make_listeners(s);
	if (!r)
		r = start(s);
	if (r) {
		socket_close(&s->handle);
		return r;
	}
	s->handle.map_fd = s->attach.memory_fd;
	s->handle.map_base = s->attach.layout.fam_offset;
	s->handle.fam_size = s->attach.layout.fam_size;
	s->handle.server_id = s->attach.layout.server_id;
	s->handle.peers_max = s->attach.layout.peers.count;
	*handle = &s->handle;
	return 0;
}

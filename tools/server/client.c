// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: the ivshmem protocol, version 0, to one client each.
 *
 * QEMU must not be told twice of one id, so each client has a set of the ids it
 * was told of.  That also bounds its queue, which holds ids rather than
 * messages: it can never be longer than there are ids.  A client that does not
 * read costs the others nothing, and is dropped when its socket has been full
 * for as long as STUCK_USEC.
 */
#include <endian.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

#define STUCK_USEC	(10 * 1000000ULL)
#define AGAIN_USEC	(10 * 1000ULL)
#define SLOW_USEC	(1000 * 1000ULL)
#define MESSAGE_COST	512	/* bytes, at least, that one takes of a socket */

/* What a client's next message waits for. */
enum wait { NOTHING, ROOM, KERNEL, OTHERS };

/**
 * struct client - a connection
 * @link: in order of joining
 * @server: the switch
 * @peer: its id
 * @process: who has connected
 * @sock: the socket
 * @io: its event source
 * @timer: ends a wait
 * @wait: what for
 * @waited: usec that it waited for others
 * @unread: bytes that it had not read when others last waited for it
 * @moved: when that last changed, in usec
 * @greeting: messages of the greeting that were sent, of GREETING
 * @told: by id
 * @queue: ids that it is to be told of, all vectors each
 * @queued: ids put into @queue, ever
 * @next: which of them is being told
 * @vector: and which vector of it is next
 */
struct client {
	TAILQ_ENTRY(client) link;
	struct server *server;
	struct peer *peer;
	struct process *process;
	int sock;
	sd_event_source *io;
	sd_event_source *timer;
	enum wait wait;
	uint64_t waited;
	int unread;
	uint64_t moved;
	unsigned int greeting;
	bool *told;
	uint16_t *queue;
	uint32_t queued;
	uint32_t next;
	uint32_t vector;
};

#define GREETING	2

/* ---- Messages ---------------------------------------------------------------- */

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

/* One send: some numbers, and a descriptor with the first byte, if not -1. */
struct packet {
	__le64 numbers[2];
	struct iovec iov;
	union control control;
};

static void packet_make(struct msghdr *msg, struct packet *packet,
			unsigned int numbers, int fd)
{
	struct cmsghdr *header;

	packet->iov.iov_base = packet->numbers;
	packet->iov.iov_len = numbers * sizeof(__le64);
	*msg = (struct msghdr){ .msg_iov = &packet->iov, .msg_iovlen = 1 };
	if (fd < 0)
		return;
	memset(&packet->control, 0, sizeof(packet->control));
	msg->msg_control = &packet->control;
	msg->msg_controllen = sizeof(packet->control);
	header = CMSG_FIRSTHDR(msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
}

static int send_number(int sock, int64_t number, int fd)
{
	struct packet packet = { .numbers[0] = htole64(number) };
	struct msghdr msg;

	packet_make(&msg, &packet, 1, fd);
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ?
		-errno : 0;
}

/*
 * Keeps the client that our first message wakes from running in our place
 * before the others are sent.  Who may not have this (root may) loses that race
 * now and then.
 */
static void hold_cpu(bool on)
{
	static const struct sched_param first = { .sched_priority = 1 };
	static const struct sched_param usual = { };
	static bool held;

	if (on)
		held = sched_getscheduler(0) == SCHED_OTHER &&
		       !sched_setscheduler(0, SCHED_FIFO, &first);
	else if (held)
		sched_setscheduler(0, SCHED_OTHER, &usual);
}

/*
 * Version, id and memory.  F.E.E.'s client wants its first read to return all
 * three, so they are sent as fast as can be: in one call, and the two without a
 * descriptor in one piece.  Not all three: QEMU reads them one by one, and
 * would get the descriptor with the first.
 */
static int greet(struct client *c)
{
	struct packet packets[GREETING] = {
		{ .numbers = { 0, htole64(c->peer->id) } },
		{ .numbers = { htole64(-1) } },
	};
	struct mmsghdr msgs[GREETING] = { };
	int sent, err;

	packet_make(&msgs[0].msg_hdr, &packets[0], 2, -1);
	packet_make(&msgs[1].msg_hdr, &packets[1], 1, c->server->memory.shared);
	hold_cpu(true);
	sent = sendmmsg(c->sock, msgs + c->greeting, GREETING - c->greeting,
			MSG_DONTWAIT | MSG_NOSIGNAL);
	err = errno;
	hold_cpu(false);
	if (sent < 0)
		return -err;
	c->greeting += sent;
	return 0;
}

/*
 * Has it read all that there was to tell?  Return: 1; 0: it has not, and is reading; -1:
 * nothing has moved for long
 */
static int has_read(struct client *c)
{
	uint64_t now;
	int unread;

	if (ioctl(c->sock, SIOCOUTQ, &unread))
		return -1;
	sd_event_now(c->server->event, CLOCK_MONOTONIC, &now);
	if (unread != c->unread)
		c->moved = now;
	c->unread = unread;
	if (c->next == c->queued && !unread)
		return 1;
	return now - c->moved < SLOW_USEC ? 0 : -1;
}

/* Does it say so of itself? */
static bool is_kind(const struct client *c, uint32_t kind)
{
	return c->peer->state == FAMEZ_PEER_UP &&
	       famez_load(&control_peer(c->server, c->peer->id)->kind) == kind;
}

/*
 * What a guest rings before its QEMU has read how is lost.  So a newcomer comes up,
 * which it does when it has its own eventfds, after the guests' QEMUs have read what
 * they were told of it.  A QEMU that has stopped reading keeps nobody.
 */
static bool guests_know(const struct client *newcomer)
{
	struct client *c;

	TAILQ_FOREACH(c, &newcomer->server->clients, link) {
		if (c == newcomer)
			break;
		if (is_kind(c, FAMEZ_KIND_BRIDGE) && !has_read(c))
			return false;
	}
	return true;
}

/* Sends the next message.  Return: 0, 1 when there is none, -errno */
static int send_next(struct client *c)
{
	struct peer *p;
	int err;

	if (c->greeting < GREETING)
		return greet(c);
	if (c->next == c->queued)
		return 1;
	p = &c->server->peers[c->queue[c->next]];
	if (p == c->peer && !c->vector && !guests_know(c))
		return -EINPROGRESS;
	err = send_number(c->sock, p->id, p->vectors[c->vector].fd);
	if (err)
		return err;
	if (++c->vector == c->server->plan.layout.vectors) {
		c->vector = 0;
		c->next++;
	}
	return 0;
}

/* ---- Waiting ------------------------------------------------------------------- */

static uint64_t wait_usec(struct client *c, enum wait what)
{
	uint64_t usec;

	if (what == ROOM)
		return STUCK_USEC;
	if (what == KERNEL)
		return AGAIN_USEC;
	/* no event tells that somebody has read */
	usec = c->waited / 2 + 1000;
	if (usec > AGAIN_USEC)
		usec = AGAIN_USEC;
	c->waited += usec;
	return usec;
}

static void wait_for(struct client *c, enum wait what, bool moved)
{
	uint32_t events = EPOLLIN | EPOLLRDHUP;

	/* the time that it is stuck runs on until something moves */
	if (what == ROOM && c->wait == ROOM && !moved)
		return;
	c->wait = what;
	sd_event_source_set_io_events(c->io, what == ROOM ? events | EPOLLOUT :
				      events);
	if (what != NOTHING)
		sd_event_source_set_time_relative(c->timer,
						  wait_usec(c, what));
	sd_event_source_set_enabled(c->timer, what == NOTHING ? SD_EVENT_OFF :
				    SD_EVENT_ONESHOT);
}

/*
 * Sends what can be sent now.  Never drops the client, since others may be in
 * the middle of walking the list; when the connection is broken, the loop hears
 * of it.
 */
static void flush(struct client *c)
{
	bool moved = false;
	int err;

	while (!(err = send_next(c)))
		moved = true;
	switch (err) {
	case 1:
		wait_for(c, NOTHING, moved);
		break;
	case -EAGAIN:
		wait_for(c, ROOM, moved);
		break;
	case -EINPROGRESS:
		wait_for(c, OTHERS, moved);
		break;
	case -ETOOMANYREFS:	/* too many descriptors of ours are unread */
	case -ENOBUFS:
	case -ENOMEM:
		wait_for(c, KERNEL, moved);
		break;
	default:
		wait_for(c, NOTHING, moved);
		shutdown(c->sock, SHUT_RDWR);
	}
}

/* Has all vectors of an id told, unless the client knows them. */
static void tell(struct client *c, const struct peer *p)
{
	int unread;

	if (c->told[p->id])
		return;
	c->told[p->id] = true;
	c->queue[c->queued++] = p->id;
	/* if it has stopped reading, the time since then counts */
	if (!ioctl(c->sock, SIOCOUTQ, &unread) && !unread)
		sd_event_now(c->server->event, CLOCK_MONOTONIC, &c->moved);
}

/* ---- The end ------------------------------------------------------------------- */

static void client_free(struct client *c)
{
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	/* QEMU spins for ever when it is left without the third message */
	if (c->greeting < GREETING)
		send_number(c->sock, -1, -1);
	close(c->sock);
	process_put(c->server, c->process);
	free(c->told);
	free(c->queue);
	free(c);
}

static void client_drop(struct client *c)
{
	/* what it sent before it left is not lost */
	self_look(c->server);
	TAILQ_REMOVE(&c->server->clients, c, link);
	peer_leave(c->server, c->peer);
	client_free(c);
}

void clients_free(struct server *s)
{
	struct client *c;

	while ((c = TAILQ_FIRST(&s->clients))) {
		TAILQ_REMOVE(&s->clients, c, link);
		client_free(c);
	}
}

/* ---- Events -------------------------------------------------------------------- */

/* The protocol goes one way: who says something is not who it should be. */
static void hear(struct client *c)
{
	char byte;
	ssize_t got = recv(c->sock, &byte, 1, MSG_DONTWAIT);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0)
		say("peer %u dropped: it sent something", c->peer->id);
	client_drop(c);
}

static int on_socket(sd_event_source *source, int fd, uint32_t events,
		     void *context)
{
	struct client *c = context;

	(void)source;
	(void)fd;
	if (events & ~EPOLLOUT)
		hear(c);
	else
		flush(c);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct client *c = context;

	(void)source;
	(void)usec;
	if (c->wait == ROOM) {
		say("peer %u dropped: it does not read", c->peer->id);
		client_drop(c);
	} else {
		flush(c);
	}
	return 0;
}

/* ---- The beginning ------------------------------------------------------------- */

/*
 * The kernel caps the descriptors of ours that nobody has read yet, in all
 * sockets together (ETOOMANYREFS).  So each socket gets a share of half of
 * that, and clients that do not read cannot use up what the others need.
 */
static void limit_socket(const struct server *s, int sock)
{
	struct rlimit limit;
	socklen_t size = sizeof(int);
	int bytes, share;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1 << 20 ||
	    getsockopt(sock, SOL_SOCKET, SO_SNDBUF, &bytes, &size))
		return;
	share = limit.rlim_cur / 2 / s->plan.clients * MESSAGE_COST;
	/* it sets twice what it is told */
	share /= 2;
	if (share < bytes / 2)
		setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &share, sizeof(share));
}

static struct client *client_make(struct server *s, int sock, pid_t pid)
{
	size_t ids = s->plan.layout.peers.count;
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = s;
	c->told = calloc(ids, sizeof(*c->told));
	c->queue = calloc(ids, sizeof(*c->queue));
	c->process = process_get(s, pid);
	if (c->told && c->queue && c->process &&
	    sd_event_add_io(s->event, &c->io, sock, EPOLLIN | EPOLLRDHUP,
			    on_socket, c) >= 0 &&
	    sd_event_add_time_relative(s->event, &c->timer, CLOCK_MONOTONIC,
				       STUCK_USEC, 0, on_timer, c) >= 0 &&
	    sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) >= 0) {
		c->sock = sock;
		return c;
	}
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	if (c->process)
		process_put(s, c->process);
	free(c->told);
	free(c->queue);
	free(c);
	return NULL;
}

/* Would everyone have room for what a newcomer brings, and it for theirs? */
static bool fits(struct server *s, struct client *newcomer,
		 const struct peer *peer)
{
	struct process *p;
	struct client *c;

	TAILQ_FOREACH(p, &s->processes, link) {
		p->ids = 0;
		p->delicate = false;
	}
	/* the switch's, and its own */
	newcomer->process->ids = 2;
	TAILQ_FOREACH(c, &s->clients, link) {
		newcomer->process->ids++;
		c->process->ids += c->queued + !c->told[peer->id];
		c->process->delicate |= !is_kind(c, FAMEZ_KIND_HOST);
	}
	return processes_fit(s, newcomer->process->pid);
}

/*
 * Each hears of each: the older of the newcomer, the newcomer of the older, in
 * order of joining, then of the switch, and last of itself.
 */
static void introduce(struct server *s, struct client *c)
{
	struct client *other;

	TAILQ_FOREACH(other, &s->clients, link) {
		tell(c, other->peer);
		tell(other, c->peer);
		flush(other);
	}
	if (!s->silent)
		tell(c, &s->peers[s->plan.layout.server_id]);
	tell(c, c->peer);
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	flush(c);
}

void client_refuse(int sock)
{
	send_number(sock, -1, -1);
	close(sock);
}

static void refuse_for_memory(int sock)
{
	complain("connection refused: out of memory");
	client_refuse(sock);
}

void client_accept(struct server *s, int sock)
{
	struct ucred cred = { };
	socklen_t size = sizeof(cred);
	struct client *c;
	struct peer *p;

	getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	if (s->memory.kind == BACKING_DAX && !dax_knows(sock)) {
		complain("connection of pid %d refused: only libfamez can map a device-dax that comes through a socket, QEMU cannot; give it to guests as a plain device: memory-backend-file with mem-path=%s, and ivshmem-plain",
			 (int)cred.pid, s->memory.name);
		client_refuse(sock);
		return;
	}
	p = peer_take(s);
	if (!p) {
		detail("connection of pid %d refused: no id is free",
		       (int)cred.pid);
		client_refuse(sock);
		return;
	}
	c = client_make(s, sock, cred.pid);
	if (!c || !fits(s, c, p)) {
		vectors_watch(s, p, true);
		if (c)
			client_free(c);
		else
			refuse_for_memory(sock);
		return;
	}
	c->peer = p;
	limit_socket(s, sock);
	say("peer %u joined: pid %d", p->id, (int)cred.pid);
	peer_join(s, p, c, cred.pid);
	flush(c);
	introduce(s, c);
}

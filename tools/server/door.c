// SPDX-License-Identifier: GPL-2.0
/*
 * The listening socket.
 *
 * A socket file says nothing about whether somebody listens, and between a look
 * and a bind() another switch may come.  So each switch first locks a file
 * beside it, and keeps the lock while it lives; whoever has the lock may remove
 * a stale socket.  The file goes with the switch: it is unlinked while locked,
 * and who locks one checks that the name still means it.
 *
 * Or systemd listens, and hands the socket over (sd_listen_fds(3)): then it and its file
 * are systemd's, who connects while no switch runs waits for the next one, and there is
 * nothing to lock and nothing to remove.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include "server.h"

#define BACKLOG		64
#define PAUSE_USEC	(1000 * 1000ULL)

static bool fail(const char *path, const char *why)
{
	complain("%s: %s", path, why);
	return false;
}

/* ---- Lock file --------------------------------------------------------------- */

/* The place of the default socket is ours to make; others are to be there. */
static void make_directory(struct door *d)
{
	char path[] = DEFAULT_SOCKET;

	if (!strcmp(d->path, DEFAULT_SOCKET) && !mkdir(dirname(path), 0755))
		d->directory = strdup(path);
}

static bool still_named(int fd, const char *path)
{
	struct stat opened, named;

	return !fstat(fd, &opened) && !lstat(path, &named) &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static bool take_lock(struct door *d)
{
	for (;;) {
		d->lock = open(d->lock_path, O_RDWR | O_CREAT | O_CLOEXEC |
			       O_NOFOLLOW | O_NONBLOCK, 0600);
		if (d->lock < 0)
			return fail(d->lock_path, strerror(errno));
		if (flock(d->lock, LOCK_EX | LOCK_NB)) {
			close(d->lock);
			d->lock = -1;
			return fail(d->path, "a live switch listens here");
		}
		if (still_named(d->lock, d->lock_path))
			return true;
		close(d->lock);
	}
}

static bool socket_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(address->sun_path)) {
		complain("--socket: a path has 1 to %zu bytes",
			 sizeof(address->sun_path) - 1);
		return false;
	}
	strcpy(address->sun_path, path);
	return true;
}

/* Is there something that is not a dead switch's socket? */
static bool check_old(const char *path)
{
	struct sockaddr_un address;
	struct stat st;
	int sock, err;

	if (lstat(path, &st))
		return errno == ENOENT || fail(path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(path, "is there, and not a socket");
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || !socket_address(path, &address))
		return fail(path, "cannot be tried");
	err = connect(sock, (struct sockaddr *)&address, sizeof(address)) ?
		errno : 0;
	close(sock);
	if (!err || err == EAGAIN)
		return fail(path, "another program listens here");
	/* EPROTOTYPE: alive or not, it is not what we would have left */
	return err == ECONNREFUSED || fail(path, strerror(err));
}

/* ---- A socket of systemd's ------------------------------------------------------- */

static bool take_inherited(struct door *d, int count)
{
	struct sockaddr_un address = { };
	socklen_t size = sizeof(address) - 1;
	int fd = SD_LISTEN_FDS_START;

	if (count != 1 || sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return fail("LISTEN_FDS", "one listening UNIX stream socket is expected");
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		return fail("LISTEN_FDS", strerror(errno));
	d->listener = fd;
	d->inherited = true;
	d->given = strdup(*address.sun_path ? address.sun_path : "of systemd's");
	d->path = d->given;
	return d->given || fail("LISTEN_FDS", "out of memory");
}

bool door_lock(struct door *d, const char *path)
{
	struct sockaddr_un address;
	int inherited;

	*d = (struct door){ .path = path, .lock = -1, .listener = -1 };
	/* nor is it for what we start */
	inherited = sd_listen_fds(1);
	if (inherited)
		return inherited > 0 ? take_inherited(d, inherited) :
		       fail("LISTEN_FDS", strerror(-inherited));
	if (!socket_address(path, &address))
		return false;
	make_directory(d);
	if (asprintf(&d->lock_path, "%s.lock", path) < 0) {
		d->lock_path = NULL;
		return fail(path, "out of memory");
	}
	return take_lock(d) && check_old(path);
}

/* ---- Socket -------------------------------------------------------------------- */

static int on_pause_over(sd_event_source *source, uint64_t usec, void *context)
{
	struct server *s = context;

	(void)source;
	(void)usec;
	sd_event_source_set_enabled(s->door.accept, SD_EVENT_ON);
	return 0;
}

/* Without this, a connection that cannot be accepted keeps the loop spinning. */
static void pause_accept(struct server *s)
{
	complain("no connection can be accepted: %s", strerror(errno));
	sd_event_source_set_enabled(s->door.accept, SD_EVENT_OFF);
	if (sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC,
				       PAUSE_USEC, 0, on_pause_over, s) < 0)
		sd_event_source_set_enabled(s->door.accept, SD_EVENT_ON);
}

/* One a turn, so that a crowd at the door delays nobody inside. */
static int on_connection(sd_event_source *source, int fd, uint32_t events,
			 void *context)
{
	struct server *s = context;
	int sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (sock >= 0)
		client_accept(s, sock);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		pause_accept(s);
	return 0;
}

/* The mode comes with bind(): there is no moment with another one. */
static bool bind_socket(struct door *d)
{
	struct sockaddr_un address;
	mode_t mask;
	int err;

	if (!socket_address(d->path, &address))
		return false;
	d->listener = socket(AF_UNIX,
			     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->listener < 0)
		return fail(d->path, strerror(errno));
	unlink(d->path);
	mask = umask(0117);
	err = bind(d->listener, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (err) {
		err = errno;
		close(d->listener);
		d->listener = -1;
		return fail(d->path, strerror(err));
	}
	return !listen(d->listener, BACKLOG) || fail(d->path, strerror(errno));
}

bool door_open(struct server *s)
{
	struct door *d = &s->door;

	/* once more, since other programs do not know our lock */
	if (!d->inherited && (!check_old(d->path) || !bind_socket(d)))
		return false;
	return sd_event_add_io(s->event, &d->accept, d->listener, EPOLLIN,
			       on_connection, s) >= 0 ||
	       fail(d->path, "cannot be watched");
}

/*
 * Who has connected but was not accepted yet must be told, since QEMU spins for
 * ever when it is left without a word.  From the shutdown on, nobody connects.
 */
static void turn_away(struct door *d)
{
	int sock;

	shutdown(d->listener, SHUT_RDWR);
	while ((sock = accept4(d->listener, NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		client_refuse(sock);
}

void door_close(struct door *d)
{
	sd_event_source_disable_unref(d->accept);
	if (d->listener >= 0 && !d->inherited) {
		unlink(d->path);
		turn_away(d);
	}
	if (d->listener >= 0)
		close(d->listener);
	if (d->lock >= 0) {
		unlink(d->lock_path);
		close(d->lock);
	}
	if (d->directory)
		rmdir(d->directory);
	free(d->directory);
	free(d->lock_path);
	free(d->given);
}

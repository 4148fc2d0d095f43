// SPDX-License-Identifier: GPL-2.0
/*
 * The other peer of test-ports, in a guest or on the host: opens, reads and closes
 * ports as it is told on port 1, and answers each command there.
 *
 * port-server [-d DEVICE|SOCKET]
 *
 *   bind PORT BUFFER   "0" or an errno; unread from then on
 *   busy PORT          read all that comes, from now on
 *   echo PORT          and send it back to where it comes from
 *   read PORT COUNT    read that many: "ok", or what was wrong with them
 *   count PORT         how many were read
 *   close PORT
 *   quit
 *
 * Messages begin with their number, 0 and up, for each port.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <famez.h>

#define PORTS	64

enum manner { UNREAD, BUSY, ECHO };

struct endpoint {
	struct famez *handle;
	uint32_t port;
	enum manner manner;
	uint32_t count;
	char wrong[64];
};

static struct endpoint endpoints[PORTS];

static struct endpoint *find(uint32_t port)
{
	int i;

	for (i = 0; i < PORTS; i++)
		if (endpoints[i].port == port)
			return &endpoints[i];
	return NULL;
}

static int open_port(uint32_t port, uint32_t buffer)
{
	struct endpoint *e = find(0);
	int r;

	if (!e)
		return -ENOSPC;
	*e = (struct endpoint){ .port = 0 };
	r = famez_open_endpoint(&e->handle, endpoints[0].handle);
	if (r)
		return r;
	r = famez_bind(e->handle, &port, buffer);
	if (r)
		famez_close(e->handle);
	else
		e->port = port;
	return r;
}

/* Takes one message.  0, or why not. */
static int take(struct endpoint *e)
{
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t peer, number;
	uint16_t port;
	size_t size;
	int r;

	r = famez_recv_from(e->handle, &peer, &port, data, sizeof(data), &size);
	if (r)
		return r;
	memcpy(&number, data, sizeof(number));
	if (number != e->count && !*e->wrong)
		snprintf(e->wrong, sizeof(e->wrong), "number %u, not %u", number,
			 e->count);
	e->count++;
	return e->manner == ECHO ?
	       famez_send_to(e->handle, peer, port, data, size) : 0;
}

static void obey(char *command, char *answer, size_t room)
{
	uint32_t port = 0, n = 0;
	struct endpoint *e;
	char verb[16] = "";
	int r = 0;

	if (sscanf(command, "%15s %u %u", verb, &port, &n) < 1)
		port = 0;
	e = port ? find(port) : NULL;
	snprintf(answer, room, "ok");
	if (!strcmp(verb, "quit"))
		exit(0);
	if (!strcmp(verb, "bind")) {
		snprintf(answer, room, "%d", -open_port(port, n));
	} else if (!e) {
		snprintf(answer, room, "no such port: %s", command);
	} else if (!strcmp(verb, "busy") || !strcmp(verb, "echo")) {
		e->manner = *verb == 'b' ? BUSY : ECHO;
	} else if (!strcmp(verb, "count")) {
		snprintf(answer, room, "%u%s", e->count, e->wrong);
	} else if (!strcmp(verb, "close")) {
		famez_close(e->handle);
		e->port = 0;
	} else if (!strcmp(verb, "read")) {
		while (n && !(r = take(e)))
			n--;
		if (r || *e->wrong)
			snprintf(answer, room, "%s %s", strerror(-r), e->wrong);
	} else {
		snprintf(answer, room, "what? %s", command);
	}
}

/* A command, if there is one. */
static void listen_once(struct endpoint *control)
{
	char command[64], answer[128];
	uint32_t peer;
	uint16_t port;
	size_t size;

	if (famez_recv_from(control->handle, &peer, &port, command,
			    sizeof(command) - 1, &size))
		return;
	command[size] = 0;
	obey(command, answer, sizeof(answer));
	while (famez_send_to(control->handle, peer, port, answer,
			     strlen(answer)) == -EAGAIN)
		;
}

int main(int argc, char **argv)
{
	const char *path = argc == 3 && !strcmp(argv[1], "-d") ? argv[2] : NULL;
	struct pollfd fds[PORTS];
	uint32_t port = 1;
	int i, n, r;

	r = famez_open(&endpoints[0].handle, path, FAMEZ_NONBLOCK);
	if (!r)
		r = famez_bind(endpoints[0].handle, &port, 0);
	if (r)
		errx(1, "%s", strerror(-r));
	endpoints[0].port = 1;
	puts("ready");
	fflush(stdout);
	for (;;) {
		for (i = n = 0; i < PORTS; i++)
			if (endpoints[i].port && (!i || endpoints[i].manner))
				fds[n++] = (struct pollfd){
					.fd = famez_fd(endpoints[i].handle),
					.events = POLLIN,
				};
		if (poll(fds, n, -1) < 0)
			err(1, "poll");
		listen_once(&endpoints[0]);
		for (i = 1; i < PORTS; i++)
			while (endpoints[i].port && endpoints[i].manner &&
			       !take(&endpoints[i]))
				;
	}
}

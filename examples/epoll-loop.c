// SPDX-License-Identifier: GPL-2.0
/* Messages and peer events in an event loop.  Usage: epoll-loop */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <famez.h>

/* Takes all that is there: famez_fd() stays ready until both say -EAGAIN. */
static int take(struct famez *fabric)
{
	char text[FAMEZ_MESSAGE_MAX];
	struct famez_event event = { .size = sizeof(event) };
	unsigned int from;
	size_t size;
	int error;

	while (!(error = famez_next_event(fabric, &event)))
		printf("peer %u: event %u\n", event.peer, event.type);
	if (error != -EAGAIN)
		return error;
	while (!(error = famez_recv(fabric, &from, text, sizeof(text), &size)))
		printf("%u: %.*s\n", from, (int)size, text);
	return error == -EAGAIN ? 0 : error;
}

int main(void)
{
	/* EPOLLPRI: events of a device; on the host, all is EPOLLIN */
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLPRI };
	int error, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct famez *fabric;

	error = famez_open(&fabric, NULL, FAMEZ_NONBLOCK);
	if (!error && epoll_ctl(epoll, EPOLL_CTL_ADD, famez_fd(fabric), &wanted))
		error = -errno;
	while (!error) {
		error = take(fabric);
		fflush(stdout);
		if (!error && epoll_wait(epoll, &wanted, 1, -1) < 0)
			error = -errno;
	}
	fprintf(stderr, "epoll-loop: %s\n", strerror(-error));
	famez_close(fabric);
	return 1;
}

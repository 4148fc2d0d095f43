// SPDX-License-Identifier: GPL-2.0
/* What is typed goes to one peer; what anybody sends is shown.  Usage: chat DEST */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <famez.h>

static int show(struct famez *fabric)
{
	char text[FAMEZ_MESSAGE_MAX];
	unsigned int from;
	size_t size;
	int error;

	while (!(error = famez_recv(fabric, &from, text, sizeof(text), &size)))
		printf("%u: %.*s\n", from, (int)size, text);
	fflush(stdout);
	return error == -EAGAIN ? 0 : error;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct famez *fabric;
	unsigned int peer;
	char line[1024];
	ssize_t n = 1;
	int error;

	error = famez_open(&fabric, NULL, FAMEZ_NONBLOCK);
	if (!error)
		error = famez_lookup(fabric, argc > 1 ? argv[1] : "", &peer);
	while (!error && n > 0) {
		fds[1].fd = famez_fd(fabric);
		poll(fds, 2, -1);
		error = show(fabric);
		if (error || !fds[0].revents)
			continue;
		n = read(STDIN_FILENO, line, sizeof(line));
		if (n > 0 && famez_send(fabric, peer, line, n - 1))
			puts("(not sent)");
	}
	if (error)
		fprintf(stderr, "chat: %s\n", strerror(-error));
	famez_close(fabric);
	return !!error;
}

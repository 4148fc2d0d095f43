// SPDX-License-Identifier: GPL-2.0
/*
 * Many peers that do nothing but be there, a process each: a peer has a
 * descriptor for each vector of each other, and the limit is a process's.
 *
 * famez-crowd SOCKET COUNT: says "attached COUNT" when they are, and stays until
 * it reads something, or the end of its standard input.
 */
#include <errno.h>
#include <famez.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD_MAX	1000

static void fail(const char *what, int err)
{
	fprintf(stderr, "famez-crowd: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* What a program's loop would do: hears who joins, and answers pings. */
static void serve(struct famez *peer)
{
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t from;
	size_t size;
	int err;

	do {
		err = famez_recv(peer, &from, data, sizeof(data), &size);
	} while (!err);
	if (err != -EAGAIN)
		fail("a peer of the crowd", err);
}

/* Says so on @attached, and stays until @end ends. */
static void be_there(const char *path, int attached, int end)
{
	struct pollfd fds[2] = {
		{ .fd = end, .events = POLLIN },
		{ .events = POLLIN },
	};
	struct famez *peer;
	int err = famez_open(&peer, path, FAMEZ_NONBLOCK);

	if (err)
		fail("a peer of the crowd cannot join", err);
	if (write(attached, "", 1) != 1)
		fail("write", -errno);
	close(attached);
	fds[1].fd = famez_fd(peer);
	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0)
			fail("poll", -errno);
		if (fds[1].revents)
			serve(peer);
	}
	famez_close(peer);
}

/* Waits for all to be there; when one fails and all others have said so, it ends. */
static void await(int attached, int count)
{
	char byte;

	while (count--)
		if (read(attached, &byte, 1) != 1)
			fail("not all could join", -ECONNRESET);
}

int main(int argc, char **argv)
{
	int wanted = argc == 3 ? atoi(argv[2]) : 0, bad = 0, status, i;
	int attached[2], end[2];
	char byte;

	if (wanted < 1 || wanted > CROWD_MAX) {
		fprintf(stderr, "usage: famez-crowd SOCKET COUNT (1 to %d)\n",
			CROWD_MAX);
		return 2;
	}
	if (pipe(attached) || pipe(end))
		fail("pipe", -errno);
	for (i = 0; i < wanted; i++) {
		if (!fork()) {
			close(end[1]);
			be_there(argv[1], attached[1], end[0]);
			exit(0);
		}
	}
	close(attached[1]);
	await(attached[0], wanted);
	printf("attached %d\n", wanted);
	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) < 0)
		fail("read", -errno);
	close(end[1]);
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Many peers that do nothing but be there, a process each: a peer has a
 * descriptor for each vector of each other, and the limit is a process's.
 *
 * famez-crowd SOCKET COUNT [talk]: says "attached COUNT" when they are, and stays
 * until it reads something, or the end of its standard input.  With "talk", each then
 * sends an empty message to each other of them, and it says "talked N", the number of
 * pairs that had a channel.
 */
#include <errno.h>
#include <famez.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD_MAX	1000

static pid_t crowd;

/* The end of one is the end of all: the others wait for what the first one closes. */
static void fail(const char *what, int err)
{
	fprintf(stderr, "famez-crowd: %s: %s\n", what, strerror(-err));
	if (getpid() != crowd)
		kill(crowd, SIGTERM);
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

/* Stays until @end ends. */
static void stay(struct famez *peer, int end)
{
	struct pollfd fds[2] = {
		{ .fd = end, .events = POLLIN },
		{ .fd = famez_fd(peer), .events = POLLIN },
	};

	while (!fds[0].revents) {
		if (poll(fds, 2, -1) < 0)
			fail("poll", -errno);
		if (fds[1].revents)
			serve(peer);
	}
}

/* Is there a channel, or can one be had? */
static bool reach(struct famez *peer, uint32_t id)
{
	struct pollfd p = { .fd = famez_fd(peer), .events = POLLIN };
	int err;

	while ((err = famez_send(peer, id, "", 0)) == -EAGAIN) {
		poll(&p, 1, -1);
		serve(peer);
	}
	if (err && err != -ENOBUFS)
		fail("a peer of the crowd cannot send", err);
	return !err;
}

/* To those behind us; so each pair is counted once. */
static unsigned int talk(struct famez *peer)
{
	struct famez_peer_info *peers;
	struct famez_info info = { .size = sizeof(info) };
	unsigned int pairs = 0;
	size_t count, i;
	int err;

	err = famez_get_info(peer, &info);
	if (!err)
		err = famez_get_peers(peer, &peers, &count, sizeof(*peers));
	if (err)
		fail("a peer of the crowd", err);
	for (i = 0; i < count; i++)
		if (peers[i].id > info.id &&
		    !strncmp(peers[i].name, "famez-crowd", 11))
			pairs += reach(peer, peers[i].id);
	free(peers);
	return pairs;
}

/* The pipes of the crowd: what they say, and what ends when they are to go on. */
static int said[2], begin[2], end[2];

static void tell(unsigned int number)
{
	if (write(said[1], &number, sizeof(number)) != sizeof(number))
		fail("write", -errno);
}

static void be_there(const char *path, bool talks)
{
	struct famez *peer;
	int err = famez_open(&peer, path, FAMEZ_NONBLOCK);

	close(begin[1]);
	close(end[1]);
	if (err)
		fail("a peer of the crowd cannot join", err);
	tell(0);
	if (talks) {
		stay(peer, begin[0]);
		tell(talk(peer));
	}
	close(said[1]);
	stay(peer, end[0]);
	famez_close(peer);
}

/* Waits for all to say a number. */
static unsigned int await(int count)
{
	unsigned int number, sum = 0;

	while (count--) {
		if (read(said[0], &number, sizeof(number)) != sizeof(number))
			fail("not all are there", -ECONNRESET);
		sum += number;
	}
	return sum;
}

int main(int argc, char **argv)
{
	bool talks = argc == 4 && !strcmp(argv[3], "talk");
	int wanted = argc == 3 || talks ? atoi(argv[2]) : 0;
	int bad = 0, status, i;
	char byte;

	if (wanted < 1 || wanted > CROWD_MAX) {
		fprintf(stderr, "usage: famez-crowd SOCKET COUNT [talk] (1 to %d)\n",
			CROWD_MAX);
		return 2;
	}
	crowd = getpid();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(said) || pipe(begin) || pipe(end))
		fail("pipe", -errno);
	for (i = 0; i < wanted; i++) {
		if (!fork()) {
			be_there(argv[1], talks);
			exit(0);
		}
	}
	close(said[1]);
	await(wanted);
	printf("attached %d\n", wanted);
	close(begin[1]);
	if (talks)
		printf("talked %u\n", await(wanted));
	if (read(STDIN_FILENO, &byte, 1) < 0)
		fail("read", -errno);
	close(end[1]);
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}

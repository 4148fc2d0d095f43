// SPDX-License-Identifier: GPL-2.0
/*
 * Raw doorbells there and back, each end asleep on an eventfd until it is rung:
 * what a message's round trip cannot do better than.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "bench.h"
#include <linux/famez_fabric.h>
#include "famezctl.h"

#define VECTORS_LEAST	4	/* three have messages' doorbells */

/* One that neither of us, nor the switch, rings for messages */
static uint32_t free_vector(const struct famez_info *info, uint32_t peer)
{
	uint32_t armed = info->vectors_armed, v = 0;

	while (v == info->id % armed || v == peer % armed ||
	       v == info->server_id % armed)
		v++;
	return v;
}

static int listen_to(struct bench *b, uint32_t vector)
{
	int fd = eventfd(0, EFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = famez_doorbell_eventfd(b->famez, vector, fd);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int await(int fd)
{
	uint64_t rung;
	int err;

	do {
		err = read(fd, &rung, sizeof(rung)) < 0 ? -errno : 0;
	} while (watch_again(&err));
	return err;
}

static void forget(struct bench *b, uint32_t vector, int fd)
{
	famez_doorbell_eventfd(b->famez, vector, -1);
	close(fd);
}

static int ring_and_await(struct bench *b, uint32_t vector, uint32_t count,
			  int fd, struct run *run)
{
	uint64_t before = 0, now;
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < count; i++) {
		err = famez_doorbell(b->famez, b->peer, vector);
		if (!err)
			err = await(fd);
		now = clock_ns();
		if (i >= BENCH_AWAKE)
			run_add(run, now - before);
		before = now;
	}
	return err;
}

int doorbell_round_trips(struct bench *b, uint32_t count, struct run *run)
{
	uint32_t vector = free_vector(&b->info, b->peer);
	uint64_t value = vector;
	int fd, err;

	fd = listen_to(b, vector);
	if (fd < 0)
		return fd;
	count += BENCH_AWAKE;
	err = bench_ask(b, BENCH_DOORBELL, count, &value);
	if (!err)
		err = ring_and_await(b, vector, count, fd, run);
	forget(b, vector, fd);
	return err;
}

int doorbell_echo(struct bench *b)
{
	uint32_t vector = b->word.value, i;
	int fd, err;

	fd = listen_to(b, vector);
	if (fd < 0)
		return fd;
	err = bench_say(b, 0);
	for (i = 0; !err && i < b->word.count; i++) {
		err = await(fd);
		if (!err)
			err = famez_doorbell(b->famez, b->peer, vector);
	}
	forget(b, vector, fd);
	return err;
}

static bool is_guest(const struct famez_peer_info *peers, size_t count,
		     uint32_t id)
{
	while (count--)
		if (peers[count].id == id)
			return peers[count].kind == FAMEZ_PEER_KIND_BRIDGE &&
			       peers[count].vectors_armed >= VECTORS_LEAST;
	return false;
}

/* On the host, the library waits for doorbells, not the program. */
const char *doorbell_missing(const struct bench *b)
{
	struct famez_peer_info *peers;
	size_t count;
	bool guests;

	if (famez_get_peers(b->famez, &peers, &count, sizeof(*peers)))
		return "who is there cannot be asked";
	guests = is_guest(peers, count, b->info.id) &&
		 is_guest(peers, count, b->peer);
	free(peers);
	return guests ? NULL : "it needs two guests with 4 vectors or more";
}

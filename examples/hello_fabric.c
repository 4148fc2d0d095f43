// SPDX-License-Identifier: GPL-2.0
/* Says hello in memory that all peers share, and shows who else has: a line for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <famez.h>

struct line {
	unsigned int times;	/* 0: the peer has not been here */
	char text[60];
};

static int say_hello(struct famez *fabric, const struct famez_info *me, struct line *lines)
{
	struct famez_peer_info *peers;
	size_t count, i;
	int error = famez_get_peers(fabric, &peers, &count, sizeof(*peers));

	snprintf(lines[me->id].text, sizeof(lines->text), "hello from %s", me->name);
	/* only we write there; the text comes first */
	__atomic_store_n(&lines[me->id].times, lines[me->id].times + 1, __ATOMIC_RELEASE);
	for (i = 0; i < count; i++)
		if (__atomic_load_n(&lines[peers[i].id].times, __ATOMIC_ACQUIRE))
			printf("%u: %.60s\n", peers[i].id, lines[peers[i].id].text);
	free(peers);
	return error;
}

int main(void)
{
	struct famez_region_info region;
	struct famez_info me = { .size = sizeof(me) };
	struct famez *fabric;
	void *lines;
	int error;

	error = famez_open(&fabric, NULL, 0);
	if (!error)
		error = famez_get_info(fabric, &me);
	if (!error)
		error = famez_region_open(fabric, "hello_fabric", me.peers_max * 64,
					  FAMEZ_REGION_CREATE, &region, sizeof(region));
	if (!error)
		error = famez_map(fabric, region.offset, region.length, FAMEZ_MAP_WRITE, &lines);
	error = error ? error : say_hello(fabric, &me, lines);
	if (error)
		fprintf(stderr, "hello_fabric: %s\n", strerror(-error));
	famez_close(fabric);
	return !!error;
}

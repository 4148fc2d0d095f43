// SPDX-License-Identifier: GPL-2.0
/* Words through a ring in FAM.  Usage: ring count (waits for words) | ring WORDS... */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <famez.h>

static int count(struct famez_ring *ring)
{
	const void *word;
	size_t size, n = 0, bytes = 0;
	int error;

	while (!(error = famez_ring_peek(ring, &word, &size))) {
		n++;
		bytes += size;
		famez_ring_consume(ring);
	}
	printf("%zu words, %zu bytes\n", n, bytes);
	/* who sent them is done */
	return error == -ENOTCONN ? 0 : error;
}

int main(int argc, char **argv)
{
	int i, error, counts = argc == 2 && !strcmp(argv[1], "count");
	struct famez_ring *ring = NULL;
	struct famez *fabric;

	error = famez_open(&fabric, NULL, 0);
	if (!error)
		error = famez_ring_open(&ring, fabric, "words", 4096,
					counts ? 0 : FAMEZ_RING_SECOND);
	if (!error)
		error = famez_ring_connect(ring);
	for (i = 1; !error && !counts && i < argc; i++)
		error = famez_ring_send(ring, argv[i], strlen(argv[i]));
	if (!error && counts)
		error = count(ring);
	if (error)
		fprintf(stderr, "ring: %s\n", strerror(-error));
	famez_ring_close(ring);
	famez_close(fabric);
	return !!error;
}

// SPDX-License-Identifier: GPL-2.0
/* A service at port 7: "service" offers it, "service PEER WORDS..." sends words. */
#include <stdio.h>
#include <string.h>
#include <famez.h>

static int serve(struct famez *fabric)
{
	char data[FAMEZ_MESSAGE_MAX];
	unsigned int peer, port = 7;
	unsigned short from;
	size_t size;
	int error = famez_bind(fabric, &port, 0);

	setlinebuf(stdout);
	while (!error && !famez_recv_from(fabric, &peer, &from, data,
					  sizeof(data), &size))
		printf("%zu bytes from %u\n", size, peer);
	return error;
}

static int send_words(struct famez *fabric, const char *dest, char **words)
{
	struct famez_msg batch[16] = { };
	unsigned int peer, n;
	int result = famez_lookup(fabric, dest, &peer);

	for (n = 0; words[n] && n < 16; n++)
		batch[n] = (struct famez_msg){
			.data = (uintptr_t)words[n], .length = strlen(words[n]),
			.peer = peer, .dport = 7,
		};
	if (!result)
		result = famez_send_batch(fabric, batch, n, sizeof(*batch));
	return result < 0 ? result : 0;
}

int main(int argc, char **argv)
{
	struct famez *fabric;
	int error = famez_open(&fabric, NULL, 0);

	if (!error && argc < 3)
		error = serve(fabric);
	else if (!error)
		error = send_words(fabric, argv[1], argv + 2);
	if (error)
		fprintf(stderr, "service: %s\n", strerror(-error));
	return !!error;
}

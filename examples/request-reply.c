// SPDX-License-Identifier: GPL-2.0
/* Answers in capitals.  Usage: request-reply serve | request-reply DEST TEXT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <famez.h>

static char text[FAMEZ_MESSAGE_MAX];

static int serve(struct famez *fabric)
{
	unsigned int from;
	size_t size, i;
	int error = famez_recv(fabric, &from, text, sizeof(text), &size);

	for (i = 0; !error && i < size; i++)
		text[i] = toupper((unsigned char)text[i]);
	if (!error)
		famez_send(fabric, from, text, size);	/* it may have gone */
	return error;
}

static int request(struct famez *fabric, const char *dest, const char *what)
{
	unsigned int server, from = ~0U;
	size_t size;
	int error = famez_lookup(fabric, dest, &server);

	famez_set_timeout(fabric, 5000);
	error = error ? error : famez_send(fabric, server, what, strlen(what));
	while (!error && from != server)
		error = famez_recv(fabric, &from, text, sizeof(text), &size);
	printf("%.*s\n", error ? 0 : (int)size, text);
	return error;
}

int main(int argc, char **argv)
{
	struct famez *fabric;
	int error = famez_open(&fabric, NULL, 0);

	while (!error && argc < 3)
		error = serve(fabric);
	error = error ? error : request(fabric, argv[1], argv[2]);
	if (error)
		fprintf(stderr, "request-reply: %s\n", strerror(-error));
	famez_close(fabric);
	return !!error;
}

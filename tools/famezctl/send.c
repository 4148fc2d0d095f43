// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <famez/mailslot.h>
#include "famezctl.h"

static const char usage[] =
"send [options] DEST [TEXT...]\n"
"\n"
"Sends one message: the words of TEXT with a space between them, or all of\n"
"standard input when there is no TEXT.\n"
"\n"
"  -n, --nonblock           fail rather than wait for room\n"
"  -p, --port PORT          to this port of the peer (default 0, which all have)\n"
"  -t, --timeout SECONDS    wait that long for room (default: for ever)\n"
"  -h, --help               this\n";

static char *join(char **words, size_t *size)
{
	size_t length = 0;
	char *text, *at;
	int i;

	for (i = 0; words[i]; i++)
		length += strlen(words[i]) + 1;
	text = malloc(length);
	if (!text)
		die("no memory for the message");
	at = text;
	for (i = 0; words[i]; i++) {
		at = stpcpy(at, words[i]);
		*at++ = ' ';
	}
	*size = length - 1;
	return text;
}

/*
 * A program that has just become a peer has no room anywhere until the other
 * side has noticed it.  One that has answered a ping has.
 */
static int send_now(struct famez *handle, uint32_t peer, uint32_t port,
		    const char *data, size_t size)
{
	int error = famez_send_to(handle, peer, port, data, size);
	uint64_t ns;

	if (error == -EAGAIN && !famez_ping(handle, peer, 1000, &ns))
		error = famez_send_to(handle, peer, port, data, size);
	return error;
}

static void send_message(struct famez *handle, const struct patience *patience,
			 const char *dest, uint32_t port, const char *data,
			 size_t size)
{
	uint32_t peer = find_peer(handle, dest);
	struct famez_info info = { .size = sizeof(info) };
	int error;

	error = send_now(handle, peer, port, data, size);
	if (error == -EMSGSIZE && !famez_get_info(handle, &info) && size <= info.message_max)
		die("'%s' knows mailslots alone, which take 1 to %u bytes; the message has %zu",
		    dest, FAMEZ_MAIL_MAX, size);
	if (error == -EMSGSIZE && !famez_get_info(handle, &info))
		die("the message has %zu bytes, at most %u go; split it, or put it in the FAM",
		    size, info.message_max);
	if (error == -ETIMEDOUT && !patience->timed)
		die("cannot send to '%s': it has not read its mailslot in time, and the message was taken back; is its program running?",
		    dest);
	if (timed_out(patience, error))
		die("cannot send to '%s': it had no room for a message within %g seconds; what it has must be read there first",
		    dest, patience->seconds);
	if (error)
		die_peer("cannot send to", dest, error);
}

int cmd_send(int argc, char **argv)
{
	static const struct option options[] = {
		{ "nonblock", no_argument, NULL, 'n' },
		{ "port", required_argument, NULL, 'p' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct patience patience = { };
	struct famez *handle;
	uint32_t port = 0;
	size_t size;
	char *data;
	int c;

	/* '+': what follows DEST is text, whatever it looks like */
	while ((c = next_option_in_front(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'n':
			patience.nonblock = true;
			break;
		case 'p':
			port = parse_port(optarg);
			break;
		case 't':
			patience.timed = true;
			patience.seconds = parse_seconds("--timeout", optarg);
			break;
		}
	}
	if (optind == argc)
		die_usage("send needs a DEST: a peer's id, its name, or server");
	if (patience.nonblock && patience.timed)
		die_usage("--nonblock and --timeout exclude each other");
	if (optind + 1 < argc)
		data = join(argv + optind + 1, &size);
	else
		data = read_input(stdin, FAMEZ_MESSAGE_MAX, &size,
				  "standard input is too long for a message; split it, or put it in the FAM");
	handle = open_patient(&patience);
	send_message(handle, &patience, argv[optind], port, data, size);
	famez_close(handle);
	free(data);
	return 0;
}

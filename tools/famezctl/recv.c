// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "famezctl.h"

static const char usage[] =
"recv [options]\n"
"\n"
"Receives messages, and prints each as \"<sender's id>:<payload>\".  On a\n"
"terminal, what is not printable ASCII is escaped.\n"
"\n"
"  -c, --count N            how many, 0: for ever (default 1)\n"
"  -n, --nonblock           fail rather than wait\n"
"  -t, --timeout SECONDS    wait that long for each (default: for ever)\n"
"  -p, --port PORT          those sent to this port, which is opened for it\n"
"  -r, --raw                only the bytes of the payload, nothing added\n"
"  -h, --help               this\n";

struct settings {
	uint64_t count;
	uint32_t port;
	bool raw;
	struct patience patience;
};

static void print_message(const struct settings *set, uint32_t peer,
			  const char *data, size_t size)
{
	if (set->raw) {
		fwrite(data, 1, size, stdout);
	} else {
		printf("%u:", peer);
		if (isatty(STDOUT_FILENO))
			print_escaped(data, size);
		else
			fwrite(data, 1, size, stdout);
		putchar('\n');
	}
	flush_output();
}

static void recv_messages(const struct settings *set)
{
	struct famez *handle = open_patient(&set->patience);
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	uint64_t i;
	int error;

	bind_port(handle, set->port);
	for (i = 0; !set->count || i < set->count; i++) {
		error = famez_recv(handle, &peer, data, sizeof(data), &size);
		if (timed_out(&set->patience, error))
			die("no message within %g seconds",
			    set->patience.seconds);
		if (error == -EAGAIN)
			die("no message is waiting; without --nonblock, recv waits for one");
		if (error == -ENODEV)
			die("the switch or the device has gone; start it again");
		if (error)
			die("cannot receive: %s", error_text(error));
		print_message(set, peer, data, size);
	}
	famez_close(handle);
}

int cmd_recv(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "nonblock", no_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "port", required_argument, NULL, 'p' },
		{ "raw", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { .count = 1 };
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'c':
			set.count = parse_number("--count", optarg, UINT64_MAX);
			break;
		case 'n':
			set.patience.nonblock = true;
			break;
		case 't':
			set.patience.timed = true;
			set.patience.seconds = parse_seconds("--timeout",
							     optarg);
			break;
		case 'p':
			set.port = parse_port(optarg);
			break;
		case 'r':
			set.raw = true;
			break;
		}
	}
	if (optind != argc)
		die_usage("recv takes no arguments, only options");
	if (set.patience.nonblock && set.patience.timed)
		die_usage("--nonblock and --timeout exclude each other");
	recv_messages(&set);
	return 0;
}

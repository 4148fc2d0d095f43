// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "famezctl.h"

static const char usage[] =
"listen [options]\n"
"\n"
"Receives messages for ever, and prints each as \"<sender's id> (<name>): <text>\".\n"
"On a terminal, what is not printable ASCII is escaped.\n"
"\n"
"  -p, --port PORT          those sent to this port, which is opened for it\n"
"  -h, --help               this\n";

static void check(int error)
{
	if (error == -ENODEV)
		die("the switch or the device has gone; start it again");
	if (error != -EAGAIN)
		die("cannot listen: %s", error_text(error));
}

/* Learns the names of those who came: a sender may be gone with its message. */
static void meet_newcomers(struct famez *handle)
{
	struct famez_event event = { .size = sizeof(event) };
	bool any = false;
	int error;

	while (!(error = famez_next_event(handle, &event)))
		any |= event.type == FAMEZ_EVENT_UP ||
		       event.type == FAMEZ_EVENT_OVERFLOW;
	/* where mailslots are all there is, nobody tells of those who come */
	if (error == -EOPNOTSUPP)
		any = true;
	else
		check(error);
	if (any)
		names_update(handle);
}

static void print_message(uint32_t peer, const char *data, size_t size)
{
	printf("%u (%s): ", peer, name_of(peer));
	if (isatty(STDOUT_FILENO))
		print_escaped(data, size);
	else
		fwrite(data, 1, size, stdout);
	putchar('\n');
	flush_output();
}

static void recv_all(struct famez *handle)
{
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	int error;

	while (!(error = famez_recv(handle, &peer, data, sizeof(data),
				    &size))) {
		meet_newcomers(handle);
		print_message(peer, data, size);
	}
	check(error);
}

int cmd_listen(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct pollfd ready = { .events = POLLIN | POLLPRI };
	struct famez *handle;
	uint32_t port = 0;

	while (next_option(argc, argv, options, usage) == 'p')
		port = parse_port(optarg);
	if (optind != argc)
		die_usage("listen takes no arguments, only options");
	handle = open_device(FAMEZ_NONBLOCK);
	bind_port(handle, port);
	names_update(handle);
	ready.fd = famez_fd(handle);
	for (;;) {
		meet_newcomers(handle);
		recv_all(handle);
		if (poll(&ready, 1, -1) < 0)
			die("cannot wait: %s", strerror(errno));
	}
}

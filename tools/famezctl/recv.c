// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "famezctl.h"

static const char usage[] =
"Usage: famezctl recv [options]\n"
"\n"
"Receives messages, and prints each as \"<sender's id>:<payload>\".  On a\n"
"terminal, what is not printable ASCII is escaped.\n"
"\n"
"  -c, --count N            how many, 0: for ever (default 1)\n"
"  -n, --nonblock           fail rather than wait\n"
"  -t, --timeout SECONDS    wait that long for each (default: for ever)\n"
"  -r, --raw                only the bytes of the payload, nothing added\n"
"  -h, --help               this\n";

struct settings {
	uint64_t count;
	bool nonblock;
	bool raw;
	bool timed;
	double timeout;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The next message, with a handle that does not block. */
static int recv_timed(struct famez *handle, double timeout, uint32_t *peer,
		      char *data, size_t *size)
{
	struct pollfd ready = { .fd = famez_fd(handle), .events = POLLIN };
	double left, end = now() + timeout;
	int r;

	for (;;) {
		r = famez_recv(handle, peer, data, FAMEZ_MESSAGE_MAX, size);
		left = end - now();
		if (r != -EAGAIN || left <= 0)
			return r;
		/* no longer than an int of milliseconds at a time */
		if (poll(&ready, 1, left < 1e6 ? ceil(left * 1e3) : 1e9) < 0)
			return -errno;
	}
}

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
	bool nonblock = set->nonblock || set->timed;
	struct famez *handle = open_device(nonblock ? FAMEZ_NONBLOCK : 0);
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	uint64_t i;
	int error;

	for (i = 0; !set->count || i < set->count; i++) {
		error = recv_timed(handle, set->timeout, &peer, data, &size);
		if (error == -EAGAIN && set->timed)
			die("no message within %g seconds", set->timeout);
		if (error == -EAGAIN)
			die("no message is waiting; without --nonblock, recv waits for one");
		if (error == -ENODEV)
			die("the switch or the device has gone; start it again");
		if (error)
			die("cannot receive: %s", strerror(-error));
		print_message(set, peer, data, size);
	}
	famez_close(handle);
}

static double parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= 1e9))
		die_usage("--timeout '%s': expected seconds, as 2 or 0.5", text);
	return seconds;
}

int cmd_recv(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "nonblock", no_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "raw", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { .count = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "c:nt:rh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			set.count = parse_number("--count", optarg, UINT64_MAX);
			break;
		case 'n':
			set.nonblock = true;
			break;
		case 't':
			set.timed = true;
			set.timeout = parse_seconds(optarg);
			break;
		case 'r':
			set.raw = true;
			break;
		case 'h':
			help(usage);
		default:
			exit(USAGE);
		}
	}
	if (optind != argc)
		die_usage("recv takes no arguments, only options");
	if (set.nonblock && set.timed)
		die_usage("--nonblock and --timeout exclude each other");
	recv_messages(&set);
	return 0;
}

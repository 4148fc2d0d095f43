// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include "famezctl.h"

static const char usage[] =
"wait [options]\n"
"\n"
"Waits until a vector of this peer is rung, and prints how often it was, each\n"
"time a line.  Messages' own doorbells count, too.  On the host, messages that\n"
"come meanwhile are lost.\n"
"\n"
"  -v, --vector N           which (default 0)\n"
"  -c, --count N            until it was rung so often, 0: for ever (default 1)\n"
"  -t, --timeout SECONDS    wait that long for each (default: for ever)\n"
"  -h, --help               this\n";

struct settings {
	uint32_t vector;
	uint64_t count;
	bool timed;
	double seconds;
};

/* On the host: has the library do what there is to do. */
static int attend(struct famez *handle)
{
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	int error;

	do
		error = famez_recv(handle, &peer, data, sizeof(data), &size);
	while (!error);
	/* a raw server has no messages, but rings */
	return error == -EAGAIN || error == -EOPNOTSUPP ? 0 : error;
}

/* Of poll(2), until then; 0: it is over. */
static int left_ms(uint64_t deadline)
{
	uint64_t now = clock_ns();
	uint64_t ms = now < deadline ? (deadline - now) / 1000000 + 1 : 0;

	return ms < INT_MAX ? ms : INT_MAX;
}

/* How often the eventfd was signalled since; 0: not in time. */
static uint64_t wait_once(struct famez *handle, int fd,
			  const struct settings *set)
{
	uint64_t deadline = clock_ns() + (uint64_t)(set->seconds * 1e9);
	bool guest = in_guest(handle);
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = famez_fd(handle), .events = POLLIN },
	};
	struct famez_info info = { .size = sizeof(info) };
	uint64_t rings;
	int error, left;

	do {
		left = set->timed ? left_ms(deadline) : -1;
		if (poll(fds, guest ? 1 : 2, left) < 0)
			die("cannot wait: %s", strerror(errno));
		/* a device that goes signals the eventfd, too */
		error = guest ? famez_get_info(handle, &info) : attend(handle);
		if (error == -ENODEV)
			die("the switch or the device has gone; start it again");
		if (error)
			die("cannot wait: %s", strerror(-error));
		if (read(fd, &rings, sizeof(rings)) == sizeof(rings))
			return rings;
	} while (left);
	return 0;
}

/* An eventfd that is signalled when the vector is rung. */
static int listen_on(struct famez *handle, uint32_t vector)
{
	int error, fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		die("cannot make an eventfd: %s", strerror(errno));
	error = famez_doorbell_eventfd(handle, vector, fd);
	if (error == -EINVAL)
		die("this peer has no vector %u; famezctl info tells how many are armed",
		    vector);
	if (error)
		die("cannot listen on vector %u: %s", vector, error_text(error));
	printf("waiting on vector %u\n", vector);
	flush_output();
	return fd;
}

static void wait_rings(struct famez *handle, const struct settings *set)
{
	int fd = listen_on(handle, set->vector);
	uint64_t rings, sum = 0;

	while (!set->count || sum < set->count) {
		rings = wait_once(handle, fd, set);
		if (!rings)
			die("vector %u was not rung within %g seconds",
			    set->vector, set->seconds);
		sum += rings;
		printf("rung: %llu\n", (unsigned long long)rings);
		flush_output();
	}
	close(fd);
}

int cmd_wait(int argc, char **argv)
{
	static const struct option options[] = {
		{ "vector", required_argument, NULL, 'v' },
		{ "count", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { .count = 1 };
	struct famez *handle;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'v':
			set.vector = parse_number("--vector", optarg,
						  UINT16_MAX);
			break;
		case 'c':
			set.count = parse_number("--count", optarg, UINT64_MAX);
			break;
		case 't':
			set.timed = true;
			set.seconds = parse_seconds("--timeout", optarg);
			break;
		}
	}
	if (optind != argc)
		die_usage("wait takes no arguments, only options");
	handle = open_device(FAMEZ_NONBLOCK);
	wait_rings(handle, &set);
	famez_close(handle);
	return 0;
}

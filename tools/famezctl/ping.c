// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "famezctl.h"

static const char usage[] =
"Usage: famezctl ping [options] DEST\n"
"\n"
"Measures round trips to a peer's driver, library or switch.\n"
"\n"
"  -c, --count N       how many (default 3)\n"
"  -t, --timeout MS    wait that long for each answer (default 1000)\n"
"  -i, --interval MS   time between two (default 200)\n"
"  -h, --help          this\n";

struct settings {
	uint32_t count;
	uint32_t timeout;
	uint32_t interval;
};

struct statistics {
	uint32_t sent;
	uint32_t received;
	uint64_t min;
	uint64_t max;
	uint64_t sum;
};

static void add(struct statistics *s, uint64_t ns)
{
	if (!s->received || ns < s->min)
		s->min = ns;
	if (ns > s->max)
		s->max = ns;
	s->sum += ns;
	s->received++;
}

static void pause_ms(uint32_t ms)
{
	struct timespec t = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&t, NULL);
}

static void print_statistics(const struct statistics *s)
{
	printf("%u sent, %u received", s->sent, s->received);
	if (s->received)
		printf(", min/avg/max %.1f/%.1f/%.1f us", s->min / 1e3,
		       s->sum / 1e3 / s->received, s->max / 1e3);
	putchar('\n');
}

/* Return: 0 when all were answered */
static int ping_peer(struct famez *handle, const char *dest,
		     const struct settings *set)
{
	uint32_t i, peer = find_peer(handle, dest);
	struct statistics s = { };
	uint64_t ns;
	int error;

	for (i = 0; i < set->count; i++) {
		if (i)
			pause_ms(set->interval);
		s.sent++;
		error = famez_ping(handle, peer, set->timeout, &ns);
		if (error && error != -ETIMEDOUT)
			die_peer("cannot ping", dest, error);
		if (error) {
			printf("%u: no answer to %u within %u ms\n", peer,
			       s.sent, set->timeout);
		} else {
			add(&s, ns);
			printf("%u: answer to %u in %.1f us\n", peer, s.sent,
			       ns / 1e3);
		}
		flush_output();
	}
	print_statistics(&s);
	return s.received == s.sent ? 0 : FAILED;
}

int cmd_ping(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "interval", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { .count = 3, .timeout = 1000, .interval = 200 };
	struct famez *handle;
	int c, r;

	while ((c = getopt_long(argc, argv, "c:t:i:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			set.count = parse_number("--count", optarg, UINT32_MAX);
			break;
		case 't':
			set.timeout = parse_number("--timeout", optarg, 3600000);
			break;
		case 'i':
			set.interval = parse_number("--interval", optarg,
						    3600000);
			break;
		case 'h':
			help(usage);
		default:
			exit(USAGE);
		}
	}
	if (optind + 1 != argc)
		die_usage("ping needs one DEST: a peer's id, its name, or server");
	if (!set.count || !set.timeout)
		die_usage("--count and --timeout must be 1 or more");
	handle = open_device(0);
	r = ping_peer(handle, argv[optind], &set);
	famez_close(handle);
	return r;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include "famezctl.h"

static const char usage[] =
"ping [options] DEST\n"
"\n"
"Measures round trips to a peer's driver, library or switch.\n"
"\n"
"  -c, --count N       how many, 0: until interrupted (default 3)\n"
"  -t, --timeout MS    wait that long for each answer (default 1000)\n"
"  -i, --interval MS   time between two (default 200)\n"
"  -j, --json          as a JSON object, at the end\n"
"  -h, --help          this\n";

struct settings {
	uint32_t count;
	uint32_t timeout;
	uint32_t interval;
	bool json;
};

/**
 * struct statistics - of round trips, in nanoseconds
 * @sent: pings
 * @received: answers
 * @min: the shortest
 * @max: the longest
 * @sum: of all
 * @squares: sum of their squares
 * @start: of it all
 */
struct statistics {
	uint32_t sent;
	uint32_t received;
	uint64_t min;
	uint64_t max;
	double sum;
	double squares;
	uint64_t start;
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void add(struct statistics *s, uint64_t ns)
{
	if (!s->received || ns < s->min)
		s->min = ns;
	if (ns > s->max)
		s->max = ns;
	s->sum += ns;
	s->squares += (double)ns * ns;
	s->received++;
}

static double mean(const struct statistics *s)
{
	return s->sum / s->received;
}

/* How far they are from the mean, as ping(8) has it. */
static double mdev(const struct statistics *s)
{
	double variance = s->squares / s->received - mean(s) * mean(s);

	return variance > 0 ? sqrt(variance) : 0;
}

static double loss(const struct statistics *s)
{
	return s->sent ? 100.0 * (s->sent - s->received) / s->sent : 0;
}

static void pause_ms(uint32_t ms)
{
	struct timespec t = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&t, NULL);
}

static void print_statistics(const struct statistics *s, const char *dest)
{
	printf("--- %s ping statistics ---\n", dest);
	printf("%u sent, %u received, %g%% lost, time %llu ms\n", s->sent,
	       s->received, loss(s),
	       (unsigned long long)(clock_ns() - s->start) / 1000000);
	if (s->received)
		printf("round trip min/avg/max/mdev = %.1f/%.1f/%.1f/%.1f us\n",
		       s->min / 1e3, mean(s) / 1e3, s->max / 1e3,
		       mdev(s) / 1e3);
}

static void print_json_statistics(const struct statistics *s, uint32_t peer,
				  struct json_object *answers)
{
	struct json_object *o = json_object_new_object();

	json_number(o, "peer", peer);
	json_number(o, "sent", s->sent);
	json_number(o, "received", s->received);
	json_object_object_add(o, "loss_percent",
			       json_object_new_double(loss(s)));
	if (s->received) {
		json_number(o, "min_ns", s->min);
		json_number(o, "avg_ns", mean(s));
		json_number(o, "max_ns", s->max);
		json_number(o, "mdev_ns", mdev(s));
	}
	json_object_object_add(o, "answers_ns", answers);
	print_json(o, false);
}

/* One ping; @ns: how long it took, 0: no answer.  False: interrupted. */
static bool ping_once(struct famez *handle, uint32_t peer, const char *dest,
		      const struct settings *set, struct statistics *s,
		      uint64_t *ns)
{
	int error = famez_ping(handle, peer, set->timeout, ns);

	if (error == -EINTR && stopped)
		return false;
	if (error && error != -ETIMEDOUT)
		die_peer("cannot ping", dest, error);
	s->sent++;
	if (error)
		*ns = 0;
	else
		add(s, *ns);
	return true;
}

static void print_answer(uint32_t peer, uint32_t number, uint64_t ns,
			 uint32_t timeout)
{
	if (ns)
		printf("%u: answer to %u in %.1f us\n", peer, number, ns / 1e3);
	else
		printf("%u: no answer to %u within %u ms\n", peer, number,
		       timeout);
	flush_output();
}

/* Return: 0 when all were answered */
static int ping_peer(struct famez *handle, const char *dest,
		     const struct settings *set)
{
	struct json_object *answers = json_object_new_array();
	struct statistics s = { .start = clock_ns() };
	uint32_t peer = find_peer(handle, dest);
	uint64_t ns;

	while (!stopped && (!set->count || s.sent < set->count)) {
		if (s.sent)
			pause_ms(set->interval);
		if (stopped ||
		    !ping_once(handle, peer, dest, set, &s, &ns))
			break;
		if (!set->json)
			print_answer(peer, s.sent, ns, set->timeout);
		else
			json_object_array_add(answers, ns ?
				json_object_new_uint64(ns) : NULL);
	}
	if (set->json) {
		print_json_statistics(&s, peer, answers);
	} else {
		json_object_put(answers);
		print_statistics(&s, dest);
	}
	return s.received && s.received == s.sent ? 0 : FAILED;
}

int cmd_ping(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "interval", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { .count = 3, .timeout = 1000, .interval = 200 };
	/* no SA_RESTART: what sleeps is to wake up, and the result be printed */
	struct sigaction action = { .sa_handler = stop };
	struct famez *handle;
	int c, r;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
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
		case 'j':
			set.json = true;
			break;
		}
	}
	if (optind + 1 != argc)
		die_usage("ping needs one DEST: a peer's id, its name, or server");
	if (!set.timeout)
		die_usage("--timeout must be 1 or more");
	sigaction(SIGINT, &action, NULL);
	handle = open_device(0);
	r = ping_peer(handle, argv[optind], &set);
	famez_close(handle);
	return r;
}

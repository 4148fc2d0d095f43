// SPDX-License-Identifier: GPL-2.0
/* famezctl bench: what is between two peers, in rounds of all measurements. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "bench.h"
#include "famezctl.h"

static const char usage[] =
"bench [options] PEER [MEASUREMENT...]\n"
"       bench --serve\n"
"\n"
"Measures round trips and streams of messages to a peer that runs bench --serve.\n"
"\n"
"  -s, --serve         be the other side, until interrupted\n"
"  -n, --count N       round trips of a run (default 2000); a stream has 50 times\n"
"                      as many messages\n"
"  -r, --runs N        how often each is measured (default 5)\n"
"  -T, --tcp HOST      measure TCP to the peer's machine, too\n"
"  -v, --verbose       tell on standard error what is done\n"
"  -j, --json          print a JSON object, with every sample\n"
"  -h, --help          this\n"
"\n"
"Without MEASUREMENTs, all: tcp_rtt doorbell rtt stream tcp_stream ring_stream\n"
"ring_rtt word_rtt fam_copy ram_copy batch doorbells_per_message memcpy bulk\n";

struct settings {
	uint32_t count;
	uint32_t runs;
	const char *tcp;
	bool verbose;
	bool json;
};

__noreturn
static void die_bench(const char *what, const char *dest, int error)
{
	if (error == -ECONNREFUSED)
		die("%s: nobody serves at peer '%s'; run 'famezctl bench --serve' there",
		    what, dest);
	if (error == -ETIMEDOUT)
		die("%s: peer '%s' is silent; does another bench measure there?",
		    what, dest);
	if (error == -EPROTO)
		die("%s: peer '%s' answers something else; end other benches here and there, and start again",
		    what, dest);
	die_peer(what, dest, error);
}

static bool is_chosen(const char *name, char **names)
{
	if (!*names)
		return true;
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

static void check_names(char **names)
{
	size_t i;

	for (; *names; names++) {
		for (i = 0; bench_measurements[i].name; i++)
			if (!strcmp(bench_measurements[i].name, *names))
				break;
		if (!bench_measurements[i].name)
			die_usage("there is no measurement '%s'; '%s bench --help' lists them",
				  *names, program.name);
	}
}

/* What is not to be measured gets a reason; or none when it was not asked for. */
static bool is_measured(const struct bench *b, const struct measurement *m,
			const char **why)
{
	*why = m->missing ? m->missing(b) : NULL;
	return !*why;
}

static void measure(struct bench *b, size_t i, uint32_t count, const char *dest,
		    struct series *series)
{
	const struct measurement *m = &bench_measurements[i];
	struct run *run = &series->runs[series->count];
	int err = m->run(b, count, run);

	if (err)
		die_bench(m->name, dest, err);
	series->count++;
}

/* Side by side, round after round: what changes meanwhile changes all. */
static void measure_all(struct bench *b, const struct settings *set,
			char **words, struct outcome *outcome)
{
	static struct series warm_up;
	uint32_t round;
	size_t i;

	for (round = 0; round <= set->runs; round++) {
		if (set->verbose)
			fprintf(stderr, round ? "run %u of %u:" : "warm-up:",
				round, set->runs);
		for (i = 0; bench_measurements[i].name; i++) {
			if (!is_chosen(bench_measurements[i].name, words + 1) ||
			    !is_measured(b, &bench_measurements[i],
					 &outcome->why[i]))
				continue;
			if (set->verbose)
				fprintf(stderr, " %s",
					bench_measurements[i].name);
			measure(b, i, round ? set->count : set->count / 10 + 1,
				words[0], round ? &outcome->series[i] : &warm_up);
			series_free(&warm_up);
		}
		if (set->verbose)
			fputc('\n', stderr);
	}
}

static void bench_peer(const struct settings *set, char **words)
{
	static struct outcome outcome;
	struct bench b = { .famez = open_device(0), .tcp = -1,
			   .port = BENCH_PORT, .info.size = sizeof(b.info) };
	uint32_t port = 0;
	int err;

	err = famez_get_info(b.famez, &b.info);
	if (err)
		die("cannot ask the device: %s", error_text(err));
	b.peer = find_peer(b.famez, words[0]);
	if (b.peer == FAMEZ_DEST_SERVER || b.peer == b.info.server_id)
		die("the switch measures nothing; name a peer that runs '%s bench --serve'",
		    program.name);
	b.longest = b.info.message_max;
	if (b.longest > FAMEZ_MESSAGE_MAX)
		b.longest = FAMEZ_MESSAGE_MAX;
	b.word.magic = BENCH_MAGIC;
	if (getrandom(&b.word.cookie, sizeof(b.word.cookie), 0) < 0)
		die("no random number: %s", strerror(errno));
	watch_begin();
	err = famez_bind(b.famez, &port, 0);
	if (err)
		die("cannot bind a port: %s", error_text(err));
	err = set->tcp ? tcp_connect(&b, set->tcp) : 0;
	if (err)
		die_bench("TCP", words[0], err);
	outcome.peer = b.peer;
	outcome.count = set->count;
	measure_all(&b, set, words, &outcome);
	if (set->json)
		bench_print_json(&outcome);
	else
		bench_print(&outcome);
	famez_close(b.famez);
}

int cmd_bench(int argc, char **argv)
{
	static const struct option options[] = {
		{ "serve", no_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "runs", required_argument, NULL, 'r' },
		{ "tcp", required_argument, NULL, 'T' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { .count = 2000, .runs = 5 };
	bool serve = false;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 's':
			serve = true;
			break;
		case 'n':
			set.count = parse_number("--count", optarg, 1000000);
			break;
		case 'r':
			set.runs = parse_number("--runs", optarg, RUNS_MAX);
			break;
		case 'T':
			set.tcp = optarg;
			break;
		case 'v':
			set.verbose = true;
			break;
		case 'j':
			set.json = true;
			break;
		}
	}
	if (serve && optind == argc)
		bench_serve();
	if (serve || optind == argc)
		die_usage("bench needs a PEER that runs 'bench --serve', or --serve alone");
	if (!set.count || !set.runs)
		die_usage("--count and --runs must be 1 or more");
	check_names(argv + optind + 1);
	bench_peer(&set, argv + optind);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What became of a soak, from what its peers noted in FAM (soak-log.h); a program
 * on the host, which takes no part itself.
 *
 * soak-judge -d SOCKET report
 *	how much was sent and came, so far
 * soak-judge -d SOCKET [-a DIR] moves NAME OTHER...
 *	waits until messages come both ways between NAME and each OTHER; one that
 *	has a file DIR/OTHER.away is let off, as who took it away waits for it
 * soak-judge -d SOCKET verdict NAME...
 *	ends all sending, waits until all has come, and judges every stream
 *
 * Waiting has a hang guard, -t SECONDS (600).  It looks again and again, as
 * memory tells nobody that it changes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "soak-log.h"

#define LOOK_MS	50

static struct famez *f;
static struct soak_log *soak;
static struct famez_peer_info *peers;
static size_t n_peers;
static unsigned int guard = 600;
static const char *away_dir;

static void die(const char *what, int err)
{
	fprintf(stderr, "soak-judge: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void look(void)
{
	int err;

	free(peers);
	err = famez_get_peers(f, &peers, &n_peers, sizeof(*peers));
	if (err)
		die("peers", err);
}

static const struct famez_peer_info *named(const char *name)
{
	size_t i;

	for (i = 0; i < n_peers; i++)
		if (soak_takes_part(&peers[i]) && !strcmp(peers[i].name, name))
			return &peers[i];
	return NULL;
}

static uint32_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* ---- Records ---------------------------------------------------------------- */

static const struct soak_record *find(uint32_t id, enum soak_kind kind,
				      uint32_t peer, uint32_t from, uint32_t to)
{
	const struct soak_area *area = &soak->area[id];
	uint32_t i;

	for (i = soak_load(&area->records); i--;) {
		const struct soak_record *r = &area->record[i];

		if (r->kind == kind && r->peer == peer && r->from == from &&
		    r->to == to)
			return r;
	}
	return NULL;
}

/* Both ends of the stream that runs now from one peer to another. */
static void find_stream(const struct famez_peer_info *from,
			const struct famez_peer_info *to,
			const struct soak_record **sent,
			const struct soak_record **came)
{
	*sent = find(from->id, SOAK_SENT, to->id, from->generation,
		     to->generation);
	*came = find(to->id, SOAK_CAME, from->id, from->generation,
		     to->generation);
}

static void print_stream(const char *from, const char *to,
			 const struct soak_record *sent,
			 const struct soak_record *came)
{
	fprintf(stderr, "# %s to %s: tried %u, sent %u, came %u, odd %u\n",
		from, to, sent ? sent->tried : 0, sent ? sent->done : 0,
		came ? came->done : 0, came ? came->odd : 0);
}

/* ---- moves -------------------------------------------------------------------- */

/**
 * struct way - messages from one peer to another, while we watch
 * @from: name of the one
 * @to: name of the other
 * @stream: generations of the stream that was seen last
 * @came: how many had come of it when it was first seen
 * @moved: more have come since
 * @broken: some came out of order, and both still are what they were
 */
struct way {
	const char *from;
	const char *to;
	uint32_t stream[2];
	uint32_t came;
	bool moved;
	bool broken;
};

static bool is_away(const char *name)
{
	char path[4096];

	if (!away_dir)
		return false;
	snprintf(path, sizeof(path), "%s/%s.away", away_dir, name);
	return !access(path, F_OK);
}

static void watch(struct way *w)
{
	const struct famez_peer_info *from = named(w->from), *to = named(w->to);
	const struct soak_record *sent, *came;

	if (w->moved || !from || !to)
		return;
	find_stream(from, to, &sent, &came);
	if (!sent)
		return;
	if (w->stream[0] != sent->from || w->stream[1] != sent->to) {
		w->stream[0] = sent->from;
		w->stream[1] = sent->to;
		w->came = came ? soak_load(&came->done) : 0;
	}
	if (!came)
		return;
	w->moved = soak_load(&came->done) > w->came;
	if (!soak_load(&came->odd))
		return;
	look();
	from = named(w->from);
	to = named(w->to);
	w->broken = from && to && from->generation == sent->from &&
		    to->generation == sent->to;
}

static void print_way(const struct way *w)
{
	const struct famez_peer_info *from = named(w->from), *to = named(w->to);
	const struct soak_record *sent, *came;

	if (!from || !to) {
		fprintf(stderr, "# %s is not up\n", from ? w->to : w->from);
		return;
	}
	find_stream(from, to, &sent, &came);
	print_stream(w->from, w->to, sent, came);
}

static int moves(char **names, size_t n)
{
	struct way ways[2 * SOAK_IDS] = { };
	uint32_t end = now_s() + guard;
	size_t i, n_ways = 0, left;
	bool broken = false;

	for (i = 1; i < n && n_ways < 2 * SOAK_IDS; i++) {
		ways[n_ways++] = (struct way){ .from = names[0], .to = names[i] };
		ways[n_ways++] = (struct way){ .from = names[i], .to = names[0] };
	}
	for (;;) {
		look();
		for (left = 0, i = 0; i < n_ways; i++) {
			watch(&ways[i]);
			left += !ways[i].moved && !is_away(names[1 + i / 2]);
			broken |= ways[i].broken;
		}
		if (!left && !broken)
			return 0;
		if (broken || now_s() >= end)
			break;
		usleep(LOOK_MS * 1000);
	}
	if (broken)
		fprintf(stderr, "# out of order:\n");
	else
		fprintf(stderr, "# nothing came for %u s:\n", guard);
	for (i = 0; i < n_ways; i++)
		if (broken ? ways[i].broken : !ways[i].moved)
			print_way(&ways[i]);
	return 1;
}

/* ---- verdict --------------------------------------------------------------------- */

/* All that was sent has come, well or not, and nobody is about to send. */
static bool drained(const struct famez_peer_info *from,
		    const struct famez_peer_info *to)
{
	const struct soak_record *sent, *came;

	find_stream(from, to, &sent, &came);
	if (!sent)
		return true;
	return soak_load(&sent->tried) == soak_load(&sent->done) &&
	       (came ? soak_load(&came->done) + came->odd : 0) == sent->done;
}

static bool all_drained(char **names, size_t n, bool tell)
{
	const struct famez_peer_info *from, *to;
	const struct soak_record *sent, *came;
	bool all = true;
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			from = named(names[i]);
			to = named(names[j]);
			if (i == j || (from && to && drained(from, to)))
				continue;
			all = false;
			if (!tell)
				return false;
			if (!from || !to) {
				fprintf(stderr, "# %s is not up\n",
					names[from ? j : i]);
				continue;
			}
			find_stream(from, to, &sent, &came);
			print_stream(names[i], names[j], sent, came);
		}
	}
	return all;
}

/* What one end noted as come against what the other did as sent. */
static int judge_came(uint32_t to, const struct soak_record *came)
{
	const struct soak_record *sent;
	const char *wrong = NULL;

	sent = find(came->peer, SOAK_SENT, to, came->from, came->to);
	if (!sent)
		wrong = "nobody has sent them";
	else if (came->done + came->odd > sent->tried)
		wrong = "more came than were sent";
	else if (came->odd && (came->odd > 1 || sent->tried == sent->done ||
			       came->odd_number != sent->done))
		wrong = "not in order, or to another start of the receiver";
	if (!wrong)
		return 0;
	fprintf(stderr, "# peer %u to peer %u, generations %08x and %08x: %s; message %u came odd\n",
		came->peer, to, came->from, came->to, wrong,
		came->odd ? came->odd_number : came->done);
	print_stream("sender", "receiver", sent, came);
	return 1;
}

static int judge_all(void)
{
	uint32_t id, i;
	int wrong = 0;

	for (id = 0; id < SOAK_IDS; id++) {
		const struct soak_area *area = &soak->area[id];

		if (area->complaint[0]) {
			fprintf(stderr, "# peer %u: %.*s\n", id,
				(int)sizeof(area->complaint), area->complaint);
			wrong++;
		}
		for (i = 0; i < area->records; i++)
			if (area->record[i].kind == SOAK_CAME)
				wrong += judge_came(id, &area->record[i]);
	}
	return wrong;
}

static void report(void)
{
	uint64_t sent = 0, came = 0, streams = 0, cut = 0, odd = 0;
	uint32_t id, i;

	for (id = 0; id < SOAK_IDS; id++) {
		for (i = 0; i < soak_load(&soak->area[id].records); i++) {
			const struct soak_record *r = &soak->area[id].record[i];

			if (r->kind == SOAK_CAME) {
				came += r->done;
				odd += r->odd;
				continue;
			}
			streams++;
			sent += r->done;
			cut += r->tried - r->done;
		}
	}
	printf("%llu streams: %llu messages sent, %llu came; %llu sends under way or cut off, of which %llu came oddly\n",
	       (unsigned long long)streams, (unsigned long long)sent,
	       (unsigned long long)came, (unsigned long long)cut,
	       (unsigned long long)odd);
}

static int verdict(char **names, size_t n)
{
	uint32_t end = now_s() + guard;
	int wrong;

	soak_store(&soak->quiet, 1);
	for (look(); !all_drained(names, n, false); look()) {
		if (now_s() >= end)
			break;
		usleep(LOOK_MS * 1000);
	}
	if (!all_drained(names, n, true))
		fprintf(stderr, "# so it was after %u s\n", guard);
	wrong = judge_all();
	report();
	return wrong || !all_drained(names, n, false);
}

/* ---- Start ------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
	const char *path = NULL, *verb;
	void *fam;
	int c, err;

	while ((c = getopt(argc, argv, "a:d:t:")) != -1) {
		if (c == 'a')
			away_dir = optarg;
		else if (c == 'd')
			path = optarg;
		else if (c == 't')
			guard = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind == argc)
		return 2;
	setenv("FAMEZ_NAME", "judge", 1);
	err = famez_open(&f, path, 0);
	if (err)
		die("open", err);
	err = famez_map(f, 0, sizeof(*soak), 1, &fam);
	if (err)
		die("map", err);
	soak = fam;
	verb = argv[optind++];
	argv += optind;
	argc -= optind;
	if (!strcmp(verb, "moves") && argc >= 2)
		return moves(argv, argc);
	if (!strcmp(verb, "verdict"))
		return verdict(argv, argc);
	if (strcmp(verb, "report"))
		return 2;
	report();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A peer of a soak: sends numbered messages to all who take part, receives
 * theirs, and notes both in FAM (soak-log.h), until it is killed.
 *
 * famez-soak [-d PATH] [-s SEED]
 *
 * A send does not say to which start of a peer it sent.  What makes that certain:
 * before a stream, a ping is answered while the table of peers says the same
 * before and after, so the channel is set up for this pair of generations; and
 * after each send, the table still says the same.  A message during whose send it
 * changed is the last of its stream, and may be lost, or come to the newborn.
 *
 * In a guest one thread sends to each peer and may sleep; on the host, where a
 * handle is the peer, one loop does all.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "soak-log.h"

#define LEAST		((uint32_t)sizeof(struct soak_head))
#define BURST		300	/* messages at most without a pause */
#define PAUSE_MS	400	/* its length at most */
#define PING_MS		1000

struct pair {
	uint32_t own;
	uint32_t other;
};

/**
 * struct stream - what we send to one peer
 * @peer: its id
 * @pair: the generations
 * @record: its record, NULL: none is under way
 * @told: a reset has been told of since it began
 * @burst: messages until the next pause
 * @until: when that is over, in milliseconds
 * @seed: of what is random
 */
struct stream {
	uint32_t peer;
	struct pair pair;
	struct soak_record *record;
	bool told;
	uint32_t burst;
	uint64_t until;
	uint32_t seed;
};

static const char *path;
static bool guest;
static uint32_t own_id, n_peers, longest, seed = 1;
static struct soak_log *soak;
static struct soak_area *area;
static uint32_t first_record;
static uint32_t own[SOAK_GENERATIONS], n_own;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void complain(const char *format, ...)
{
	char text[sizeof(area->complaint)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "famez-soak: %s\n", text);
	pthread_mutex_lock(&lock);
	if (!area->complaint[0])
		memcpy(area->complaint, text, sizeof(text));
	pthread_mutex_unlock(&lock);
}

/* No call fails but for reasons that are looked after; or the device has gone. */
static void unexpected(const char *what, uint32_t peer, int err)
{
	if (!(guest && err == -ENODEV))
		complain("%s, peer %u: %s", what, peer, strerror(-err));
	_exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* ---- Records ---------------------------------------------------------------- */

static struct soak_record *new_record(enum soak_kind kind, uint32_t peer,
				      uint32_t from, uint32_t to)
{
	struct soak_record *r;

	pthread_mutex_lock(&lock);
	if (area->records == SOAK_RECORDS) {
		fprintf(stderr, "famez-soak: no more records; expected at most %u\n",
			SOAK_RECORDS);
		_exit(1);
	}
	r = &area->record[area->records];
	*r = (struct soak_record){ .peer = peer, .from = from, .to = to };
	soak_store(&r->kind, kind);
	soak_store(&area->records, area->records + 1);
	pthread_mutex_unlock(&lock);
	return r;
}

/* The record of a stream that comes in; there are few, and the newest is likely. */
static struct soak_record *came_record(uint32_t peer,
				       const struct soak_head *head)
{
	uint32_t i;

	for (i = soak_load(&area->records); i-- > first_record;) {
		struct soak_record *r = &area->record[i];

		if (r->kind == SOAK_CAME && r->peer == peer &&
		    r->from == head->from && r->to == head->to)
			return r;
	}
	return new_record(SOAK_CAME, peer, head->from, head->to);
}

/* ---- Generations ------------------------------------------------------------- */

static bool is_own(uint32_t generation)
{
	bool found = false;
	uint32_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < n_own; i++)
		found |= own[i] == generation;
	pthread_mutex_unlock(&lock);
	return found;
}

static void note_own(uint32_t generation)
{
	if (!generation || is_own(generation))
		return;
	pthread_mutex_lock(&lock);
	if (n_own < SOAK_GENERATIONS)
		own[n_own++] = generation;
	pthread_mutex_unlock(&lock);
}

/* What the table of peers says now; 0 for who does not take part. */
static struct pair look(struct famez *f, uint32_t peer)
{
	struct pair pair = { };
	struct famez_peer_info *peers;
	size_t count, i;
	int err;

	err = famez_get_peers(f, &peers, &count, sizeof(*peers));
	if (err)
		unexpected("peers", peer, err);
	for (i = 0; i < count; i++) {
		if (peers[i].id == own_id)
			pair.own = peers[i].generation;
		else if (peers[i].id == peer && soak_takes_part(&peers[i]))
			pair.other = peers[i].generation;
	}
	free(peers);
	note_own(pair.own);
	return pair;
}

static bool still(struct famez *f, const struct stream *s)
{
	struct pair now = look(f, s->peer);

	return now.own == s->pair.own && now.other == s->pair.other;
}

/* ---- Sending ------------------------------------------------------------------ */

/* Return: 0; -EAGAIN: at once again; -ENOTCONN: when something has changed */
static int begin(struct famez *f, struct stream *s)
{
	uint64_t ns;
	int err;

	s->pair = look(f, s->peer);
	if (!s->pair.own || !s->pair.other)
		return -ENOTCONN;
	err = famez_ping(f, s->peer, PING_MS, &ns);
	if (err == -ENODEV)
		unexpected("ping", s->peer, err);
	if (err)
		return -ENOTCONN;
	if (!still(f, s))
		return -EAGAIN;
	s->told = false;
	s->record = new_record(SOAK_SENT, s->peer, s->pair.own, s->pair.other);
	return 0;
}

/* A send has failed, so nothing was sent. */
static int refused(struct famez *f, struct stream *s, int err)
{
	bool same;

	if (err == -ENODEV)	/* it is not known at what point */
		unexpected("send", s->peer, err);
	soak_store(&s->record->tried, s->record->done);
	if (err == -EAGAIN || err == -EINTR)
		return -EAGAIN;
	same = still(f, s);
	/* the first send may be told of what the former stream has lost */
	if (err == -ECONNRESET && same && !s->record->done && !s->told) {
		s->told = true;
		return 0;
	}
	if (same || (err != -ECONNRESET && err != -ENOTCONN &&
		     err != -EHOSTUNREACH))
		complain("send to peer %u: %s, though nothing has changed since message %u",
			 s->peer, strerror(-err), s->record->done);
	s->record = NULL;
	return 0;
}

static void pause_now_and_then(struct stream *s)
{
	if (s->burst--)
		return;
	s->burst = message_random(&s->seed) % BURST;
	s->until = now_ms() + message_random(&s->seed) % PAUSE_MS;
}

/* One message.  Return: as begin() */
static int step(struct famez *f, struct stream *s)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	struct soak_head head;
	uint32_t length;
	int err;

	err = s->record ? 0 : begin(f, s);
	if (err)
		return err;
	head = (struct soak_head){ .from = s->pair.own, .to = s->pair.other,
				   .number = s->record->done };
	length = message_compose(message, &head, LEAST, longest);
	soak_store(&s->record->tried, s->record->done + 1);
	err = famez_send(f, s->peer, message, length);
	if (err)
		return refused(f, s, err);
	if (still(f, s))
		soak_store(&s->record->done, s->record->done + 1);
	else
		s->record = NULL;
	pause_now_and_then(s);
	return 0;
}

static bool quiet(void)
{
	return soak_load(&soak->quiet);
}

/* ---- Receiving ---------------------------------------------------------------- */

static void take(struct famez *f, uint32_t peer, const uint8_t *message,
		 size_t size)
{
	struct soak_record *r;
	struct soak_head head;

	if (!message_whole(message, size, LEAST, longest)) {
		complain("a message of %zu bytes from peer %u is torn", size,
			 peer);
		return;
	}
	memcpy(&head, message, sizeof(head));
	if (!is_own(head.to))
		look(f, peer);
	r = came_record(peer, &head);
	if (is_own(head.to) && head.number == r->done && !r->odd) {
		soak_store(&r->done, r->done + 1);
		return;
	}
	if (!r->odd)
		r->odd_number = head.number;
	soak_store(&r->odd, r->odd + 1);
}

/* Return: 0, or -EAGAIN: there is none */
static int receive(struct famez *f)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	int err;

	err = famez_recv(f, &peer, message, sizeof(message), &size);
	if (!err)
		take(f, peer, message, size);
	else if (err != -EAGAIN && err != -EINTR)
		unexpected("receive", own_id, err);
	return err ? -EAGAIN : 0;
}

/* ---- In a guest ----------------------------------------------------------------- */

static struct famez *open_handle(int flags)
{
	struct famez *f;
	int err;

	err = famez_open(&f, path, flags);
	if (err) {
		fprintf(stderr, "famez-soak: open %s: %s\n", path ? path : "",
			strerror(-err));
		_exit(1);
	}
	return f;
}

static void sleep_until(uint64_t until)
{
	struct timespec t = { .tv_sec = until / 1000,
			      .tv_nsec = until % 1000 * 1000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Sleeps until a peer changes.  The limit is for a change that is our own. */
static void wait_for_change(struct famez *f)
{
	struct famez_event event = { .size = sizeof(event) };
	int err;

	famez_set_timeout(f, PING_MS);
	err = famez_next_event(f, &event);
	famez_set_timeout(f, 0);
	if (err && err != -ETIMEDOUT && err != -EINTR)
		unexpected("event", own_id, err);
}

static void *sender(void *stream)
{
	struct famez *f = open_handle(0);
	struct stream *s = stream;

	while (!quiet()) {
		if (step(f, s) == -ENOTCONN)
			wait_for_change(f);
		if (s->until)
			sleep_until(s->until);
		s->until = 0;
	}
	famez_close(f);
	return NULL;
}

/* Pauses let rings and buffers become full. */
static void receiver(struct famez *f)
{
	struct stream pace = { .seed = seed };

	for (;;) {
		receive(f);
		pause_now_and_then(&pace);
		if (pace.until && !quiet())
			sleep_until(pace.until);
		pace.until = 0;
	}
}

static void soak_guest(struct famez *f, struct stream *streams)
{
	pthread_t thread;
	uint32_t i;

	for (i = 0; i < n_peers; i++)
		if (i != own_id &&
		    pthread_create(&thread, NULL, sender, &streams[i]))
			unexpected("thread", i, -errno);
	receiver(f);
}

/* ---- On the host ----------------------------------------------------------------- */

/* Sends to all whose time has come.  Return: whether anything was done */
static bool send_round(struct famez *f, struct stream *streams)
{
	uint64_t now = now_ms();
	bool moved = false;
	uint32_t i;
	int err;

	for (i = 0; i < n_peers && !quiet(); i++) {
		struct stream *s = &streams[i];

		if (i == own_id || s->until > now)
			continue;
		err = step(f, s);
		moved |= !err;
		/* who does not answer is not to hold up the others */
		if (err == -ENOTCONN)
			s->until = now_ms() + PING_MS;
	}
	return moved;
}

static void soak_host(struct famez *f, struct stream *streams)
{
	struct pollfd p = { .fd = famez_fd(f), .events = POLLIN };

	for (;;) {
		bool moved = !receive(f);

		moved |= send_round(f, streams);
		if (!moved)
			poll(&p, 1, PAUSE_MS);
	}
}

/* ---- Start ------------------------------------------------------------------------ */

/* The device has gone, and the log with it. */
static void gone(int signal)
{
	(void)signal;
	_exit(1);
}

static void find_log(struct famez *f)
{
	struct famez_info info = { .size = sizeof(info) };
	void *fam;
	int err;

	err = famez_get_info(f, &info);
	if (!err)
		err = famez_map(f, 0, sizeof(*soak), 1, &fam);
	if (err || info.peers_max > SOAK_IDS) {
		fprintf(stderr, "famez-soak: no log: %s; expected at most %u ids, and %zu bytes of FAM\n",
			strerror(-err), SOAK_IDS, sizeof(*soak));
		_exit(1);
	}
	soak = fam;
	own_id = info.id;
	n_peers = info.peers_max;
	longest = info.message_max;
	area = &soak->area[own_id];
	first_record = area->records;
	note_own(info.generation);
}

int main(int argc, char **argv)
{
	static struct stream streams[SOAK_IDS];
	struct stat st;
	struct famez *f;
	uint32_t i;
	int c;

	while ((c = getopt(argc, argv, "d:s:")) != -1) {
		if (c == 'd')
			path = optarg;
		else if (c == 's')
			seed = strtoul(optarg, NULL, 0) * 2654435761U + 1;
		else
			return 2;
	}
	guest = !path || (!stat(path, &st) && S_ISCHR(st.st_mode));
	signal(SIGBUS, gone);
	f = open_handle(guest ? 0 : FAMEZ_NONBLOCK);
	find_log(f);
	for (i = 0; i < SOAK_IDS; i++) {
		streams[i].peer = i;
		streams[i].seed = seed ^ (i * 97 + 1);
	}
	printf("soaking as peer %u\n", own_id);
	fflush(stdout);
	if (guest)
		soak_guest(f, streams);
	else
		soak_host(f, streams);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that dies in mid-stream and is born again: nothing comes to it twice
 * over all its lives, and nothing that was sent to an earlier one.
 *
 * famez-lives [-d PATH] [-n COUNT [-r LIVES]] -t PEER
 *	sends COUNT numbered messages, or for ever, each naming the generation
 *	of the receiver that it is meant for
 * famez-lives [-d PATH] [-n COUNT [-r LIVES]] [-c COMMAND] -f ID,...
 *	receives them, at least COUNT from each, or until an empty message
 *
 * A life ends by SIGKILL.  COMMAND is run after each: the driver's rebirth.  What
 * is wrong is printed as "wrong: ..."; but a peer may be reborn between the look
 * at its generation and the send.  So a sender that saw that prints "during
 * NUMBER", and a receiver prints "late NUMBER from PEER": each late one must be
 * among those of its sender.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <famez.h>

#define PEERS	64	/* ids are below */
#define PASTS	1024	/* lives of a sender */
#define PATIENCE 200	/* ms without room, until that is told */

struct message {
	uint32_t number;
	uint32_t sender;	/* its generation */
	uint32_t receiver;	/* likewise */
	uint8_t ballast[200];
};

/* What a receiver knows of a sender. */
struct stream {
	bool wanted;
	uint32_t count;		/* in this life */
	uint32_t last;		/* number */
	uint32_t lives;
	uint32_t past[PASTS];	/* generations, @lives of them */
};

/* What outlives a life. */
static struct memory {
	bool known;
	uint32_t id;
	uint32_t wrong;
	uint64_t total;
	struct stream from[PEERS];
} *memory;

static const char *path;
static uint32_t count, to;

static void fail(const char *what, int err)
{
	fprintf(stderr, "famez-lives: %s: %s\n", what, strerror(-err));
	exit(1);
}

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

/*
 * Becomes, or uses, a peer.  One on the host may come before its former life's
 * id is free: then it goes, and comes again.
 */
static struct famez *be_born(struct famez_info *info)
{
	struct famez *f;
	int err = famez_open(&f, path, 0);

	if (!err)
		err = famez_get_info(f, info);
	if (err)
		fail("open", err);
	if (memory->known && memory->id != info->id)
		exit(EXIT_SUCCESS);
	memory->known = true;
	memory->id = info->id;
	return f;
}

/* ---- Sending ------------------------------------------------------------------ */

/* The receiver's generation, 0: it is not up. */
static uint32_t generation_of(struct famez *f, uint32_t peer)
{
	struct famez_peer_info *peers;
	uint32_t generation = 0;
	size_t i, n;
	int err = famez_get_peers(f, &peers, &n, sizeof(*peers));

	if (err)
		fail("peers", err);
	for (i = 0; i < n; i++)
		if (peers[i].id == peer)
			generation = peers[i].generation;
	free(peers);
	return generation;
}

static uint32_t wait_for_birth(struct famez *f)
{
	struct famez_event event = { .size = sizeof(event) };
	uint32_t generation;
	int err;

	while (!(generation = generation_of(f, to))) {
		err = famez_next_event(f, &event);
		if (err)
			fail("event", err);
	}
	return generation;
}

static int send_patiently(struct famez *f, const struct message *m)
{
	int err;

	famez_set_timeout(f, PATIENCE);
	err = famez_send(f, to, m, sizeof(*m));
	famez_set_timeout(f, 0);
	if (err != -ETIMEDOUT)
		return err;
	say("full at %u\n", m->number);
	return famez_send(f, to, m, sizeof(*m));
}

static void send_life(void)
{
	struct message m = { };
	struct famez_info info = { .size = sizeof(info) };
	struct famez *f = be_born(&info);
	struct famez_event event = { .size = sizeof(event) };
	uint32_t sent = 0;
	int err;

	/* on the host, events count from the first call on */
	famez_set_timeout(f, 1);
	while (!famez_next_event(f, &event))
		;
	famez_set_timeout(f, 0);
	m.sender = info.generation;
	for (m.number = 1; !count || sent < count; m.number++) {
		m.receiver = wait_for_birth(f);
		err = send_patiently(f, &m);
		if (!err && generation_of(f, to) != m.receiver)
			say("during %u\n", m.number);
		if (err && err != -ECONNRESET && err != -ENOTCONN &&
		    err != -EHOSTUNREACH)
			fail("send", err);
		sent += !err;
	}
}

/* ---- Receiving ---------------------------------------------------------------- */

static void wrong(const char *what, uint32_t peer, const struct message *m)
{
	memory->wrong++;
	say("wrong: %s: %u from peer %u's 0x%08x for 0x%08x\n", what,
	    m->number, peer, m->sender, m->receiver);
}

/* A sender's next life begins; none that ended comes back. */
static void begin_stream(struct stream *s, uint32_t peer,
			 const struct message *m)
{
	uint32_t i;

	for (i = 0; i < s->lives; i++)
		if (s->past[i] == m->sender)
			wrong("of a former life of its sender", peer, m);
	if (s->lives == PASTS)
		fail("lives of a sender", -E2BIG);
	s->past[s->lives++] = m->sender;
	s->last = 0;
}

static void check(uint32_t peer, const struct message *m, uint32_t own)
{
	struct stream *s = &memory->from[peer];

	if (!s->lives || s->past[s->lives - 1] != m->sender)
		begin_stream(s, peer, m);
	if (m->number <= s->last)
		wrong("twice, or out of order", peer, m);
	if (m->receiver != own)
		say("late %u from %u, for 0x%08x at 0x%08x\n", m->number, peer,
		    m->receiver, own);
	s->last = m->number;
	s->count++;
	memory->total++;
}

static bool life_is_over(void)
{
	uint32_t id;

	if (!count)
		return false;
	for (id = 0; id < PEERS; id++)
		if (memory->from[id].wanted && memory->from[id].count < count)
			return false;
	return true;
}

static void receive_life(void)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez *f = be_born(&info);
	struct message m;
	uint32_t peer, id;
	size_t size;
	int err;

	for (id = 0; id < PEERS; id++)
		memory->from[id].count = 0;
	while (!life_is_over()) {
		err = famez_recv(f, &peer, &m, sizeof(m), &size);
		if (err)
			fail("recv", err);
		if (!size)
			break;
		if (peer < PEERS && memory->from[peer].wanted &&
		    size == sizeof(m))
			check(peer, &m, info.generation);
		else
			say("wrong: %zu bytes from peer %u\n", size, peer);
	}
}

/* ---- Lives -------------------------------------------------------------------- */

/* Return: it was one, and has ended as it should */
static bool live(void (*life)(void))
{
	int status;
	pid_t child = fork();

	if (child < 0)
		fail("fork", -errno);
	if (!child) {
		/* who kills us means it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		life();
		kill(getpid(), SIGKILL);
	}
	if (waitpid(child, &status, 0) < 0)
		fail("wait", -errno);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		exit(1);
	return WIFSIGNALED(status);
}

static int live_all(void (*life)(void), uint32_t lives, const char *command)
{
	uint32_t n;

	for (n = 0; n < lives; ) {
		if (!live(life))
			continue;
		n++;
		if (command && system(command)) {
			fprintf(stderr, "famez-lives: '%s' failed\n", command);
			return 1;
		}
	}
	printf("%u lives, %llu messages, %u wrong\n", lives,
	       (unsigned long long)memory->total, memory->wrong);
	return memory->wrong ? 1 : 0;
}

static void want(char *list)
{
	uint32_t id;
	char *word;

	for (word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		id = strtoul(word, NULL, 0);
		if (id >= PEERS)
			fail("id", -E2BIG);
		memory->from[id].wanted = true;
	}
}

int main(int argc, char **argv)
{
	const char *command = NULL;
	bool receives = false;
	uint32_t lives = 1;
	int c;

	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("memory", -errno);
	while ((c = getopt(argc, argv, "d:n:r:c:t:f:")) != -1) {
		switch (c) {
		case 'd':
			path = optarg;
			break;
		case 'n':
			count = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			lives = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			command = optarg;
			break;
		case 't':
			to = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			receives = true;
			want(optarg);
			break;
		default:
			return 2;
		}
	}
	if (receives == !!to) {
		fprintf(stderr, "famez-lives: expected either -t or -f\n");
		return 2;
	}
	return live_all(receives ? receive_life : send_life, lives, command);
}

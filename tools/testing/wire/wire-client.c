// SPDX-License-Identifier: GPL-2.0
/*
 * wire-client: an ivshmem client that holds its server to the protocol.
 *
 * Every rule of the handshake and of later joins and leaves is checked as the
 * messages come; the first one broken ends the program with exit code 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

enum { EXIT_FINE, EXIT_BROKEN, EXIT_USAGE, EXIT_REFUSED };

enum step { VERSION, ID, MEMORY, PEERS, DONE };

struct peer {
	unsigned int have;
	bool left;
	int fd[];
};

static struct wire_reader server = { .sock = -1 };
static enum step step;
static unsigned int vectors;
static bool transcript, patient, stay, ended;
static struct peer *peers[WIRE_MAX_ID + 1];
static __s64 own = -1;
static __s64 batch = -1;	/* whose vectors are only partly here */
static unsigned char *mem;
static size_t mem_size;

/* Every eventfd held: two vectors must never share one. */
static struct {
	__u64 number;
	__s64 id;
} *seen;
static size_t nseen;

static __s64 order[WIRE_MAX_ID + 1];
static size_t norder;

static const char usage_text[] =
"usage: wire-client -S SOCKET [-n VECTORS] [-t GUARD-SECONDS] [mode]...\n"
"  --transcript       print every message of the handshake\n"
"  --fee-reads        insist on reads of 24, then 8, bytes\n"
"  --patient          with it: first wait until 24 bytes are there\n"
"  --stay             stay, and take commands on standard input\n"
"  --quiet-never-read connect, never read, stay\n"
"  --die-after K      read K messages, check nothing, die\n"
"  --send-byte        send a byte, expect to be dropped\n"
"-n is needed wherever a handshake is to be completed.\n"
"commands: ring PEER VECTOR, peek OFFSET LENGTH, poke OFFSET HEX,\n"
"          sum OFFSET LENGTH, sync, close, quit\n"
"exit: 0 fine, 1 protocol violation, 2 usage, 3 refused by the server\n";

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(EXIT_USAGE);
}

/* The kernel's own number for an eventfd; dies if fd is something else. */
static __u64 eventfd_number(int fd)
{
	__u64 number = 0;
	bool found = false;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		wire_die("%s", path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "eventfd-id: %llu", &number) == 1)
			found = true;
	}
	fclose(f);
	if (!found)
		wire_violation("rule 4: a vector's descriptor is no eventfd");
	return number;
}

static void note_eventfd(int fd, __s64 id)
{
	__u64 number = eventfd_number(fd);
	size_t i;

	for (i = 0; i < nseen; i++) {
		if (seen[i].number == number && seen[i].id >= 0)
			wire_violation("rule 4: an eventfd of peer %lld was given out before",
				       id);
	}
	seen = reallocarray(seen, nseen + 1, sizeof(*seen));
	if (!seen)
		wire_die("memory");
	seen[nseen].number = number;
	seen[nseen++].id = id;
}

static void take_memory(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		wire_die("fstat");
	if (!S_ISREG(st.st_mode))
		wire_violation("rule 3: the memory is no file");
	if (st.st_size < 4096 || !wire_is_power_of_two(st.st_size))
		wire_violation("rule 3: the memory has %lld bytes, not a power of two from 4096 up",
			       (long long)st.st_size);
	mem_size = st.st_size;
	mem = mmap(NULL, mem_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		wire_die("mmap");
	close(fd);
}

static void take_vector(const struct wire_msg *m)
{
	__s64 id = m->number;
	struct peer *p;

	if (batch >= 0 && batch != id)
		wire_violation("rule 4: peer %lld has %u of %u vectors when %lld comes",
			       batch, peers[batch]->have, vectors, id);
	if (batch < 0 && peers[id] && peers[id]->left)
		wire_violation("joins: id %lld joins again after its leave, which kills QEMU",
			       id);
	if (batch < 0 && peers[id])
		wire_violation("joins: id %lld is announced twice, or has more than %u vectors",
			       id, vectors);
	if (batch < 0) {
		peers[id] = calloc(1, sizeof(*p) + vectors * sizeof(int));
		if (!peers[id])
			wire_die("memory");
		batch = id;
	}
	p = peers[id];
	note_eventfd(m->fd, id);
	p->fd[p->have++] = m->fd;
	if (p->have < vectors)
		return;
	batch = -1;
	if (id == own)
		step = DONE;
	else if (step == DONE)
		printf("join %lld\n", id);
	else
		order[norder++] = id;
}

static void take_leave(__s64 id)
{
	if (batch >= 0)
		wire_violation("rule 4: peer %lld has %u of %u vectors when %lld leaves",
			       batch, peers[batch]->have, vectors, id);
	if (id == own || !peers[id])
		wire_violation("leaves: id %lld leaves, who was no other peer",
			       id);
	if (peers[id]->left)
		wire_violation("leaves: id %lld leaves twice, which kills QEMU",
			       id);
	peers[id]->left = true;
	for (unsigned int i = 0; i < vectors; i++)
		close(peers[id]->fd[i]);
	/* The kernel may use their numbers again. */
	for (size_t i = 0; i < nseen; i++) {
		if (seen[i].id == id)
			seen[i].id = -1;
	}
	printf("leave %lld\n", id);
}

/* A server that refuses says so with a number, and closes. */
static void refused(__s64 number)
{
	struct wire_msg m;

	if (wire_read(&server, &m))
		wire_violation("rule 1: %lld follows the refusal %lld",
			       m.number, number);
	printf("refused %lld\n", number);
	exit(EXIT_REFUSED);
}

static void take(const struct wire_msg *m)
{
	if (transcript && step != DONE)
		printf("%lld %s\n", m->number,
		       m->fd < 0 ? "nofd" : "fd");

	switch (step) {
	case VERSION:
		if (m->fd >= 0)
			wire_violation("rule 1: a descriptor comes with the version");
		if (m->number)
			refused(m->number);
		step = ID;
		return;
	case ID:
		if (m->fd >= 0)
			wire_violation("rule 2: a descriptor comes with the id");
		if (m->number < 0 || m->number > WIRE_MAX_ID)
			wire_violation("rule 2: the id is %lld", m->number);
		own = m->number;
		step = MEMORY;
		return;
	case MEMORY:
		if (m->number != -1)
			wire_violation("rule 3: %lld in place of -1",
				       m->number);
		if (m->fd < 0)
			wire_violation("rule 3: -1 comes without the memory");
		take_memory(m->fd);
		step = PEERS;
		return;
	case PEERS:
	case DONE:
		break;
	}
	if (m->number < 0 || m->number > WIRE_MAX_ID)
		wire_violation("rule 4: the number is %lld", m->number);
	if (m->fd >= 0)
		take_vector(m);
	else if (step == DONE)
		take_leave(m->number);
	else
		wire_violation("rule 4: %lld comes without a descriptor",
			       m->number);
}

/*
 * --fee-reads is a race with the server's first three messages. This takes the
 * race out, for tests of all the other reads; no event says that a socket holds
 * so many bytes, hence the ticks.
 */
static void wait_for_greeting(void)
{
	int there = 0;

	for (int i = 0; i < 1000; i++) {
		if (ioctl(server.sock, FIONREAD, &there) || there >= 24)
			break;
		poll(NULL, 0, 1);
	}
}

static void handshake(void)
{
	struct wire_msg m;

	if (patient)
		wait_for_greeting();
	while (step != DONE) {
		if (!wire_read(&server, &m))
			wire_violation("rule %d: the server closes within the handshake",
				       step + 1);
		take(&m);
	}
	printf("ok id=%lld vectors=%u size=%zu peers=", own, vectors,
	       mem_size);
	for (size_t i = 0; i < norder; i++)
		printf("%s%lld", i ? "," : "", order[i]);
	printf("\n");
}

/* fd is known to be readable: its flags are shared with others, leave them. */
static void rung(unsigned int vector)
{
	__u64 count;

	if (read(peers[own]->fd[vector], &count, sizeof(count)) !=
	    sizeof(count))
		wire_die("eventfd");
	printf("rung %u %llu\n", vector, count);
}

/* Reads what the server sent and who rang; false when nothing was there. */
static bool look(struct pollfd *pfd)
{
	struct wire_msg m;
	bool any = false;

	if (pfd[0].revents) {
		any = true;
		if (wire_read(&server, &m)) {
			take(&m);
		} else {
			printf("closed by server\n");
			ended = true;
		}
	}
	for (unsigned int i = 0; i < vectors; i++) {
		if (pfd[1 + i].revents & POLLIN) {
			any = true;
			rung(i);
		}
	}
	return any;
}

static struct pollfd *poll_set(void)
{
	/* The server, own vectors, standard input. */
	static struct pollfd pfd[WIRE_MAX_VECTORS + 2];

	pfd[0].fd = server.sock;
	pfd[0].events = POLLIN;
	for (unsigned int i = 0; i < vectors; i++) {
		pfd[1 + i].fd = peers[own]->fd[i];
		pfd[1 + i].events = POLLIN;
	}
	pfd[1 + vectors].fd = STDIN_FILENO;
	pfd[1 + vectors].events = POLLIN;
	return pfd;
}

static void ring(const char *peer, const char *vector)
{
	static const __u64 one = 1;
	__u64 p, v;

	if (!wire_number(peer, &p) || !wire_number(vector, &v) ||
	    p > WIRE_MAX_ID || !peers[p] || peers[p]->left ||
	    v >= peers[p]->have) {
		printf("error no peer %s with a vector %s\n", peer, vector);
		return;
	}
	if (write(peers[p]->fd[v], &one, sizeof(one)) != sizeof(one))
		wire_die("eventfd");
	printf("rang %llu %llu\n", p, v);
}

static bool range(const char *offset, __u64 *off, __u64 len)
{
	if (wire_number(offset, off) && *off <= mem_size &&
	    len <= mem_size - *off)
		return true;
	printf("error outside the memory\n");
	return false;
}

static void peek(const char *offset, const char *length, bool sum)
{
	__u64 off, len;

	if (!wire_number(length, &len))
		len = UINT64_MAX;
	if (!range(offset, &off, len))
		return;
	if (sum) {
		printf("sum %llu %llu %016llx\n", off, len,
		       wire_fnv(mem + off, len));
		return;
	}
	printf("peek %llu ", off);
	for (__u64 i = 0; i < len; i++)
		printf("%02x", mem[off + i]);
	printf("\n");
}

static void poke(const char *offset, const char *hex)
{
	size_t len = strlen(hex) / 2;
	unsigned int byte;
	__u64 off;

	if (strlen(hex) % 2 || strspn(hex, "0123456789abcdefABCDEF") != 2 * len) {
		printf("error not hexadecimal\n");
		return;
	}
	if (!range(offset, &off, len))
		return;
	for (size_t i = 0; i < len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) == 1)
			mem[off + i] = byte;
	}
	printf("poked %llu %zu\n", off, len);
}

static void sync_up(void)
{
	struct pollfd *pfd = poll_set();

	while (!ended && poll(pfd, vectors + 1, 0) > 0 && look(pfd))
		;
	printf("synced\n");
}

static void command(char *line)
{
	char *w[4];
	unsigned int n = wire_words(line, w, 4);

	if (n == 3 && !strcmp(w[0], "ring")) {
		ring(w[1], w[2]);
	} else if (n == 3 && !strcmp(w[0], "peek")) {
		peek(w[1], w[2], false);
	} else if (n == 3 && !strcmp(w[0], "sum")) {
		peek(w[1], w[2], true);
	} else if (n == 3 && !strcmp(w[0], "poke")) {
		poke(w[1], w[2]);
	} else if (n == 1 && !strcmp(w[0], "sync")) {
		/* What has come by now is printed before "synced" is. */
		sync_up();
	} else if (n == 1 && !strcmp(w[0], "close")) {
		/* As a QEMU does that lives on without its server. */
		close(server.sock);
		server.sock = -1;
		printf("closed\n");
	} else if (n == 1 && !strcmp(w[0], "block")) {
		/* O_NONBLOCK is shared: as QEMU's vectors that it does not use */
		for (int fd = 3; fd < 1024; fd++)
			if (fd != server.sock)
				fcntl(fd, F_SETFL, 0);
		printf("blocking\n");
	} else if (n == 1 && !strcmp(w[0], "quit")) {
		ended = true;
	} else if (n) {
		printf("error unknown command %s\n", w[0]);
	}
}

static void staying(void)
{
	static struct wire_lines lines;
	struct pollfd *pfd;

	while (!ended) {
		pfd = poll_set();
		if (poll(pfd, vectors + 2, -1) < 0)
			wire_die("poll");
		look(pfd);
		if (!ended && pfd[1 + vectors].revents &&
		    !wire_stdin(&lines, command))
			break;
	}
}

static void quit_only(char *line)
{
	if (!strcmp(line, "quit"))
		ended = true;
}

/* Lives on when the server closes: only the end of the process frees its id. */
static void never_read(void)
{
	static struct wire_lines lines;
	struct pollfd pfd[2] = {
		{ .fd = server.sock, .events = POLLRDHUP },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	printf("connected\n");
	while (!ended) {
		if (poll(pfd, 2, -1) < 0)
			wire_die("poll");
		if (pfd[0].revents) {
			printf("closed by server\n");
			pfd[0].fd = -1;
		}
		if (pfd[1].revents && !wire_stdin(&lines, quit_only))
			break;
	}
}

static void send_byte(void)
{
	struct wire_msg m;

	if (send(server.sock, "x", 1, MSG_NOSIGNAL) != 1)
		wire_die("send");
	/* The guard ends this if the server does not. */
	while (wire_read(&server, &m)) {
		if (m.fd >= 0)
			close(m.fd);
	}
	printf("closed by server\n");
}

static void die_after(__u64 count)
{
	struct wire_msg m;

	for (__u64 i = 0; i < count; i++) {
		if (!wire_read(&server, &m))
			wire_violation("the server closes after %llu messages",
				       i);
		if (!i && m.number)
			refused(m.number);
	}
	_exit(EXIT_FINE);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "transcript", no_argument, NULL, 'T' },
		{ "fee-reads", no_argument, NULL, 'F' },
		{ "patient", no_argument, NULL, 'p' },
		{ "stay", no_argument, NULL, 's' },
		{ "quiet-never-read", no_argument, NULL, 'q' },
		{ "die-after", required_argument, NULL, 'd' },
		{ "send-byte", no_argument, NULL, 'b' },
		{ }
	};
	__u64 number, guard = 120, messages = UINT64_MAX;
	bool never = false, byte = false;
	const char *path = NULL;
	struct rlimit rl;
	int c;

	while ((c = getopt_long(argc, argv, "S:n:t:", options, NULL)) != -1) {
		switch (c) {
		case 'S':
			path = optarg;
			break;
		case 'n':
			if (!wire_number(optarg, &number) || !number ||
			    number > WIRE_MAX_VECTORS)
				usage();
			vectors = number;
			break;
		case 't':
			if (!wire_number(optarg, &guard))
				usage();
			break;
		case 'T':
			transcript = true;
			break;
		case 'F':
			server.fee = true;
			break;
		case 'p':
			patient = true;
			break;
		case 's':
			stay = true;
			break;
		case 'q':
			never = true;
			break;
		case 'd':
			if (!wire_number(optarg, &messages))
				usage();
			break;
		case 'b':
			byte = true;
			break;
		default:
			usage();
		}
	}
	if (!path || optind < argc)
		usage();
	if (!vectors && !never && !byte && messages == UINT64_MAX)
		usage();

	setvbuf(stdout, NULL, _IOLBF, 0);
	wire_guard(guard);
	/* A descriptor for every vector of every peer. */
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}

	server.sock = wire_connect(path, 10000);
	if (never) {
		never_read();
		return EXIT_FINE;
	}
	if (messages != UINT64_MAX)
		die_after(messages);
	if (vectors)
		handshake();
	if (byte)
		send_byte();
	else if (stay)
		staying();
	return EXIT_FINE;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * wire-server: a little ivshmem server, by the book.
 *
 * Raw, as QEMU's ivshmem-server: ids from 0, the memory belongs to its user.
 * With --fee, as F.E.E.'s: a mailbox in the memory, and the server is a peer.
 * Either way joins and leaves are announced, and no id is used twice.
 *
 * It keeps a copy of what the memory holds by its own doing, so that a test
 * can show that a driver wrote nothing.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

/* F.E.E.'s mailbox */
#define SLOT_SIZE	512
#define BUF_OFFSET	128
#define BUF_MAX		(SLOT_SIZE - BUF_OFFSET - 1)
#define SLOT_NAME	0
#define SLOT_CLASS	32
#define SLOT_BUFLEN	64
#define SLOT_PEER_ID	72

#define MAX_CLIENTS	1024

struct client {
	int sock;
	unsigned int id;
	bool left_unread;	/* the last thing sent to it was a leave */
	bool dead;
	int *fd;
};

static struct client client[MAX_CLIENTS];
static unsigned int nclients;
static unsigned int vectors, next_id, last_id = WIRE_MAX_ID;
static unsigned int most = MAX_CLIENTS;
static unsigned int fee;	/* F.E.E.'s nClients; 0: raw */
static bool ack;
static int *own_fd;		/* with --fee: the server's own vectors */
static __u64 *rings;
static int mem_fd;
static unsigned char *mem, *expected;
static size_t size;
static bool ended;

static const char usage_text[] =
"usage: wire-server -S SOCKET [-l SIZE] [-n VECTORS] [-t GUARD-SECONDS] [option]...\n"
"  --fee NCLIENTS  as F.E.E.'s server: mailbox, ids 1 to NCLIENTS, itself a peer\n"
"  --ack           with --fee: set buflen to 0 when rung, as a receiver does\n"
"  --max N         refuse more than N clients at a time\n"
"  --random        fill the memory with bytes of a xorshift\n"
"  --seed N        seeded with N (1)\n"
"  --shm NAME      a POSIX shm object of this name, removed at the end\n"
"  --file PATH     a file, which stays; neither: memory without a name\n"
"defaults: 4M and 1 vector; with --fee what fits NCLIENTS\n"
"commands: sum, check, snap, rings, unread, quit; SIGUSR1 is sum\n";

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

static void *zeroed(size_t count, size_t each)
{
	void *p = calloc(count, each);

	if (!p)
		wire_die("memory");
	return p;
}

static int *new_vectors(void)
{
	int *fd = zeroed(vectors, sizeof(*fd));

	for (unsigned int i = 0; i < vectors; i++) {
		fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd[i] < 0)
			wire_die("eventfd");
	}
	return fd;
}

/* ---- the memory ---- */

static void fill_random(__u64 seed)
{
	__u64 x = seed ? seed : 1;

	for (size_t i = 0; i < size; i += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		*(__u64 *)(mem + i) = htole64(x);
	}
}

/* What the server writes is expected to be there: it goes to the copy too. */
static void put(size_t offset, const void *bytes, size_t len)
{
	memcpy(mem + offset, bytes, len);
	memcpy(expected + offset, bytes, len);
}

static void put_u64(size_t offset, __u64 value)
{
	value = htole64(value);
	put(offset, &value, sizeof(value));
}

static void put_text(size_t offset, const char *text)
{
	put(offset, text, strlen(text) + 1);
}

static void make_mailbox(void)
{
	unsigned int server_id = fee + 1;

	memset(mem, 0, (fee + 2) * SLOT_SIZE);
	memset(expected, 0, (fee + 2) * SLOT_SIZE);
	put_u64(0, SLOT_SIZE);
	put_u64(8, BUF_OFFSET);
	put_u64(16, fee);
	put_u64(24, fee + 2);
	put_u64(32, server_id);
	for (unsigned int id = 1; id <= server_id; id++)
		put_u64(id * SLOT_SIZE + SLOT_PEER_ID, id);
	put_text(server_id * SLOT_SIZE + SLOT_NAME, "Z-switch");
	put_text(server_id * SLOT_SIZE + SLOT_CLASS, "FabricSwitch");
}

static void print_sum(void)
{
	printf("sum %016llx\n", wire_fnv(mem, size));
}

static void check(void)
{
	size_t i = 0;

	if (!memcmp(mem, expected, size)) {
		printf("check unchanged\n");
		return;
	}
	/* Others may write meanwhile, so what differed can be gone again. */
	while (i < size && mem[i] == expected[i])
		i++;
	if (i < size)
		printf("check changed at %zu: was %02x is %02x\n", i,
		       expected[i], mem[i]);
	else
		printf("check changed, and back again\n");
}

/* ---- the protocol ---- */

/* Drops it only later: who sends is often in the middle of a list of clients. */
static void drop(struct client *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	printf("drop %u %s\n", c->id, why);
}

/*
 * A number without a descriptor is glued to what follows, which F.E.E.'s Python
 * client does not survive. That a leave was read shows in no event: look at it
 * every millisecond, and give a client that does not read up after a second.
 */
static void wait_until_read(struct client *c)
{
	int unread = 0;

	for (int i = 0; i < 1000; i++) {
		if (ioctl(c->sock, SIOCOUTQ, &unread) || !unread)
			break;
		poll(NULL, 0, 1);
	}
	c->left_unread = false;
}

static void send_msg(struct client *c, __s64 number, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	struct iovec iov = { .iov_base = &number, .iov_len = sizeof(number) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd pfd = { .fd = c->sock, .events = POLLOUT };
	struct cmsghdr *cm;

	if (c->dead)
		return;
	if (c->left_unread)
		wait_until_read(c);
	number = htole64(number);
	if (fd >= 0) {
		mh.msg_control = control.room;
		mh.msg_controllen = sizeof(control.room);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	while (sendmsg(c->sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN) {
			drop(c, "gone");
			return;
		}
		if (poll(&pfd, 1, 5000) <= 0) {
			drop(c, "never reads");
			return;
		}
	}
	c->left_unread = fd < 0;
}

static void send_vectors(struct client *to, unsigned int id, const int *fd)
{
	for (unsigned int i = 0; i < vectors; i++)
		send_msg(to, id, fd[i]);
}

/*
 * Messages 1 to 3 in one call, for the client should find all three. That is
 * not enough: the first one wakes it, and where it wakes on this CPU it runs
 * before the second is sent. So nobody may preempt us here, if we are allowed.
 */
static void greet(struct client *c)
{
	__s64 number[3] = { 0, htole64(c->id), htole64(-1) };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { };
	static const struct sched_param high = { .sched_priority = 1 };
	static const struct sched_param normal = { };
	struct mmsghdr mm[3] = { };
	struct iovec iov[3];
	struct cmsghdr *cm;
	bool raised;

	for (int i = 0; i < 3; i++) {
		iov[i].iov_base = &number[i];
		iov[i].iov_len = sizeof(number[i]);
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	mm[2].msg_hdr.msg_control = control.room;
	mm[2].msg_hdr.msg_controllen = sizeof(control.room);
	cm = CMSG_FIRSTHDR(&mm[2].msg_hdr);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &mem_fd, sizeof(int));
	/* An empty socket takes three messages without waiting. */
	raised = !sched_setscheduler(0, SCHED_FIFO, &high);
	if (sendmmsg(c->sock, mm, 3, MSG_NOSIGNAL) != 3)
		drop(c, "gone");
	if (raised)
		sched_setscheduler(0, SCHED_OTHER, &normal);
}

static void join(int sock)
{
	struct client *c = &client[nclients];
	static const __s64 refusal = -1;
	__s64 number = htole64(refusal);

	if (nclients >= most || next_id > last_id) {
		if (send(sock, &number, sizeof(number), MSG_NOSIGNAL) < 0)
			printf("gone before it was refused\n");
		close(sock);
		printf("refused\n");
		return;
	}
	*c = (struct client){ .sock = sock, .id = next_id++ };
	c->fd = new_vectors();
	nclients++;
	if (fee)
		put_text(c->id * SLOT_SIZE + SLOT_CLASS, "Driverless QEMU");

	greet(c);
	for (struct client *o = client; o < c; o++)
		send_vectors(o, c->id, c->fd);
	for (struct client *o = client; o < c; o++)
		send_vectors(c, o->id, o->fd);
	if (fee)
		send_vectors(c, fee + 1, own_fd);
	send_vectors(c, c->id, c->fd);
	printf("join %u\n", c->id);
}

static void announce_leave(unsigned int id)
{
	for (unsigned int i = 0; i < nclients; i++)
		send_msg(&client[i], id, -1);
	printf("leave %u\n", id);
}

static void bury(void)
{
	unsigned int i = 0, id;

	while (i < nclients) {
		if (!client[i].dead) {
			i++;
			continue;
		}
		id = client[i].id;
		close(client[i].sock);
		for (unsigned int v = 0; v < vectors; v++)
			close(client[i].fd[v]);
		free(client[i].fd);
		/* Keep the others in their order of joining. */
		nclients--;
		memmove(&client[i], &client[i + 1],
			(nclients - i) * sizeof(client[0]));
		if (fee) {
			put_text(id * SLOT_SIZE + SLOT_NAME, "");
			put_text(id * SLOT_SIZE + SLOT_CLASS, "");
			put_u64(id * SLOT_SIZE + SLOT_PEER_ID, id);
		}
		announce_leave(id);
		i = 0;	/* sending may have found more of the dead */
	}
}

/* ---- the server as a peer ---- */

static void heard(unsigned int vector)
{
	unsigned char *slot = mem + vector * SLOT_SIZE;
	__u64 count, len;

	if (read(own_fd[vector], &count, sizeof(count)) != sizeof(count))
		return;
	rings[vector] += count;
	printf("rung %u %llu", vector, count);
	/* Vector S is rung by peer S, whose message is in slot S. */
	if (vector >= 1 && vector <= fee) {
		memcpy(&len, slot + SLOT_BUFLEN, sizeof(len));
		len = le64toh(len);
		printf(" buflen=%llu text=", len);
		for (__u64 i = 0; i < len && i < BUF_MAX; i++) {
			unsigned char ch = slot[BUF_OFFSET + i];

			if (ch < ' ' || ch > '~' || ch == '\\')
				printf("\\x%02x", ch);
			else
				putchar(ch);
		}
		if (ack)
			put_u64(vector * SLOT_SIZE + SLOT_BUFLEN, 0);
	}
	printf("\n");
}

static void print_rings(void)
{
	printf("rings");
	for (unsigned int i = 0; fee && i < vectors; i++) {
		if (rings[i])
			printf(" %u=%llu", i, rings[i]);
	}
	printf("\n");
}

static void print_unread(void)
{
	int sum = 0, unread;

	for (unsigned int i = 0; i < nclients; i++) {
		if (!ioctl(client[i].sock, SIOCOUTQ, &unread))
			sum += unread;
	}
	printf("unread %d\n", sum);
}

/* ---- the loop ---- */

static void command(char *line)
{
	char *w[2];
	unsigned int n = wire_words(line, w, 2);

	if (n == 1 && !strcmp(w[0], "sum"))
		print_sum();
	else if (n == 1 && !strcmp(w[0], "check"))
		check();
	else if (n == 1 && !strcmp(w[0], "snap"))
		memcpy(expected, mem, size);
	else if (n == 1 && !strcmp(w[0], "rings"))
		print_rings();
	else if (n == 1 && !strcmp(w[0], "unread"))
		print_unread();
	else if (n == 1 && !strcmp(w[0], "quit"))
		ended = true;
	else if (n)
		printf("error unknown command %s\n", w[0]);
}

static void signalled(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		wire_die("signalfd");
	if (info.ssi_signo == SIGUSR1)
		print_sum();
	else
		ended = true;
}

static void hear_client(struct client *c)
{
	char byte;

	if (recv(c->sock, &byte, 1, MSG_DONTWAIT) > 0)
		drop(c, "sent something");
	else if (errno != EAGAIN)
		drop(c, "gone");
}

static void serve(int listener, int signals)
{
	static struct pollfd pfd[3 + WIRE_MAX_VECTORS + MAX_CLIENTS];
	static struct wire_lines lines;
	unsigned int own = fee ? vectors : 0, n, seen;
	int sock;

	pfd[0].fd = listener;
	pfd[1].fd = signals;
	pfd[2].fd = STDIN_FILENO;
	for (unsigned int i = 0; i < own; i++)
		pfd[3 + i].fd = own_fd[i];
	while (!ended) {
		seen = nclients;
		for (unsigned int i = 0; i < seen; i++)
			pfd[3 + own + i].fd = client[i].sock;
		n = 3 + own + seen;
		for (unsigned int i = 0; i < n; i++)
			pfd[i].events = POLLIN;
		if (poll(pfd, n, -1) < 0)
			wire_die("poll");

		for (unsigned int i = 0; i < own; i++) {
			if (pfd[3 + i].revents)
				heard(i);
		}
		for (unsigned int i = 0; i < seen; i++) {
			errno = 0;
			if (pfd[3 + own + i].revents)
				hear_client(&client[i]);
		}
		bury();
		if (pfd[0].revents) {
			sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (sock >= 0)
				join(sock);
			bury();
		}
		if (pfd[1].revents)
			signalled(signals);
		/* Its end is not ours: it may be /dev/null. */
		if (pfd[2].revents && !wire_stdin(&lines, command))
			pfd[2].fd = -1;
	}
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	fd = sigprocmask(SIG_BLOCK, &set, NULL);
	if (!fd)
		fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		wire_die("signalfd");
	return fd;
}

static void open_memory(const char *shm, const char *file)
{
	if (shm)
		mem_fd = shm_open(shm, O_RDWR | O_CREAT | O_EXCL, 0600);
	else if (file)
		mem_fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	else
		mem_fd = memfd_create("wire-server", MFD_CLOEXEC);
	if (mem_fd < 0 || ftruncate(mem_fd, size))
		wire_die("the memory");
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mem_fd, 0);
	expected = malloc(size);
	if (mem == MAP_FAILED || !expected)
		wire_die("the memory");
}

static void set_defaults(void)
{
	if (!vectors)
		vectors = fee ? fee + 2 : 1;
	if (!size && !fee)
		size = 4 << 20;
	if (!size) {
		size = 4096;
		while (size < (fee + 2) * SLOT_SIZE)
			size *= 2;
	}
	if (size < (fee ? (fee + 2) * SLOT_SIZE : 1) || size % sizeof(__u64))
		usage();
	if (fee) {
		next_id = 1;
		last_id = fee;
		own_fd = new_vectors();
		rings = zeroed(vectors, sizeof(*rings));
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "fee", required_argument, NULL, 'f' },
		{ "ack", no_argument, NULL, 'a' },
		{ "max", required_argument, NULL, 'm' },
		{ "random", no_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 's' },
		{ "shm", required_argument, NULL, 'h' },
		{ "file", required_argument, NULL, 'p' },
		{ }
	};
	const char *path = NULL, *shm = NULL, *file = NULL;
	__u64 number, seed = 1, guard = 3600;
	int c, listener, signals;
	bool random = false;
	struct rlimit rl;

	while ((c = getopt_long(argc, argv, "S:l:n:t:", options, NULL)) != -1) {
		number = 0;
		if (strchr("lntfms", c) && !wire_number(optarg, &number))
			usage();
		if (c == 'S')
			path = optarg;
		else if (c == 'l' && number)
			size = number;
		else if (c == 'n' && number && number <= WIRE_MAX_VECTORS)
			vectors = number;
		else if (c == 't')
			guard = number;
		else if (c == 'f' && number && number < WIRE_MAX_VECTORS - 2)
			fee = number;
		else if (c == 'a')
			ack = true;
		else if (c == 'm' && number <= MAX_CLIENTS)
			most = number;
		else if (c == 'r')
			random = true;
		else if (c == 's')
			seed = number;
		else if (c == 'h')
			shm = optarg;
		else if (c == 'p')
			file = optarg;
		else
			usage();
	}
	if (!path || optind < argc || (shm && file))
		usage();

	setvbuf(stdout, NULL, _IOLBF, 0);
	wire_guard(guard);
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	set_defaults();
	signals = open_signals();
	open_memory(shm, file);
	if (random)
		fill_random(seed);
	memcpy(expected, mem, size);
	if (fee)
		make_mailbox();
	listener = wire_listen(path);
	printf("ready %s size=%zu vectors=%u\n", fee ? "fee" : "raw", size,
	       vectors);

	serve(listener, signals);
	unlink(path);
	if (shm)
		shm_unlink(shm);
	return 0;
}

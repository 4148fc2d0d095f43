// SPDX-License-Identifier: GPL-2.0
/*
 * libfamez without a fabric: how it meets servers that are wrong, hostile or
 * gone, and how it finds peers.  A scripted server runs in a child.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <famez/layout.h>
#include <famez.h>
#include "handle.h"
#include "plan.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define MEMORY_SIZE	0x100000U
#define PEERS		16
#define OWN		1	/* the id that the script gives us */
#define VECTORS		2

/* ---- Memory of a fabric --------------------------------------------------- */

static struct famez_table table(uint64_t offset, uint32_t count,
				uint32_t stride)
{
	return (struct famez_table){
		.offset = htole64(offset), .count = htole32(count),
		.stride = htole32(stride),
	};
}

static void put_header(char *memory)
{
	struct famez_header h = {
		.magic = htole64(FAMEZ_MAGIC),
		.major = htole32(FAMEZ_MAJOR),
		.minor = htole32(FAMEZ_MINOR),
		.header_size = htole32(sizeof(h)),
		.fabric = htole64(0x1234),
		.memory_size = htole64(MEMORY_SIZE),
		.fam_offset = htole64(MEMORY_SIZE / 2),
		.fam_size = htole64(MEMORY_SIZE / 2),
		.server_id = htole32(PEERS - 1),
		.vectors = htole32(VECTORS),
		.peers = table(8192, PEERS, sizeof(struct famez_peer)),
		.bells = table(16384, PEERS, 2 * FAMEZ_BELL_ROW(PEERS)),
		.directory = table(32768, 0, sizeof(struct famez_direntry)),
		.regions = table(36864, 0, sizeof(struct famez_region)),
		.channels = table(65536, 0, 8192),
	};

	h.checksum = htole32(famez_header_checksum(&h));
	memcpy(memory + FAMEZ_HEADER_OFFSET, &h, sizeof(h));
}

static void put_peer(char *memory, uint32_t id, const char *name)
{
	struct famez_peer *peer = (struct famez_peer *)(memory + 8192) + id;

	peer->state = htole32(FAMEZ_PEER_UP);
	peer->generation = htole32(id + 100);
	peer->kind = htole32(FAMEZ_KIND_HOST);
	peer->vectors = htole32(VECTORS);
	strncpy(peer->name, name, sizeof(peer->name) - 1);
}

static int make_memory(bool famez, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	char *memory;

	if (fd < 0 || ftruncate(fd, size))
		abort();
	if (!famez)
		return fd;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	put_header(memory);
	put_peer(memory, 2, "alpha");
	put_peer(memory, 3, "twin");
	put_peer(memory, 4, "twin");
	put_peer(memory, 5, "12");	/* poses as an id */
	put_peer(memory, 6, "7up");
	put_peer(memory, 7, "server");	/* poses as the switch */
	put_peer(memory, 8, "evil\033[2J");
	put_peer(memory, PEERS - 1, "Z-switch");
	munmap(memory, size);
	return fd;
}

/* ---- The scripted server -------------------------------------------------- */

enum what {
	END,		/* close */
	NUMBER,		/* alone */
	MEMORY,		/* the rest: the number, with … */
	RAW_MEMORY,
	SMALL_MEMORY,
	ODD_MEMORY,	/* a header that belongs to another size */
	EVENTFD,
	KNOWN_EVENTFD,	/* that the test holds, too */
	TWO_EVENTFDS,
	MANY_EVENTFDS,
	BROKEN_PIPE,
	SOCKET,
	HALF,		/* half a number, then close */
	HALF_EVENTFD,	/* with a descriptor */
	GO,		/* not before the test says so */
};

struct step {
	enum what what;
	int64_t number;
};

#define MANY	200

static int known_eventfd;

static size_t make_fds(enum what what, int *fds)
{
	int pair[2];
	size_t i, count = what == MANY_EVENTFDS ? MANY :
			  what == TWO_EVENTFDS ? 2 : 1;

	switch (what) {
	case MEMORY:
		fds[0] = make_memory(true, MEMORY_SIZE);
		return 1;
	case RAW_MEMORY:
		fds[0] = make_memory(false, MEMORY_SIZE);
		return 1;
	case SMALL_MEMORY:
		fds[0] = make_memory(false, 64);
		return 1;
	case ODD_MEMORY:
		fds[0] = make_memory(true, 2 * MEMORY_SIZE);
		return 1;
	case KNOWN_EVENTFD:
		fds[0] = dup(known_eventfd);
		return 1;
	case BROKEN_PIPE:
		if (pipe(pair))
			abort();
		close(pair[0]);
		fds[0] = pair[1];
		return 1;
	case SOCKET:
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			abort();
		close(pair[0]);
		fds[0] = pair[1];
		return 1;
	case EVENTFD:
	case TWO_EVENTFDS:
	case MANY_EVENTFDS:
	case HALF_EVENTFD:
		for (i = 0; i < count; i++)
			fds[i] = eventfd(0, 0);
		return count;
	default:
		return 0;
	}
}

static void say(int sock, const struct step *step)
{
	bool half = step->what == HALF || step->what == HALF_EVENTFD;
	int64_t number = htole64(step->number);
	struct iovec iov = {
		.iov_base = &number,
		.iov_len = half ? 4 : 8,
	};
	char control[CMSG_SPACE(MANY * sizeof(int))] = "";
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	int fds[MANY];
	size_t count = make_fds(step->what, fds);

	if (count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	/* the client may hang up in the middle */
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		_exit(0);
	while (count)
		close(fds[--count]);
}

static void serve(int listener, int go, const struct step *step)
{
	int sock = accept(listener, NULL, NULL);
	char c;

	for (; step->what != END; step++) {
		if (step->what != GO)
			say(sock, step);
		else if (read(go, &c, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/* ---- One server and its client -------------------------------------------- */

struct server {
	char path[64];
	int go;
	pid_t pid;
};

static void start_server(struct server *s, const struct step *steps)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener, go[2];

	snprintf(s->path, sizeof(s->path), "/tmp/test-lib.%d", getpid());
	unlink(s->path);
	strcpy(address.sun_path, s->path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(pipe(go), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (!s->pid) {
		alarm(60);	/* a client that never hangs up */
		close(go[1]);
		serve(listener, go[0], steps);
	}
	close(listener);
	close(go[0]);
	s->go = go[1];
}

static void go(struct server *s)
{
	assert_int_equal(write(s->go, "", 1), 1);
}

static void stop_server(struct server *s)
{
	int status;

	close(s->go);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	unlink(s->path);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* A server with this script gives this error, and takes no descriptor along. */
static void check_open(const struct step *steps, int error)
{
	int before = count_fds();
	struct famez *handle;
	struct server s;

	start_server(&s, steps);
	assert_int_equal(famez_open(&handle, s.path, 0), error);
	assert_null(handle);
	stop_server(&s);
	assert_int_equal(count_fds(), before);
}

#define CHECK_OPEN(error, ...) \
	check_open((const struct step[]){ __VA_ARGS__, { END, 0 } }, error)

#define HELLO	{ NUMBER, 0 }, { NUMBER, OWN }
#define FABRIC	HELLO, { MEMORY, -1 }
#define ATTACH	FABRIC, { EVENTFD, PEERS - 1 }, { EVENTFD, PEERS - 1 }, \
		{ EVENTFD, OWN }, { EVENTFD, OWN }

/* ---- Servers that are wrong from the start -------------------------------- */

static void test_refused(void **state)
{
	(void)state;
	CHECK_OPEN(-EUSERS, { NUMBER, -1 });
	CHECK_OPEN(-EUSERS, { NUMBER, 1 });
	CHECK_OPEN(-EUSERS, { NUMBER, 0x312e312f50545448 });
}

static void test_closed_early(void **state)
{
	(void)state;
	CHECK_OPEN(-EPROTO, { END, 0 });
	CHECK_OPEN(-EPROTO, { HALF, 0 });
	CHECK_OPEN(-EPROTO, { NUMBER, 0 });
	CHECK_OPEN(-EPROTO, HELLO);
	CHECK_OPEN(-EPROTO, HELLO, { HALF_EVENTFD, -1 });
	CHECK_OPEN(-EPROTO, FABRIC);
	CHECK_OPEN(-EPROTO, FABRIC, { EVENTFD, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { EVENTFD, OWN });
	CHECK_OPEN(-EPROTO, FABRIC, { EVENTFD, OWN }, { HALF_EVENTFD, OWN });
}

static void test_bad_ids(void **state)
{
	static const int64_t bad[] = {
		-1, -2, PEERS, 65535, 65536, 1LL << 32, (1LL << 32) + OWN,
		INT64_MAX, INT64_MIN,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_OPEN(-EPROTO, { NUMBER, 0 }, { NUMBER, bad[i] },
			   { MEMORY, -1 });
		CHECK_OPEN(-EPROTO, FABRIC, { EVENTFD, bad[i] });
		CHECK_OPEN(-EPROTO, FABRIC, { NUMBER, bad[i] });
	}
}

static void test_bad_memory(void **state)
{
	(void)state;
	/* a raw server, which hangs up before it is done */
	CHECK_OPEN(-EPROTO, HELLO, { RAW_MEMORY, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { SMALL_MEMORY, -1 });
	CHECK_OPEN(-EBADMSG, HELLO, { ODD_MEMORY, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { NUMBER, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { EVENTFD, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { SOCKET, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { BROKEN_PIPE, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { MEMORY, 0 });
	CHECK_OPEN(-EPROTO, FABRIC, { MEMORY, -1 });
}

static void test_bad_descriptors(void **state)
{
	(void)state;
	CHECK_OPEN(-EPROTO, { EVENTFD, 0 });
	CHECK_OPEN(-EPROTO, { NUMBER, 0 }, { EVENTFD, OWN });
	CHECK_OPEN(-EPROTO, { TWO_EVENTFDS, 0 });
	CHECK_OPEN(-EPROTO, HELLO, { TWO_EVENTFDS, -1 });
	CHECK_OPEN(-EPROTO, HELLO, { MANY_EVENTFDS, -1 });
	CHECK_OPEN(-EPROTO, FABRIC, { TWO_EVENTFDS, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { MANY_EVENTFDS, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { HALF_EVENTFD, 3 }, { EVENTFD, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { NUMBER, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { NUMBER, OWN });
	CHECK_OPEN(-EPROTO, FABRIC, { BROKEN_PIPE, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { SOCKET, 3 });
	CHECK_OPEN(-EPROTO, FABRIC, { SOCKET, OWN });
	CHECK_OPEN(-EPROTO, FABRIC, { MEMORY, 3 });
	/* more than the fabric has vectors */
	CHECK_OPEN(-EPROTO, FABRIC, { EVENTFD, 3 }, { EVENTFD, 3 },
		   { EVENTFD, 3 });
}

static void test_bad_paths(void **state)
{
	struct famez *handle;
	char path[200];

	(void)state;
	assert_int_equal(famez_open(&handle, "/nonexistent", 0), -ENOENT);
	assert_int_equal(famez_open(&handle, "/tmp", 0), -ENODEV);
	assert_int_equal(famez_open(&handle, "/dev/null", 0), -ENODEV);
	assert_int_equal(famez_open(&handle, "/tmp", 64), -EINVAL);
	snprintf(path, sizeof(path), "/tmp/test-lib.%d", getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(famez_open(&handle, path, 0), -ENODEV);
	unlink(path);
	famez_close(NULL);
}

static void test_nobody_serves(void **state)
{
	struct famez *handle;
	struct server s;
	char old[80], longer[200];

	(void)state;
	start_server(&s, (const struct step[]){ { END, 0 } });
	/* the same, but more than an address takes */
	memset(longer, '/', sizeof(longer));
	snprintf(longer + 110, sizeof(longer) - 110, "%s", s.path);
	assert_int_equal(famez_open(&handle, longer, 0), -ENAMETOOLONG);
	assert_int_equal(famez_open(&handle, s.path, 0), -EPROTO);
	snprintf(old, sizeof(old), "%s.old", s.path);
	assert_int_equal(rename(s.path, old), 0);
	stop_server(&s);
	assert_int_equal(famez_open(&handle, old, 0), -ECONNREFUSED);
	unlink(old);
}

/* ---- Servers that are right at first -------------------------------------- */

static void test_lookup(void **state)
{
	static const struct {
		const char *dest;
		int result;
		uint32_t peer;
	} cases[] = {
		{ "0", 0, 0 }, { "1", 0, 1 }, { "007", 0, 7 },
		{ "15", 0, 15 }, { "12", 0, 12 }, { "server", 0, PEERS - 1 },
		{ "alpha", 0, 2 }, { "7up", 0, 6 }, { "evil?[2J", 0, 8 },
		{ "16", -EHOSTUNREACH, 0 }, { "4294967297", -EHOSTUNREACH, 0 },
		{ "18446744073709551617", -EHOSTUNREACH, 0 },
		{ "", -EHOSTUNREACH, 0 }, { " 1", -EHOSTUNREACH, 0 },
		{ "1 ", -EHOSTUNREACH, 0 }, { "-1", -EHOSTUNREACH, 0 },
		{ "0x1", -EHOSTUNREACH, 0 }, { "Alpha", -EHOSTUNREACH, 0 },
		{ "alph", -EHOSTUNREACH, 0 }, { "alphaa", -EHOSTUNREACH, 0 },
		{ "SERVER", -EHOSTUNREACH, 0 }, { "twin", -ENOTUNIQ, 0 },
	};
	struct famez *handle;
	struct server s;
	uint32_t peer;
	size_t i;

	(void)state;
	start_server(&s, (const struct step[]){ ATTACH, { GO, 0 }, { END, 0 } });
	assert_int_equal(famez_open(&handle, s.path, 0), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(famez_lookup(handle, cases[i].dest, &peer),
				 cases[i].result);
		if (!cases[i].result)
			assert_int_equal(peer, cases[i].peer);
	}
	go(&s);
	famez_close(handle);
	stop_server(&s);
}

static void test_info_and_map(void **state)
{
	int before = count_fds();
	struct famez_info info = { .size = sizeof(info) };
	struct famez *handle;
	struct server s;
	char *fam, *same;

	(void)state;
	start_server(&s, (const struct step[]){ ATTACH, { GO, 0 }, { END, 0 } });
	assert_int_equal(famez_open(&handle, s.path, 0), 0);
	assert_int_equal(famez_get_info(handle, &info), 0);
	assert_int_equal(info.id, OWN);
	assert_int_equal(info.vectors, VECTORS);
	assert_int_equal(info.fam_size, MEMORY_SIZE / 2);
	assert_int_equal(info.fabric, 0x1234);

	assert_int_equal(famez_map(handle, 0, MEMORY_SIZE / 2, 1,
				   (void **)&fam), 0);
	assert_int_equal(famez_map(handle, 4096, 100, 0, (void **)&same), 0);
	assert_int_equal(famez_map(handle, 0, 0, 1, (void **)&fam), -EINVAL);
	assert_int_equal(famez_map(handle, 1, 1, 1, (void **)&fam), -EINVAL);
	assert_int_equal(famez_map(handle, 4096, MEMORY_SIZE / 2, 1,
				   (void **)&fam), -EINVAL);
	assert_int_equal(famez_map(handle, MEMORY_SIZE / 2, 1, 1,
				   (void **)&fam), -EINVAL);
	assert_int_equal(famez_map(handle, -4096, 4096, 1, (void **)&fam),
			 -EINVAL);
	go(&s);
	famez_close(handle);
	stop_server(&s);
	assert_int_equal(count_fds(), before);

	/* mappings outlive handle and switch */
	fam[4096] = 42;
	assert_int_equal(same[4096 - 4096], 42);
	munmap(fam, MEMORY_SIZE / 2);
	munmap(same, 100);
}

static bool readable(struct famez *handle, int timeout)
{
	struct pollfd p = { .fd = famez_fd(handle), .events = POLLIN };

	return poll(&p, 1, timeout) == 1;
}

/* What comes after a good start ends the messages with this error. */
static void check_later(const struct step *steps, int error)
{
	int before = count_fds();
	struct famez_event event = { .size = sizeof(event) };
	struct famez *handle;
	struct server s;
	char data[64];
	uint32_t peer;
	uint64_t ns;
	size_t size;

	start_server(&s, steps);
	assert_int_equal(famez_open(&handle, s.path, 0), 0);
	go(&s);
	assert_int_equal(famez_recv(handle, &peer, data, sizeof(data), &size),
			 error);
	/* and it stays so, and whoever polls gets to know */
	assert_int_equal(famez_recv(handle, &peer, data, sizeof(data), &size),
			 error);
	assert_int_equal(famez_send(handle, 2, "x", 1), error);
	assert_int_equal(famez_ping(handle, 2, 1000, &ns), error);
	assert_int_equal(famez_next_event(handle, &event), error);
	assert_true(readable(handle, 0));
	famez_close(handle);
	stop_server(&s);
	assert_int_equal(count_fds(), before);
}

#define CHECK_LATER(error, ...) \
	check_later((const struct step[]){ ATTACH, { GO, 0 }, __VA_ARGS__, \
					   { END, 0 } }, error)

static void test_later(void **state)
{
	(void)state;
	CHECK_LATER(-ENODEV, { END, 0 });
	CHECK_LATER(-ENODEV, { HALF, 5 });
	CHECK_LATER(-ENODEV, { HALF_EVENTFD, 5 });
	CHECK_LATER(-ENODEV, { EVENTFD, 2 });
	CHECK_LATER(-ENODEV, { EVENTFD, 2 }, { EVENTFD, 2 }, { NUMBER, 2 },
		    { EVENTFD, 2 });
	CHECK_LATER(-EPROTO, { EVENTFD, 2 }, { EVENTFD, 2 }, { EVENTFD, 2 });
	CHECK_LATER(-EPROTO, { EVENTFD, OWN });
	CHECK_LATER(-EPROTO, { NUMBER, OWN });
	CHECK_LATER(-EPROTO, { NUMBER, 9 });
	CHECK_LATER(-EPROTO, { EVENTFD, PEERS });
	CHECK_LATER(-EPROTO, { EVENTFD, 65536 });
	CHECK_LATER(-EPROTO, { EVENTFD, -1 });
	CHECK_LATER(-EPROTO, { MEMORY, -1 });
	CHECK_LATER(-EPROTO, { TWO_EVENTFDS, 2 });
	CHECK_LATER(-EPROTO, { MANY_EVENTFDS, 2 });
	CHECK_LATER(-EPROTO, { BROKEN_PIPE, 2 });
}

/* Who is to be rung before the switch has told how is rung when it has. */
static void test_owed(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct famez *handle;
	struct server s;
	uint32_t peer;
	size_t size;
	char data[64];

	(void)state;
	known_eventfd = eventfd(0, EFD_NONBLOCK);
	p.fd = known_eventfd;
	start_server(&s, (const struct step[]){
		FABRIC, { EVENTFD, OWN }, { EVENTFD, OWN }, { GO, 0 },
		{ KNOWN_EVENTFD, PEERS - 1 }, { KNOWN_EVENTFD, PEERS - 1 },
		{ GO, 0 }, { END, 0 } });
	assert_int_equal(famez_open(&handle, s.path, FAMEZ_NONBLOCK), 0);
	/* it wants a channel, for which the switch is rung */
	assert_int_equal(famez_send(handle, 2, "x", 1), -EAGAIN);
	assert_int_equal(poll(&p, 1, 0), 0);
	go(&s);
	assert_true(readable(handle, 20000));
	while (poll(&p, 1, 0) != 1)
		assert_int_equal(famez_recv(handle, &peer, data, sizeof(data),
					    &size), -EAGAIN);
	go(&s);
	famez_close(handle);
	stop_server(&s);
	close(known_eventfd);
}

static void test_nonblock(void **state)
{
	static char large[FAMEZ_MESSAGE_MAX + 1];
	struct famez_event event = { .size = sizeof(event) };
	struct famez *handle;
	struct server s;
	uint32_t peer;
	uint64_t ns;
	size_t size;
	char c;

	(void)state;
	start_server(&s, (const struct step[]){ ATTACH, { GO, 0 }, { END, 0 } });
	assert_int_equal(famez_open(&handle, s.path, FAMEZ_NONBLOCK), 0);
	assert_int_equal(famez_recv(handle, &peer, &c, 1, &size), -EAGAIN);
	assert_false(readable(handle, 0));
	/* those who are there already are no news */
	assert_int_equal(famez_next_event(handle, &event), -EAGAIN);
	famez_set_timeout(handle, 1000);
	assert_int_equal(famez_recv(handle, &peer, &c, 1, &size), -EAGAIN);
	assert_int_equal(famez_next_event(handle, &event), -EAGAIN);
	assert_false(readable(handle, 0));
	/* the switch has yet to say whether there is a channel */
	assert_int_equal(famez_send(handle, 2, "x", 1), -EAGAIN);
	assert_int_equal(famez_send(handle, 9, "x", 1), -EHOSTUNREACH);
	assert_int_equal(famez_send(handle, PEERS, "x", 1), -EHOSTUNREACH);
	assert_int_equal(famez_send(handle, OWN, "x", 1), -EINVAL);
	assert_int_equal(famez_send(handle, 2, large, sizeof(large)), -EMSGSIZE);
	assert_int_equal(famez_recv(handle, &peer, large, sizeof(large), &size),
			 -EAGAIN);
	assert_int_equal(famez_ping(handle, 9, 1000, &ns), -EHOSTUNREACH);
	assert_int_equal(famez_ping(handle, 2, 0, &ns), -EINVAL);
	assert_int_equal(famez_ping(handle, 2, 3600001, &ns), -EINVAL);
	go(&s);
	famez_close(handle);
	stop_server(&s);
}

/* A process that may have no more descriptors is told so. */
static void test_descriptor_limit(void **state)
{
	static const struct step steps[] = { ATTACH, { GO, 0 }, { END, 0 } };
	struct rlimit old, tight;
	struct famez *handle;
	struct server s;
	int before, room, r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (room = 0; room < 30; room++) {
		start_server(&s, steps);
		before = count_fds();
		tight = old;
		/* count_fds() sees ".", ".." and its own directory too */
		tight.rlim_cur = before - 3 + room;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		r = famez_open(&handle, s.path, 0);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (r)
			assert_int_equal(r, -EMFILE);
		go(&s);
		famez_close(handle);
		assert_int_equal(count_fds(), before);
		stop_server(&s);
		if (!r)
			break;
	}
	assert_in_range(room, 8, 12);
}

/* A structure that has grown since a program was built: it gets what it has room for. */
static void test_grown(void **state)
{
	static const uint8_t own[40] = { 1, 2, 3, [31] = 4, [32] = 5, [39] = 6 };
	uint8_t theirs[64];

	(void)state;
	memset(theirs, 0x5a, sizeof(theirs));
	put_entry(theirs, 32, own, sizeof(own));
	assert_memory_equal(theirs, own, 32);
	assert_int_equal(theirs[32], 0x5a);
	put_entry(theirs, 48, own, sizeof(own));
	assert_memory_equal(theirs, own, 40);
	assert_int_equal(theirs[40] | theirs[47], 0);
	assert_int_equal(theirs[48], 0x5a);
	assert_int_equal(check_each(32, 32), 0);
	assert_int_equal(check_each(40, 32), 0);
	assert_int_equal(check_each(24, 32), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_nobody_serves),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_closed_early),
		cmocka_unit_test(test_bad_ids),
		cmocka_unit_test(test_bad_memory),
		cmocka_unit_test(test_bad_descriptors),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_info_and_map),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_owed),
		cmocka_unit_test(test_nonblock),
		cmocka_unit_test(test_descriptor_limit),
		cmocka_unit_test(test_grown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	alarm(300);	/* nothing here takes long */
	return RUN_PLAN("lib", tests);
}

// SPDX-License-Identifier: GPL-2.0
/* What the test programs wire-client and wire-server have in common. */
#include <endian.h>
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

/* Room for more than the one that is allowed, to see a second one come. */
#define MAX_FDS	8

void wire_violation(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("violation: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

void wire_die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "error: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(err));
	va_end(ap);
	exit(1);
}

static void guard_fired(int sig)
{
	static const char text[] = "error: hang guard\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

void wire_guard(unsigned int seconds)
{
	signal(SIGALRM, guard_fired);
	alarm(seconds);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		wire_die("%s", path);
	}
	strcpy(sa.sun_path, path);
	return sa;
}

static __s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int wire_connect(const char *path, int timeout_ms)
{
	struct sockaddr_un sa = address(path);
	__s64 end = now_ms() + timeout_ms;
	char dir[sizeof(sa.sun_path)];
	struct pollfd pfd = { .fd = -1, .events = POLLIN };
	char events[4096];
	int sock;

	strcpy(dir, path);
	for (;;) {
		sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sock < 0)
			wire_die("socket");
		if (!connect(sock, (struct sockaddr *)&sa, sizeof(sa)))
			break;
		if (errno != ENOENT && errno != ECONNREFUSED)
			wire_die("connect %s", path);
		if (now_ms() >= end)
			wire_die("connect %s", path);
		close(sock);

		if (pfd.fd < 0) {
			/* Watch first, try again, and only then wait. */
			pfd.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
			if (pfd.fd < 0 ||
			    inotify_add_watch(pfd.fd, dirname(dir),
					      IN_CREATE | IN_MOVED_TO) < 0)
				wire_die("inotify");
			continue;
		}
		/* No event tells of listen(), which comes after bind(). */
		poll(&pfd, 1, 10);
		if (read(pfd.fd, events, sizeof(events)) < 0 && errno != EAGAIN)
			wire_die("inotify");
	}
	if (pfd.fd >= 0)
		close(pfd.fd);
	return sock;
}

int wire_listen(const char *path)
{
	struct sockaddr_un sa = address(path);
	int sock;

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&sa, sizeof(sa)) ||
	    listen(sock, SOMAXCONN))
		wire_die("listen on %s", path);
	return sock;
}

static ssize_t receive(int sock, void *buf, size_t len, int *fd, int *nfds)
{
	union {
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c;
	ssize_t n;

	*nfds = 0;
	*fd = -1;
	do {
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	/* A server that closes with bytes of ours unread resets: an end too. */
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		wire_die("recvmsg");
	for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			wire_violation("section 1: control message %d/%d",
				       c->cmsg_level, c->cmsg_type);
		*nfds += (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	}
	if (mh.msg_flags & MSG_CTRUNC)
		wire_violation("section 1: more descriptors than a message may have");
	return n;
}

/* Eight bytes at a time: a descriptor comes with the message it belongs to. */
static bool read_one(struct wire_reader *r, struct wire_msg *m)
{
	char *to = (char *)&m->number;
	size_t have = 0;
	int fd, nfds;
	ssize_t n;

	m->fd = -1;
	while (have < sizeof(m->number)) {
		n = receive(r->sock, to + have, sizeof(m->number) - have,
			    &fd, &nfds);
		if (!n && have)
			wire_violation("section 1: the stream ends within a message");
		if (!n)
			return false;
		if (nfds > 1 || (nfds && m->fd >= 0))
			wire_violation("section 1: a message with more than one descriptor");
		if (nfds)
			m->fd = fd;
		have += n;
	}
	m->number = le64toh(m->number);
	return true;
}

/*
 * F.E.E.'s Python client takes what one recvmsg() with a large buffer returns
 * for messages 1 to 3, and what each later one returns for one message.
 */
static bool read_fee(struct wire_reader *r, struct wire_msg *m)
{
	__s64 got[512];
	int fd, nfds;
	ssize_t n;

	n = receive(r->sock, got, sizeof(got), &fd, &nfds);
	if (!n)
		return false;
	if (!r->begun && n == 24 && nfds == 1) {
		r->begun = true;
		r->queued = 3;
		for (int i = 0; i < 3; i++) {
			r->queue[i].number = le64toh(got[i]);
			r->queue[i].fd = i == 2 ? fd : -1;
		}
		*m = r->queue[0];
		r->next = 1;
		return true;
	}
	/* A refusal is one number, and no more. */
	if (!r->begun && (n != 8 || nfds || !got[0]))
		wire_violation("section 1: first read: %zd bytes, %d descriptors, not 24 and 1",
			       n, nfds);
	if (n != 8 || nfds > 1)
		wire_violation("section 1: later read: %zd bytes, %d descriptors, not 8 and 0 or 1",
			       n, nfds);
	r->begun = true;
	m->number = le64toh(got[0]);
	m->fd = fd;
	return true;
}

bool wire_read(struct wire_reader *r, struct wire_msg *m)
{
	if (wire_pending(r)) {
		*m = r->queue[r->next++];
		return true;
	}
	return r->fee ? read_fee(r, m) : read_one(r, m);
}

bool wire_pending(const struct wire_reader *r)
{
	return r->next < r->queued;
}

bool wire_number(const char *s, __u64 *value)
{
	static const char suffixes[] = "KMGT";
	const char *at;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*value = strtoull(s, &end, 0);
	if (errno)
		return false;
	if (!*end)
		return true;
	at = strchr(suffixes, *end);
	if (!at || end[1])
		return false;
	*value <<= 10 * (at - suffixes + 1);
	return true;
}

unsigned int wire_words(char *line, char **word, unsigned int max)
{
	unsigned int n = 0;
	char *save, *w;

	for (w = strtok_r(line, " \t", &save); w && n < max;
	     w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	return n;
}

__u64 wire_fnv(const void *mem, size_t len)
{
	const unsigned char *p = mem;
	__u64 h = 0xcbf29ce484222325ULL;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

bool wire_is_power_of_two(__u64 n)
{
	return n && !(n & (n - 1));
}

bool wire_stdin(struct wire_lines *l, void (*line)(char *text))
{
	char *start = l->buf, *nl;
	ssize_t n;

	n = read(STDIN_FILENO, l->buf + l->len, sizeof(l->buf) - l->len - 1);
	if (n <= 0)
		return false;
	l->len += n;
	l->buf[l->len] = '\0';
	while ((nl = strchr(start, '\n'))) {
		*nl = '\0';
		line(start);
		start = nl + 1;
	}
	l->len -= start - l->buf;
	memmove(l->buf, start, l->len);
	if (l->len == sizeof(l->buf) - 1)
		l->len = 0;	/* a line that long is no command */
	return true;
}

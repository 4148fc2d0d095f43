// SPDX-License-Identifier: GPL-2.0
/* The host's end of a connection to a guest's agent. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "famez-vm.h"
#include "proto.h"

struct link {
	int fd, lock;
	uint64_t session;
	struct tx tx;
	struct rx rx;
	unsigned char bytes[FRAME_CHUNK];	/* read, from start on unseen */
	size_t start, end;
};

static int connect_to(const struct node *node, int port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path),
		 "%.90s/exec%d.sock", node->dir, port);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static struct link *link_new(const struct node *node, int port, int lock)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		abort();
	link->lock = lock;
	link->fd = connect_to(node, port);
	if (link->fd < 0) {
		close(lock);
		free(link);
		return NULL;
	}
	if (getrandom(&link->session, sizeof(link->session), 0) < 0)
		abort();
	return link;
}

/* Take one of a guest's ports; NULL, errno EBUSY: it is in use */
struct link *link_open_port(const struct node *node, int port)
{
	char name[16];
	int lock;

	snprintf(name, sizeof(name), "exec%d.lock", port);
	lock = lock_file(node->dir, name, false);
	if (lock < 0) {
		errno = errno == EWOULDBLOCK ? EBUSY : errno;
		return NULL;
	}
	return link_new(node, port, lock);
}

/* Take any port; while all are in use, look again now and then. */
struct link *link_open(const struct node *node, int64_t deadline)
{
	struct link *link;
	int port;

	for (;;) {
		for (port = 0; port < PROTO_PORTS; port++) {
			link = link_open_port(node, port);
			if (link || errno != EBUSY)
				return link;
		}
		/* flock() tells nobody when one of several becomes free */
		if (milliseconds() >= deadline)
			return NULL;
		poll(NULL, 0, 50);
	}
}

void link_close(struct link *link)
{
	if (!link)
		return;
	close(link->fd);
	close(link->lock);
	free(link->tx.data);
	free(link);
}

int link_fd(struct link *link)
{
	return link->fd;
}

bool link_wants_write(struct link *link)
{
	return tx_pending(&link->tx);
}

void link_send(struct link *link, int type, const void *data, size_t length)
{
	tx_frame(&link->tx, link->session, type, data, length);
}

void link_send_number(struct link *link, int type, uint32_t number)
{
	tx_number(&link->tx, link->session, type, number);
}

/* Harmless if repeated, which helps when the guest has just been reset */
void link_attach(struct link *link)
{
	link_send(link, FRAME_ATTACH, NULL, 0);
}

bool link_flush(struct link *link)
{
	return tx_flush(&link->tx, link->fd);
}

/* Read what has come; false if QEMU closed the connection. */
bool link_read(struct link *link)
{
	ssize_t n;

	if (link->start < link->end)
		return true;
	n = read(link->fd, link->bytes, sizeof(link->bytes));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	link->start = 0;
	link->end = n > 0 ? n : 0;
	return true;
}

/* The type of the next frame of our session among what was read; 0: none */
int link_frame(struct link *link, unsigned char **data, size_t *length,
	       uint32_t *number)
{
	while (link->start < link->end) {
		if (!rx_byte(&link->rx, link->bytes[link->start++]) ||
		    link->rx.header.session != link->session)
			continue;
		*data = rx_payload(&link->rx);
		*length = link->rx.header.length;
		*number = rx_number(&link->rx);
		return link->rx.header.type;
	}
	return 0;
}

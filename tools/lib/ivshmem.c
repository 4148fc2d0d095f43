// SPDX-License-Identifier: LGPL-2.1
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "ivshmem.h"

int ivshmem_connect(const char *path, int timeout_s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = timeout_s };
	int sock, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	/* any name: it tells a famez switch that this is libfamez */
	bind(sock, (struct sockaddr *)&name, sizeof(name.sun_family));
	/* a server that accepts nobody and has a full queue */
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		       sizeof(timeout)) ||
	    connect(sock, (struct sockaddr *)&address, sizeof(address)) ||
	    fcntl(sock, F_SETFL, O_NONBLOCK)) {
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(sock);
		return r;
	}
	return sock;
}

void ivshmem_forget(struct ivshmem_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	*r = IVSHMEM_READER;
}

/* Takes the descriptors of a control message; only the first one may stay. */
static int take_fds(struct ivshmem_reader *r, struct cmsghdr *cmsg)
{
	size_t i, count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd, err = 0;

	for (i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (r->fd < 0) {
			r->fd = fd;
		} else {
			close(fd);
			err = -EPROTO;
		}
	}
	return err;
}

static int take_control(struct ivshmem_reader *r, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int had = r->fd, err = 0;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS && take_fds(r, cmsg))
			err = -EPROTO;
	if (!err && msg->msg_flags & MSG_CTRUNC)
		/* there is room for one, so the kernel could not give us it */
		err = r->fd == had ? -EMFILE : -EPROTO;
	return err;
}

static int read_some(struct ivshmem_reader *r, int sock)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {
		.iov_base = r->bytes + r->have,
		.iov_len = sizeof(r->bytes) - r->have,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -ENODEV : -errno;
	if (!n)
		return -ENODEV;
	r->have += n;
	return take_control(r, &msg);
}

int ivshmem_read(struct ivshmem_reader *r, int sock, int64_t *number, int *fd)
{
	uint64_t value;
	int err;

	while (r->have < sizeof(r->bytes)) {
		err = read_some(r, sock);
		if (err)
			return err;
	}
	memcpy(&value, r->bytes, sizeof(value));
	*number = (int64_t)le64toh(value);
	*fd = r->fd;
	*r = IVSHMEM_READER;
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1
#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "doorbell.h"

/*
 * Anonymous inodes have no type.  Nothing else may pass: writing to a socket or
 * a pipe that a hostile server hands out could end us by SIGPIPE.
 */
bool doorbell_is_eventfd(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !(st.st_mode & S_IFMT);
}

/*
 * An eventfd's write takes no RWF_NOWAIT, so it is asked first.  Who fills the
 * counter between the two calls, again and again, and has cleared O_NONBLOCK
 * before, can still make one write sleep: eventfds offer no better.
 */
void doorbell_ring(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t one = 1;

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

bool doorbell_take(int fd)
{
	uint64_t count;
	struct iovec iov = { &count, sizeof(count) };

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count);
}

// SPDX-License-Identifier: LGPL-2.1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <famez/mailslot.h>
#include <linux/famez.h>
#include "attach.h"
#include "dax.h"
#include "doorbell.h"

#define TIMEOUT_S	120	/* a switch that hangs; to be told of a thousand takes a while */
#define MESSAGES	4096	/* taken from the socket at a time */
#define SETTLE_MS	200	/* a raw server says no more: it has told all vectors */

/**
 * struct remote - eventfds of a peer, our own included
 * @owed: it was rung before it had an eventfd
 * @count: entries of @fds; the k-th rings vector k
 * @fds: there is room for as many as the fabric has vectors
 */
struct remote {
	bool owed;
	uint32_t count;
	int fds[];
};

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

int ms_until(uint64_t deadline)
{
	uint64_t ms, now = now_ns();

	if (now >= deadline)
		return 0;
	ms = (deadline - now + 999999) / 1000000;
	return ms < INT_MAX ? ms : INT_MAX;
}

/* ---- Eventfds ------------------------------------------------------------ */

int attach_watch(struct attach *a, int fd, uint32_t what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = what };

	return epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* The record of a peer, made when there is none; NULL: out of memory. */
static struct remote *get_remote(struct attach *a, uint32_t id)
{
	if (!a->remotes[id])
		a->remotes[id] = calloc(1, sizeof(struct remote) +
					   a->layout.vectors * sizeof(int));
	return a->remotes[id];
}

static void drop_remote(struct attach *a, uint32_t id)
{
	struct remote *remote = a->remotes[id];
	uint32_t i;

	a->remotes[id] = NULL;
	for (i = 0; remote && i < remote->count; i++)
		close(remote->fds[i]);
	free(remote);
}

/* Takes an eventfd of a peer; on an error it stays the caller's. */
static int add_eventfd(struct attach *a, uint32_t id, int fd)
{
	struct remote *remote = get_remote(a, id);

	if (!remote)
		return -ENOMEM;
	if (remote->count >= a->layout.vectors || !doorbell_is_eventfd(fd))
		return -EPROTO;
	/* one that nobody reads must not stop us when it is full */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) ||
	    (id == a->id && attach_watch(a, fd, remote->count)))
		return -EPROTO;
	remote->fds[remote->count++] = fd;
	/* any vector will do: a receiver looks at all its marks */
	if (remote->owed)
		doorbell_ring(fd);
	remote->owed = false;
	return 0;
}

/* ---- What the switch says ------------------------------------------------ */

/* Its first bytes, which tell what it is; no device's memory has fewer than these. */
static int read_file(int fd, char *first, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return -EPROTO;
	return pread(fd, first, FAMEZ_SLOT_SIZE, 0) == FAMEZ_SLOT_SIZE ? 0 : -EPROTO;
}

/* Of a host's /dev/dax the switch may use less than there is; it cannot be read(2). */
static int read_device(int fd, char *first, struct stat *st)
{
	const struct famez_header *header = (void *)(first + FAMEZ_HEADER_OFFSET);
	uint64_t align, size = dax_size(fd, &align);
	void *at;

	if (!size)
		return -EPROTO;
	at = mmap(NULL, align, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	famez_copy_in(first, at, FAMEZ_SLOT_SIZE);
	munmap(at, align);
	st->st_size = size;
	if (famez_le64(header->magic) == FAMEZ_MAGIC)
		st->st_size = famez_le64(header->memory_size);
	return (uint64_t)st->st_size <= size ? 0 : -EBADMSG;
}

/* A server that knows nothing of famez: F.E.E.'s, or QEMU's. */
static int identify_older(struct attach *a, const char *first, uint64_t size)
{
	struct famez_mailbox box;

	if (famez_mailbox_read(&box, (const void *)first, size)) {
		a->config = FAMEZ_CONFIG_MAILSLOTS;
		famez_mailbox_layout(&a->layout, &box, size);
		return a->id && a->id < box.server_id ? 0 : -EPROTO;
	}
	a->config = FAMEZ_CONFIG_RAW;
	a->layout = (struct famez_layout){
		.memory_size = size,
		.fam_size = size,
		.vectors = FAMEZ_VECTORS_MAX,
		.server_id = FAMEZ_DEST_SERVER,
		.peers.count = FAMEZ_PEERS_MAX,
	};
	return 0;
}

static int identify(struct attach *a, const char *first, uint64_t size)
{
	int r = famez_layout_read(&a->layout, (const void *)(first + FAMEZ_HEADER_OFFSET),
				  size);

	a->config = FAMEZ_CONFIG_FAMEZ;
	return r == -ENODATA ? identify_older(a, first, size) : r;
}

/* Takes the memory; on an error the descriptor stays the caller's. */
static int take_memory(struct attach *a, int fd)
{
	char first[FAMEZ_SLOT_SIZE] __attribute__((aligned(8)));
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -EPROTO;
	if (S_ISCHR(st.st_mode))
		r = read_device(fd, first, &st);
	else
		r = read_file(fd, first, &st);
	if (!r)
		r = identify(a, first, st.st_size);
	if (r)
		return r;
	if (a->id >= a->layout.peers.count)
		return -EPROTO;
	a->remotes = calloc(a->layout.peers.count, sizeof(*a->remotes));
	if (!a->remotes)
		return -ENOMEM;
	a->memory = mmap(NULL, a->layout.memory_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
	if (a->memory == MAP_FAILED)
		return -errno;
	a->memory_fd = fd;
	return 0;
}

/* Our own eventfds come last: the last of them ends the introduction. */
static void took_own(struct attach *a)
{
	a->vectors = a->remotes[a->id]->count;
	/* nobody tells how many there are to be: see listen_to_switch() */
	if (a->config == FAMEZ_CONFIG_RAW || a->vectors == a->layout.vectors)
		a->stage = ATTACH_UP;
}

/* An id: with an eventfd it has come, without one it has gone. */
static int take_id(struct attach *a, int64_t number, int fd)
{
	uint32_t id = number;

	/* F.E.E.'s says so to everybody when it has no place for one more */
	if (number == IVSHMEM_MEMORY && fd < 0 && a->stage == ATTACH_UP &&
	    a->config == FAMEZ_CONFIG_MAILSLOTS)
		return 0;
	if (number < 0 || number >= a->layout.peers.count)
		return -EPROTO;
	if (fd >= 0) {
		int r = add_eventfd(a, id, fd);

		if (!r && id == a->id)
			took_own(a);
		return r;
	}
	/* famez's own switch announces no leaves, but older servers do */
	if (a->stage != ATTACH_UP || id == a->id || !a->remotes[id])
		return -EPROTO;
	drop_remote(a, id);
	return 0;
}

/* A message; on an error the descriptor stays the caller's. */
static int take(struct attach *a, int64_t number, int fd)
{
	int r;

	switch (a->stage) {
	case ATTACH_VERSION:
		if (number != IVSHMEM_VERSION)
			return -EUSERS;
		a->stage = ATTACH_ID;
		return fd < 0 ? 0 : -EPROTO;
	case ATTACH_ID:
		if (number < 0 || number >= FAMEZ_PEERS_MAX)
			return -EPROTO;
		a->id = number;
		a->stage = ATTACH_MEMORY;
		return fd < 0 ? 0 : -EPROTO;
	case ATTACH_MEMORY:
		if (number != IVSHMEM_MEMORY || fd < 0)
			return -EPROTO;
		r = take_memory(a, fd);
		if (!r)
			a->stage = ATTACH_EVENTFDS;
		return r;
	default:
		return take_id(a, number, fd);
	}
}

int attach_take(struct attach *a)
{
	int64_t number;
	int fd, i, r;

	for (i = 0; i < MESSAGES; i++) {
		r = ivshmem_read(&a->reader, a->fd, &number, &fd);
		if (r)
			return r == -EAGAIN ? 0 : r;
		r = take(a, number, fd);
		if (r && fd >= 0)
			close(fd);
		if (r)
			return r;
	}
	return 0;
}

/* One that joined this moment: the switch's word of it may be here. */
static int look_for(struct attach *a, uint32_t peer)
{
	return a->remotes[peer] && a->remotes[peer]->count ? 0 : attach_take(a);
}

int attach_ring(struct attach *a, uint32_t peer, uint32_t vector)
{
	struct remote *remote;
	int r;

	if (peer >= a->layout.peers.count)
		return 0;
	r = look_for(a, peer);
	if (r)
		return r;
	remote = get_remote(a, peer);
	if (!remote)
		return -ENOMEM;
	if (remote->count)
		doorbell_ring(remote->fds[vector % remote->count]);
	else
		remote->owed = true;
	return 0;
}

int attach_ring_exactly(struct attach *a, uint32_t peer, uint32_t vector)
{
	struct remote *remote;
	int r;

	r = look_for(a, peer);
	if (r)
		return r;
	remote = a->remotes[peer];
	if (a->config == FAMEZ_CONFIG_RAW && remote && vector >= remote->count)
		return -EINVAL;
	if (!remote || vector >= remote->count)
		return -EHOSTUNREACH;
	doorbell_ring(remote->fds[vector]);
	return 0;
}

uint32_t attach_knows(const struct attach *a, uint32_t peer)
{
	return a->remotes[peer] ? a->remotes[peer]->count : 0;
}

bool attach_was_rung(struct attach *a, uint32_t vector)
{
	return doorbell_take(a->remotes[a->id]->fds[vector]);
}

/* ---- Opening and closing ------------------------------------------------- */

/*
 * A raw server says nowhere how many vectors there are, so what has come when it is
 * silent is all that is known then; what comes later is taken, too.
 */
static int listen_on(struct attach *a)
{
	struct pollfd more = { .fd = a->fd, .events = POLLIN };
	uint64_t silent = 0;
	uint32_t known = 0;
	int n, r = 0;

	do {
		/* others may come and go all the time: only our own count */
		if (known != a->vectors)
			silent = now_ns() + SETTLE_MS * 1000000ULL;
		known = a->vectors;
		n = poll(&more, 1, ms_until(silent));
		r = n < 0 ? -errno : attach_take(a);
	} while (!r && ms_until(silent));
	return r;
}

/* Listens until the switch has introduced us and everyone. */
static int listen_to_switch(struct attach *a)
{
	uint64_t deadline = now_ns() + TIMEOUT_S * 1000000000ULL;
	struct epoll_event event;
	int r;

	while (a->stage != ATTACH_UP) {
		if (epoll_wait(a->epoll, &event, 1, ms_until(deadline)) < 0)
			return -errno;
		r = attach_take(a);
		/* a switch does not hang up before it is done */
		if (r)
			return r == -ENODEV ? -EPROTO : r;
		if (!ms_until(deadline))
			return -ETIMEDOUT;
	}
	return a->config == FAMEZ_CONFIG_RAW ? listen_on(a) : 0;
}

int attach_open(struct attach *a, const char *path)
{
	int r;

	*a = (struct attach){
		.fd = -1, .epoll = -1, .reader = IVSHMEM_READER,
		.memory_fd = -1, .memory = MAP_FAILED,
	};
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll < 0)
		return -errno;
	a->fd = ivshmem_connect(path, TIMEOUT_S);
	if (a->fd < 0)
		return a->fd;
	r = attach_watch(a, a->fd, ATTACH_SOCKET);
	return r ? r : listen_to_switch(a);
}

void attach_close(struct attach *a)
{
	uint32_t id;

	for (id = 0; a->remotes && id < a->layout.peers.count; id++)
		drop_remote(a, id);
	free(a->remotes);
	if (a->memory != MAP_FAILED)
		munmap(a->memory, a->layout.memory_size);
	ivshmem_forget(&a->reader);
	if (a->memory_fd >= 0)
		close(a->memory_fd);
	if (a->epoll >= 0)
		close(a->epoll);
	if (a->fd >= 0)
		close(a->fd);
}

// SPDX-License-Identifier: LGPL-2.1
/*
 * User-space rings: records between two programs, in a region of FAM, by the algorithm
 * of <famez/ring.h>.
 *
 * While both sides are awake, all is done in memory.  Who finds nothing to do looks
 * some more times, then takes the slow way: what woke us is taken in, who is at the
 * other end is followed, what we wait for is written where the other side looks for it,
 * and only then do we sleep.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach.h"
#include "doorbell.h"
#include "ring-impl.h"

#define LOOKS		10000	/* unless the program says otherwise */
#define CLOSELY		100	/* looks before anything else is looked at */
#define NO_DEADLINE	0
#define ARMS		8

/* ---- Receiving: one try ----------------------------------------------------- */

/* What is not data is for versions to come. */
static int skip_others(struct famez_ring *r)
{
	uint32_t start = r->rx.tail;
	int err = 0;

	while (!err && r->next.label.type != FAMEZ_TYPE_DATA) {
		famez_rx_consume(&r->rx, &r->next);
		/* somebody may write them for ever */
		err = r->rx.tail - start < r->rx.size ? famez_rx_peek(&r->rx, &r->next) :
							 -EAGAIN;
	}
	famez_mb();	/* the tail before a look at who waits for it */
	if (famez_rx_must_ring(&r->rx))
		ring_bell(r);
	return err;
}

static inline int try_peek(struct famez_ring *r, size_t size)
{
	int err = famez_rx_peek(&r->rx, &r->next);

	(void)size;
	return err || r->next.label.type == FAMEZ_TYPE_DATA ? err : skip_others(r);
}

static int lost(bool *lost)
{
	*lost = false;
	return -ECONNRESET;
}

/* Nothing there: why, or we are rung for the next one. */
static int ask_peek(struct famez_ring *r, size_t size)
{
	uint32_t tail, i;
	int err;

	if (r->rx_lost)
		return lost(&r->rx_lost);
	err = try_peek(r, size);
	if (err != -EAGAIN)
		return err;
	if (!r->rx_other)
		return -ENOTCONN;
	/* again, if that moved the tail, though not for ever */
	for (i = 0; i < ARMS; i++) {
		tail = r->rx.tail;
		famez_rx_arm(&r->rx);
		err = try_peek(r, size);
		if (err != -EAGAIN || tail == r->rx.tail)
			break;
	}
	return err;
}

/* ---- Sending: one try ------------------------------------------------------- */

static inline int try_reserve(struct famez_ring *r, size_t size)
{
	/* who has closed its end left all there, for us to see how far it came */
	if (ring_load_owner(r, !r->side) != r->tx_other || !famez_tx_ready(&r->tx))
		return -EAGAIN;
	return famez_tx_reserve(&r->tx, size, &r->payload);
}

/*
 * Its half is not ready, or full and perhaps asleep: a stranger may have spoilt that, and it
 * is rung to put it right, once for each time.
 */
static int help(struct famez_ring *r)
{
	bool ready = famez_tx_ready(&r->tx), helped;

	helped = ready ? r->full == r->tx.head : r->helped;
	r->helped = !ready;
	if (ready)
		r->full = r->tx.head;
	return helped ? 0 : ring_bell(r);
}

static int ask_reserve(struct famez_ring *r, size_t size)
{
	int err;

	if (r->tx_lost)
		return lost(&r->tx_lost);
	if (!r->tx_other)
		return -ENOTCONN;
	err = try_reserve(r, size);
	if (err != -EAGAIN)
		return err;
	err = help(r);
	if (err)
		return err;
	famez_tx_wait(&r->tx, size);
	r->tx_waits = true;
	famez_mb();	/* of two, one sees what the other has stored */
	return try_reserve(r, size);
}

/* ---- Meeting: one try ------------------------------------------------------- */

/* Somebody may have come, sent something, and closed its end before we woke. */
static int try_connect(struct famez_ring *r, size_t size)
{
	if (r->tx_other && famez_tx_ready(&r->tx))
		return 0;
	return r->rx_other && !try_peek(r, size) ? 0 : -EAGAIN;
}

static int ask_connect(struct famez_ring *r, size_t size)
{
	/* of who was there when it was called, not of who comes */
	r->tx_lost = false;
	r->rx_lost = false;
	r->forget = false;
	return try_connect(r, size);
}

/* ---- The slow way ------------------------------------------------------------ */

/**
 * struct action - something that may have to wait
 * @try: memory alone is looked at: 0, -EAGAIN or why not
 * @ask: likewise; on -EAGAIN the other side knows that we wait
 */
struct action {
	int (*try)(struct famez_ring *r, size_t size);
	int (*ask)(struct famez_ring *r, size_t size);
};

static const struct action peek_action = { try_peek, ask_peek };
static const struct action reserve_action = { try_reserve, ask_reserve };
static const struct action connect_action = { try_connect, ask_connect };

/* Takes in what woke us.  Return: whether something did, or -errno */
static int take_in(struct famez_ring *r)
{
	struct famez_event event = { .size = sizeof(event) };
	bool rung = false;
	int err;

	/* some peer came or went: was it the other one's? */
	while (!(err = famez_next_event(r->own, &event)))
		rung = true;
	if (err == -EAGAIN && r->own->ops->service)
		err = r->own->ops->service(r->own);
	rung |= doorbell_take(r->bell);
	return !err || err == -EAGAIN ? rung : err;
}

/* What we were woken for, if it is there. */
static int attempt(struct famez_ring *r, const struct action *a, size_t size)
{
	int err = take_in(r);

	if (err < 0)
		return err;
	/* one ring may be for two things, and the second is seen the next time */
	r->rung |= err;
	err = ring_follow(r);
	if (!err)
		err = a->ask(r, size);
	if (err != -EAGAIN || !(r->rung || r->other >> 48 == r->id))
		return err;
	/* woken for nothing: does it live?  A driver does not ring itself for that. */
	r->rung = false;
	r->doubt = true;
	err = ring_follow(r);
	return err ? err : a->ask(r, size);
}

static int nap(struct famez_ring *r, uint64_t deadline)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	int n = poll(&p, 1, deadline ? ms_until(deadline) : -1);

	return n < 0 ? -errno : 0;
}

static uint64_t deadline_of(const struct famez_ring *r)
{
	return r->timeout_ms ? now_ns() + r->timeout_ms * 1000000ULL : NO_DEADLINE;
}

static bool is_over(uint64_t deadline)
{
	return deadline && !ms_until(deadline);
}

static int sleep_for(struct famez_ring *r, const struct action *a, size_t size)
{
	uint64_t deadline = deadline_of(r);
	bool over, repaired = false;
	int err;

	for (;;) {
		over = is_over(deadline);
		if (over)
			r->doubt = true;
		err = attempt(r, a, size);
		if (err != -EAGAIN)
			return err;
		err = repaired ? 0 : ring_refresh(r);
		if (err < 0)
			return err;
		repaired = err;
		if (repaired)
			continue;
		if (over || r->nonblock)
			return over ? -ETIMEDOUT : -EAGAIN;
		err = nap(r, deadline);
		if (err)
			return err;
	}
}

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

/* Can memory alone tell what comes next? */
static bool is_connected(const struct famez_ring *r)
{
	return r->owner && r->tx_other && r->rx_other && !r->tx_lost && !r->rx_lost &&
	       !ring_changed(r);
}

/* A program that never sleeps, only seldom asks for the time. */
static bool polled_enough(struct famez_ring *r, uint64_t *deadline)
{
	bool often = ++r->polls % 4096;

	if (!often)
		ring_refresh(r);
	if (r->nonblock)
		return true;
	if (!r->timeout_ms || often)
		return false;
	if (*deadline == NO_DEADLINE)
		*deadline = deadline_of(r);
	return is_over(*deadline);
}

/* Looks until there is something: never asks the kernel for more than the time. */
static int look_for(struct famez_ring *r, const struct action *a, size_t size)
{
	bool poll = r->looks == FAMEZ_RING_POLL;
	uint64_t deadline = NO_DEADLINE;
	uint32_t i;
	int err;

	for (i = 1; is_connected(r) && (poll || i <= r->looks); i++) {
		err = a->try(r, size);
		if (err != -EAGAIN)
			return err;
		if (poll && polled_enough(r, &deadline))
			return r->nonblock ? -EWOULDBLOCK : -ETIMEDOUT;
		if (!(i % 64))
			relax();
	}
	return sleep_for(r, a, size);
}

/* ---- The calls ---------------------------------------------------------------- */

int famez_ring_connect(struct famez_ring *r)
{
	int err;

	r->doubt = true;
	r->forget = true;
	err = sleep_for(r, &connect_action, 0);
	r->forget = false;
	r->fresh &= !!err;
	return err;
}

/*
 * The fast ways, in one piece: each record goes through here, and the first looks, that
 * an answer is most often found by, have nothing between them.
 */
static inline int reserve(struct famez_ring *r, size_t size)
{
	int err;

	r->reserved = -1;
	if (size > famez_ring_longest(r->tx.size))
		return -EMSGSIZE;
	err = r->tx_lost ? -EAGAIN : try_reserve(r, size);
	if (err == -EAGAIN)
		err = look_for(r, &reserve_action, size);
	if (!err)
		r->reserved = size;
	return err;
}

static inline int commit(struct famez_ring *r)
{
	static const struct famez_label label = { .type = FAMEZ_TYPE_DATA };

	if (r->reserved < 0)
		return -EINVAL;
	famez_tx_commit(&r->tx, &label, r->reserved);
	r->reserved = -1;
	if (r->tx_waits)
		famez_tx_unwait(&r->tx);
	r->tx_waits = false;
	return famez_tx_must_ring(&r->tx) ? ring_bell(r) : 0;
}

static inline int peek(struct famez_ring *r)
{
	uint32_t looks = r->looks < CLOSELY || r->nonblock ? 1 : CLOSELY;
	int err = -EAGAIN;

	while (!r->rx_lost && looks-- && err == -EAGAIN)
		err = try_peek(r, 0);
	if (err == -EAGAIN)
		err = look_for(r, &peek_action, 0);
	if (err == -EBADMSG) {
		famez_rx_resync(&r->rx);
		ring_bell(r);
	}
	r->peeked = !err;
	r->fresh &= !!err;
	return err;
}

static inline int consume(struct famez_ring *r)
{
	if (!r->peeked)
		return -EINVAL;
	r->peeked = false;
	famez_rx_consume(&r->rx, &r->next);
	famez_mb();	/* the tail before a look at who waits for it */
	return famez_rx_must_ring(&r->rx) ? ring_bell(r) : 0;
}

int famez_ring_reserve(struct famez_ring *r, size_t size, void **data)
{
	int err = reserve(r, size);

	if (!err)
		*data = r->payload;
	return err;
}

int famez_ring_commit(struct famez_ring *r)
{
	return commit(r);
}

int famez_ring_send(struct famez_ring *r, const void *data, size_t size)
{
	int err = reserve(r, size);

	if (err)
		return err;
	if (size)
		memcpy(r->payload, data, size);
	return commit(r);
}

int famez_ring_peek(struct famez_ring *r, const void **data, size_t *size)
{
	int err = peek(r);

	if (err)
		return err;
	*data = r->next.payload;
	*size = r->next.length;
	return 0;
}

int famez_ring_consume(struct famez_ring *r)
{
	return consume(r);
}

int famez_ring_recv(struct famez_ring *r, void *data, size_t room, size_t *size)
{
	int err = peek(r);

	if (err)
		return err;
	*size = r->next.length;
	if (*size > room)
		return -EMSGSIZE;
	if (*size)
		memcpy(data, r->next.payload, *size);
	return consume(r);
}

int famez_ring_fd(const struct famez_ring *r)
{
	return r->fd;
}

size_t famez_ring_record_max(const struct famez_ring *r)
{
	return famez_ring_longest(r->tx.size);
}

void famez_ring_set_timeout(struct famez_ring *r, uint32_t milliseconds)
{
	r->timeout_ms = milliseconds;
}

void famez_ring_set_looks(struct famez_ring *r, uint32_t looks)
{
	r->looks = looks;
}

/* ---- Opening and closing ------------------------------------------------------- */

static size_t area_bytes(size_t size)
{
	return RING_CHANNELS + 2 * (RING_HALVES + size);
}

/* The rings' size, for a region of so many bytes; 0: none has room. */
static size_t ring_size(uint64_t bytes)
{
	size_t size = RING_SIZE_MAX;

	while (size >= RING_SIZE_MIN && area_bytes(size) > bytes)
		size /= 2;
	return size >= RING_SIZE_MIN ? size : 0;
}

/* One that is there is taken whatever it is for. */
static int open_region(struct famez *handle, const char *name, size_t size,
		       struct famez_region_info *region)
{
	size_t ring = RING_SIZE_MIN;
	int err;

	if (size > RING_SIZE_MAX)
		return -EINVAL;
	while (ring < size)
		ring *= 2;
	err = famez_region_open(handle, name, 0, 0, region, sizeof(*region));
	if (err == -ENOENT && size)
		err = famez_region_open(handle, name, area_bytes(ring),
					FAMEZ_REGION_CREATE, region, sizeof(*region));
	if (err)
		return err;
	return region->length < area_bytes(ring) ? -EFBIG : 0;
}

static struct famez_channel *channel_from(const struct famez_ring *r, unsigned int side,
					  size_t size)
{
	return (void *)((char *)r->area + RING_CHANNELS + side * (RING_HALVES + size));
}

static int map_area(struct famez_ring *r, struct famez *handle,
		    const struct famez_region_info *region)
{
	size_t size = ring_size(region->length);
	struct famez_channel *to, *from;
	void *area;
	int err;

	err = famez_map_around(handle, region->offset, area_bytes(size), FAMEZ_MAP_WRITE,
			       &r->mapping, &area);
	if (err)
		return err;
	r->area = area;
	to = channel_from(r, r->side, size);
	from = channel_from(r, !r->side, size);
	r->tx = (struct famez_tx){
		.mine = &to->tx, .theirs = &to->rx, .size = size,
		.data = (uint8_t *)to + RING_HALVES,
	};
	r->rx = (struct famez_rx){
		.mine = &from->rx, .theirs = &from->tx, .size = size,
		.data = (uint8_t *)from + RING_HALVES,
	};
	return 0;
}

static int watch(const struct famez_ring *r, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(r->fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_own(struct famez_ring *r, struct famez *handle)
{
	struct famez_info info = { .size = sizeof(info) };
	int err;

	err = famez_open_endpoint(&r->own, handle);
	if (!err)
		err = famez_get_info(r->own, &info);
	if (err)
		return err;
	r->own->nonblock = true;
	r->id = info.id;
	r->vectors = info.vectors;
	r->armed = info.vectors_armed;
	r->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->bell < 0 || r->fd < 0)
		return -errno;
	err = watch(r, r->bell, EPOLLIN);
	if (err)
		return err;
	/* in a guest messages, which nobody sends there, would be POLLIN */
	return watch(r, famez_fd(r->own), r->own->ops->service ? EPOLLIN : EPOLLPRI);
}

int famez_ring_open(struct famez_ring **ring, struct famez *handle, const char *name,
		    size_t size, int flags)
{
	struct famez_region_info region;
	struct famez_ring *r;
	int err;

	*ring = NULL;
	if (flags & ~(FAMEZ_NONBLOCK | FAMEZ_RING_SECOND))
		return -EINVAL;
	err = open_region(handle, name, size, &region);
	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->side = !!(flags & FAMEZ_RING_SECOND);
	r->nonblock = flags & FAMEZ_NONBLOCK;
	r->looks = LOOKS;
	r->listens = -1;
	r->reserved = -1;
	r->bell = -1;
	r->fd = -1;
	err = map_area(r, handle, &region);
	if (!err)
		err = open_own(r, handle);
	if (!err)
		err = ring_claim(r);
	if (err) {
		famez_ring_close(r);
		return err;
	}
	*ring = r;
	return 0;
}

void famez_ring_close(struct famez_ring *r)
{
	if (!r)
		return;
	if (r->area) {
		ring_leave(r);
		munmap(r->mapping.iov_base, r->mapping.iov_len);
	}
	famez_close(r->own);
	if (r->bell >= 0)
		close(r->bell);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

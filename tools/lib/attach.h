/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * How a program on the host hangs on the switch: what the switch tells it over
 * the socket (memory, own id, everyone's eventfds), and how it rings others.
 */
#ifndef FAMEZ_LIB_ATTACH_H
#define FAMEZ_LIB_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <famez/layout.h>
#include "ivshmem.h"

struct remote;

#define ATTACH_SOCKET	UINT32_MAX
#define ATTACH_TIMER	(UINT32_MAX - 1)	/* the caller's */

/** enum attach_stage - what comes next from the switch */
enum attach_stage {
	ATTACH_VERSION,
	ATTACH_ID,
	ATTACH_MEMORY,
	ATTACH_EVENTFDS,	/* others', then our own */
	ATTACH_UP,		/* those of peers that join */
};

/**
 * struct attach - the connection to a switch
 * @fd: its socket
 * @epoll: holds the socket (data.u32 %ATTACH_SOCKET) and our own eventfds (the
 *	vector)
 * @reader: what was read of the socket
 * @stage: how far the switch has introduced us
 * @id: own id
 * @memory_fd: the memory
 * @memory: all of it, layout.memory_size bytes
 * @config: %FAMEZ_CONFIG_FAMEZ, or that of an older server: %FAMEZ_CONFIG_MAILSLOTS or
 *	%FAMEZ_CONFIG_RAW
 * @layout: what its header says; of an older one, what there is instead
 * @vectors: own ones; of a raw server, those that it has told of so far
 * @remotes: eventfds, by id
 */
struct attach {
	int fd;
	int epoll;
	struct ivshmem_reader reader;
	enum attach_stage stage;
	uint32_t id;
	int memory_fd;
	void *memory;
	uint32_t config;
	struct famez_layout layout;
	uint32_t vectors;
	struct remote **remotes;
};

/**
 * attach_open() - connect, and listen until the switch has told all it has to
 * @a: filled; attach_close() it, also when this failed
 * @path: the switch's socket
 *
 * Return: 0 or a negative errno, see famez_open()
 */
int attach_open(struct attach *a, const char *path);

/** attach_watch() - have @epoll hold one more, with @what as data.u32; 0 or -errno */
int attach_watch(struct attach *a, int fd, uint32_t what);

/**
 * attach_take() - take in what the switch has said since, without waiting
 * @a: the connection
 *
 * Return: 0, or why the connection is of no use any more: -ENODEV: the switch
 * has gone; -EPROTO: it said what makes no sense; -EMFILE, -ENOMEM
 */
int attach_take(struct attach *a);

/**
 * attach_ring() - ring a peer
 * @a: the connection
 * @peer: its id
 * @vector: which of its vectors
 *
 * A peer of which the switch has not told yet is rung once it has.
 *
 * Return: 0, or as attach_take()
 */
int attach_ring(struct attach *a, uint32_t peer, uint32_t vector);

/**
 * attach_ring_exactly() - ring a peer on this vector, or not at all
 * @a: the connection
 * @peer: its id, one that this fabric can have
 * @vector: which of its vectors
 *
 * Return: 0; -EHOSTUNREACH: the switch has not told of it; -EINVAL: a raw server has, and
 * of no such vector; or as attach_take()
 */
int attach_ring_exactly(struct attach *a, uint32_t peer, uint32_t vector);

/** attach_knows() - on how many vectors does a peer listen, by what the switch has told? */
uint32_t attach_knows(const struct attach *a, uint32_t peer);

/** attach_was_rung() - was an own vector, since this was last asked? */
bool attach_was_rung(struct attach *a, uint32_t vector);

/** attach_close() - give all up */
void attach_close(struct attach *a);

/* CLOCK_MONOTONIC, and how many ms are left until then: rounded up, 0 to INT_MAX. */
uint64_t now_ns(void);
int ms_until(uint64_t deadline);

#endif /* FAMEZ_LIB_ATTACH_H */

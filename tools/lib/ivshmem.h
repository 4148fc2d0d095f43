/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * The client's side of the ivshmem protocol, version 0: a stream of signed
 * 64-bit numbers, each with at most one descriptor.
 */
#ifndef FAMEZ_LIB_IVSHMEM_H
#define FAMEZ_LIB_IVSHMEM_H

#include <stddef.h>
#include <stdint.h>

#define IVSHMEM_VERSION		0
#define IVSHMEM_MEMORY		(-1)	/* the number that brings the memory */

/**
 * struct ivshmem_reader - takes the stream apart; start with %IVSHMEM_READER
 * @bytes: the number so far
 * @have: bytes of it
 * @fd: the descriptor that came with them, or -1
 */
struct ivshmem_reader {
	uint8_t bytes[8];
	size_t have;
	int fd;
};

#define IVSHMEM_READER	((struct ivshmem_reader){ .fd = -1 })

/**
 * ivshmem_connect() - connect to a server
 * @path: its socket
 * @timeout_s: how long it may take to accept
 *
 * Return: the descriptor, not blocking, or a negative errno
 */
int ivshmem_connect(const char *path, int timeout_s);

/**
 * ivshmem_read() - take the next message, without waiting
 * @r: the reader
 * @sock: the descriptor
 * @number: its number
 * @fd: its descriptor, the caller's from now on, or -1
 *
 * Return: 0; -EAGAIN: none is complete; -ENODEV: the server has gone; -EPROTO:
 * several descriptors with one number; -EMFILE: this program can have no more
 * descriptors, so that one is lost
 */
int ivshmem_read(struct ivshmem_reader *r, int sock, int64_t *number, int *fd);

/** ivshmem_forget() - give up what was read of an incomplete message */
void ivshmem_forget(struct ivshmem_reader *r);

#endif /* FAMEZ_LIB_IVSHMEM_H */

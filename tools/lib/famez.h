/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libfamez: a peer of a famez fabric, for programs.
 *
 * The same calls work in a guest, on the driver's device, and on the host, on
 * the switch's socket.  All functions that return int return 0 or a negative
 * errno.  A handle is for one thread at a time; threads that each want to send
 * and receive open a handle each (in a guest) or take turns (on the host).
 *
 * On the host a program is the peer itself: pings are answered, and messages
 * move, while it is inside one of these functions.  famez_fd() becomes readable
 * when it should call in.
 */
#ifndef FAMEZ_H
#define FAMEZ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/famez.h>

#ifdef __cplusplus
extern "C" {
#endif

struct famez;

#define FAMEZ_DEFAULT_DEVICE	"/dev/famez_bridge"
#define FAMEZ_DEFAULT_SOCKET	"/run/famez/switch.sock"

/* Flags of famez_open() */
#define FAMEZ_NONBLOCK	1	/* every call returns -EAGAIN rather than sleep */

/**
 * famez_open() - become, or use, a peer
 * @handle: the new handle, on 0
 * @path: a device (character) or a switch's socket; NULL: $FAMEZ_DEVICE, else
 *	the default device, else the default socket
 * @flags: %FAMEZ_NONBLOCK
 *
 * Return: 0; what open(2) or connect(2) said; -ENODEV: the path is neither;
 * -ECONNREFUSED: nobody serves the socket; -EUSERS: the switch has no id left;
 * -EPROTO: what answers is no ivshmem server; -ENODATA: it is one, but no famez
 * switch
 */
int famez_open(struct famez **handle, const char *path, int flags);

/** famez_close() - give the handle up; NULL is fine */
void famez_close(struct famez *handle);

/** famez_fd() - becomes readable when famez_recv() may have a message */
int famez_fd(const struct famez *handle);

/** famez_get_info() - what this peer and its fabric are */
int famez_get_info(struct famez *handle, struct famez_info *info);

/**
 * famez_get_peers() - who is there
 * @handle: the handle
 * @peers: allocated with malloc(), for the caller to free
 * @count: entries of it
 */
int famez_get_peers(struct famez *handle, struct famez_peer_info **peers,
		    size_t *count);

/**
 * famez_lookup() - find a peer
 * @handle: the handle
 * @dest: an id, a name, or "server"
 * @peer: its id
 *
 * Return: 0; -EHOSTUNREACH: none has this name; -ENOTUNIQ: several have
 */
int famez_lookup(struct famez *handle, const char *dest, uint32_t *peer);

/** famez_send() - send a message; errors as of FAMEZ_IOC_SEND */
int famez_send(struct famez *handle, uint32_t peer, const void *data,
	       size_t size);

/**
 * famez_recv() - receive the next message
 * @handle: the handle
 * @peer: its sender
 * @data: where to
 * @room: bytes there
 * @size: bytes of the message, also on -EMSGSIZE
 *
 * Return: 0; -EMSGSIZE: longer than @room, and still the next; -EAGAIN; -EINTR;
 * -ENODEV
 */
int famez_recv(struct famez *handle, uint32_t *peer, void *data, size_t room,
	       size_t *size);

/**
 * famez_ping() - measure a round trip to a peer's driver, library or switch
 * @handle: the handle
 * @peer: whom
 * @timeout_ms: how long to wait, 1 to 3600000
 * @nanoseconds: how long it took
 *
 * Return: 0; -ETIMEDOUT; errors as of FAMEZ_IOC_SEND
 */
int famez_ping(struct famez *handle, uint32_t peer, uint32_t timeout_ms,
	       uint64_t *nanoseconds);

/**
 * famez_map() - map FAM
 * @handle: the handle
 * @offset: from the start of the FAM, a multiple of the page size
 * @length: bytes
 * @writable: or only readable
 * @address: where it is now; munmap() ends it, famez_close() does not
 *
 * Return: 0; -EINVAL: outside the FAM, or not aligned
 */
int famez_map(struct famez *handle, uint64_t offset, size_t length,
	      int writable, void **address);

#ifdef __cplusplus
}
#endif

#endif /* FAMEZ_H */

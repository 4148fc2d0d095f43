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
 * when it should call in.  Others see it under the name that $FAMEZ_NAME says
 * when it calls famez_open(), up to 31 bytes, else under the program's name and
 * process id, as "chat.1234".
 *
 * A device without a doorbell has FAM alone: famez_get_info() and famez_map()
 * work, all that needs peers is -EOPNOTSUPP.
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
#define FAMEZ_PLAIN_DEVICE	"/dev/famez_fam"
#define FAMEZ_DEFAULT_SOCKET	"/run/famez/switch.sock"

/* Flags of famez_open() */
#define FAMEZ_NONBLOCK	1	/* every call returns -EAGAIN rather than sleep */

/**
 * famez_open() - become, or use, a peer
 * @handle: the new handle, on 0
 * @path: a device (character) or a switch's socket; NULL: $FAMEZ_DEVICE, else
 *	the default device, else %FAMEZ_PLAIN_DEVICE, else the default socket
 * @flags: %FAMEZ_NONBLOCK
 *
 * Return: 0; what open(2) or connect(2) said; -ENODEV: the path is neither;
 * -ECONNREFUSED: nobody serves the socket; -EUSERS: the switch has no id left;
 * -EPROTO: what answers is no ivshmem server; -ENODATA: it is one, but no famez
 * switch; -EBADMSG: the header of its memory is damaged; -EPROTONOSUPPORT: the
 * memory has the layout of another version; -ENAMETOOLONG: the path is too long
 * for a socket's; -ETIMEDOUT: the switch said nothing for 30 seconds; -EINTR;
 * -EMFILE, -ENFILE: no descriptors left, of which the host's side takes one for
 * each peer and vector; -ENOMEM; -EINVAL: unknown flags.  *@handle is NULL then
 */
int famez_open(struct famez **handle, const char *path, int flags);

/** famez_close() - give the handle up; NULL is fine */
void famez_close(struct famez *handle);

/**
 * famez_fd() - a descriptor to wait on, with poll(2), epoll(7) and their like
 * @handle: the handle
 *
 * On a device: POLLIN while famez_recv() has a message, POLLPRI while
 * famez_next_event() has an event, POLLERR and POLLHUP once the device has gone.
 *
 * On the host: POLLIN when there may be a message, or an event (no POLLPRI), or
 * something to do for others, or when the switch has gone.  So it may be for
 * nothing, and use %FAMEZ_NONBLOCK.  It stays readable until famez_recv() has
 * returned -EAGAIN or -ETIMEDOUT; events count from the first famez_next_event()
 * on, and then it stays readable until that returned likewise, too.
 *
 * POLLOUT tells nothing of a peer's room.  Do not read, write or close it.
 */
int famez_fd(const struct famez *handle);

/**
 * famez_set_timeout() - how long famez_send(), famez_recv() and
 *	famez_next_event() sleep at most
 * @handle: the handle
 * @milliseconds: then they return -ETIMEDOUT; 0, as at first: never
 *
 * With %FAMEZ_NONBLOCK they do not sleep at all.
 */
void famez_set_timeout(struct famez *handle, uint32_t milliseconds);

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
 * Return: 0; -EHOSTUNREACH: none has this name; -ENOTUNIQ: several have;
 * -EOPNOTSUPP: a device without messages
 */
int famez_lookup(struct famez *handle, const char *dest, uint32_t *peer);

/**
 * famez_send() - send a message
 * @handle: the handle
 * @peer: to whom, an id or %FAMEZ_DEST_SERVER
 * @data: the message
 * @size: bytes of it, 0 to famez_info.message_max
 *
 * Return: 0: it is on its way; -EAGAIN; -EINTR; -ETIMEDOUT; -EMSGSIZE;
 * -EHOSTUNREACH; -ENOTCONN; -ENOBUFS; -ECONNRESET; -EINVAL; -ENODEV; see
 * FAMEZ_IOC_SEND
 */
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
 * -ETIMEDOUT; -ENODEV
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
 * famez_next_event() - the next change of a peer since famez_open()
 * @handle: the handle
 * @event: its type, peer, generation and epoch; all else is the library's
 *
 * In order, and %FAMEZ_EVENT_OVERFLOW once for a program that is more than
 * %FAMEZ_EVENTS behind: what it missed, famez_get_peers() tells.  On the host,
 * what a peer does several times between two calls into the library is told as
 * what has become of it.
 *
 * Return: 0; -EAGAIN; -EINTR; -ETIMEDOUT; -ENODEV
 */
int famez_next_event(struct famez *handle, struct famez_event *event);

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

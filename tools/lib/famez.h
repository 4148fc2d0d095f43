/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libfamez: a peer of a famez fabric, for programs.
 *
 * A structure that a call fills starts with its size, which the program sets before the
 * call: struct famez_info info = { .size = sizeof(info) }.  Of arrays the program says how
 * long each entry is.  So a program that was built with an older famez.h gets what it
 * knows, and one that was built with a newer one zero for what this library does not.
 *
 * The same calls work in a guest, on the driver's device, and on the host, on
 * the switch's socket.  Calls that can fail return 0 or a negative errno.  A
 * handle is for one thread at a time; threads that each want to send and
 * receive open a handle each (in a guest) or take turns (on the host).
 *
 * On the host a program is the peer itself: pings are answered, and messages
 * move, while it is inside one of these functions.  famez_fd() becomes readable
 * when it should call in.  Others see it under the name that $FAMEZ_NAME says
 * when it calls famez_open(), up to 31 bytes, else under the program's name and
 * process id, as "chat.1234".
 *
 * A device without a doorbell has FAM alone: famez_get_info() and famez_map()
 * work, all that needs peers is -EOPNOTSUPP.  A bridge on a raw server, as QEMU's
 * ivshmem-server, knows no peers either, but has famez_doorbell() and
 * famez_doorbell_eventfd().
 */
#ifndef FAMEZ_H
#define FAMEZ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <linux/famez.h>

#ifdef __cplusplus
extern "C" {
#endif

struct famez;

#define FAMEZ_DEFAULT_DEVICE	"/dev/famez_bridge"
#define FAMEZ_PLAIN_DEVICE	"/dev/famez_fam"
#define FAMEZ_DEFAULT_SOCKET	"/run/famez/switch.sock"

/* Flags of famez_open() */
#define FAMEZ_NONBLOCK	1	/* send, recv, next_event: -EAGAIN, no sleep */

/*
 * The comments below become the manual pages of section 3: "make man".
 */

/**
 * famez_open() - become, or use, a peer
 * @handle: the new handle; NULL on an error
 * @path: a device, or a switch's socket; NULL: $FAMEZ_DEVICE, else
 *	/dev/famez_bridge if that exists, else /dev/famez_fam if that does, else
 *	/run/famez/switch.sock
 * @flags: 0, or %FAMEZ_NONBLOCK: famez_send(), famez_recv() and
 *	famez_next_event() return -EAGAIN rather than sleep
 *
 * On a socket it waits for the switch, with %FAMEZ_NONBLOCK, too.  An older server is one
 * as well: famez_info.config tells, and what it lacks is -EOPNOTSUPP: with
 * %FAMEZ_CONFIG_MAILSLOTS ports, events and regions, with %FAMEZ_CONFIG_RAW all but FAM,
 * doorbells and the ids of peers.
 *
 * Return:
 * * 0: done
 * * -EINVAL: unknown flags
 * * -ENODEV: neither a famez device nor a socket; or the device has gone
 * * -ECONNREFUSED: nobody serves the socket
 * * -EUSERS: the switch has no id left
 * * -EPROTO: what answers speaks no ivshmem protocol
 * * -EBADMSG: the control area is damaged
 * * -EPROTONOSUPPORT: the control area is of another version
 * * -ENAMETOOLONG: the path is too long for a socket's
 * * -ETIMEDOUT: the switch did not let us in within two minutes
 * * -EMFILE, -ENFILE: this process, or the system, may have no more
 *   descriptors; a program on the host needs one for each vector of each peer
 * * -EINTR: a signal came
 * * -ENOMEM: no memory
 * * others: of stat(2), open(2), connect(2) and mmap(2)
 */
int famez_open(struct famez **handle, const char *path, int flags);

/**
 * famez_close() - give a handle up
 * @handle: the handle, or NULL
 *
 * What famez_map() mapped stays.  On the host, the peer leaves the fabric, and
 * what it has not received is gone.  If what it sent last matters, it calls
 * famez_ping() first: the answer comes when all before has been delivered.
 */
void famez_close(struct famez *handle);

/**
 * famez_open_endpoint() - another handle for the same peer
 * @other: the new handle; NULL on an error
 * @handle: a handle that is open
 *
 * It has a port, a timeout and events of its own: a program that serves several
 * ports opens an endpoint for each.  Endpoints are closed in any order.  On the
 * host all of a peer are for one thread at a time.
 *
 * Return:
 * * 0: done
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -ENOMEM: no memory
 * * -EMFILE, -ENFILE: this process, or the system, may have no more descriptors
 */
int famez_open_endpoint(struct famez **other, struct famez *handle);

/**
 * famez_bind() - open a port of this peer
 * @handle: the handle, which then receives what is sent to that port, and nothing
 *	else
 * @port: 1 to 65535; 0: any that is free, and this tells which
 * @buffer: how many bytes of unread messages each sender may have there, with 24
 *	bytes for each message, at most %FAMEZ_BUFFER_MAX; 0: as it comes
 *
 * The port is this handle's until it is closed: what it has not read by then is
 * discarded, and its senders are told.  Bind before waiting on famez_fd().
 *
 * Return:
 * * 0: done
 * * -EADDRINUSE: the port is another handle's
 * * -EINVAL: this handle has a port; or no such port or buffer can be
 * * -ENOSPC: this peer has 63 open
 * * -ENOMEM: no memory for its buffers
 * * -ENODEV: the device has gone
 * * -EOPNOTSUPP: the device has FAM alone
 */
int famez_bind(struct famez *handle, uint32_t *port, uint32_t buffer);

/**
 * famez_fd() - a descriptor to wait on
 * @handle: the handle
 *
 * For poll(2), epoll(7) and their like.  Do not read, write or close it.
 *
 * On a device: POLLIN while famez_recv() has a message, POLLPRI while
 * famez_next_event() has an event, POLLERR and POLLHUP once the device has
 * gone.  It tells nothing of a peer's room.
 *
 * On the host: POLLIN when a message may have come, a peer changed, a send may
 * succeed that did not, there is something to do for others, or the switch has
 * gone; there is no POLLPRI.  It can be for nothing, so use %FAMEZ_NONBLOCK.
 * It stays readable until famez_recv() has returned -EAGAIN or -ETIMEDOUT, and
 * from the first famez_next_event() on, until that has, too.
 *
 * Return: the descriptor
 */
int famez_fd(const struct famez *handle);

/**
 * famez_set_timeout() - limit how long calls sleep
 * @handle: the handle
 * @milliseconds: then they return -ETIMEDOUT; 0, as at first: no limit
 *
 * For famez_send(), famez_recv() and famez_next_event(), from now on.  With
 * %FAMEZ_NONBLOCK they do not sleep at all.
 */
void famez_set_timeout(struct famez *handle, uint32_t milliseconds);

/**
 * famez_get_info() - what this peer and its fabric are
 * @handle: the handle
 * @info: filled; its size is set, and its flags are 0
 *
 * The structure is in famez_bridge(4), under FAMEZ_IOC_INFO.
 *
 * Return:
 * * 0: done
 * * -EINVAL: @info is smaller than it ever was, or has flags
 * * -E2BIG: @info has over 4096 bytes
 * * -ENODEV: the device has gone
 */
int famez_get_info(struct famez *handle, struct famez_info *info);

/**
 * famez_get_peers() - who is there
 * @handle: the handle
 * @peers: an array, sorted by id, this peer and the switch included, for the
 *	caller to free(3)
 * @count: its entries
 * @each: bytes of one, sizeof(struct famez_peer_info)
 *
 * The structure is in famez_bridge(4), under FAMEZ_IOC_PEERS.
 *
 * Return:
 * * 0: done
 * * -EINVAL: @each is no size that an entry can have
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -ENOMEM: no memory
 * * -EOPNOTSUPP: the device has no messages
 */
int famez_get_peers(struct famez *handle, struct famez_peer_info **peers,
		    size_t *count, size_t each);

/**
 * famez_lookup() - find a peer
 * @handle: the handle
 * @dest: an id, "CID,SID" of a peer, the name of one that is up, or "server" or "switch"
 *	for the switch
 * @peer: its id
 *
 * Digits alone are always an id, and are not looked for on the fabric.
 *
 * Return:
 * * 0: done
 * * -EHOSTUNREACH: none has this name or CID and SID, or no id is so high
 * * -ENOTUNIQ: several have this name
 * * -EOPNOTSUPP: the device has no messages
 * * others: of famez_get_peers()
 */
int famez_lookup(struct famez *handle, const char *dest, uint32_t *peer);

/**
 * famez_send() - send a message
 * @handle: the handle
 * @peer: to whom, an id or %FAMEZ_DEST_SERVER
 * @data: the message
 * @size: its bytes, 0 to message_max of famez_get_info()
 *
 * Sleeps while the receiver has no room.
 *
 * Return:
 * * 0: it is in the channel
 * * -EAGAIN: no room now, or another sender sleeps for it; with %FAMEZ_NONBLOCK
 * * -ETIMEDOUT: no room in time; see famez_set_timeout()
 * * -EINTR: a signal came first
 * * -EMSGSIZE: too long, for this fabric or for the ring to that peer
 * * -EHOSTUNREACH: no such id, or nobody has it
 * * -ENOTCONN: the peer is attached, but no driver or program of it is up
 * * -ENOBUFS: no channel to it can be had
 * * -ECONNRESET: it restarted or went down, and messages were lost; told once
 * * -EINVAL: to oneself
 * * -ENODEV: the device, or on the host the switch, has gone; or another switch
 *   has taken the memory
 * * -EOPNOTSUPP: the device has no messages
 */
int famez_send(struct famez *handle, uint32_t peer, const void *data,
	       size_t size);

/**
 * famez_send_to() - send a message to a port
 * @handle: the handle
 * @peer: to whom, an id or %FAMEZ_DEST_SERVER
 * @port: to which of its ports; 0 is that of famez_send()
 * @data: the message
 * @size: its bytes
 *
 * A program that does not read its port holds up nobody but those who send there.
 *
 * Return:
 * * 0: it is in the channel
 * * -ECONNREFUSED: nobody there has the port
 * * -ECONNRESET: the port was closed, or the peer restarted, and messages were
 *   lost; told once
 * * others: of famez_send()
 */
int famez_send_to(struct famez *handle, uint32_t peer, uint16_t port,
		  const void *data, size_t size);

/**
 * famez_probe() - ask whether a port is open
 * @handle: the handle
 * @peer: whose, an id or %FAMEZ_DEST_SERVER; one's own, too
 * @port: which
 *
 * Sends nothing, so that nobody is woken, and needs no room there.  It sleeps until
 * that can be told, as where a peer has just come up.
 *
 * Return:
 * * 0: it is
 * * -ECONNREFUSED: it is not
 * * -ECONNRESET: the peer restarted meanwhile
 * * others: of famez_send_to(); what was lost it leaves to that to tell
 */
int famez_probe(struct famez *handle, uint32_t peer, uint16_t port);

/**
 * famez_send_batch() - send several messages
 * @handle: the handle
 * @messages: of each, @data, @length, @peer and @dport; the library sets the rest
 * @count: how many, 1 to %FAMEZ_BATCH_MAX
 * @each: bytes of one, sizeof(struct famez_msg)
 *
 * In order, to any peers and ports, with one system call in a guest; sleeps for
 * the room of each.  The structure is in famez_bridge(4), under FAMEZ_IOC_SEND.
 *
 * Return:
 * * how many were sent, if any were
 * * else why the first was not, as famez_send_to()
 * * -EINVAL: no such @count or @each can be
 */
int famez_send_batch(struct famez *handle, struct famez_msg *messages,
		     uint32_t count, size_t each);

/**
 * famez_recv_batch() - receive several messages
 * @handle: the handle
 * @messages: of each, @data and @length, the room there; of those that came,
 *	@length, @peer, @sport and @dport, the own port
 * @count: how many, 1 to %FAMEZ_BATCH_MAX
 * @each: bytes of one, sizeof(struct famez_msg)
 *
 * Sleeps while there is none, then takes what is there.
 *
 * Return:
 * * how many came, if any did
 * * else why none, as famez_recv()
 * * -EINVAL: no such @count or @each can be
 */
int famez_recv_batch(struct famez *handle, struct famez_msg *messages,
		     uint32_t count, size_t each);

/**
 * famez_set_eventfd() - signal an eventfd when a message may have come
 * @handle: the handle
 * @fd: the eventfd; -1: none any more
 *
 * It is signalled at once if one may be there, then for the next that comes after
 * a famez_recv() returned -EAGAIN: so receive until then before waiting for it.
 *
 * Return:
 * * 0: done
 * * -EBADF, -EINVAL: no eventfd
 * * -EOPNOTSUPP: on the host, where famez_fd() serves; or the device has FAM alone
 * * -ENODEV: the device has gone
 */
int famez_set_eventfd(struct famez *handle, int fd);

/**
 * famez_recv() - receive the next message
 * @handle: the handle
 * @peer: its sender
 * @data: where to
 * @room: bytes there; the larger of %FAMEZ_MESSAGE_MAX and message_max of famez_get_info()
 *	is enough for any message
 * @size: bytes of the message
 *
 * Sleeps while there is none.
 *
 * Return:
 * * 0: done
 * * -EMSGSIZE: it is longer than @room, @size tells how long; it stays the next
 * * -EAGAIN: there is none; with %FAMEZ_NONBLOCK
 * * -ETIMEDOUT: none came in time; see famez_set_timeout()
 * * -EINTR: a signal came first
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -EOPNOTSUPP: the device has no messages
 */
int famez_recv(struct famez *handle, uint32_t *peer, void *data, size_t room,
	       size_t *size);

/**
 * famez_recv_from() - receive the next message, and where it comes from
 * @handle: the handle
 * @peer: its sender
 * @port: the sender's port, to answer to; 0: it has none
 * @data: where to
 * @room: bytes there
 * @size: bytes of the message
 *
 * Return: as famez_recv()
 */
int famez_recv_from(struct famez *handle, uint32_t *peer, uint16_t *port,
		    void *data, size_t room, size_t *size);

/**
 * famez_ping() - measure a round trip
 * @handle: the handle
 * @peer: to whose driver, library or switch, an id or %FAMEZ_DEST_SERVER
 * @timeout_ms: how long to wait for the answer, 1 to %FAMEZ_PING_TIMEOUT_MAX
 * @nanoseconds: how long it took
 *
 * It sleeps until the answer comes, with %FAMEZ_NONBLOCK, too.  When it comes,
 * all that was sent to that peer before has been delivered.
 *
 * Return:
 * * 0: answered
 * * -ETIMEDOUT: no answer in time
 * * -EINVAL: no such timeout; or to oneself
 * * -ECONNRESET: the peer restarted or went down meanwhile
 * * others: of famez_send()
 */
int famez_ping(struct famez *handle, uint32_t peer, uint32_t timeout_ms,
	       uint64_t *nanoseconds);

/**
 * famez_next_event() - the next change of a peer
 * @handle: the handle
 * @event: filled with its type, peer, generation and epoch; its size is set, and its
 *	flags are 0
 *
 * Tells what other peers do after famez_open(), in order; sleeps while there is
 * nothing.  A program that is more than %FAMEZ_EVENTS behind gets
 * %FAMEZ_EVENT_OVERFLOW once: what it missed, famez_get_peers() tells.  On the
 * host, what a peer does several times between two calls of the library is told
 * as what has become of it.  The structure is in famez_bridge(4), under
 * FAMEZ_IOC_EVENT.
 *
 * Return:
 * * 0: done
 * * -EINVAL, -E2BIG: of @event's size and flags, as famez_get_info()
 * * -EAGAIN: there is none; with %FAMEZ_NONBLOCK
 * * -ETIMEDOUT: none came in time; see famez_set_timeout()
 * * -EINTR: a signal came first
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -EOPNOTSUPP: the device has no messages
 */
int famez_next_event(struct famez *handle, struct famez_event *event);

/**
 * famez_doorbell() - ring a doorbell
 * @handle: the handle
 * @peer: whose, an id or %FAMEZ_DEST_SERVER
 * @vector: which of its vectors, from 0
 *
 * Interrupts that peer, and nothing else: for programs that bring a protocol of
 * their own.  Rings that follow each other closely may come as one interrupt.
 * It never sleeps.
 *
 * Return:
 * * 0: done
 * * -EHOSTUNREACH: no such id, or nobody has it
 * * -EINVAL: no peer has such a vector
 * * -ENODEV: the device, or on the host the switch, has gone; or another switch
 *   has taken the memory
 * * -EOPNOTSUPP: the device has FAM alone
 *
 * On a raw server nobody knows who is there: -EINVAL for a peer or vector above
 * 65535, and who or what is not there is not rung.
 */
int famez_doorbell(struct famez *handle, uint32_t peer, uint32_t vector);

/**
 * famez_doorbell_eventfd() - have an eventfd signalled when a vector is rung
 * @handle: the handle
 * @vector: which of this peer's vectors, below vectors_armed of
 *	famez_get_info()
 * @eventfd: of eventfd(2), which may be closed afterwards; -1: none any more
 *
 * There is one for each handle and vector: a second replaces it, and
 * famez_close() takes it away.  It is signalled for messages' own doorbells, too.
 * When the device, or on the host the switch, has gone, it is signalled once
 * more, so that nobody waits for ever; famez_get_info() or famez_doorbell() tell.
 *
 * In a guest, a program can wait for the eventfd alone.  On the host it is
 * signalled within calls of the library: wait for famez_fd() beside it, and call
 * famez_recv(), as always there.
 *
 * Return:
 * * 0: done
 * * -EINVAL: no such vector; or that is no eventfd
 * * -EBADF: no such descriptor
 * * -ENOSPC: %FAMEZ_VECTOR_FILES handles listen on this vector; in a guest
 * * -ENOMEM: no memory; in a guest
 * * -EMFILE: this process may have no more descriptors; on the host
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -EOPNOTSUPP: the device has FAM alone
 */
int famez_doorbell_eventfd(struct famez *handle, uint32_t vector, int eventfd);

#define FAMEZ_MAP_WRITE		1
#define FAMEZ_MAP_IN_USE	2

/**
 * famez_map() - map FAM
 * @handle: the handle
 * @offset: from the start of the FAM, a multiple of the page size
 * @length: bytes
 * @flags: 0: only to be read; %FAMEZ_MAP_WRITE, and with it %FAMEZ_MAP_IN_USE: also
 *	what kernels have as pmem or dax
 * @address: where it is now
 *
 * munmap(2) ends it; famez_close() does not.  On the host, where the switch has it in a
 * file of hugetlbfs or in a device-dax, @offset and @length are multiples of that one's
 * page size; famez_map_around() knows it.
 *
 * Return:
 * * 0: done
 * * -EINVAL: not within the FAM, not aligned, no @length, or unknown flags
 * * -EBUSY: to write, and some of it is a region for pmem or dax, or a peer uses all of
 *   FAM so: it would spoil a file system; or the layout is newer, and nobody can tell
 * * others: of mmap(2)
 */
int famez_map(struct famez *handle, uint64_t offset, size_t length,
	      int flags, void **address);

/**
 * famez_map_around() - map a range of FAM, whatever it begins and ends with
 * @handle: the handle
 * @offset: from the start of the FAM
 * @length: bytes
 * @flags: as of famez_map()
 * @mapping: the pages that it lies in, for munmap(2)
 * @address: where it is now
 *
 * Return: as famez_map()
 */
int famez_map_around(struct famez *handle, uint64_t offset, size_t length, int flags,
		     struct iovec *mapping, void **address);

/* Flags of famez_region_open(); a use is one of them */
#define FAMEZ_REGION_CREATE	1	/* if it is not there */
#define FAMEZ_REGION_EXCL	2	/* and fail if it is: EEXIST */
#define FAMEZ_REGION_USE_SHIFT	8
#define FAMEZ_REGION_PMEM	(FAMEZ_REGION_USE_PMEM << FAMEZ_REGION_USE_SHIFT)
#define FAMEZ_REGION_DAX	(FAMEZ_REGION_USE_DAX << FAMEZ_REGION_USE_SHIFT)
#define FAMEZ_REGION_SCRATCH	(FAMEZ_REGION_USE_SCRATCH << FAMEZ_REGION_USE_SHIFT)

/**
 * famez_region_open() - find a named part of FAM, or create it
 * @handle: the handle
 * @name: 1 to 63 printable ASCII characters, no space, no slash
 * @size: bytes that it must have at least; 0: any, but to create it
 * @flags: 0: it must be there; %FAMEZ_REGION_CREATE: it is created if it is not, and with
 *	%FAMEZ_REGION_EXCL it must not be; what for: %FAMEZ_REGION_PMEM,
 *	%FAMEZ_REGION_DAX, %FAMEZ_REGION_SCRATCH, or 0: for programs
 * @region: what it is then; on -ENOSPC its length is the most that there is room for
 * @each: its bytes, sizeof(struct famez_region_info)
 *
 * The switch does it, whole or not at all.  A region has whole pages, for pmem and dax
 * of 2 MiB; it lasts until it is removed.  All who open it have the same bytes; nobody
 * clears them.  Map it by famez_map(), with its offset.  It sleeps until the switch has
 * answered, with %FAMEZ_NONBLOCK, too, and opens a port for that time.  The structure is
 * in famez_bridge(4), under FAMEZ_IOC_REGIONS.
 *
 * Return:
 * * 0: done
 * * -ENOENT: there is none of that name
 * * -EEXIST: there is; or it is for another use
 * * -EFBIG: it is smaller than @size
 * * -ENOSPC: so much of FAM is not free in one piece
 * * -EBUSY: a peer uses all of FAM as pmem or dax, in which it would lie
 * * -ENFILE: the table of regions is full
 * * -EINVAL: no name, no size to create it with, unknown flags, or no such @each can be
 * * -EIO: the switch cannot write down what has changed: nothing has
 * * -EOPNOTSUPP: the switch, or the device, has no regions to change
 * * -ETIMEDOUT: the switch does not answer
 * * others: of famez_open_endpoint(), famez_bind(), famez_send_to()
 */
int famez_region_open(struct famez *handle, const char *name, uint64_t size, int flags,
		      struct famez_region_info *region, size_t each);

/**
 * famez_region_remove() - give a named part of FAM up
 * @handle: the handle
 * @name: its name
 *
 * Who has it mapped keeps it mapped, and the next region may get the same bytes.
 *
 * Return:
 * * 0: done
 * * -ENOENT: there is none of that name
 * * -EBUSY: a peer has pmem or dax in a region, perhaps in this; or it is scratch, and
 *   a peer uses all else
 * * others: of famez_region_open()
 */
int famez_region_remove(struct famez *handle, const char *name);

/**
 * famez_get_regions() - which parts of FAM have names
 * @handle: the handle
 * @regions: an array, in no order, for the caller to free(3)
 * @count: its entries
 * @each: bytes of one, sizeof(struct famez_region_info)
 *
 * Return:
 * * 0: done
 * * -EINVAL: @each is no size that an entry can have
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -ENOMEM: no memory
 * * -EOPNOTSUPP: the device is on no famez fabric
 */
int famez_get_regions(struct famez *handle, struct famez_region_info **regions,
		      size_t *count, size_t each);

/**
 * famez_get_mapping() - what the page tables say of a mapping of FAM
 * @handle: the handle
 * @address: in what famez_map() gave; NULL: the driver's own mapping of the control
 *	area
 * @mapping: filled with its type and page_size; its size is set, and its flags are 0
 *
 * Firmware and kernel can make memory uncached, which nothing else tells.  A page that
 * was not touched yet is %FAMEZ_MEMORY_ABSENT.  The structure is in famez_bridge(4),
 * under FAMEZ_IOC_MAPPING.
 *
 * Return:
 * * 0: done
 * * -EFAULT: @address is in no mapping of this device
 * * -EINVAL, -E2BIG: of @mapping's size and flags, as famez_get_info()
 * * -EOPNOTSUPP: on the host, where it is as any other memory; or @address is NULL, and
 *   there is no control area
 * * -ENODEV: the device has gone
 */
int famez_get_mapping(struct famez *handle, const void *address,
		      struct famez_mapping *mapping);

/**
 * famez_get_link() - what this peer is for Gen-Z's link layer
 * @handle: the handle
 * @info: filled; its size is set, and its flags are 0
 *
 * The structure is in famez_bridge(4), under FAMEZ_IOC_LINK.
 *
 * Return:
 * * 0: done
 * * -EINVAL, -E2BIG: of @info's size and flags, as famez_get_info()
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -EOPNOTSUPP: there are no messages here
 */
int famez_get_link(struct famez *handle, struct famez_link_info *info);

/**
 * famez_say() - say a word of Gen-Z's link layer to a peer
 * @handle: the handle
 * @peer: its id, or %FAMEZ_DEST_SERVER
 * @word: the text, as "Link CTL Peer-Attribute" or "Link RFC TTC=27us"; genz.rst has all
 *
 * It goes now, or when there is room.  What is answered is heard by this peer's driver,
 * or by the library, and changes what famez_get_link() tells.
 *
 * Return:
 * * 0: done
 * * -EINVAL: it is no such word; or it is for oneself
 * * -EBUSY: the last one to this peer still waits for room
 * * -EHOSTUNREACH: there is no such peer
 * * -ENOTCONN: it is attached, but nobody is there to hear it
 * * -ENODEV: the device, or on the host the switch, has gone
 * * -EOPNOTSUPP: there are no messages here
 */
int famez_say(struct famez *handle, uint32_t peer, const char *word);

/*
 * Rings in FAM: records between two programs, in two guests, in one, or in a guest and
 * on the host, without a system call while both are awake.
 */

struct famez_ring;

/* Flag of famez_ring_open(), beside FAMEZ_NONBLOCK */
#define FAMEZ_RING_SECOND	2

/* As the number of looks: do not sleep, and do not be woken */
#define FAMEZ_RING_POLL		UINT32_MAX

/**
 * famez_ring_open() - take one end of a ring between two programs
 * @ring: the ring; NULL on an error
 * @handle: a handle, which stays as it is, and may be closed before the ring
 * @name: of a region of FAM, as of famez_region_open(); one that is there is used,
 *	whatever was in it
 * @size: bytes in each direction, at least; 0: the region is there, and its size tells.
 *	What is taken is a power of two, 4 KiB to 256 MiB
 * @flags: 0: the first end; %FAMEZ_RING_SECOND: the second; with %FAMEZ_NONBLOCK calls
 *	of the ring return -EAGAIN rather than sleep
 *
 * Records go both ways.  An end is its program's until that closes it or dies, in
 * whatever way.  The ring lasts as long as the region does: nobody need be at the other
 * end, and who comes there later finds us.  It opens a port for its life, and listens on
 * one or two vectors.  It sleeps until the switch has answered, with %FAMEZ_NONBLOCK,
 * too.
 *
 * A ring is for one thread at a time; on the host, the same one as its peer's handles.
 *
 * Return:
 * * 0: done
 * * -EADDRINUSE: a program that lives has this end
 * * -ENOENT: there is no such region, and no @size to create it with
 * * -EFBIG: the region is too small for @size
 * * -EINVAL: unknown flags, no name that can be, or @size over 256 MiB
 * * -EBUSY: the region is for pmem or dax
 * * -EPROTONOSUPPORT: programs use it for a ring of another version
 * * -EOPNOTSUPP: the switch, or the device, has no regions to change
 * * -ENOMEM: no memory
 * * others: of famez_region_open(), famez_open_endpoint(), famez_bind(),
 *   famez_doorbell_eventfd() and mmap(2)
 */
int famez_ring_open(struct famez_ring **ring, struct famez *handle, const char *name,
		    size_t size, int flags);

/**
 * famez_ring_close() - give an end up
 * @ring: the ring, or NULL
 *
 * What was sent can still be received at the other end, until somebody takes this one.
 */
void famez_ring_close(struct famez_ring *ring);

/**
 * famez_ring_connect() - wait until there is a program at the other end
 * @ring: the ring
 *
 * What a former one has left is forgotten: records that were not received, and a loss
 * that was not told.
 *
 * Return:
 * * 0: there is, and it takes records
 * * -EAGAIN: there is none; with %FAMEZ_NONBLOCK
 * * -ETIMEDOUT: none came in time; see famez_ring_set_timeout()
 * * -EINTR: a signal came first
 * * -ESTALE: another program has taken our end, as it could not see that we live: our
 *   guest was suspended, or nothing had been heard of it
 * * -ENODEV: the device, or on the host the switch, has gone
 */
int famez_ring_connect(struct famez_ring *ring);

/**
 * famez_ring_send() - send a record
 * @ring: the ring
 * @data: the record
 * @size: its bytes, 0 to famez_ring_record_max()
 *
 * Sleeps while there is no room.
 *
 * Return:
 * * 0: it is in the ring
 * * -EMSGSIZE: too long
 * * -ENOTCONN: nobody is at the other end
 * * -ECONNRESET: who was there has gone or restarted, and may not have received all;
 *   told once
 * * -EAGAIN: no room now; with %FAMEZ_NONBLOCK
 * * -ETIMEDOUT, -EINTR, -ESTALE, -ENODEV: as of famez_ring_connect()
 */
int famez_ring_send(struct famez_ring *ring, const void *data, size_t size);

/**
 * famez_ring_recv() - receive the next record
 * @ring: the ring
 * @data: where to
 * @room: bytes there
 * @size: bytes of the record
 *
 * Sleeps while there is none.
 *
 * Return:
 * * 0: done
 * * -EMSGSIZE: it is longer than @room, @size tells how long; it stays the next
 * * -ENOTCONN: nobody is at the other end, and all has been received
 * * -ECONNRESET: who was there has died or restarted; there may have been more; told
 *   once
 * * -EBADMSG: the ring held garbage, as a stranger has written there: what was in it is
 *   lost
 * * -EAGAIN: there is none; with %FAMEZ_NONBLOCK
 * * -ETIMEDOUT, -EINTR, -ESTALE, -ENODEV: as of famez_ring_connect()
 */
int famez_ring_recv(struct famez_ring *ring, void *data, size_t room, size_t *size);

/**
 * famez_ring_reserve() - find room for a record
 * @ring: the ring
 * @size: its bytes
 * @data: where to write them, in the ring
 *
 * Nothing is sent before famez_ring_commit(); a second call takes the first back.
 *
 * Return: as famez_ring_send()
 */
int famez_ring_reserve(struct famez_ring *ring, size_t size, void **data);

/**
 * famez_ring_commit() - send the record for which room was reserved
 * @ring: the ring
 *
 * Return:
 * * 0: it is in the ring
 * * -EINVAL: no room is reserved; or it was for a program that has gone
 * * -ENODEV: the device, or on the host the switch, has gone
 */
int famez_ring_commit(struct famez_ring *ring);

/**
 * famez_ring_peek() - look at the next record
 * @ring: the ring
 * @data: the record, in the ring
 * @size: its bytes
 *
 * It stays there until famez_ring_consume().  Strangers can change it any time: what
 * matters is copied, then checked.
 *
 * Return: as famez_ring_recv(), without -EMSGSIZE
 */
int famez_ring_peek(struct famez_ring *ring, const void **data, size_t *size);

/**
 * famez_ring_consume() - give the room of the record back that was looked at
 * @ring: the ring
 *
 * Return:
 * * 0: done
 * * -EINVAL: none was looked at
 * * -ENODEV: the device, or on the host the switch, has gone
 */
int famez_ring_consume(struct famez_ring *ring);

/**
 * famez_ring_fd() - a descriptor to wait on
 * @ring: the ring
 *
 * For poll(2), epoll(7) and their like: POLLIN when it is worth another try, after a
 * call has returned -EAGAIN.  It can be for nothing, so open the ring with
 * %FAMEZ_NONBLOCK.  Do not read, write or close it.
 *
 * Return: the descriptor
 */
int famez_ring_fd(const struct famez_ring *ring);

/**
 * famez_ring_record_max() - how long a record can be
 * @ring: the ring
 *
 * Return: bytes, about half the ring
 */
size_t famez_ring_record_max(const struct famez_ring *ring);

/**
 * famez_ring_set_timeout() - limit how long calls sleep
 * @ring: the ring
 * @milliseconds: then they return -ETIMEDOUT; 0, as at first: no limit
 */
void famez_ring_set_timeout(struct famez_ring *ring, uint32_t milliseconds);

/**
 * famez_ring_set_looks() - set how long calls look before they sleep
 * @ring: the ring
 * @looks: how often, 10,000 at first; 0: they sleep at once; %FAMEZ_RING_POLL: they
 *	never do, and ask the kernel for nothing
 *
 * Who sleeps has to be woken, which takes some thousand times as long as a look.  With
 * %FAMEZ_RING_POLL it is not noticed when the program at the other end dies, only when
 * it closes its end, or another comes; and with %FAMEZ_NONBLOCK famez_ring_fd() does not
 * tell.
 */
void famez_ring_set_looks(struct famez_ring *ring, uint32_t looks);

#ifdef __cplusplus
}
#endif

#endif /* FAMEZ_H */

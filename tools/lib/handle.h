/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * What stands behind a handle: one of two backends, the driver's device or the
 * switch's socket.  A backend embeds struct famez in its own structure.
 */
#ifndef FAMEZ_LIB_HANDLE_H
#define FAMEZ_LIB_HANDLE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "fabric.h"
#include "famez.h"

/**
 * struct famez_ops - a backend; NULL: it cannot do that, and CALL() says so
 * @close: give up and free the handle
 * @open_endpoint: as famez_open_endpoint()
 * @get_info: as famez_get_info(), into a structure of ours, which is zero but for its size
 * @get_link: as famez_get_link(), likewise
 * @say: as famez_say(), the switch by its id
 * @get_mapping: as famez_get_mapping(), likewise
 * @get_peers: as famez_get_peers(), @each checked
 * @get_regions: as famez_get_regions(), likewise
 * @allow: mmap(2) of this handle's file may be of what is in use, or not any more; NULL:
 *	the library itself sees to that, by @in_use
 * @in_use: is any of that part of FAM pmem or dax?
 * @bind: as famez_bind()
 * @send: as famez_send_to(), the switch by its id
 * @probe: as famez_probe(), the switch by its id
 * @recv: as famez_recv_from()
 * @send_batch: as famez_send_batch(), @count, @each and the library's fields checked
 * @recv_batch: as famez_recv_batch(), likewise
 * @set_eventfd: as famez_set_eventfd()
 * @ping: as famez_ping(), the switch by its id, the timeout checked
 * @next_event: as famez_next_event(), into a structure of ours
 * @ring: as famez_doorbell()
 * @vector: as famez_doorbell_eventfd()
 * @service: take in what has happened on the fabric, without sleeping, for an endpoint
 *	that nobody sends to; NULL: a driver does that
 */
struct famez_ops {
	void (*close)(struct famez *handle);
	int (*open_endpoint)(struct famez **other, struct famez *handle);
	int (*get_info)(struct famez *handle, struct famez_info *info);
	int (*get_link)(struct famez *handle, struct famez_link_info *info);
	int (*say)(struct famez *handle, uint32_t peer, const char *word);
	int (*get_mapping)(struct famez *handle, const void *address,
			   struct famez_mapping *mapping);
	int (*get_peers)(struct famez *handle, struct famez_peer_info **peers,
			 size_t *count, size_t each);
	int (*get_regions)(struct famez *handle, struct famez_region_info **regions,
			   size_t *count, size_t each);
	int (*allow)(struct famez *handle, bool on);
	int (*in_use)(struct famez *handle, uint64_t offset, uint64_t length);
	int (*bind)(struct famez *handle, uint32_t *port, uint32_t buffer);
	int (*send)(struct famez *handle, uint32_t peer, uint16_t port,
		    const void *data, size_t size);
	int (*probe)(struct famez *handle, uint32_t peer, uint16_t port);
	int (*recv)(struct famez *handle, struct famez_letter *letter,
		    void *data, size_t room);
	int (*send_batch)(struct famez *handle, struct famez_msg *messages,
			  uint32_t count, size_t each);
	int (*recv_batch)(struct famez *handle, struct famez_msg *messages,
			  uint32_t count, size_t each);
	int (*set_eventfd)(struct famez *handle, int fd);
	int (*ping)(struct famez *handle, uint32_t peer, uint32_t timeout_ms,
		    uint64_t *nanoseconds);
	int (*next_event)(struct famez *handle, struct famez_event *event);
	int (*ring)(struct famez *handle, uint32_t peer, uint32_t vector);
	int (*vector)(struct famez *handle, uint32_t vector, int eventfd);
	int (*service)(struct famez *handle);
};

/**
 * struct famez - a handle; filled by the backend, all but the timeout constant
 * afterwards
 * @ops: the backend
 * @fd: what famez_fd() tells
 * @map_fd: what famez_map() maps
 * @map_base: where in it the FAM starts
 * @fam_size: bytes of FAM
 * @server_id: id of the switch, not below @peers_max: there is none
 * @peers_max: all ids are below this, 0: there are none
 * @nonblock: never sleep
 * @timeout_ms: sleep no longer, 0: as long as it takes
 */
struct famez {
	const struct famez_ops *ops;
	int fd;
	int map_fd;
	uint64_t map_base;
	uint64_t fam_size;
	uint32_t server_id;
	uint32_t peers_max;
	bool nonblock;
	uint32_t timeout_ms;
};

/* Has a handle's backend do something, if it can. */
#define CALL(op, ...)	((op) ? (op)(__VA_ARGS__) : -EOPNOTSUPP)

/*
 * A program's structures are as long as those of the header that it was built with:
 * longer than ours, if that was a newer one.
 */
#define STRUCT_MAX	4096	/* as the driver's */

/* Are entries of @each bytes those of some version?  0 or -EINVAL */
static inline int check_each(size_t each, size_t least)
{
	return each < least || each > STRUCT_MAX || each % sizeof(uint64_t) ? -EINVAL : 0;
}

/* Gives a program as much of @size bytes of ours as it has room for, and clears the rest. */
static inline void put_entry(void *to, size_t each, const void *from, size_t size)
{
	memset(to, 0, each);
	memcpy(to, from, each < size ? each : size);
}

/* One of several messages, of @each bytes. */
static inline struct famez_msg *batch_message(struct famez_msg *messages, uint32_t i,
					      size_t each)
{
	return (struct famez_msg *)((char *)messages + i * each);
}

/* The two backends: famez_open() with a path of the right kind. */
int famez_device_open(struct famez **handle, const char *path, bool nonblock);
int famez_socket_open(struct famez **handle, const char *path, bool nonblock);

/* famez_fabric_spoof(), of a handle on a switch's socket: for famez-client alone */
int famez_spoof(struct famez *handle, uint32_t from, uint32_t to, const void *data,
		size_t size);

#endif /* FAMEZ_LIB_HANDLE_H */

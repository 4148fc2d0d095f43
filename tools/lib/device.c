// SPDX-License-Identifier: LGPL-2.1
/*
 * The backend in a guest: the driver's device does it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include "handle.h"

#define RAW_IDS	65536	/* that a raw server can give */

static int device_ioctl(const struct famez *handle, unsigned long command,
			void *arg)
{
	return ioctl(handle->fd, command, arg) < 0 ? -errno : 0;
}

static void device_close(struct famez *handle)
{
	close(handle->fd);
	free(handle);
}

static int device_get_info(struct famez *handle, struct famez_info *info)
{
	return device_ioctl(handle, FAMEZ_IOC_INFO, info);
}

static int device_get_link(struct famez *handle, struct famez_link_info *info)
{
	return device_ioctl(handle, FAMEZ_IOC_LINK, info);
}

static int device_say(struct famez *handle, uint32_t peer, const char *word)
{
	struct famez_msg msg = {
		.size = sizeof(msg),
		.flags = FAMEZ_MSG_LINK,
		.data = (uintptr_t)word,
		.length = strlen(word),
		.peer = peer,
	};

	return device_ioctl(handle, FAMEZ_IOC_SEND, &msg);
}

static int device_get_mapping(struct famez *handle, const void *address,
			      struct famez_mapping *mapping)
{
	mapping->flags = address ? 0 : FAMEZ_MAPPING_KERNEL;
	mapping->address = (uintptr_t)address;
	return device_ioctl(handle, FAMEZ_IOC_MAPPING, mapping);
}

/* One call for what there is room for; @count tells how many there are. */
static int ask_peers(const struct famez *handle, void *list, uint32_t *count, size_t each)
{
	struct famez_peers arg = {
		.size = sizeof(arg),
		.peers = (uintptr_t)list,
		.count = *count,
		.stride = each,
	};
	int r = device_ioctl(handle, FAMEZ_IOC_PEERS, &arg);

	*count = arg.count;
	return r;
}

static int ask_regions(const struct famez *handle, void *list, uint32_t *count, size_t each)
{
	struct famez_regions arg = {
		.size = sizeof(arg),
		.regions = (uintptr_t)list,
		.count = *count,
		.stride = each,
	};
	int r = device_ioctl(handle, FAMEZ_IOC_REGIONS, &arg);

	*count = arg.count;
	return r;
}

/* All of them, of @each bytes; NULL, and why not in @error. */
static void *get_list(const struct famez *handle, size_t each, size_t *count, int *error,
		      int (*ask)(const struct famez *, void *, uint32_t *, size_t))
{
	uint32_t room = 32, there;
	void *list = NULL, *longer;

	/* more may come between two calls, hence the loop; the tables bound them */
	for (;;) {
		longer = reallocarray(list, room, each);
		if (!longer) {
			*error = -ENOMEM;
			break;
		}
		list = longer;
		there = room;
		*error = ask(handle, list, &there, each);
		if (*error)
			break;
		if (there <= room) {
			*count = there;
			return list;
		}
		room = there + 8;
	}
	free(list);
	return NULL;
}

static int device_get_peers(struct famez *handle, struct famez_peer_info **peers,
			    size_t *count, size_t each)
{
	int error;

	*peers = get_list(handle, each, count, &error, ask_peers);
	return error;
}

static int device_get_regions(struct famez *handle, struct famez_region_info **regions,
			      size_t *count, size_t each)
{
	int error;

	*regions = get_list(handle, each, count, &error, ask_regions);
	return error;
}

static int device_allow(struct famez *handle, bool on)
{
	struct famez_allow arg = {
		.size = sizeof(arg),
		.flags = on ? FAMEZ_ALLOW_IN_USE : 0,
	};

	return device_ioctl(handle, FAMEZ_IOC_ALLOW, &arg);
}

static uint32_t device_flags(const struct famez *handle)
{
	return handle->nonblock ? FAMEZ_MSG_DONTWAIT : 0;
}

static int device_bind(struct famez *handle, uint32_t *port, uint32_t buffer)
{
	struct famez_bind bind = {
		.size = sizeof(bind),
		.port = *port,
		.buffer = buffer,
	};
	int r = device_ioctl(handle, FAMEZ_IOC_BIND, &bind);

	if (!r)
		*port = bind.port;
	return r;
}

static int device_send(struct famez *handle, uint32_t peer, uint16_t port,
		       const void *data, size_t size)
{
	struct famez_msg msg = {
		.size = sizeof(msg),
		.flags = device_flags(handle),
		.data = (uintptr_t)data,
		.length = size,
		.peer = peer,
		.dport = port,
		.timeout_ms = handle->timeout_ms,
	};

	return device_ioctl(handle, FAMEZ_IOC_SEND, &msg);
}

static int device_probe(struct famez *handle, uint32_t peer, uint16_t port)
{
	struct famez_msg msg = {
		.size = sizeof(msg),
		.flags = device_flags(handle) | FAMEZ_MSG_PROBE,
		.peer = peer,
		.dport = port,
		.timeout_ms = handle->timeout_ms,
	};

	return device_ioctl(handle, FAMEZ_IOC_SEND, &msg);
}

static int device_recv(struct famez *handle, struct famez_letter *letter,
		       void *data, size_t room)
{
	struct famez_msg msg = {
		.size = sizeof(msg),
		.flags = device_flags(handle),
		.data = (uintptr_t)data,
		.length = room,
		.timeout_ms = handle->timeout_ms,
	};
	int r = device_ioctl(handle, FAMEZ_IOC_RECV, &msg);

	letter->peer = msg.peer;
	letter->sport = msg.sport;
	letter->size = msg.length;
	return r;
}

static int device_batch(struct famez *handle, unsigned long command,
			struct famez_msg *messages, uint32_t count, size_t each)
{
	struct famez_batch batch = {
		.size = sizeof(batch),
		.flags = device_flags(handle),
		.messages = (uintptr_t)messages,
		.count = count,
		.stride = each,
		.timeout_ms = handle->timeout_ms,
	};
	int r = ioctl(handle->fd, command, &batch);

	return r < 0 ? -errno : r;
}

static int device_send_batch(struct famez *handle, struct famez_msg *messages,
			     uint32_t count, size_t each)
{
	return device_batch(handle, FAMEZ_IOC_SEND_BATCH, messages, count, each);
}

static int device_recv_batch(struct famez *handle, struct famez_msg *messages,
			     uint32_t count, size_t each)
{
	return device_batch(handle, FAMEZ_IOC_RECV_BATCH, messages, count, each);
}

static int device_set_eventfd(struct famez *handle, int fd)
{
	struct famez_notify request = { .size = sizeof(request), .fd = fd };

	return device_ioctl(handle, FAMEZ_IOC_NOTIFY, &request);
}

static int device_ping(struct famez *handle, uint32_t peer,
		       uint32_t timeout_ms, uint64_t *nanoseconds)
{
	struct famez_ping ping = {
		.size = sizeof(ping),
		.peer = peer,
		.timeout_ms = timeout_ms,
	};
	int r = device_ioctl(handle, FAMEZ_IOC_PING, &ping);

	if (!r)
		*nanoseconds = ping.nanoseconds;
	return r;
}

static int device_next_event(struct famez *handle, struct famez_event *event)
{
	event->flags = device_flags(handle);
	event->timeout_ms = handle->timeout_ms;
	return device_ioctl(handle, FAMEZ_IOC_EVENT, event);
}

/* The same device once more, whatever its path is now. */
static int device_open_endpoint(struct famez **other, struct famez *handle)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle->fd);
	return famez_device_open(other, path, handle->nonblock);
}

static int device_ring(struct famez *handle, uint32_t peer, uint32_t vector)
{
	struct famez_doorbell ring = {
		.size = sizeof(ring),
		.peer = peer,
		.vector = vector,
	};

	return device_ioctl(handle, FAMEZ_IOC_RING, &ring);
}

static int device_vector(struct famez *handle, uint32_t vector, int eventfd)
{
	struct famez_eventfd listen = {
		.size = sizeof(listen),
		.vector = vector,
		.fd = eventfd,
	};

	return device_ioctl(handle, FAMEZ_IOC_VECTOR, &listen);
}

static const struct famez_ops device_ops = {
	.close = device_close,
	.open_endpoint = device_open_endpoint,
	.get_info = device_get_info,
	.get_link = device_get_link,
	.say = device_say,
	.get_mapping = device_get_mapping,
	.get_peers = device_get_peers,
	.get_regions = device_get_regions,
	.allow = device_allow,
	.bind = device_bind,
	.send = device_send,
	.probe = device_probe,
	.recv = device_recv,
	.send_batch = device_send_batch,
	.recv_batch = device_recv_batch,
	.set_eventfd = device_set_eventfd,
	.ping = device_ping,
	.next_event = device_next_event,
	.ring = device_ring,
	.vector = device_vector,
};

/* What the ids of peers can be: a raw server tells nobody who is there. */
static void device_set_ids(struct famez *device, const struct famez_info *info)
{
	bool raw = info->config == FAMEZ_CONFIG_RAW;

	device->server_id = raw ? FAMEZ_DEST_SERVER : info->server_id;
	device->peers_max = raw ? RAW_IDS : info->peers_max;
}

int famez_device_open(struct famez **handle, const char *path, bool nonblock)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez *device;
	int r;

	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->ops = &device_ops;
	device->nonblock = nonblock;
	device->fd = open(path, O_RDWR | O_CLOEXEC);
	if (device->fd < 0) {
		r = -errno;
		free(device);
		return r;
	}
	r = device_get_info(device, &info);
	if (r) {
		device_close(device);
		/* some other driver's device */
		return r == -ENOTTY ? -ENODEV : r;
	}
	device->map_fd = device->fd;
	device->fam_size = info.fam_size;
	device_set_ids(device, &info);
	*handle = device;
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1
/*
 * libfamez: what is the same for both backends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <linux/famez_fabric.h>
#include "handle.h"

static const char *default_path(void)
{
	const char *path = getenv("FAMEZ_DEVICE");

	if (path && *path)
		return path;
	if (!access(FAMEZ_DEFAULT_DEVICE, F_OK))
		return FAMEZ_DEFAULT_DEVICE;
	if (!access(FAMEZ_PLAIN_DEVICE, F_OK))
		return FAMEZ_PLAIN_DEVICE;
	return FAMEZ_DEFAULT_SOCKET;
}

int famez_open(struct famez **handle, const char *path, int flags)
{
	bool nonblock = flags & FAMEZ_NONBLOCK;
	struct stat st;

	*handle = NULL;
	if (flags & ~FAMEZ_NONBLOCK)
		return -EINVAL;
	if (!path)
		path = default_path();
	if (stat(path, &st))
		return -errno;
	if (S_ISCHR(st.st_mode))
		return famez_device_open(handle, path, nonblock);
	if (S_ISSOCK(st.st_mode))
		return famez_socket_open(handle, path, nonblock);
	return -ENODEV;
}

void famez_close(struct famez *handle)
{
	if (handle)
		handle->ops->close(handle);
}

int famez_fd(const struct famez *handle)
{
	return handle->fd;
}

/* What all structures of programs start with */
struct start {
	uint32_t size;
	uint32_t flags;
};

/* Can a program's structure be filled?  Its flags are for a later version. */
static int check_struct(const void *user, size_t least)
{
	struct start start;

	memcpy(&start, user, sizeof(start.size));
	if (start.size < least)
		return -EINVAL;
	if (start.size > STRUCT_MAX)
		return -E2BIG;
	memcpy(&start, user, sizeof(start));
	return start.flags ? -EINVAL : 0;
}

/* Fills it from ours, with no more than it has room for. */
static void put_struct(void *user, const void *own, size_t size)
{
	struct start start = { };

	memcpy(&start.size, user, sizeof(start.size));
	put_entry(user, start.size, own, size);
	memcpy(user, &start, sizeof(start));
}

int famez_get_info(struct famez *handle, struct famez_info *info)
{
	struct famez_info own = { .size = sizeof(own) };
	int r = check_struct(info, FAMEZ_INFO_SIZE_VER0);

	if (!r)
		r = handle->ops->get_info(handle, &own);
	if (!r)
		put_struct(info, &own, sizeof(own));
	return r;
}

int famez_get_peers(struct famez *handle, struct famez_peer_info **peers,
		    size_t *count, size_t each)
{
	int r = check_each(each, FAMEZ_PEER_INFO_SIZE_VER0);

	*peers = NULL;
	*count = 0;
	return r ? r : CALL(handle->ops->get_peers, handle, peers, count, each);
}

int famez_get_regions(struct famez *handle, struct famez_region_info **regions,
		      size_t *count, size_t each)
{
	int r = check_each(each, FAMEZ_REGION_INFO_SIZE_VER0);

	*regions = NULL;
	*count = 0;
	return r ? r : CALL(handle->ops->get_regions, handle, regions, count, each);
}

/* Digits alone are always an id, so that no name can pose as one. */
static int lookup_id(const struct famez *handle, const char *dest,
		     uint32_t *peer)
{
	uint64_t id = 0;

	for (; *dest; dest++) {
		id = id * 10 + (*dest - '0');
		if (id >= handle->peers_max)
			return -EHOSTUNREACH;
	}
	*peer = id;
	return 0;
}

/* By its name, or by "CID,SID", as the switch has given them out */
static bool is_called(const struct famez_peer_info *peer, const char *dest)
{
	char ids[24];

	if (peer->cid) {
		snprintf(ids, sizeof(ids), "%u,%u", peer->cid, peer->sid);
		if (!strcmp(ids, dest))
			return true;
	}
	return !strncmp(peer->name, dest, sizeof(peer->name));
}

static int lookup_name(struct famez *handle, const char *dest, uint32_t *peer)
{
	struct famez_peer_info *peers;
	size_t count, i, found = 0;
	int r;

	r = famez_get_peers(handle, &peers, &count, sizeof(*peers));
	if (r)
		return r;
	for (i = 0; i < count; i++) {
		if (!is_called(&peers[i], dest))
			continue;
		*peer = peers[i].id;
		found++;
	}
	free(peers);
	if (found > 1)
		return -ENOTUNIQ;
	return found ? 0 : -EHOSTUNREACH;
}

int famez_lookup(struct famez *handle, const char *dest, uint32_t *peer)
{
	if (!handle->peers_max)
		return -EOPNOTSUPP;
	if (!*dest)
		return -EHOSTUNREACH;
	if (!strcmp(dest, "server") || !strcmp(dest, "switch")) {
		if (handle->server_id >= handle->peers_max)
			return -EOPNOTSUPP;
		*peer = handle->server_id;
		return 0;
	}
	if (!dest[strspn(dest, "0123456789")])
		return lookup_id(handle, dest, peer);
	return lookup_name(handle, dest, peer);
}

static uint32_t real_peer(const struct famez *handle, uint32_t peer)
{
	return peer == FAMEZ_DEST_SERVER ? handle->server_id : peer;
}

int famez_open_endpoint(struct famez **other, struct famez *handle)
{
	*other = NULL;
	return handle->ops->open_endpoint(other, handle);
}

int famez_bind(struct famez *handle, uint32_t *port, uint32_t buffer)
{
	if (*port > UINT16_MAX || buffer > FAMEZ_BUFFER_MAX)
		return -EINVAL;
	return CALL(handle->ops->bind, handle, port, buffer);
}

int famez_send(struct famez *handle, uint32_t peer, const void *data,
	       size_t size)
{
	return famez_send_to(handle, peer, 0, data, size);
}

int famez_send_to(struct famez *handle, uint32_t peer, uint16_t port,
		  const void *data, size_t size)
{
	if (size > FAMEZ_MESSAGE_MAX)
		return -EMSGSIZE;
	return CALL(handle->ops->send, handle, real_peer(handle, peer), port, data,
				 size);
}

int famez_probe(struct famez *handle, uint32_t peer, uint16_t port)
{
	return CALL(handle->ops->probe, handle, real_peer(handle, peer), port);
}

int famez_recv(struct famez *handle, uint32_t *peer, void *data, size_t room,
	       size_t *size)
{
	uint16_t port;

	return famez_recv_from(handle, peer, &port, data, room, size);
}

int famez_recv_from(struct famez *handle, uint32_t *peer, uint16_t *port,
		    void *data, size_t room, size_t *size)
{
	struct famez_letter letter = { };
	int r;

	/* no message is longer */
	if (room > FAMEZ_RING_MAX)
		room = FAMEZ_RING_MAX;
	r = CALL(handle->ops->recv, handle, &letter, data, room);
	if (!r) {
		*peer = letter.peer;
		*port = letter.sport;
	}
	if (!r || r == -EMSGSIZE)
		*size = letter.size;
	return r;
}

/* The library's own fields of a batch; all else is the caller's. */
static int check_batch(struct famez_msg *messages, uint32_t count, size_t each)
{
	struct famez_msg *m;
	uint32_t i;
	int r = check_each(each, FAMEZ_MSG_SIZE_VER0);

	if (r)
		return r;
	if (!count || count > FAMEZ_BATCH_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		m = batch_message(messages, i, each);
		m->size = each;
		m->flags = 0;
		m->sport = 0;
		m->timeout_ms = 0;
		m->sid = 0;
		m->reserved = 0;
	}
	return 0;
}

int famez_send_batch(struct famez *handle, struct famez_msg *messages,
		     uint32_t count, size_t each)
{
	int r = check_batch(messages, count, each);

	return r ? r : CALL(handle->ops->send_batch, handle, messages, count, each);
}

int famez_recv_batch(struct famez *handle, struct famez_msg *messages,
		     uint32_t count, size_t each)
{
	int r = check_batch(messages, count, each);
	uint32_t i;

	for (i = 0; i < count && !r; i++)
		batch_message(messages, i, each)->dport = 0;
	return r ? r : CALL(handle->ops->recv_batch, handle, messages, count, each);
}

int famez_set_eventfd(struct famez *handle, int fd)
{
	return CALL(handle->ops->set_eventfd, handle, fd);
}

int famez_ping(struct famez *handle, uint32_t peer, uint32_t timeout_ms,
	       uint64_t *nanoseconds)
{
	if (!timeout_ms || timeout_ms > FAMEZ_PING_TIMEOUT_MAX)
		return -EINVAL;
	return CALL(handle->ops->ping, handle, real_peer(handle, peer), timeout_ms,
				 nanoseconds);
}

int famez_next_event(struct famez *handle, struct famez_event *event)
{
	struct famez_event own = { .size = sizeof(own) };
	int r = check_struct(event, FAMEZ_EVENT_SIZE_VER0);

	if (!r)
		r = CALL(handle->ops->next_event, handle, &own);
	if (!r)
		put_struct(event, &own, sizeof(own));
	return r;
}

int famez_doorbell(struct famez *handle, uint32_t peer, uint32_t vector)
{
	return CALL(handle->ops->ring, handle, real_peer(handle, peer), vector);
}

int famez_doorbell_eventfd(struct famez *handle, uint32_t vector, int eventfd)
{
	return CALL(handle->ops->vector, handle, vector, eventfd);
}

void famez_set_timeout(struct famez *handle, uint32_t milliseconds)
{
	handle->timeout_ms = milliseconds;
}

int famez_get_link(struct famez *handle, struct famez_link_info *info)
{
	struct famez_link_info own = { .size = sizeof(own) };
	int r = check_struct(info, FAMEZ_LINK_INFO_SIZE_VER0);

	if (!r)
		r = CALL(handle->ops->get_link, handle, &own);
	if (!r)
		put_struct(info, &own, sizeof(own));
	return r;
}

int famez_say(struct famez *handle, uint32_t peer, const char *word)
{
	return CALL(handle->ops->say, handle, real_peer(handle, peer), word);
}

int famez_get_mapping(struct famez *handle, const void *address,
		      struct famez_mapping *mapping)
{
	struct famez_mapping own = { .size = sizeof(own) };
	int r = check_struct(mapping, FAMEZ_MAPPING_SIZE_VER0);

	if (!r)
		r = CALL(handle->ops->get_mapping, handle, address, &own);
	if (!r)
		put_struct(mapping, &own, sizeof(own));
	return r;
}

static int map_fam(struct famez *handle, uint64_t offset, size_t length, int flags,
		   void **address)
{
	int prot = flags & FAMEZ_MAP_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
	void *at = mmap(NULL, length, prot, MAP_SHARED, handle->map_fd,
			handle->map_base + offset);

	if (at == MAP_FAILED)
		return -errno;
	*address = at;
	return 0;
}

/* By an open file of its own: what is allowed there is nobody else's. */
static int map_in_use(struct famez *handle, uint64_t offset, size_t length,
		      void **address)
{
	struct famez *own;
	int r;

	if (!handle->ops->allow)
		return map_fam(handle, offset, length, FAMEZ_MAP_WRITE, address);
	r = famez_open_endpoint(&own, handle);
	if (r)
		return r;
	r = own->ops->allow(own, true);
	if (!r)
		r = map_fam(own, offset, length, FAMEZ_MAP_WRITE, address);
	famez_close(own);
	return r;
}

int famez_map(struct famez *handle, uint64_t offset, size_t length,
	      int flags, void **address)
{
	if (flags & ~(FAMEZ_MAP_WRITE | FAMEZ_MAP_IN_USE) ||
	    flags == FAMEZ_MAP_IN_USE || !length || offset > handle->fam_size ||
	    length > handle->fam_size - offset ||
	    offset % (uint64_t)sysconf(_SC_PAGESIZE))
		return -EINVAL;
	if (flags & FAMEZ_MAP_IN_USE)
		return map_in_use(handle, offset, length, address);
	if (flags && handle->ops->in_use &&
	    handle->ops->in_use(handle, offset, length))
		return -EBUSY;
	return map_fam(handle, offset, length, flags, address);
}

/* What may be written is asked of the range itself: its pages may have more. */
static int check_around(struct famez *handle, uint64_t offset, size_t length, int *flags)
{
	if (*flags != FAMEZ_MAP_WRITE || !handle->ops->in_use)
		return 0;
	if (handle->ops->in_use(handle, offset, length))
		return -EBUSY;
	*flags |= FAMEZ_MAP_IN_USE;
	return 0;
}

int famez_map_around(struct famez *handle, uint64_t offset, size_t length, int flags,
		     struct iovec *mapping, void **address)
{
	size_t pages[] = { sysconf(_SC_PAGESIZE), 2UL << 20, 1UL << 30 }, lead, i = 0;
	int r;

	if (!length || offset > handle->fam_size || length > handle->fam_size - offset)
		return -EINVAL;
	r = check_around(handle, offset, length, &flags);
	if (r)
		return r;
	do {
		lead = offset % pages[i];
		mapping->iov_len = lead + length;
		if (i)
			mapping->iov_len = (mapping->iov_len + pages[i] - 1) & ~(pages[i] - 1);
		r = famez_map(handle, offset - lead, mapping->iov_len, flags,
			      &mapping->iov_base);
	} while (r == -EINVAL && ++i < sizeof(pages) / sizeof(*pages));
	if (!r)
		*address = (char *)mapping->iov_base + lead;
	return r;
}

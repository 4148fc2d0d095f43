// SPDX-License-Identifier: LGPL-2.1
/*
 * Named regions of FAM.  They are read from the table in the control area, and changed
 * by a message to the switch, from a port of our own that is there for as long as that
 * takes.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/famez_fabric.h>
#include "attach.h"
#include "handle.h"

#define PATIENCE_MS	30000	/* the switch answers at once, or is not there */

/* What is in the way of others that were closed early is not for us. */
static int wait_for_reply(struct famez *port, struct famez_region_reply *reply,
			  uint32_t cookie, uint64_t deadline)
{
	char data[FAMEZ_MESSAGE_MAX];
	uint16_t from_port;
	uint32_t peer;
	size_t size;
	int r;

	do {
		uint32_t left = ms_until(deadline);

		if (!left)
			return -ETIMEDOUT;
		famez_set_timeout(port, left);
		r = famez_recv_from(port, &peer, &from_port, data, sizeof(data), &size);
		if (r)
			return r;
		if (size >= sizeof(*reply))
			memcpy(reply, data, sizeof(*reply));
	} while (peer != port->server_id || from_port != FAMEZ_REGION_PORT ||
		 size < sizeof(*reply) || le32toh(reply->cookie) != cookie);
	return -(int)le32toh(reply->error);
}

static int ask(struct famez *handle, struct famez_region_request *request,
	       struct famez_region_reply *reply)
{
	uint64_t now = now_ns(), deadline = now + PATIENCE_MS * 1000000ULL;
	uint32_t own = 0, cookie = now;
	struct famez *port;
	int r;

	request->cookie = htole32(cookie);
	r = famez_open_endpoint(&port, handle);
	if (r)
		return r;
	/* it sleeps, whatever the program's own calls do */
	port->nonblock = false;
	famez_set_timeout(port, PATIENCE_MS);
	r = famez_bind(port, &own, 0);
	if (!r)
		r = famez_send_to(port, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT, request,
				  sizeof(*request));
	if (!r)
		r = wait_for_reply(port, reply, cookie, deadline);
	famez_close(port);
	/* a switch that knows no regions */
	return r == -ECONNREFUSED ? -EOPNOTSUPP : r;
}

static int change(struct famez *handle, const char *name,
		  struct famez_region_request *request,
		  struct famez_region_info *region)
{
	struct famez_region_reply reply = { };
	size_t length = strlen(name);
	int r;

	if (length >= sizeof(request->name))
		return -EINVAL;
	if (handle->server_id >= handle->peers_max)
		return -EOPNOTSUPP;
	memcpy(request->name, name, length);
	r = ask(handle, request, &reply);
	if (r && r != -ENOSPC)
		return r;
	memcpy(region->name, reply.region.name, sizeof(region->name) - 1);
	region->offset = le64toh(reply.region.offset);
	region->length = le64toh(reply.region.length);
	region->creator = le32toh(reply.region.creator);
	region->use = le32toh(reply.region.use);
	return r;
}

int famez_region_open(struct famez *handle, const char *name, uint64_t size, int flags,
		      struct famez_region_info *region, size_t each)
{
	const int known = FAMEZ_REGION_CREATE | FAMEZ_REGION_EXCL;
	struct famez_region_request request = {
		.op = htole32(FAMEZ_REGION_OPEN),
		.flags = htole32(flags & known),
		.use = htole32(flags >> FAMEZ_REGION_USE_SHIFT),
		.size = htole64(size),
	};
	struct famez_region_info own = { };
	int r = check_each(each, FAMEZ_REGION_INFO_SIZE_VER0);

	if (r || flags & ~known & ((1 << FAMEZ_REGION_USE_SHIFT) - 1) ||
	    flags >> FAMEZ_REGION_USE_SHIFT > FAMEZ_USE_SCRATCH)
		return -EINVAL;
	r = change(handle, name, &request, &own);
	put_entry(region, each, &own, sizeof(own));
	return r;
}

int famez_region_remove(struct famez *handle, const char *name)
{
	struct famez_region_request request = { .op = htole32(FAMEZ_REGION_REMOVE) };
	struct famez_region_info region;

	return change(handle, name, &request, &region);
}

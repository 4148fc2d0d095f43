// SPDX-License-Identifier: GPL-2.0
/* The device's ioctls; <linux/famez.h> tells what they do. */
#include <linux/eventfd.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <famez/compat.h>

#include "chardev.h"

int famez_get_struct(void *to, size_t size, size_t least,
		     const void __user *user)
{
	u32 theirs;
	int err;

	if (get_user(theirs, (const u32 __user *)user))
		return -EFAULT;
	if (theirs < least)
		return -EINVAL;
	if (theirs > SZ_4K)
		return -E2BIG;
	err = copy_struct_from_user(to, size, user, theirs);
	/* what was checked, should another thread have changed it since */
	*(u32 *)to = theirs;
	return err;
}

int famez_put_struct(void __user *user, const void *from, size_t size)
{
	size_t theirs = *(const u32 *)from;

	return copy_to_user(user, from, min(size, theirs)) ? -EFAULT : 0;
}

static int famez_ioc_info(struct famez_bridge *b, void __user *user)
{
	struct famez_info info;
	int err;

	err = famez_get_struct(&info, sizeof(info), FAMEZ_INFO_SIZE_VER0, user);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	/* all of it constant, and ours: there is no need to be inside */
	if (READ_ONCE(b->gone))
		return -ENODEV;
	info = (struct famez_info) {
		.size = info.size,
		.config = b->config,
		.id = b->id,
		.peers_max = b->layout.peers.count,
		.server_id = b->layout.server_id,
		.vectors = b->layout.vectors,
		.vectors_armed = b->vectors,
		.message_max = b->message_max,
		.generation = READ_ONCE(b->generation),
		.fabric = b->layout.fabric,
		.memory_size = b->layout.memory_size,
		.fam_offset = b->layout.fam_offset,
		.fam_size = b->layout.fam_size,
		.layout_major = b->layout.major,
		.layout_minor = b->layout.minor,
	};
	strscpy_pad(info.name, b->name, sizeof(info.name));
	return famez_put_struct(user, &info, sizeof(info));
}

static int famez_ioc_mapping(struct famez_bridge *b, void __user *user)
{
	struct famez_mapping mapping;
	int err;

	err = famez_get_struct(&mapping, sizeof(mapping), FAMEZ_MAPPING_SIZE_VER0, user);
	if (err)
		return err;
	if (mapping.flags & ~FAMEZ_MAPPING_KERNEL || mapping.reserved ||
	    (mapping.flags && mapping.address))
		return -EINVAL;
	if (mapping.flags && !famez_has_messages(b))
		return -EOPNOTSUPP;
	if (!famez_enter(b))
		return -ENODEV;
	mapping.page_size = 0;
	mapping.type = mapping.flags ?
		famez_memtype_kernel(b->control, &mapping.page_size) :
		famez_fam_memtype(b, mapping.address, &mapping.page_size);
	famez_leave(b);
	if (mapping.type == FAMEZ_MEMORY_ALIEN)
		return -EFAULT;
	return famez_put_struct(user, &mapping, sizeof(mapping));
}

/* Programs' names for what is in the control area */
static_assert(FAMEZ_PEER_STATE_ATTACHED == FAMEZ_PEER_ATTACHED);
static_assert(FAMEZ_PEER_STATE_UP == FAMEZ_PEER_UP);
static_assert(FAMEZ_PEER_KIND_UNKNOWN == FAMEZ_KIND_UNKNOWN);
static_assert(FAMEZ_PEER_KIND_SWITCH == FAMEZ_KIND_SWITCH);
static_assert(FAMEZ_PEER_KIND_BRIDGE == FAMEZ_KIND_BRIDGE);
static_assert(FAMEZ_PEER_KIND_HOST == FAMEZ_KIND_HOST);
static_assert(FAMEZ_FAM_USE_PMEM == FAMEZ_USE_PMEM);
static_assert(FAMEZ_FAM_USE_DAX == FAMEZ_USE_DAX);
static_assert(FAMEZ_FAM_USE_MASK == FAMEZ_USE_MASK);
static_assert(FAMEZ_FAM_USE_WHOLE == FAMEZ_USE_WHOLE);
static_assert(FAMEZ_FAM_USE_ALONE == FAMEZ_USE_ALONE);
static_assert(FAMEZ_REGION_USE_FREE == FAMEZ_USE_FREE);
static_assert(FAMEZ_REGION_USE_PMEM == FAMEZ_USE_PMEM);
static_assert(FAMEZ_REGION_USE_DAX == FAMEZ_USE_DAX);
static_assert(FAMEZ_REGION_USE_SCRATCH == FAMEZ_USE_SCRATCH);

/* An entry of a program's array, whose entries may be shorter or longer than ours. */
static int famez_put_entry(void __user *entry, u32 stride, const void *from, size_t size)
{
	if (copy_to_user(entry, from, min_t(size_t, stride, size)))
		return -EFAULT;
	if (stride > size && clear_user(entry + size, stride - size))
		return -EFAULT;
	return 0;
}

/* Tells one peer, where there is room, and counts it. */
static int famez_put_peer(struct famez_bridge *b, u32 id,
			  const struct famez_peers *peers, u32 *count)
{
	struct famez_peer_info info;
	void __user *entry;
	bool lost;

	if (!famez_enter(b))
		return -ENODEV;
	famez_peer_info(b, id, &info);
	lost = famez_lost(b);
	famez_leave(b);
	if (lost)
		return -ENODEV;
	if (info.state == FAMEZ_PEER_ABSENT)
		return 0;
	entry = u64_to_user_ptr(peers->peers + (u64)*count * peers->stride);
	if ((*count)++ >= peers->count)
		return 0;
	return famez_put_entry(entry, peers->stride, &info, sizeof(info));
}

static int famez_ioc_peers(struct famez_bridge *b, void __user *user)
{
	struct famez_peers peers;
	u32 id, count = 0;
	int err;

	err = famez_get_struct(&peers, sizeof(peers), FAMEZ_PEERS_SIZE_VER0, user);
	if (err)
		return err;
	if (peers.flags || peers.reserved ||
	    peers.stride < FAMEZ_PEER_INFO_SIZE_VER0 || peers.stride > SZ_4K)
		return -EINVAL;
	if (!famez_enter(b))
		return -ENODEV;
	peers.epoch = famez_peers_epoch(b);
	virt_rmb();	/* the epoch first: who compares it later misses no change */
	famez_leave(b);
	for (id = 0; id < b->layout.peers.count; id++) {
		err = famez_put_peer(b, id, &peers, &count);
		if (err)
			return err;
	}
	peers.count = count;
	return famez_put_struct(user, &peers, sizeof(peers));
}

#define FAMEZ_REGIONS_ROW	16	/* copied between two looks at the table */

/* The next few; @index, @count: places gone through, and regions told. */
static int famez_put_regions(struct famez_bridge *b, const struct famez_regions *regions,
			     struct famez_region_info *row, u32 *index, u32 *count)
{
	void __user *entry;
	int i, n, err;

	if (!famez_enter(b))
		return -ENODEV;
	n = famez_regions(b, index, row, FAMEZ_REGIONS_ROW);
	err = famez_has_messages(b) && famez_lost(b) ? -ENODEV : min(n, 0);
	famez_leave(b);
	for (i = 0; i < n && !err; i++) {
		entry = u64_to_user_ptr(regions->regions + (u64)*count * regions->stride);
		if ((*count)++ < regions->count)
			err = famez_put_entry(entry, regions->stride, &row[i], sizeof(row[i]));
	}
	return err;
}

static int famez_ioc_regions(struct famez_bridge *b, void __user *user)
{
	struct famez_region_info *row;
	struct famez_regions regions;
	u32 index = 0, count = 0;
	int err;

	err = famez_get_struct(&regions, sizeof(regions), FAMEZ_REGIONS_SIZE_VER0, user);
	if (err)
		return err;
	if (regions.flags || regions.stride < FAMEZ_REGION_INFO_SIZE_VER0 ||
	    regions.stride > SZ_4K)
		return -EINVAL;
	if (!b->tables.regions.count)
		return -EOPNOTSUPP;
	row = kcalloc(FAMEZ_REGIONS_ROW, sizeof(*row), GFP_KERNEL);
	if (!row)
		return -ENOMEM;
	while (!err && index < b->tables.regions.count) {
		err = famez_put_regions(b, &regions, row, &index, &count);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	kfree(row);
	regions.count = count;
	return err ? err : famez_put_struct(user, &regions, sizeof(regions));
}

static int famez_ioc_allow(struct file *file, void __user *user)
{
	struct famez_file *f = file->private_data;
	struct famez_allow allow;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_struct(&allow, sizeof(allow), FAMEZ_ALLOW_SIZE_VER0, user);
	if (err)
		return err;
	if (allow.flags & ~FAMEZ_ALLOW_IN_USE)
		return -EINVAL;
	if (READ_ONCE(f->b->gone))
		return -ENODEV;
	WRITE_ONCE(f->allow, allow.flags);
	return 0;
}

static int famez_ioc_event(struct famez_file *f, void __user *user,
			   struct file *file)
{
	struct famez_event event;
	u64 before;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_struct(&event, sizeof(event), FAMEZ_EVENT_SIZE_VER0, user);
	if (err)
		return err;
	if (event.flags & ~FAMEZ_MSG_DONTWAIT || event.reserved)
		return -EINVAL;
	err = famez_endpoint_event(f, &event, &before,
				   famez_timeout(file, event.flags,
						 event.timeout_ms));
	if (err)
		return err;
	err = famez_put_struct(user, &event, sizeof(event));
	if (err)
		famez_endpoint_event_undo(f, before);
	return err;
}

static int famez_ioc_bind(struct file *file, void __user *user)
{
	struct famez_bind bind;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_struct(&bind, sizeof(bind), FAMEZ_BIND_SIZE_VER0, user);
	if (err)
		return err;
	if (bind.flags || bind.port > U16_MAX || bind.buffer > FAMEZ_BUFFER_MAX)
		return -EINVAL;
	/* it could not be told which, once it has it */
	if (fault_in_safe_writeable(user, min_t(size_t, bind.size, sizeof(bind))))
		return -EFAULT;
	err = famez_endpoint_bind(file->private_data, &bind.port, bind.buffer);
	return err ? err : famez_put_struct(user, &bind, sizeof(bind));
}

static int famez_ioc_notify(struct file *file, void __user *user)
{
	struct eventfd_ctx *eventfd = NULL;
	struct famez_notify request;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_struct(&request, sizeof(request), FAMEZ_NOTIFY_SIZE_VER0, user);
	if (err)
		return err;
	if (request.flags || request.reserved)
		return -EINVAL;
	if (request.fd != -1) {
		eventfd = eventfd_ctx_fdget(request.fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	err = famez_endpoint_watch(file->private_data, eventfd);
	if (err && eventfd)
		eventfd_ctx_put(eventfd);
	return err;
}

static int famez_ioc_ping(struct famez_bridge *b, void __user *user)
{
	struct famez_ping ping;
	int err;

	err = famez_get_struct(&ping, sizeof(ping), FAMEZ_PING_SIZE_VER0, user);
	if (err)
		return err;
	if (ping.flags || !ping.timeout_ms ||
	    ping.timeout_ms > FAMEZ_PING_TIMEOUT_MAX)
		return -EINVAL;
	if (ping.peer == FAMEZ_DEST_SERVER)
		ping.peer = b->layout.server_id;
	if (!famez_enter(b))
		return -ENODEV;
	err = famez_channel_ping(b, ping.peer, ping.timeout_ms,
				 &ping.nanoseconds);
	famez_leave(b);
	/* begun anew it would wait as long again */
	if (err == -ERESTARTSYS)
		err = -EINTR;
	return err ? err : famez_put_struct(user, &ping, sizeof(ping));
}

static int famez_ioc_ring(struct famez_bridge *b, void __user *user,
			  struct file *file)
{
	struct famez_doorbell ring;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_struct(&ring, sizeof(ring), FAMEZ_DOORBELL_SIZE_VER0, user);
	if (err)
		return err;
	if (ring.flags)
		return -EINVAL;
	/* on a raw server there is none */
	if (ring.peer == FAMEZ_DEST_SERVER && famez_has_messages(b))
		ring.peer = b->layout.server_id;
	if (!famez_enter(b))
		return -ENODEV;
	err = famez_vector_ring(b, ring.peer, ring.vector);
	famez_leave(b);
	return err;
}

static int famez_ioc_vector(struct famez_file *f, void __user *user)
{
	struct famez_eventfd listen;
	int err;

	err = famez_get_struct(&listen, sizeof(listen), FAMEZ_EVENTFD_SIZE_VER0, user);
	if (err)
		return err;
	if (listen.flags)
		return -EINVAL;
	if (!famez_enter(f->b))
		return -ENODEV;
	err = famez_vector_listen(f->b, listen.vector, f, listen.fd);
	famez_leave(f->b);
	return err;
}

static int famez_ioc_link(struct famez_bridge *b, void __user *user)
{
	struct famez_link_info info;
	struct famez_component c;
	int err;

	err = famez_get_struct(&info, sizeof(info), FAMEZ_LINK_INFO_SIZE_VER0, user);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	if (READ_ONCE(b->gone))
		return -ENODEV;
	famez_link_component(b, &c);
	info = (struct famez_link_info) {
		.size = info.size,
		.state = c.state,
		.cid = c.cid,
		.sid = c.sid,
		.manager_cid = c.manager_cid,
		.manager_sid = c.manager_sid,
		.switch_cid = c.switch_cid,
		.switch_sid = c.switch_sid,
	};
	memcpy(info.cclass, c.cclass, sizeof(info.cclass));
	memcpy(info.switch_class, c.switch_class, sizeof(info.switch_class));
	return famez_put_struct(user, &info, sizeof(info));
}

static int famez_ioc_form(struct famez_file *f, void __user *user)
{
	struct famez_form form;
	int err;

	err = famez_get_struct(&form, sizeof(form), FAMEZ_FORM_SIZE_VER0, user);
	if (err)
		return err;
	if (form.flags & ~FAMEZ_READ_CID)
		return -EINVAL;
	WRITE_ONCE(f->cid, form.flags & FAMEZ_READ_CID);
	return 0;
}

static long famez_message_ioctl(struct file *file, unsigned int cmd,
				void __user *user)
{
	struct famez_bridge *b = famez_bridge_of(file);

	switch (cmd) {
	case FAMEZ_IOC_PEERS:
		return famez_ioc_peers(b, user);
	case FAMEZ_IOC_SEND:
		return famez_ioc_send(file, user);
	case FAMEZ_IOC_RECV:
		return famez_ioc_recv(file, user);
	case FAMEZ_IOC_SEND_BATCH:
		return famez_ioc_send_batch(file, user);
	case FAMEZ_IOC_RECV_BATCH:
		return famez_ioc_recv_batch(file, user);
	case FAMEZ_IOC_BIND:
		return famez_ioc_bind(file, user);
	case FAMEZ_IOC_NOTIFY:
		return famez_ioc_notify(file, user);
	case FAMEZ_IOC_PING:
		return famez_ioc_ping(b, user);
	case FAMEZ_IOC_EVENT:
		return famez_ioc_event(file->private_data, user, file);
	case FAMEZ_IOC_LINK:
		return famez_ioc_link(b, user);
	case FAMEZ_IOC_FORM:
		return famez_ioc_form(file->private_data, user);
	}
	return -ENOTTY;
}

long famez_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct famez_bridge *b = famez_bridge_of(file);
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case FAMEZ_IOC_INFO:
		return famez_ioc_info(b, user);
	case FAMEZ_IOC_MAPPING:
		return famez_ioc_mapping(b, user);
	case FAMEZ_IOC_REGIONS:
		return famez_ioc_regions(b, user);
	case FAMEZ_IOC_ALLOW:
		return famez_ioc_allow(file, user);
	case FAMEZ_IOC_EVENT:
	case FAMEZ_IOC_BIND:
		if (!famez_has_table(b))
			return -EOPNOTSUPP;
		return famez_message_ioctl(file, cmd, user);
	case FAMEZ_IOC_PEERS:
	case FAMEZ_IOC_SEND:
	case FAMEZ_IOC_RECV:
	case FAMEZ_IOC_PING:
	case FAMEZ_IOC_SEND_BATCH:
	case FAMEZ_IOC_RECV_BATCH:
	case FAMEZ_IOC_NOTIFY:
	case FAMEZ_IOC_LINK:
	case FAMEZ_IOC_FORM:
		if (!famez_has_messages(b))
			return -EOPNOTSUPP;
		return famez_message_ioctl(file, cmd, user);
	case FAMEZ_IOC_RING:
	case FAMEZ_IOC_VECTOR:
		if (!famez_has_doorbell(b))
			return -EOPNOTSUPP;
		return cmd == FAMEZ_IOC_RING ?
		       famez_ioc_ring(b, user, file) :
		       famez_ioc_vector(file->private_data, user);
	}
	return -ENOTTY;
}

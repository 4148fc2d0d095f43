/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file of a device, and what the files that serve it share: endpoint.c
 * (sleeping, and user memory), text.c (read and write), ioctl.c, fam.c (mmap),
 * chardev.c (open, poll, and the life of the node).
 */
#ifndef _FAMEZ_CHARDEV_H
#define _FAMEZ_CHARDEV_H

#include <linux/fs.h>

#include "bridge.h"

/**
 * struct famez_file - an open file
 * @b: the bridge; a reference to its device
 * @allow: it may write where pmem or dax are; read anywhere
 * @cid: read(2) names senders by CID and SID; read anywhere
 * @cursor: which event it reads next; under famez_bridge.events_lock
 * @lock: for changing the next two
 * @port: the port that it has bound; 0: none
 * @slot: the port's place, read anywhere
 * @watch: its eventfd, NULL in it: none
 */
struct famez_file {
	struct famez_bridge *b;
	bool allow;
	bool cid;
	u64 cursor;
	struct mutex lock;	/* port, eventfd */
	u32 port;
	u32 slot;
	struct famez_watch watch;
};

static inline struct famez_bridge *famez_bridge_of(struct file *file)
{
	struct famez_file *f = file->private_data;

	return f->b;
}

/* Its port's place; 0 while it has not bound any. */
static inline u32 famez_slot_of(struct file *file)
{
	struct famez_file *f = file->private_data;

	return READ_ONCE(f->slot);
}

static inline u16 famez_port_of(struct file *file)
{
	struct famez_file *f = file->private_data;

	return READ_ONCE(f->port);
}

static inline bool famez_names_cid(struct file *file)
{
	struct famez_file *f = file->private_data;

	return READ_ONCE(f->cid);
}

/* ---- endpoint.c: user memory is touched outside, and sleeping is told ---- */

/** famez_timeout() - how long a call may sleep, in jiffies; 0: not at all */
long famez_timeout(struct file *file, u32 flags, u32 milliseconds);

/**
 * famez_endpoint_send() - send a message
 * @b: the bridge; the caller is outside
 * @dest: to whom
 * @from: the message
 * @timeout: what famez_timeout() said
 *
 * Context: may sleep
 *
 * Return: as FAMEZ_IOC_SEND
 */
int famez_endpoint_send(struct famez_bridge *b, const struct famez_dest *dest,
			struct iov_iter *from, long timeout);

/** famez_endpoint_probe() - is a port open?  Likewise */
int famez_endpoint_probe(struct famez_bridge *b, const struct famez_dest *dest,
			 long timeout);

/** famez_endpoint_recv() - receive a message; likewise */
int famez_endpoint_recv(struct famez_bridge *b, struct famez_delivery *d,
			long timeout);

/**
 * famez_endpoint_send_row() - send several messages, as famez_endpoint_send()
 * @b: the bridge; the caller is outside
 * @row: the messages
 * @count: how many
 * @done: how many were sent
 * @start: when the call began, in jiffies
 * @timeout: what famez_timeout() said then
 */
int famez_endpoint_send_row(struct famez_bridge *b, struct famez_outgoing *row,
			    u32 count, u32 *done, unsigned long start,
			    long timeout);

/** famez_endpoint_recv_row() - those that are there, as famez_channel_recv_row() */
u32 famez_endpoint_recv_row(struct famez_bridge *b, struct famez_delivery **d,
			    u32 count);

/** famez_endpoint_bind() - as FAMEZ_IOC_BIND; may sleep */
int famez_endpoint_bind(struct famez_file *f, u32 *port, u32 buffer);

/** famez_endpoint_watch() - as FAMEZ_IOC_NOTIFY; NULL: none any more */
int famez_endpoint_watch(struct famez_file *f, struct eventfd_ctx *eventfd);

/** famez_endpoint_release() - give up port and eventfd; may sleep */
void famez_endpoint_release(struct famez_file *f);

/**
 * famez_endpoint_event() - the next event; may sleep; as FAMEZ_IOC_EVENT
 * @f: the file
 * @event: the event
 * @before: for famez_endpoint_event_undo()
 * @timeout: what famez_timeout() said
 */
int famez_endpoint_event(struct famez_file *f, struct famez_event *event,
			 u64 *before, long timeout);

/** famez_endpoint_event_undo() - it could not be told: it is still the next */
void famez_endpoint_event_undo(struct famez_file *f, u64 before);

/** famez_endpoint_pending() - is there an event? */
bool famez_endpoint_pending(struct famez_file *f);

/* ---- ioctl.c: structures that grow ---- */

/**
 * famez_get_struct() - read a structure that starts with its size
 * @to: where to
 * @size: bytes of ours; an older program's is shorter, and taken as if zero
 *	followed; a newer one's is longer, and must be zero there (E2BIG)
 * @least: bytes of its first version, %FAMEZ_INFO_SIZE_VER0 and so on
 * @user: where from
 *
 * Return: 0, -EINVAL, -E2BIG, -EFAULT
 */
int famez_get_struct(void *to, size_t size, size_t least,
		     const void __user *user);

/** famez_put_struct() - write it back, as far as the program's goes */
int famez_put_struct(void __user *user, const void *from, size_t size);

/* ---- message.c ---- */

int famez_ioc_send(struct file *file, void __user *user);
int famez_ioc_recv(struct file *file, void __user *user);
long famez_ioc_send_batch(struct file *file, void __user *user);
long famez_ioc_recv_batch(struct file *file, void __user *user);

/* ---- text.c, ioctl.c, fam.c: file operations ---- */

ssize_t famez_text_write(struct kiocb *iocb, struct iov_iter *from);
ssize_t famez_text_read(struct kiocb *iocb, struct iov_iter *to);
long famez_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
/**
 * famez_fam_memtype() - what a program's mapping of FAM is
 * @b: the bridge
 * @address: in the program
 * @page_size: of the page there, in bytes, where one is
 *
 * Context: may sleep
 *
 * Return: %FAMEZ_MEMORY_WB and so on; %FAMEZ_MEMORY_ALIEN: it is none of this device
 */
u32 famez_fam_memtype(struct famez_bridge *b, unsigned long address, u64 *page_size);

int famez_fam_mmap(struct file *file, struct vm_area_struct *vma);
loff_t famez_fam_llseek(struct file *file, loff_t offset, int whence);
ssize_t famez_fam_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t famez_fam_write(struct kiocb *iocb, struct iov_iter *from);

#endif /* _FAMEZ_CHARDEV_H */

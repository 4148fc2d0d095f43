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
 * @cursor: which event it reads next; under famez_bridge.events_lock
 */
struct famez_file {
	struct famez_bridge *b;
	u64 cursor;
};

static inline struct famez_bridge *famez_bridge_of(struct file *file)
{
	struct famez_file *f = file->private_data;

	return f->b;
}

/* ---- endpoint.c: user memory is touched outside, and sleeping is told ---- */

/** famez_timeout() - how long a call may sleep, in jiffies; 0: not at all */
long famez_timeout(struct file *file, u32 flags, u32 milliseconds);

/**
 * famez_endpoint_send() - send a message
 * @b: the bridge; the caller is outside
 * @peer: id of the receiver
 * @from: the message
 * @timeout: what famez_timeout() said
 *
 * Context: may sleep
 *
 * Return: as FAMEZ_IOC_SEND
 */
int famez_endpoint_send(struct famez_bridge *b, u32 peer, struct iov_iter *from,
			long timeout);

/** famez_endpoint_recv() - receive a message; likewise */
int famez_endpoint_recv(struct famez_bridge *b, struct famez_delivery *d,
			long timeout);

/** famez_endpoint_event() - the next event; may sleep; as FAMEZ_IOC_EVENT */
int famez_endpoint_event(struct famez_file *f, struct famez_event *event,
			 long timeout);

/** famez_endpoint_pending() - is there an event? */
bool famez_endpoint_pending(struct famez_file *f);

/* ---- text.c, ioctl.c, fam.c: file operations ---- */

ssize_t famez_text_write(struct kiocb *iocb, struct iov_iter *from);
ssize_t famez_text_read(struct kiocb *iocb, struct iov_iter *to);
long famez_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int famez_fam_mmap(struct file *file, struct vm_area_struct *vma);
loff_t famez_fam_llseek(struct file *file, loff_t offset, int whence);
ssize_t famez_fam_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t famez_fam_write(struct kiocb *iocb, struct iov_iter *from);

#endif /* _FAMEZ_CHARDEV_H */

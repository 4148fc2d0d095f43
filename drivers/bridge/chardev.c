// SPDX-License-Identifier: GPL-2.0
/* /dev/famez_bridge: what programs say, and the life of the device node. */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/pagemap.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "bridge.h"
#include "compat.h"

#define FAMEZ_MINORS	256

static dev_t famez_first;
static struct class *famez_class;
static DEFINE_IDA(famez_ida);

/**
 * struct famez_file - an open file
 * @b: the bridge; a reference to its device
 * @cursor: which event it reads next; under famez_bridge.events_lock
 */
struct famez_file {
	struct famez_bridge *b;
	u64 cursor;
};

static struct famez_bridge *famez_bridge_of(struct file *file)
{
	struct famez_file *f = file->private_data;

	return f->b;
}

/* How long a call may sleep, in jiffies. */
static long famez_timeout(struct file *file, u32 flags, u32 milliseconds)
{
	if (flags & FAMEZ_MSG_DONTWAIT || file->f_flags & O_NONBLOCK)
		return 0;
	/* not 0 jiffies: that would be no sleep at all */
	return milliseconds ? msecs_to_jiffies(milliseconds) + 1 :
			      MAX_SCHEDULE_TIMEOUT;
}

/* What a call that slept for @timeout tells its program. */
static int famez_outcome(int err, long timeout)
{
	if (!timeout || timeout == MAX_SCHEDULE_TIMEOUT)
		return err;
	if (err == -EAGAIN)
		return -ETIMEDOUT;
	/* begun anew it would sleep as long again */
	return err == -ERESTARTSYS ? -EINTR : err;
}

/* ---- One message ------------------------------------------------------------- */

/*
 * The message's memory is touched inside with page faults off, under a lock
 * that other programs need.  Where that fails, it is faulted in outside.
 */
static int famez_send(struct famez_bridge *b, u32 peer, struct iov_iter *from,
		      long timeout)
{
	int err;

	for (;;) {
		if (!famez_enter(b))
			return -ENODEV;
		err = famez_channel_send(b, peer, from, timeout);
		famez_leave(b);
		if (err != -EFAULT)
			return famez_outcome(err, timeout);
		if (fault_in_iov_iter_readable(from, iov_iter_count(from)))
			return -EFAULT;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

static int famez_recv(struct famez_bridge *b, struct famez_delivery *d,
		      long timeout)
{
	int err;

	for (;;) {
		if (!famez_enter(b))
			return -ENODEV;
		err = famez_channel_recv(b, d, timeout);
		famez_leave(b);
		if (err != -EFAULT)
			return famez_outcome(err, timeout);
		if (fault_in_iov_iter_writeable(d->to,
						min_t(size_t, d->length + 16,
						      iov_iter_count(d->to))))
			return -EFAULT;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

/* ---- Text form ----------------------------------------------------------------- */

static int famez_find_name(struct famez_bridge *b, const char *name, u32 *peer)
{
	struct famez_peer_info info;
	int err = -EHOSTUNREACH;
	u32 id;

	for (id = 0; id < b->layout.peers.count; id++) {
		famez_peer_info(b, id, &info);
		if (info.state != FAMEZ_PEER_UP || strcmp(info.name, name))
			continue;
		if (!err)
			return -ENOTUNIQ;
		*peer = id;
		err = 0;
	}
	return err;
}

/* "<id>", a name, or "server" */
static int famez_parse_dest(struct famez_bridge *b, const char *dest, u32 *peer)
{
	if (!*dest)
		return -EINVAL;
	if (!strcmp(dest, "server")) {
		*peer = b->layout.server_id;
		return 0;
	}
	if (strspn(dest, "0123456789") == strlen(dest))
		return kstrtou32(dest, 10, peer) ? -EHOSTUNREACH : 0;
	return famez_find_name(b, dest, peer);
}

/* Takes "<dest>:" off the front. */
static int famez_take_dest(struct famez_bridge *b, struct iov_iter *from,
			   u32 *peer)
{
	char dest[FAMEZ_NAME_SIZE + 1];
	size_t n = min(iov_iter_count(from), sizeof(dest));
	char *colon;
	int err;

	if (copy_from_iter(dest, n, from) != n)
		return -EFAULT;
	colon = memchr(dest, ':', n);
	if (!colon)
		return -EINVAL;
	iov_iter_revert(from, n - (colon + 1 - dest));
	*colon = 0;
	if (strlen(dest) != colon - dest)
		return -EINVAL;
	if (!famez_enter(b))
		return -ENODEV;
	err = famez_parse_dest(b, dest, peer);
	famez_leave(b);
	return err;
}

static ssize_t famez_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct famez_bridge *b = famez_bridge_of(iocb->ki_filp);
	size_t count = iov_iter_count(from);
	u32 peer;
	int err;

	err = famez_take_dest(b, from, &peer);
	if (!err)
		err = famez_send(b, peer, from, famez_timeout(iocb->ki_filp, 0, 0));
	return err ? err : count;
}

static ssize_t famez_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct famez_bridge *b = famez_bridge_of(iocb->ki_filp);
	struct famez_delivery d = { .to = to, .text = true };
	size_t count = iov_iter_count(to);
	int err;

	err = famez_recv(b, &d, famez_timeout(iocb->ki_filp, 0, 0));
	return err ? err : count - iov_iter_count(to);
}

static bool famez_events_pending(struct famez_file *f)
{
	bool pending;

	spin_lock(&f->b->events_lock);
	pending = f->cursor != f->b->events.next;
	spin_unlock(&f->b->events_lock);
	return pending;
}

static __poll_t famez_poll(struct file *file, poll_table *wait)
{
	struct famez_bridge *b = famez_bridge_of(file);
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &b->rx_wait, wait);
	poll_wait(file, &b->event_wait, wait);
	if (!famez_enter(b))
		return EPOLLERR | EPOLLHUP;
	if (famez_channel_readable(b))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (famez_events_pending(file->private_data))
		mask |= EPOLLPRI;
	if (famez_lost(b))
		mask |= EPOLLERR | EPOLLHUP;
	famez_leave(b);
	return mask;
}

/* ---- ioctl ----------------------------------------------------------------------- */

/*
 * Reads a structure that starts with size and flags; a longer one may come from
 * a newer program, and must be zero where it is longer (E2BIG).
 */
static int famez_get_struct(void *to, size_t size, const void __user *user)
{
	u32 theirs;

	if (get_user(theirs, (const u32 __user *)user))
		return -EFAULT;
	if (theirs < size)
		return -EINVAL;
	if (theirs > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, size, user, theirs);
}

/* Writes it back; what a newer program has behind it stays as it is. */
static int famez_put_struct(void __user *user, const void *from, size_t size)
{
	return copy_to_user(user, from, size) ? -EFAULT : 0;
}

static int famez_ioc_info(struct famez_bridge *b, void __user *user)
{
	struct famez_info info;
	int err;

	err = famez_get_struct(&info, sizeof(info), user);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	/* all of it constant, and ours: there is no need to be inside */
	if (READ_ONCE(b->gone))
		return -ENODEV;
	info = (struct famez_info) {
		.size = info.size,
		.config = FAMEZ_CONFIG_FAMEZ,
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
		.layout_major = FAMEZ_MAJOR,
		.layout_minor = FAMEZ_MINOR,
	};
	strscpy_pad(info.name, b->name, sizeof(info.name));
	return famez_put_struct(user, &info, sizeof(info));
}

/* Tells one peer, where there is room, and counts it. */
static int famez_put_peer(struct famez_bridge *b, u32 id,
			  const struct famez_peers *peers, u32 *count)
{
	struct famez_peer_info __user *array = u64_to_user_ptr(peers->peers);
	struct famez_peer_info info;

	if (!famez_enter(b))
		return -ENODEV;
	famez_peer_info(b, id, &info);
	famez_leave(b);
	if (info.state == FAMEZ_PEER_ABSENT)
		return 0;
	if (*count < peers->count &&
	    copy_to_user(&array[*count], &info, sizeof(info)))
		return -EFAULT;
	(*count)++;
	return 0;
}

static int famez_ioc_peers(struct famez_bridge *b, void __user *user)
{
	struct famez_peers peers;
	u32 id, count = 0;
	int err;

	err = famez_get_struct(&peers, sizeof(peers), user);
	if (err)
		return err;
	if (peers.flags || peers.reserved ||
	    peers.stride != sizeof(struct famez_peer_info))
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

static int famez_get_msg(struct famez_msg *msg, void __user *user)
{
	int err;

	err = famez_get_struct(msg, sizeof(*msg), user);
	if (err)
		return err;
	if (msg->flags & ~FAMEZ_MSG_DONTWAIT || msg->sport || msg->dport)
		return -EINVAL;
	return 0;
}

static int famez_ioc_send(struct famez_bridge *b, void __user *user,
			  struct file *file)
{
	struct famez_msg msg;
	struct iov_iter from;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_msg(&msg, user);
	if (err)
		return err;
	iov_iter_ubuf(&from, ITER_SOURCE, u64_to_user_ptr(msg.data),
		      msg.length);
	if (msg.peer == FAMEZ_DEST_SERVER)
		msg.peer = b->layout.server_id;
	return famez_send(b, msg.peer, &from,
			  famez_timeout(file, msg.flags, msg.timeout_ms));
}

static int famez_ioc_recv(struct famez_bridge *b, void __user *user,
			  struct file *file)
{
	struct famez_delivery d = { };
	struct famez_msg msg;
	struct iov_iter to;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_msg(&msg, user);
	if (err)
		return err;
	/*
	 * The answer must not fail when the message has been taken.  Safe: it
	 * leaves what is there, which a restarted call reads again.
	 */
	if (fault_in_safe_writeable(user, sizeof(msg)))
		return -EFAULT;
	iov_iter_ubuf(&to, ITER_DEST, u64_to_user_ptr(msg.data),
		      min_t(u32, msg.length, FAMEZ_RING_MAX));
	d.to = &to;
	err = famez_recv(b, &d, famez_timeout(file, msg.flags, msg.timeout_ms));
	if (err && err != -EMSGSIZE)
		return err;
	msg.peer = d.peer;
	msg.length = d.length;
	if (famez_put_struct(user, &msg, sizeof(msg)))
		return -EFAULT;
	return err;
}

/* The next event: 0, -EAGAIN or -ENODEV. */
static int famez_take_event(struct famez_file *f, struct famez_event *event)
{
	struct famez_bridge *b = f->b;
	u32 epoch;
	bool got;

	if (!famez_enter(b))
		return -ENODEV;
	epoch = famez_peers_epoch(b);
	spin_lock(&b->events_lock);
	got = famez_events_get(&b->events, &f->cursor, epoch, event);
	spin_unlock(&b->events_lock);
	famez_leave(b);
	return got ? 0 : -EAGAIN;
}

static int famez_ioc_event(struct famez_file *f, void __user *user,
			   struct file *file)
{
	struct famez_event event;
	long timeout, left;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_struct(&event, sizeof(event), user);
	if (err)
		return err;
	if (event.flags & ~FAMEZ_MSG_DONTWAIT || event.reserved)
		return -EINVAL;
	if (fault_in_safe_writeable(user, sizeof(event)))
		return -EFAULT;
	timeout = famez_timeout(file, event.flags, event.timeout_ms);
	left = timeout;
	while ((err = famez_take_event(f, &event)) == -EAGAIN && left) {
		left = wait_event_interruptible_timeout(f->b->event_wait,
							famez_events_pending(f) ||
							READ_ONCE(f->b->gone),
							left);
		if (left < 0)
			return famez_outcome(left, timeout);
	}
	if (err)
		return famez_outcome(err, timeout);
	return famez_put_struct(user, &event, sizeof(event));
}

static int famez_ioc_ping(struct famez_bridge *b, void __user *user)
{
	struct famez_ping ping;
	int err;

	err = famez_get_struct(&ping, sizeof(ping), user);
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
	return err ? err : famez_put_struct(user, &ping, sizeof(ping));
}

static long famez_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct famez_bridge *b = famez_bridge_of(file);
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case FAMEZ_IOC_INFO:
		return famez_ioc_info(b, user);
	case FAMEZ_IOC_PEERS:
		return famez_ioc_peers(b, user);
	case FAMEZ_IOC_SEND:
		return famez_ioc_send(b, user, file);
	case FAMEZ_IOC_RECV:
		return famez_ioc_recv(b, user, file);
	case FAMEZ_IOC_PING:
		return famez_ioc_ping(b, user);
	case FAMEZ_IOC_EVENT:
		return famez_ioc_event(file->private_data, user, file);
	}
	return -ENOTTY;
}

/* ---- mmap -------------------------------------------------------------------------- */

static vm_fault_t famez_fault(struct vm_fault *vmf)
{
	struct famez_bridge *b = vmf->vma->vm_private_data;
	phys_addr_t at;
	vm_fault_t ret;

	if (!famez_enter(b))
		return VM_FAULT_SIGBUS;
	/* mmap has checked that the FAM goes that far */
	at = b->memory + b->layout.fam_offset + ((u64)vmf->pgoff << PAGE_SHIFT);
	ret = vmf_insert_pfn(vmf->vma, vmf->address, PHYS_PFN(at));
	famez_leave(b);
	return ret;
}

static const struct vm_operations_struct famez_vm_ops = {
	.fault = famez_fault,
};

/* The FAM from offset 0; a private mapping would not be shared memory. */
static int famez_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct famez_bridge *b = famez_bridge_of(file);
	u64 pages = b->layout.fam_size >> PAGE_SHIFT;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (!famez_enter(b))
		return -ENODEV;
	famez_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND |
				VM_DONTDUMP);
	vma->vm_private_data = b;
	vma->vm_ops = &famez_vm_ops;
	famez_leave(b);
	return 0;
}

/* ---- Opening ------------------------------------------------------------------------ */

static int famez_open(struct inode *inode, struct file *file)
{
	struct famez_bridge *b =
		container_of(inode->i_cdev, struct famez_bridge, cdev);
	struct famez_file *f;

	if (READ_ONCE(b->gone))
		return -ENODEV;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	get_device(&b->dev);
	f->b = b;
	spin_lock(&b->events_lock);
	f->cursor = b->events.next;
	spin_unlock(&b->events_lock);
	file->f_mapping = b->inode->i_mapping;
	file->private_data = f;
	return stream_open(inode, file);
}

static int famez_release(struct inode *inode, struct file *file)
{
	struct famez_file *f = file->private_data;

	put_device(&f->b->dev);
	kfree(f);
	return 0;
}

static const struct file_operations famez_fops = {
	.owner = THIS_MODULE,
	.open = famez_open,
	.release = famez_release,
	.read_iter = famez_read_iter,
	.write_iter = famez_write_iter,
	.poll = famez_poll,
	.unlocked_ioctl = famez_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = famez_mmap,
};

/* ---- Life --------------------------------------------------------------------------- */

static void famez_device_release(struct device *dev)
{
	struct famez_bridge *b = container_of(dev, struct famez_bridge, dev);

	famez_fabric_free(b);
	percpu_ref_exit(&b->ops);
	iput(b->inode);
	kfree(b);
}

static void famez_all_left(struct percpu_ref *ref)
{
	struct famez_bridge *b = container_of(ref, struct famez_bridge, ops);

	complete(&b->idle);
}

static void famez_device_init(struct famez_bridge *b, struct pci_dev *pdev)
{
	device_initialize(&b->dev);
	b->dev.class = famez_class;
	b->dev.parent = &pdev->dev;
	b->dev.devt = famez_first + b->index;
	b->dev.release = famez_device_release;
	b->pdev = pdev;
	cdev_init(&b->cdev, &famez_fops);
	b->cdev.owner = THIS_MODULE;
	init_completion(&b->idle);
	mutex_init(&b->rx_lock);
	spin_lock_init(&b->bell_lock);
	spin_lock_init(&b->events_lock);
	init_waitqueue_head(&b->rx_wait);
	init_waitqueue_head(&b->event_wait);
}

struct famez_bridge *famez_bridge_alloc(struct pci_dev *pdev)
{
	struct famez_bridge *b;
	int err = -ENOMEM;

	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return ERR_PTR(err);
	b->inode = famez_mapping_inode();
	if (IS_ERR(b->inode)) {
		err = PTR_ERR(b->inode);
		goto free;
	}
	err = percpu_ref_init(&b->ops, famez_all_left, 0, GFP_KERNEL);
	if (err)
		goto put_inode;
	err = ida_alloc_max(&famez_ida, FAMEZ_MINORS - 1, GFP_KERNEL);
	if (err < 0)
		goto exit_ref;
	b->index = err;
	famez_device_init(b, pdev);
	err = b->index ? dev_set_name(&b->dev, "famez_bridge%d", b->index) :
			 dev_set_name(&b->dev, "famez_bridge");
	if (!err)
		return b;
	famez_bridge_put(b);
	return ERR_PTR(err);

exit_ref:
	percpu_ref_exit(&b->ops);
put_inode:
	iput(b->inode);
free:
	kfree(b);
	return ERR_PTR(err);
}

/* The name is free for the next at once, even if files are still open. */
void famez_bridge_put(struct famez_bridge *b)
{
	ida_free(&famez_ida, b->index);
	put_device(&b->dev);
}

int famez_chardev_add(struct famez_bridge *b)
{
	return cdev_device_add(&b->cdev, &b->dev);
}

void famez_chardev_shut(struct famez_bridge *b)
{
	WRITE_ONCE(b->gone, true);
	percpu_ref_kill(&b->ops);
	famez_fabric_wake(b);
	wake_up_interruptible_all(&b->event_wait);
	wait_for_completion(&b->idle);
}

void famez_chardev_remove(struct famez_bridge *b)
{
	cdev_device_del(&b->cdev, &b->dev);
	famez_chardev_shut(b);
	/* nobody can fault a page in any more: take out those that are */
	unmap_mapping_range(b->inode->i_mapping, 0, 0, 1);
}

int famez_chardev_register(void)
{
	int err;

	famez_class = famez_class_create("famez");
	if (IS_ERR(famez_class))
		return PTR_ERR(famez_class);
	err = alloc_chrdev_region(&famez_first, 0, FAMEZ_MINORS, "famez");
	if (err)
		class_destroy(famez_class);
	return err;
}

void famez_chardev_unregister(void)
{
	unregister_chrdev_region(famez_first, FAMEZ_MINORS);
	class_destroy(famez_class);
}

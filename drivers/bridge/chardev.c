// SPDX-License-Identifier: GPL-2.0
/* /dev/famez_bridge and /dev/famez_fam: opening, polling, life of the node. */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include <famez/compat.h>

#include "chardev.h"

/* so many devices with messages, and as many without, which come behind them */
#define FAMEZ_MINORS	128

static dev_t famez_first;
static struct class *famez_class;

/* ---- Polling ------------------------------------------------------------------------ */

static __poll_t famez_poll_messages(struct famez_file *f)
{
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	if (famez_channel_readable(f->b, READ_ONCE(f->slot)))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (famez_endpoint_pending(f))
		mask |= EPOLLPRI;
	return mask;
}

static __poll_t famez_poll(struct file *file, poll_table *wait)
{
	struct famez_file *f = file->private_data;
	struct famez_bridge *b = f->b;
	__poll_t mask = 0;

	poll_wait(file, &b->port[READ_ONCE(f->slot)].wait, wait);
	poll_wait(file, &b->event_wait, wait);
	if (!famez_enter(b))
		return EPOLLERR | EPOLLHUP;
	/* a plain device's memory can be read and written at any time, a raw server's never */
	if (famez_has_messages(b))
		mask = famez_poll_messages(f);
	else if (b->config == FAMEZ_CONFIG_PLAIN)
		mask = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
	if (famez_lost(b))
		mask |= EPOLLERR | EPOLLHUP;
	famez_leave(b);
	return mask;
}

/* ---- Opening ------------------------------------------------------------------------ */

static bool read_cid;
module_param(read_cid, bool, 0644);
MODULE_PARM_DESC(read_cid, "read(2) of files opened from now on gives \"CID,SID:\", as F.E.E. did (default N)");

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
	f->cid = READ_ONCE(read_cid);
	mutex_init(&f->lock);
	INIT_LIST_HEAD(&f->watch.list);
	spin_lock(&b->events_lock);
	f->cursor = b->events.next;
	spin_unlock(&b->events_lock);
	file->f_mapping = b->inode->i_mapping;
	file->private_data = f;
	return 0;
}

static int famez_open_stream(struct inode *inode, struct file *file)
{
	int err = famez_open(inode, file);

	return err ? err : stream_open(inode, file);
}

static int famez_release(struct inode *inode, struct file *file)
{
	struct famez_file *f = file->private_data;

	famez_endpoint_release(f);
	famez_vectors_forget(f->b, f);
	put_device(&f->b->dev);
	kfree(f);
	return 0;
}

/* fsync(2), and msync(2) with MS_SYNC; without a switch of famez nobody could be asked */
static int famez_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct famez_bridge *b = famez_bridge_of(file);

	return famez_can_flush(b) ? famez_flush(b) : -EINVAL;
}

static const struct file_operations famez_bridge_fops = {
	.owner = THIS_MODULE,
	.open = famez_open_stream,
	.release = famez_release,
	.read_iter = famez_text_read,
	.write_iter = famez_text_write,
	.poll = famez_poll,
	.unlocked_ioctl = famez_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = famez_fam_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.fsync = famez_fsync,
};

static const struct file_operations famez_fam_fops = {
	.owner = THIS_MODULE,
	.open = famez_open,
	.release = famez_release,
	.llseek = famez_fam_llseek,
	.read_iter = famez_fam_read,
	.write_iter = famez_fam_write,
	.poll = famez_poll,
	.unlocked_ioctl = famez_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = famez_fam_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	/* what is written is shared; whether it is on the host's disk, nobody can say */
	.fsync = noop_fsync,
};

/* ---- Names -------------------------------------------------------------------------- */

/* A doorbell device's name says so, whatever else there is: so two kinds. */
struct famez_names {
	const char *name;
	const struct file_operations *fops;
	unsigned int first;	/* minor */
	struct ida ida;
};

static struct famez_names famez_doorbells = {
	.name = "famez_bridge",
	.fops = &famez_bridge_fops,
	.ida = IDA_INIT(famez_doorbells.ida),
};

static struct famez_names famez_plains = {
	.name = "famez_fam",
	.fops = &famez_fam_fops,
	.first = FAMEZ_MINORS,
	.ida = IDA_INIT(famez_plains.ida),
};

/* The first of a kind has no number behind its name. */
static int famez_name(struct famez_bridge *b)
{
	const char *name = b->names->name;

	return b->index ? dev_set_name(&b->dev, "%s%d", name, b->index) :
			  dev_set_name(&b->dev, "%s", name);
}

/* ---- Life --------------------------------------------------------------------------- */

static void famez_device_release(struct device *dev)
{
	struct famez_bridge *b = container_of(dev, struct famez_bridge, dev);

	famez_fabric_free(b);
	kfree(b->vector);
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
	b->dev.devt = famez_first + b->names->first + b->index;
	b->dev.release = famez_device_release;
	b->dev.groups = famez_groups;
	b->pdev = pdev;
	cdev_init(&b->cdev, b->names->fops);
	b->cdev.owner = THIS_MODULE;
	init_completion(&b->idle);
	mutex_init(&b->rx_lock);
	mutex_init(&b->dirs_lock);
	mutex_init(&b->owner_lock);
	init_rwsem(&b->fam_sem);
	INIT_LIST_HEAD(&b->dirs);
	spin_lock_init(&b->bell_lock);
	spin_lock_init(&b->events_lock);
	famez_ports_init(b);
	famez_link_init(b);
	mutex_init(&b->mail_lock);
	init_waitqueue_head(&b->mail_wait);
	init_waitqueue_head(&b->event_wait);
}

struct famez_bridge *famez_bridge_alloc(struct pci_dev *pdev, bool doorbell)
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
	b->names = doorbell ? &famez_doorbells : &famez_plains;
	err = ida_alloc_max(&b->names->ida, FAMEZ_MINORS - 1, GFP_KERNEL);
	if (err < 0)
		goto exit_ref;
	b->index = err;
	famez_device_init(b, pdev);
	err = famez_name(b);
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
	ida_free(&b->names->ida, b->index);
	put_device(&b->dev);
}

void famez_chardev_shut(struct famez_bridge *b)
{
	/* a shutdown may be followed by a remove */
	if (percpu_ref_is_dying(&b->ops))
		return;
	WRITE_ONCE(b->gone, true);
	percpu_ref_kill(&b->ops);
	famez_fabric_wake(b);
	famez_vectors_end(b);
}

/* Lets nobody in, and waits until all are out. */
static void famez_chardev_empty(struct famez_bridge *b)
{
	famez_chardev_shut(b);
	wait_for_completion(&b->idle);
}

/* Nobody can fault a page in any more: takes out those that are. */
void famez_mappings_zap(struct famez_bridge *b)
{
	unmap_mapping_range(b->inode->i_mapping, 0, 0, 1);
}

int famez_chardev_add(struct famez_bridge *b)
{
	int err;

	err = cdev_device_add(&b->cdev, &b->dev);
	if (err) {
		/* it may have been opened, by a node that was there already */
		famez_chardev_empty(b);
		famez_mappings_zap(b);
		return err;
	}
	err = famez_sysfs_add(b);
	if (err)
		famez_chardev_remove(b);
	return err;
}

void famez_chardev_remove(struct famez_bridge *b)
{
	famez_sysfs_remove(b);
	cdev_device_del(&b->cdev, &b->dev);
	famez_chardev_empty(b);
	famez_mappings_zap(b);
}

int famez_chardev_register(void)
{
	int err;

	famez_class = famez_class_create("famez");
	if (IS_ERR(famez_class))
		return PTR_ERR(famez_class);
	err = alloc_chrdev_region(&famez_first, 0, 2 * FAMEZ_MINORS, "famez");
	if (err)
		class_destroy(famez_class);
	return err;
}

void famez_chardev_unregister(void)
{
	unregister_chrdev_region(famez_first, 2 * FAMEZ_MINORS);
	class_destroy(famez_class);
}

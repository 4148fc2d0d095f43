// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/famez/NAME: what the device is, and what it has counted.  One value
 * a file; Documentation/ABI/sysfs-class-famez tells of each.
 *
 * A directory for each peer appears when the peer is first up, and stays: what
 * was counted does.
 */
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "bridge.h"

static struct famez_bridge *famez_of(struct device *dev)
{
	return container_of(dev, struct famez_bridge, dev);
}

/* ---- The device ------------------------------------------------------------- */

static ssize_t config_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	switch (famez_of(dev)->config) {
	case FAMEZ_CONFIG_FAMEZ:
		return sysfs_emit(buf, "famez\n");
	case FAMEZ_CONFIG_MAILSLOTS:
		return sysfs_emit(buf, "mailslots\n");
	case FAMEZ_CONFIG_RAW:
		return sysfs_emit(buf, "raw\n");
	case FAMEZ_CONFIG_PLAIN:
		return sysfs_emit(buf, "plain\n");
	}
	return sysfs_emit(buf, "newer\n");
}
static DEVICE_ATTR_RO(config);

#define FAMEZ_ATTR(_name, _format, _value)				\
static ssize_t _name##_show(struct device *dev,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	struct famez_bridge *b = famez_of(dev);				\
									\
	return sysfs_emit(buf, _format "\n", (_value));			\
}									\
static DEVICE_ATTR_RO(_name)

FAMEZ_ATTR(memory_size, "%llu", b->layout.memory_size);
FAMEZ_ATTR(fam_offset, "%llu", b->layout.fam_offset);
FAMEZ_ATTR(fam_size, "%llu", b->layout.fam_size);
FAMEZ_ATTR(id, "%u", b->id);
FAMEZ_ATTR(node_name, "%s", b->name);
FAMEZ_ATTR(generation, "0x%08x", b->generation);
FAMEZ_ATTR(fabric, "0x%016llx", b->layout.fabric);
FAMEZ_ATTR(server_id, "%u", b->layout.server_id);
FAMEZ_ATTR(peers_max, "%u", b->layout.peers.count);
FAMEZ_ATTR(vectors_offered, "%u", b->layout.vectors);
FAMEZ_ATTR(vectors_armed, "%d", b->vectors);
FAMEZ_ATTR(message_max, "%u", b->message_max);
FAMEZ_ATTR(rx_waits, "%lu", b->rx_waits);
FAMEZ_ATTR(flushes, "%u", b->flushes);
FAMEZ_ATTR(flush_errors, "%u", b->flush_errors);

static ssize_t peers_up_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct famez_bridge *b = famez_of(dev);
	u32 id, up = 0;

	for (id = 0; id < b->layout.peers.count; id++)
		up += !!READ_ONCE(b->remotes[id].generation);
	return sysfs_emit(buf, "%u\n", up);
}
static DEVICE_ATTR_RO(peers_up);

static ssize_t fam_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", famez_owner_name(famez_of(dev)));
}

static ssize_t fam_store(struct device *dev, struct device_attribute *attr,
			 const char *buf, size_t length)
{
	int err = famez_owner_set(famez_of(dev), buf);

	return err ? err : length;
}
static DEVICE_ATTR_ADMIN_RW(fam);

static ssize_t fam_region_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	return famez_owner_region(famez_of(dev), buf);
}

static ssize_t fam_region_store(struct device *dev, struct device_attribute *attr,
				const char *buf, size_t length)
{
	int err = famez_owner_set_region(famez_of(dev), buf, length);

	return err ? err : length;
}
static DEVICE_ATTR_ADMIN_RW(fam_region);

static ssize_t fam_status_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	return famez_owner_status(famez_of(dev), buf);
}
static DEVICE_ATTR_RO(fam_status);

static ssize_t fam_memory_type_show(struct device *dev, struct device_attribute *attr,
				    char *buf)
{
	return famez_owner_memtype(famez_of(dev), buf);
}
static DEVICE_ATTR_RO(fam_memory_type);

static struct attribute *famez_fam_attrs[] = {
	&dev_attr_config.attr,
	&dev_attr_memory_size.attr,
	&dev_attr_fam_offset.attr,
	&dev_attr_fam_size.attr,
	&dev_attr_fam.attr,
	&dev_attr_fam_region.attr,
	&dev_attr_fam_status.attr,
	&dev_attr_fam_memory_type.attr,
	NULL
};

static const struct attribute_group famez_fam_group = {
	.attrs = famez_fam_attrs,
};

static struct attribute *famez_doorbell_attrs[] = {
	&dev_attr_id.attr,
	&dev_attr_vectors_offered.attr,
	&dev_attr_vectors_armed.attr,
	NULL
};

static umode_t famez_doorbell_visible(struct kobject *kobj,
				      struct attribute *attr, int n)
{
	return famez_has_doorbell(famez_of(kobj_to_dev(kobj))) ? attr->mode : 0;
}

static const struct attribute_group famez_doorbell_group = {
	.attrs = famez_doorbell_attrs,
	.is_visible = famez_doorbell_visible,
};

static struct attribute *famez_message_attrs[] = {
	&dev_attr_node_name.attr,
	&dev_attr_generation.attr,
	&dev_attr_fabric.attr,
	&dev_attr_server_id.attr,
	&dev_attr_peers_max.attr,
	&dev_attr_peers_up.attr,
	&dev_attr_message_max.attr,
	&dev_attr_rx_waits.attr,
	&dev_attr_flushes.attr,
	&dev_attr_flush_errors.attr,
	NULL
};

static umode_t famez_message_visible(struct kobject *kobj,
				     struct attribute *attr, int n)
{
	return famez_has_messages(famez_of(kobj_to_dev(kobj))) ? attr->mode : 0;
}

static const struct attribute_group famez_message_group = {
	.attrs = famez_message_attrs,
	.is_visible = famez_message_visible,
};

const struct attribute_group *famez_groups[] = {
	&famez_fam_group,
	&famez_doorbell_group,
	&famez_message_group,
	&famez_link_group,
	NULL
};

/* ---- Directories of counters --------------------------------------------------- */

#define FAMEZ_ALL_PEERS	U32_MAX

/**
 * struct famez_dir - a directory of counters; freed by its last reference
 * @kobj: the directory; it holds the device, and so @b
 * @node: in famez_bridge.dirs
 * @b: the bridge
 * @number: of the peer, or %FAMEZ_ALL_PEERS; of the vector
 */
struct famez_dir {
	struct kobject kobj;
	struct list_head node;
	struct famez_bridge *b;
	u32 number;
};

struct famez_counter {
	struct attribute attr;
	ssize_t (*show)(const struct famez_dir *dir,
			const struct famez_counter *counter, char *buf);
	size_t offset;	/* in struct famez_counters */
};

static unsigned long famez_count_of(const struct famez_remote *r, size_t offset)
{
	return READ_ONCE(*(unsigned long *)((u8 *)&r->counters + offset));
}

static ssize_t famez_peer_counter_show(const struct famez_dir *dir,
				       const struct famez_counter *counter,
				       char *buf)
{
	const struct famez_remote *remotes = dir->b->remotes;
	unsigned long sum = 0;
	u32 id;

	if (dir->number != FAMEZ_ALL_PEERS)
		sum = famez_count_of(&remotes[dir->number], counter->offset);
	else
		for (id = 0; id < dir->b->layout.peers.count; id++)
			sum += famez_count_of(&remotes[id], counter->offset);
	return sysfs_emit(buf, "%lu\n", sum);
}

#define FAMEZ_PEER_COUNTER(_name)					\
static struct famez_counter famez_##_name = {				\
	.attr = { .name = #_name, .mode = 0444 },			\
	.show = famez_peer_counter_show,				\
	.offset = offsetof(struct famez_counters, _name),		\
}

FAMEZ_PEER_COUNTER(tx_messages);
FAMEZ_PEER_COUNTER(tx_bytes);
FAMEZ_PEER_COUNTER(tx_doorbells);
FAMEZ_PEER_COUNTER(tx_pings);
FAMEZ_PEER_COUNTER(tx_waits);
FAMEZ_PEER_COUNTER(tx_full);
FAMEZ_PEER_COUNTER(tx_resets);
FAMEZ_PEER_COUNTER(tx_refused);
FAMEZ_PEER_COUNTER(tx_absent);
FAMEZ_PEER_COUNTER(tx_down);
FAMEZ_PEER_COUNTER(tx_no_channel);
FAMEZ_PEER_COUNTER(tx_too_long);
FAMEZ_PEER_COUNTER(rx_messages);
FAMEZ_PEER_COUNTER(rx_bytes);
FAMEZ_PEER_COUNTER(rx_doorbells);
FAMEZ_PEER_COUNTER(rx_pings);
FAMEZ_PEER_COUNTER(rx_discarded);
FAMEZ_PEER_COUNTER(rx_too_long);
FAMEZ_PEER_COUNTER(rx_garbage);

static struct attribute *famez_peer_attrs[] = {
	&famez_tx_messages.attr,
	&famez_tx_bytes.attr,
	&famez_tx_doorbells.attr,
	&famez_tx_pings.attr,
	&famez_tx_waits.attr,
	&famez_tx_full.attr,
	&famez_tx_resets.attr,
	&famez_tx_refused.attr,
	&famez_tx_absent.attr,
	&famez_tx_down.attr,
	&famez_tx_no_channel.attr,
	&famez_tx_too_long.attr,
	&famez_rx_messages.attr,
	&famez_rx_bytes.attr,
	&famez_rx_doorbells.attr,
	&famez_rx_pings.attr,
	&famez_rx_discarded.attr,
	&famez_rx_too_long.attr,
	&famez_rx_garbage.attr,
	NULL
};
ATTRIBUTE_GROUPS(famez_peer);

static ssize_t famez_interrupts_show(const struct famez_dir *dir,
				     const struct famez_counter *counter,
				     char *buf)
{
	return sysfs_emit(buf, "%lu\n",
			  READ_ONCE(dir->b->vector[dir->number].interrupts));
}

static struct famez_counter famez_interrupts = {
	.attr = { .name = "interrupts", .mode = 0444 },
	.show = famez_interrupts_show,
};

static struct attribute *famez_vector_attrs[] = {
	&famez_interrupts.attr,
	NULL
};
ATTRIBUTE_GROUPS(famez_vector);

static ssize_t famez_dir_show(struct kobject *kobj, struct attribute *attr,
			      char *buf)
{
	const struct famez_counter *counter =
		container_of(attr, struct famez_counter, attr);

	return counter->show(container_of(kobj, struct famez_dir, kobj),
			     counter, buf);
}

static const struct sysfs_ops famez_dir_ops = {
	.show = famez_dir_show,
};

static void famez_dir_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct famez_dir, kobj));
}

static const struct kobj_type famez_peer_type = {
	.release = famez_dir_release,
	.sysfs_ops = &famez_dir_ops,
	.default_groups = famez_peer_groups,
};

static const struct kobj_type famez_vector_type = {
	.release = famez_dir_release,
	.sysfs_ops = &famez_dir_ops,
	.default_groups = famez_vector_groups,
};

/* Under dirs_lock. */
static int famez_dir_add(struct famez_bridge *b, const struct kobj_type *type,
			 struct kobject *parent, const char *name, u32 number)
{
	struct famez_dir *dir;
	int err;

	dir = kzalloc(sizeof(*dir), GFP_KERNEL);
	if (!dir)
		return -ENOMEM;
	dir->b = b;
	dir->number = number;
	err = kobject_init_and_add(&dir->kobj, type, parent, "%s", name);
	if (err)
		kobject_put(&dir->kobj);
	else
		list_add(&dir->node, &b->dirs);
	return err;
}

static int famez_dir_add_number(struct famez_bridge *b,
				const struct kobj_type *type,
				struct kobject *parent, u32 number)
{
	char name[12];

	snprintf(name, sizeof(name), "%u", number);
	return famez_dir_add(b, type, parent, name, number);
}

/* ---- When they are there --------------------------------------------------------- */

static void famez_sysfs_peer_locked(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	/* without memory there is no directory now; what is counted is kept */
	if (b->peers_dir && !r->shown)
		r->shown = !famez_dir_add_number(b, &famez_peer_type,
						 b->peers_dir, id);
}

void famez_sysfs_peer(struct famez_bridge *b, u32 id)
{
	mutex_lock(&b->dirs_lock);
	famez_sysfs_peer_locked(b, id);
	mutex_unlock(&b->dirs_lock);
}

static int famez_sysfs_fill_vectors(struct famez_bridge *b)
{
	int i, err = 0;

	b->vectors_dir = kobject_create_and_add("vectors", &b->dev.kobj);
	if (!b->vectors_dir)
		return -ENOMEM;
	for (i = 0; !err && i < b->vectors; i++)
		err = famez_dir_add_number(b, &famez_vector_type,
					   b->vectors_dir, i);
	return err;
}

static int famez_sysfs_fill_peers(struct famez_bridge *b)
{
	int err;
	u32 id;

	b->peers_dir = kobject_create_and_add("peers", &b->dev.kobj);
	if (!b->peers_dir)
		return -ENOMEM;
	err = famez_dir_add(b, &famez_peer_type, &b->dev.kobj, "totals",
			    FAMEZ_ALL_PEERS);
	/* who came up before there was a directory */
	for (id = 0; !err && id < b->layout.peers.count; id++)
		if (READ_ONCE(b->remotes[id].generation))
			famez_sysfs_peer_locked(b, id);
	return err;
}

static void famez_sysfs_empty(struct famez_bridge *b)
{
	struct famez_dir *dir, *next;

	list_for_each_entry_safe(dir, next, &b->dirs, node) {
		list_del(&dir->node);
		/* who reads it now is waited for */
		kobject_del(&dir->kobj);
		kobject_put(&dir->kobj);
	}
	kobject_put(b->peers_dir);
	kobject_put(b->vectors_dir);
	b->peers_dir = NULL;
	b->vectors_dir = NULL;
}

int famez_sysfs_add(struct famez_bridge *b)
{
	int err = 0;

	mutex_lock(&b->dirs_lock);
	if (famez_has_doorbell(b))
		err = famez_sysfs_fill_vectors(b);
	if (!err && famez_has_messages(b))
		err = famez_sysfs_fill_peers(b);
	if (err)
		famez_sysfs_empty(b);
	mutex_unlock(&b->dirs_lock);
	return err;
}

void famez_sysfs_remove(struct famez_bridge *b)
{
	mutex_lock(&b->dirs_lock);
	famez_sysfs_empty(b);
	mutex_unlock(&b->dirs_lock);
}

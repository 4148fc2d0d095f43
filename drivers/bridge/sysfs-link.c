// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/famez/NAME: what the bridge is for Gen-Z's link layer, and those fields of a
 * component's Core Structure that are emulated.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "bridge.h"

static struct famez_bridge *famez_of(struct device *dev)
{
	return container_of(dev, struct famez_bridge, dev);
}

#define FAMEZ_LINK_ATTR(_name, _format, ...)				\
static ssize_t _name##_show(struct device *dev,				\
			    struct device_attribute *attr, char *buf)	\
{									\
	struct famez_component c;					\
									\
	famez_link_component(famez_of(dev), &c);			\
	return sysfs_emit(buf, _format "\n", __VA_ARGS__);		\
}									\
static DEVICE_ATTR_RO(_name)

static const char * const famez_link_states[] = {
	[FAMEZ_LINK_DOWN] = "down",
	[FAMEZ_LINK_UP] = "up",
	[FAMEZ_LINK_CONFIGURED] = "configured",
};

FAMEZ_LINK_ATTR(link_state, "%s", famez_link_states[c.state]);
FAMEZ_LINK_ATTR(link_partner, "%s", c.switch_class);
FAMEZ_LINK_ATTR(cid0, "%u", c.cid);
FAMEZ_LINK_ATTR(sid0, "%u", c.sid);
FAMEZ_LINK_ATTR(pfmcid, "%u", c.manager_cid);
FAMEZ_LINK_ATTR(pfmsid, "%u", c.manager_sid);
FAMEZ_LINK_ATTR(max_interface, "%u", 1U);

static ssize_t c_class_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct famez_component c;

	famez_link_component(famez_of(dev), &c);
	return sysfs_emit(buf, "%s\n", c.cclass);
}

static ssize_t c_class_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t length)
{
	size_t size = length && buf[length - 1] == '\n' ? length - 1 : length;
	int err = famez_link_set_class(famez_of(dev), buf, size);

	return err ? err : length;
}
static DEVICE_ATTR_ADMIN_RW(c_class);

static umode_t famez_link_visible(struct kobject *kobj, struct attribute *attr, int n)
{
	return famez_has_messages(famez_of(kobj_to_dev(kobj))) ? attr->mode : 0;
}

static struct attribute *famez_link_attrs[] = {
	&dev_attr_link_state.attr,
	&dev_attr_link_partner.attr,
	&dev_attr_c_class.attr,
	&dev_attr_cid0.attr,
	&dev_attr_sid0.attr,
	&dev_attr_pfmcid.attr,
	&dev_attr_pfmsid.attr,
	&dev_attr_max_interface.attr,
	NULL
};

const struct attribute_group famez_link_group = {
	.attrs = famez_link_attrs,
	.is_visible = famez_link_visible,
};

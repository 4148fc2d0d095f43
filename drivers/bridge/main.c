// SPDX-License-Identifier: GPL-2.0
/* famez_bridge: loading and unloading. */
#include <linux/module.h>

#include "bridge.h"

static int __init famez_bridge_init(void)
{
	int err;

	err = famez_mapping_register();
	if (err)
		return err;
	err = famez_fabric_register();
	if (err)
		goto unregister_mapping;
	err = famez_chardev_register();
	if (err)
		goto unregister_fabric;
	err = famez_pci_register();
	if (err)
		goto unregister_chardev;
	return 0;

unregister_chardev:
	famez_chardev_unregister();
unregister_fabric:
	famez_fabric_unregister();
unregister_mapping:
	famez_mapping_unregister();
	return err;
}

static void __exit famez_bridge_exit(void)
{
	famez_pci_unregister();
	famez_chardev_unregister();
	famez_fabric_unregister();
	famez_mapping_unregister();
}

module_init(famez_bridge_init);
module_exit(famez_bridge_exit);

MODULE_DESCRIPTION("famez: bridge to a fabric of machines over ivshmem");
MODULE_AUTHOR("The famez developers");
MODULE_LICENSE("GPL");

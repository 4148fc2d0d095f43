// SPDX-License-Identifier: GPL-2.0
/*
 * Device nodes of one number can be several inodes, on file systems that come
 * and go.  All opens of a bridge share the mapping of an inode of our own, so
 * that one unmap_mapping_range() reaches every VMA.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include <famez/compat.h>

#include "bridge.h"

#define FAMEZ_MAGIC_FS	0x46414d5a

static struct vfsmount *famez_mount;

static int famez_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, FAMEZ_MAGIC_FS) ? 0 : -ENOMEM;
}

/* no owner: the mount is the module's own, and must not keep it loaded */
static struct file_system_type famez_fs_type = {
	.name = "famez",
	.init_fs_context = famez_init_fs_context,
	.kill_sb = kill_anon_super,
};

struct inode *famez_mapping_inode(void)
{
	struct inode *inode = alloc_anon_inode(famez_mount->mnt_sb);

	if (!IS_ERR(inode))
		inode->i_flags |= FAMEZ_INODE_FLAGS;
	return inode;
}

int famez_mapping_register(void)
{
	famez_mount = kern_mount(&famez_fs_type);
	return PTR_ERR_OR_ZERO(famez_mount);
}

void famez_mapping_unregister(void)
{
	kern_unmount(famez_mount);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* What nvdimm has written to say how a namespace is used. */
#ifndef _FAMEZ_SUPERBLOCK_H
#define _FAMEZ_SUPERBLOCK_H

#include <linux/types.h>

/**
 * famez_map_dev() - are struct pages kept in the memory itself?
 * @start: bus address of the namespace
 * @length: bytes of it
 *
 * They are where a namespace was made with "--map=dev".  Then each kernel that takes it
 * up writes its own there, over the other one's.
 *
 * Context: may sleep
 *
 * Return: 1, or 0, or -ENOMEM
 */
int famez_map_dev(u64 start, u64 length);

#endif /* _FAMEZ_SUPERBLOCK_H */

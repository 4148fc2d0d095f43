/* SPDX-License-Identifier: LGPL-2.1 */
/* A host's device-dax, /dev/daxX.Y, as the memory of a fabric. */
#ifndef FAMEZ_LIB_DAX_H
#define FAMEZ_LIB_DAX_H

#include <stdint.h>

/**
 * dax_size() - how large is that device-dax?
 * @fd: a descriptor
 * @align: what its mappings are multiples of, in bytes
 *
 * A character device has no size of its own; sysfs tells it.
 *
 * Return: bytes; 0: it is no device-dax
 */
uint64_t dax_size(int fd, uint64_t *align);

#endif /* FAMEZ_LIB_DAX_H */

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "famezctl.h"

void fam_check(struct famez *handle, uint64_t offset, uint64_t length)
{
	struct famez_info info = { .size = sizeof(info) };
	int error = famez_get_info(handle, &info);

	if (error)
		die("cannot ask for the FAM's size: %s", strerror(-error));
	if (offset > info.fam_size || length > info.fam_size - offset)
		die("offset %llu, length %llu ends past the FAM, which has %llu bytes",
		    (unsigned long long)offset, (unsigned long long)length,
		    (unsigned long long)info.fam_size);
}

static void *map_around(struct famez *handle, uint64_t offset, size_t length,
			int flags, struct iovec *mapping)
{
	void *at;
	int error = famez_map_around(handle, offset, length, flags, mapping, &at);

	if (error == -EBUSY)
		die("what is at %llu is in use as pmem or dax: a write would spoil it; with --in-use it is written all the same",
		    (unsigned long long)offset);
	if (error)
		die("cannot map the FAM at %llu: %s",
		    (unsigned long long)offset, strerror(-error));
	return at;
}

void fam_get(struct famez *handle, uint64_t offset, void *to, size_t length)
{
	struct iovec mapping;

	memcpy(to, map_around(handle, offset, length, 0, &mapping), length);
	munmap(mapping.iov_base, mapping.iov_len);
}

void fam_put(struct famez *handle, uint64_t offset, const void *from,
	     size_t length, bool in_use)
{
	int flags = FAMEZ_MAP_WRITE | (in_use ? FAMEZ_MAP_IN_USE : 0);
	struct iovec mapping;

	memcpy(map_around(handle, offset, length, flags, &mapping), from, length);
	munmap(mapping.iov_base, mapping.iov_len);
}

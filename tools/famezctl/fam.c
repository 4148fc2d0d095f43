// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include "famezctl.h"

void fam_check(struct famez *handle, uint64_t offset, uint64_t length)
{
	struct famez_info info;
	int error = famez_get_info(handle, &info);

	if (error)
		die("cannot ask for the FAM's size: %s", strerror(-error));
	if (offset > info.fam_size || length > info.fam_size - offset)
		die("offset %llu, length %llu ends past the FAM, which has %llu bytes",
		    (unsigned long long)offset, (unsigned long long)length,
		    (unsigned long long)info.fam_size);
}

/*
 * Maps the pages around a range; @map and @size are for munmap().  On the host FAM may be
 * in a file of hugetlbfs, of which only whole huge pages can be mapped.
 */
static char *map_around(struct famez *handle, uint64_t offset, size_t length,
			int flags, void **map, size_t *size)
{
	size_t pages[] = { sysconf(_SC_PAGESIZE), 2UL << 20, 1UL << 30 }, lead, i = 0;
	int error;

	do {
		lead = offset % pages[i];
		*size = lead + length;
		if (i)
			*size = (*size + pages[i] - 1) & ~(pages[i] - 1);
		error = famez_map(handle, offset - lead, *size, flags, map);
	} while (error == -EINVAL && ++i < sizeof(pages) / sizeof(*pages));
	if (error == -EBUSY)
		die("what is at %llu is in use as pmem or dax: a write would spoil it; with --in-use it is written all the same",
		    (unsigned long long)offset);
	if (error)
		die("cannot map the FAM at %llu: %s",
		    (unsigned long long)offset, strerror(-error));
	return (char *)*map + lead;
}

void fam_get(struct famez *handle, uint64_t offset, void *to, size_t length)
{
	size_t size;
	void *map;

	memcpy(to, map_around(handle, offset, length, 0, &map, &size), length);
	munmap(map, size);
}

void fam_put(struct famez *handle, uint64_t offset, const void *from,
	     size_t length, bool in_use)
{
	int flags = FAMEZ_MAP_WRITE | (in_use ? FAMEZ_MAP_IN_USE : 0);
	size_t size;
	void *map;

	memcpy(map_around(handle, offset, length, flags, &map, &size), from,
	       length);
	munmap(map, size);
}

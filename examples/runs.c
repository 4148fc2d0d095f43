// SPDX-License-Identifier: GPL-2.0
/* A named part of the memory: counts how often this was run, by all peers together. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <famez.h>

int main(void)
{
	struct famez_region_info region;
	struct famez *fabric;
	atomic_uint *runs;
	int error;

	error = famez_open(&fabric, NULL, 0);
	if (!error)
		error = famez_region_open(fabric, "runs", sizeof(*runs),
					  FAMEZ_REGION_CREATE, &region, sizeof(region));
	if (!error)
		error = famez_map(fabric, region.offset, sizeof(*runs),
				  FAMEZ_MAP_WRITE, (void **)&runs);
	if (error) {
		fprintf(stderr, "runs: %s\n", strerror(-error));
		return 1;
	}
	/* one instruction, which no other peer's comes in between */
	printf("run %u\n", atomic_fetch_add(runs, 1) + 1);
	munmap(runs, sizeof(*runs));
	famez_close(fabric);
	return 0;
}

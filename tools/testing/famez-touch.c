// SPDX-License-Identifier: GPL-2.0
/*
 * Maps FAM, touches each of its pages, and tells what that took; -s: then spins until
 * it is killed, so that its page tables are those of the CPU.
 *
 * famez-touch [-s] DEVICE BYTES
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "famez.h"

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static void tell(struct famez *fabric, const char *what, const void *at)
{
	struct famez_mapping mapping = { .size = sizeof(mapping) };
	int err = famez_get_mapping(fabric, at, &mapping);

	if (err)
		printf("%s: %s\n", what, strerror(-err));
	else
		printf("%s: type %u, pages of %llu\n", what, mapping.type,
		       (unsigned long long)mapping.page_size);
}

int main(int argc, char **argv)
{
	bool spin = argc > 1 && !strcmp(argv[1], "-s");
	struct famez *fabric;
	size_t bytes, i;
	long before;
	void *map;
	int err;

	argv += spin;
	if (argc - spin != 3) {
		fputs("usage: famez-touch [-s] DEVICE BYTES\n", stderr);
		return 2;
	}
	bytes = strtoull(argv[2], NULL, 0);
	err = famez_open(&fabric, argv[1], 0);
	if (!err)
		err = famez_map(fabric, 0, bytes, 1, &map);
	if (err) {
		fprintf(stderr, "famez-touch: %s\n", strerror(-err));
		return 1;
	}
	tell(fabric, "before", map);
	before = faults();
	for (i = 0; i < bytes; i += 4096)
		((volatile char *)map)[i];
	printf("faults: %ld\n", faults() - before);
	tell(fabric, "first", map);
	tell(fabric, "last", (char *)map + bytes - 1);
	tell(fabric, "kernel", NULL);
	puts("touched");
	fflush(stdout);
	while (spin)
		;
	return 0;
}

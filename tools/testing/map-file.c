// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes what can only be mapped, as device-dax.
 *
 * map-file FILE read OFFSET LENGTH	to standard output
 * map-file FILE write OFFSET		standard input, up to 1 MiB
 * map-file FILE hold OFFSET		writes there until it is killed, or hit by SIGBUS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE	(2UL << 20)	/* device-dax maps no less */

static char *map(const char *path, size_t offset, size_t length)
{
	size_t before = offset % LARGE;
	size_t bytes = (before + length + LARGE - 1) & ~(LARGE - 1);
	int fd = open(path, O_RDWR);
	char *at;

	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset - before);
	if (fd < 0 || at == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return at + before;
}

static void hold(char *at)
{
	puts("holds");
	fflush(stdout);
	for (;;)
		++*(volatile char *)at;
}

int main(int argc, char **argv)
{
	static char data[1 << 20];
	size_t offset, length;

	if (argc < 4)
		return 2;
	offset = strtoull(argv[3], NULL, 0);
	if (!strcmp(argv[2], "read") && argc > 4) {
		length = strtoull(argv[4], NULL, 0);
		fwrite(map(argv[1], offset, length), 1, length, stdout);
	} else if (!strcmp(argv[2], "write")) {
		length = fread(data, 1, sizeof(data), stdin);
		memcpy(map(argv[1], offset, length), data, length);
	} else if (!strcmp(argv[2], "hold")) {
		hold(map(argv[1], offset, 1));
	} else {
		return 2;
	}
	return 0;
}

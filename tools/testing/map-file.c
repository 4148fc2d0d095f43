// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes what can only be mapped, as device-dax.
 *
 * map-file FILE read OFFSET LENGTH	to standard output
 * map-file FILE write OFFSET		standard input, up to 1 MiB
 * map-file FILE pin OFFSET		has the kernel pin a page, or try to
 * map-file FILE hold OFFSET		writes there until it is killed, or hit by SIGBUS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define LARGE	(2UL << 20)	/* device-dax maps no less */

static char *map(const char *path, size_t offset, size_t length, int protection)
{
	size_t before = offset % LARGE;
	size_t bytes = (before + length + LARGE - 1) & ~(LARGE - 1);
	int fd = open(path, protection & PROT_WRITE ? O_RDWR : O_RDONLY);
	char *at;

	at = mmap(NULL, bytes, protection, MAP_SHARED, fd, offset - before);
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

static void pin(char *at)
{
	struct iovec iov = { .iov_base = at, .iov_len = 4096 };
	int ends[2];

	/* it is there for the fast way, too */
	*(volatile char *)at;
	if (pipe(ends))
		exit(1);
	if (vmsplice(ends[1], &iov, 1, 0) == 4096)
		puts("pinned");
	else
		perror("not pinned");
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
		fwrite(map(argv[1], offset, length, PROT_READ), 1, length, stdout);
	} else if (!strcmp(argv[2], "write")) {
		length = fread(data, 1, sizeof(data), stdin);
		memcpy(map(argv[1], offset, length, PROT_READ | PROT_WRITE), data, length);
	} else if (!strcmp(argv[2], "hold")) {
		hold(map(argv[1], offset, 1, PROT_READ | PROT_WRITE));
	} else if (!strcmp(argv[2], "pin")) {
		pin(map(argv[1], offset, 4096, PROT_READ));
	} else {
		return 2;
	}
	return 0;
}

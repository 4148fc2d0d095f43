// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdlib.h>
#include "famezctl.h"

static const char usage[] =
"Usage: famezctl read [--hex] OFFSET LENGTH\n"
"\n"
"Copies LENGTH bytes of the FAM, from OFFSET on, to standard output.  Numbers\n"
"may be hexadecimal (0x...), and end in K, M, G or T.\n"
"\n"
"  -x, --hex    as a hex dump, with offsets in the FAM\n"
"  -h, --help   this\n";

static void dump_line(uint64_t offset, const unsigned char *data, size_t size)
{
	size_t i;

	printf("%08llx ", (unsigned long long)offset);
	for (i = 0; i < 16; i++) {
		if (i < size)
			printf("%s %02x", i == 8 ? " " : "", data[i]);
		else
			printf("%s   ", i == 8 ? " " : "");
	}
	printf("  |");
	for (i = 0; i < size; i++)
		putchar(data[i] < ' ' || data[i] > '~' ? '.' : data[i]);
	puts("|");
}

static void copy_out(struct famez *handle, uint64_t offset, uint64_t length,
		     bool hex)
{
	unsigned char *data = malloc(FAM_CHUNK);
	size_t i, size;

	if (!data)
		die("no memory for a buffer");
	for (; length; offset += size, length -= size) {
		size = length < FAM_CHUNK ? length : FAM_CHUNK;
		fam_get(handle, offset, data, size);
		if (!hex)
			fwrite(data, 1, size, stdout);
		for (i = 0; hex && i < size; i += 16)
			dump_line(offset + i, data + i,
				  size - i < 16 ? size - i : 16);
		flush_output();
	}
	free(data);
}

int cmd_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hex", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t offset, length;
	struct famez *handle;
	bool hex = false;
	int c;

	while ((c = getopt_long(argc, argv, "xh", options, NULL)) != -1) {
		switch (c) {
		case 'x':
			hex = true;
			break;
		case 'h':
			help(usage);
		default:
			exit(USAGE);
		}
	}
	if (optind + 2 != argc)
		die_usage("read needs OFFSET and LENGTH");
	offset = parse_size("OFFSET", argv[optind]);
	length = parse_size("LENGTH", argv[optind + 1]);
	handle = open_device(0);
	fam_check(handle, offset, length);
	copy_out(handle, offset, length, hex);
	famez_close(handle);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famezctl.h"

#define LINE	16	/* bytes */

static const char usage[] =
"dump [--all] OFFSET LENGTH\n"
"\n"
"Prints LENGTH bytes of the FAM, from OFFSET on, as hexdump -C does.  Numbers\n"
"may be hexadecimal (0x...), and end in K, M, G or T.\n"
"\n"
"  -a, --all    lines that are all the same, too, instead of one *\n"
"  -h, --help   this\n";

static void dump_line(uint64_t offset, const unsigned char *data, size_t size)
{
	size_t i;

	printf("%08llx ", (unsigned long long)offset);
	for (i = 0; i < LINE; i++) {
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

/**
 * struct dump - what was printed
 * @all: leave out nothing
 * @any: @last is there
 * @starred: the * for what is as @last is printed
 * @last: the last whole line
 */
struct dump {
	bool all;
	bool any;
	bool starred;
	unsigned char last[LINE];
};

static void dump_or_star(struct dump *d, uint64_t offset,
			 const unsigned char *data, size_t size)
{
	if (!d->all && d->any && size == LINE && !memcmp(d->last, data, LINE)) {
		if (!d->starred)
			puts("*");
		d->starred = true;
		return;
	}
	dump_line(offset, data, size);
	d->starred = false;
	d->any = size == LINE;
	memcpy(d->last, data, size);
}

void fam_dump(struct famez *handle, uint64_t offset, uint64_t length, bool all)
{
	unsigned char *data = malloc(FAM_CHUNK);
	struct dump d = { .all = all };
	size_t i, size;

	if (!data)
		die("no memory for a buffer");
	for (; length; offset += size, length -= size) {
		size = length < FAM_CHUNK ? length : FAM_CHUNK;
		fam_get(handle, offset, data, size);
		for (i = 0; i < size; i += LINE)
			dump_or_star(&d, offset + i, data + i,
				     size - i < LINE ? size - i : LINE);
		flush_output();
	}
	printf("%08llx\n", (unsigned long long)offset);
	free(data);
}

int cmd_dump(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t offset, length;
	struct famez *handle;
	bool all = false;

	while (next_option(argc, argv, options, usage) == 'a')
		all = true;
	if (optind + 2 != argc)
		die_usage("dump needs OFFSET and LENGTH");
	offset = parse_size("OFFSET", argv[optind]);
	length = parse_size("LENGTH", argv[optind + 1]);
	handle = open_device(0);
	fam_check(handle, offset, length);
	fam_dump(handle, offset, length, all);
	famez_close(handle);
	return 0;
}

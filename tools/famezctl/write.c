// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famezctl.h"

static const char usage[] =
"write [--text STRING | --input FILE] [--in-use] OFFSET\n"
"\n"
"Copies standard input to the FAM, from OFFSET on.  Nothing is written when it\n"
"does not fit.  OFFSET may be hexadecimal (0x...), and end in K, M, G or T.\n"
"\n"
"  -i, --input FILE    that, instead of standard input\n"
"  -t, --text STRING   that, instead of standard input\n"
"  -u, --in-use        also what peers have as pmem or dax, and may spoil by that\n"
"  -h, --help          this\n";

static void copy_in(struct famez *handle, uint64_t offset, const char *data,
		    size_t length, bool in_use)
{
	size_t size;

	for (; length; offset += size, data += size, length -= size) {
		size = length < FAM_CHUNK ? length : FAM_CHUNK;
		fam_put(handle, offset, data, size, in_use);
	}
}

/* A file, as much as there is room for behind the offset. */
static char *read_rest(struct famez *handle, uint64_t offset, const char *path,
		       size_t *length)
{
	FILE *in = path ? fopen(path, "r") : stdin;
	struct famez_info info = { .size = sizeof(info) };
	char why[128];
	int error;

	if (!in)
		die("cannot open '%s': %s", path, strerror(errno));
	fam_check(handle, offset, 0);
	error = famez_get_info(handle, &info);
	if (error)
		die("cannot ask for the FAM's size: %s", strerror(-error));
	snprintf(why, sizeof(why),
		 "the input at offset %llu ends past the FAM, which has %llu bytes",
		 (unsigned long long)offset, (unsigned long long)info.fam_size);
	return read_input(in, info.fam_size - offset, length, why);
}

int cmd_write(int argc, char **argv)
{
	static const struct option options[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "text", required_argument, NULL, 't' },
		{ "in-use", no_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	char *text = NULL, *path = NULL, *input = NULL;
	struct famez *handle;
	uint64_t offset;
	bool in_use = false;
	size_t length;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'i':
			path = optarg;
			break;
		case 't':
			text = optarg;
			break;
		case 'u':
			in_use = true;
			break;
		}
	}
	if (optind + 1 != argc)
		die_usage("write needs one OFFSET");
	if (text && path)
		die_usage("--text and --input exclude each other");
	offset = parse_size("OFFSET", argv[optind]);
	handle = open_device(0);
	if (text)
		length = strlen(text);
	else
		input = read_rest(handle, offset, path, &length);
	fam_check(handle, offset, length);
	copy_in(handle, offset, text ? text : input, length, in_use);
	free(input);
	famez_close(handle);
	return 0;
}

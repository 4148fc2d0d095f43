// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famezctl.h"

static const char usage[] =
"read [options] OFFSET LENGTH\n"
"\n"
"Copies LENGTH bytes of the FAM, from OFFSET on, to standard output.  Numbers\n"
"may be hexadecimal (0x...), and end in K, M, G or T.\n"
"\n"
"  -o, --output FILE   to a file, instead of standard output\n"
"  -x, --hex           as the verb dump does\n"
"  -h, --help          this\n";

static FILE *open_output(const char *path)
{
	FILE *out = path ? fopen(path, "w") : stdout;

	if (!out)
		die("cannot open '%s': %s", path, strerror(errno));
	return out;
}

static void copy_out(struct famez *handle, uint64_t offset, uint64_t length,
		     FILE *out)
{
	unsigned char *data = malloc(FAM_CHUNK);
	size_t size;

	if (!data)
		die("no memory for a buffer");
	for (; length; offset += size, length -= size) {
		size = length < FAM_CHUNK ? length : FAM_CHUNK;
		fam_get(handle, offset, data, size);
		if (fwrite(data, 1, size, out) != size)
			break;
	}
	if (fflush(out) || ferror(out))
		die("cannot write the output: %s", strerror(errno));
	free(data);
}

int cmd_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hex", no_argument, NULL, 'x' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *output = NULL;
	uint64_t offset, length;
	struct famez *handle;
	bool hex = false;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'x':
			hex = true;
			break;
		case 'o':
			output = optarg;
			break;
		}
	}
	if (optind + 2 != argc)
		die_usage("read needs OFFSET and LENGTH");
	if (hex && output)
		die_usage("--hex goes to standard output, without --output");
	offset = parse_size("OFFSET", argv[optind]);
	length = parse_size("LENGTH", argv[optind + 1]);
	handle = open_device(0);
	fam_check(handle, offset, length);
	if (hex)
		fam_dump(handle, offset, length, false);
	else
		copy_out(handle, offset, length, open_output(output));
	famez_close(handle);
	return 0;
}

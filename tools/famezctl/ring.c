// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include "famezctl.h"

static const char usage[] =
"ring [options] DEST\n"
"\n"
"Rings a peer's doorbell, and nothing else: for those who bring a protocol of\n"
"their own.\n"
"\n"
"  -v, --vector N   which of its vectors (default 0)\n"
"  -h, --help       this\n";

/* On a raw server both are whatever they are; here the fabric has said no. */
static void ring_peer(struct famez *handle, const char *dest, uint32_t vector)
{
	int error = famez_doorbell(handle, find_peer(handle, dest), vector);

	if (error == -EINVAL)
		die("no peer has a vector %u; famezctl info tells how many there are",
		    vector);
	if (error)
		die_peer("cannot ring", dest, error);
}

int cmd_ring(int argc, char **argv)
{
	static const struct option options[] = {
		{ "vector", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct famez *handle;
	uint32_t vector = 0;

	while (next_option(argc, argv, options, usage) == 'v')
		vector = parse_number("--vector", optarg, UINT16_MAX);
	if (optind + 1 != argc)
		die_usage("ring needs one DEST: a peer's id, its name, or server");
	handle = open_device(0);
	ring_peer(handle, argv[optind], vector);
	famez_close(handle);
	return 0;
}

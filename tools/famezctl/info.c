// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famezctl.h"

static const char usage[] =
"info [--json]\n"
"\n"
"Prints what this peer and its fabric are, a \"key: value\" a line.\n"
"\n"
"  -j, --json   as a JSON object\n"
"  -h, --help   this\n";

static void print_size(const char *key, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t number = bytes;
	int unit = -1;

	/* whole units only, so that nothing is rounded */
	while (number && !(number & 1023) && unit < 5) {
		number >>= 10;
		unit++;
	}
	printf("%s: %llu", key, (unsigned long long)bytes);
	if (unit >= 0)
		printf(" (%llu %ciB)", (unsigned long long)number, units[unit]);
	putchar('\n');
}

static void print_info(const struct famez_info *info)
{
	printf("config: %s\n", config_name(info->config));
	printf("id: %u\n", info->id);
	printf("name: ");
	print_escaped(info->name, strnlen(info->name, sizeof(info->name)));
	putchar('\n');
	printf("generation: 0x%08x\n", info->generation);
	printf("server id: %u\n", info->server_id);
	printf("peers max: %u\n", info->peers_max);
	printf("vectors offered: %u\n", info->vectors);
	printf("vectors armed: %u\n", info->vectors_armed);
	printf("longest message: %u\n", info->message_max);
	printf("layout: %u.%u\n", info->layout_major, info->layout_minor);
	printf("fabric: 0x%016llx\n", (unsigned long long)info->fabric);
	print_size("memory size", info->memory_size);
	print_size("fam offset", info->fam_offset);
	print_size("fam size", info->fam_size);
}

int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct famez *handle;
	struct famez_info info;
	bool json = false;
	int error;

	while (next_option(argc, argv, options, usage) == 'j')
		json = true;
	if (optind != argc)
		die_usage("info takes no arguments");
	handle = open_device(0);
	error = famez_get_info(handle, &info);
	if (error)
		die("cannot get the information: %s", strerror(-error));
	if (json)
		print_json(json_info(&info), false);
	else
		print_info(&info);
	famez_close(handle);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <json-c/json.h>
#include "fam.h"
#include "famezctl.h"

#define LARGE_PAGE	(2UL << 20)	/* the largest that FAM can be mapped with */

static const char usage[] =
"info [--json]\n"
"\n"
"Prints what this peer and its fabric are, a \"key: value\" a line.\n"
"\n"
"  -j, --json   as a JSON object\n"
"  -h, --help   this\n";

/* Whole units only, so that nothing is rounded; false if it is not even KiB */
static bool whole_units(uint64_t bytes, uint64_t *number, char *unit)
{
	static const char units[] = "KMGTPE";
	int i = -1;

	while (bytes && !(bytes & 1023) && i < 5) {
		bytes >>= 10;
		i++;
	}
	*number = bytes;
	*unit = i >= 0 ? units[i] : 0;
	return i >= 0;
}

static void print_size(const char *key, uint64_t bytes)
{
	uint64_t number;
	char unit;

	printf("%s: %llu", key, (unsigned long long)bytes);
	if (whole_units(bytes, &number, &unit))
		printf(" (%llu %ciB)", (unsigned long long)number, unit);
	putchar('\n');
}

static void print_mapping(const char *key, const struct famez_mapping *mapping)
{
	uint64_t number;
	char unit;

	printf("%s: %s", key, memory_type_name(mapping->type));
	if (whole_units(mapping->page_size, &number, &unit))
		printf(", pages of %llu %ciB", (unsigned long long)number, unit);
	putchar('\n');
}

static void add_mapping(struct json_object *object, const char *key,
			const struct famez_mapping *mapping)
{
	struct json_object *o = json_object_new_object();

	json_string(o, "type", memory_type_name(mapping->type));
	json_number(o, "page_size", mapping->page_size);
	json_object_object_add(object, key, o);
}

/* Of FAM as a program here has it, which has to touch it first */
static int fam_mapping(struct famez *handle, const struct famez_info *info,
		       struct famez_mapping *mapping)
{
	size_t length = info->fam_size < LARGE_PAGE ? info->fam_size : LARGE_PAGE;
	void *map;
	int error = famez_get_mapping(handle, handle, mapping);

	/* on the host: there nothing need be touched */
	if (error == -EOPNOTSUPP)
		return error;
	error = famez_map(handle, 0, length, 0, &map);
	if (error)
		return error;
	*(volatile char *)map;
	error = famez_get_mapping(handle, map, mapping);
	munmap(map, length);
	return error;
}

/* What page tables say, as far as they can be asked: into @object, or printed */
static void each_mapping(struct famez *handle, const struct famez_info *info,
			 struct json_object *object)
{
	struct famez_mapping mapping = { .size = sizeof(mapping) };
	char type[32];

	if (!fam_mapping(handle, info, &mapping)) {
		if (object)
			add_mapping(object, "fam_mapping", &mapping);
		else
			print_mapping("fam mapping", &mapping);
	}
	if (!famez_get_mapping(handle, NULL, &mapping)) {
		if (object)
			add_mapping(object, "control_mapping", &mapping);
		else
			print_mapping("control mapping", &mapping);
	}
	if (fam_memory_type(type, sizeof(type))) {
		if (object)
			json_string(object, "fam_memory_type", type);
		else
			printf("pmem and dax: %s\n", type);
	}
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
	struct json_object *object;
	struct famez *handle;
	struct famez_info info = { .size = sizeof(info) };
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
	if (json) {
		object = json_info(&info);
		each_mapping(handle, &info, object);
		print_json(object, false);
	} else {
		print_info(&info);
		each_mapping(handle, &info, NULL);
	}
	famez_close(handle);
	return 0;
}

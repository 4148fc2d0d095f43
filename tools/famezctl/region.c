// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "famezctl.h"

static const char usage[] =
"region list [--json]\n"
"       region info NAME [--json]\n"
"       region create NAME SIZE [--use free|pmem|dax|scratch]\n"
"       region rm NAME\n"
"\n"
"Named parts of the fabric's memory (FAM), which the switch keeps.\n"
"\n"
"  list         all of them, a line each, sorted by offset\n"
"  info         one of them, a \"key: value\" a line\n"
"  create       a new one, where there is room; SIZE with suffix K, M, G or T\n"
"  rm           removes it; its bytes stay until somebody else gets them\n"
"  -u, --use    what it is for: programs (free, as at first), pmem, dax, or\n"
"               scratch, which is kept from whatever uses all of FAM\n"
"  -j, --json   as JSON\n"
"  -h, --help   this\n";

static const char *const uses[] = { "free", "pmem", "dax", "scratch" };

static const char *use_name(uint32_t use)
{
	return use < sizeof(uses) / sizeof(*uses) ? uses[use] : "unknown";
}

static int parse_use(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		if (!strcmp(uses[i], text))
			return i << FAMEZ_REGION_USE_SHIFT;
	die_usage("no use '%s'; expected free, pmem, dax or scratch", text);
}

static int by_offset(const void *a, const void *b)
{
	const struct famez_region_info *one = a, *other = b;

	return (one->offset > other->offset) - (one->offset < other->offset);
}

static struct json_object *json_region(const struct famez_region_info *r)
{
	struct json_object *o = json_object_new_object();

	json_string(o, "name", r->name);
	json_number(o, "offset", r->offset);
	json_number(o, "length", r->length);
	json_string(o, "use", use_name(r->use));
	json_number(o, "creator", r->creator);
	return o;
}

static void print_region(const struct famez_region_info *r)
{
	printf("name: %s\noffset: %llu\nlength: %llu\nuse: %s\ncreator: %u\n", r->name,
	       (unsigned long long)r->offset, (unsigned long long)r->length,
	       use_name(r->use), r->creator);
}

static void print_line(const struct famez_region_info *r)
{
	printf("%-20s  %16llu  %16llu  %-8s  %7u\n", r->name,
	       (unsigned long long)r->offset, (unsigned long long)r->length,
	       use_name(r->use), r->creator);
}

static struct famez_region_info *get_regions(struct famez *handle, size_t *count)
{
	struct famez_region_info *regions;
	int error = famez_get_regions(handle, &regions, count, sizeof(*regions));

	if (error)
		die("cannot list the regions: %s", error == -EOPNOTSUPP ?
		    "this device is on no famez fabric" : error_text(error));
	qsort(regions, *count, sizeof(*regions), by_offset);
	return regions;
}

static void list(struct famez *handle, bool json)
{
	struct json_object *array = json_object_new_array();
	struct famez_region_info *regions;
	size_t count, i;

	regions = get_regions(handle, &count);
	if (!json)
		printf("%-20s  %16s  %16s  %-8s  %7s\n", "NAME", "OFFSET", "LENGTH",
		       "USE", "CREATOR");
	for (i = 0; i < count; i++) {
		json_object_array_add(array, json_region(&regions[i]));
		if (!json)
			print_line(&regions[i]);
	}
	if (json)
		print_json(array, false);
	else
		json_object_put(array);
	free(regions);
}

/* Read from the table, so that it works on a plain device, too */
static void info(struct famez *handle, const char *name, bool json)
{
	struct famez_region_info *regions;
	size_t count, i;

	regions = get_regions(handle, &count);
	for (i = 0; i < count && strcmp(regions[i].name, name); i++)
		;
	if (i == count)
		die("there is no region '%s'; 'famezctl region list' tells which there are",
		    name);
	if (json)
		print_json(json_region(&regions[i]), false);
	else
		print_region(&regions[i]);
	free(regions);
}

static const char *region_error(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is none; 'famezctl region list' tells which there are";
	case -EBUSY:
		return "a peer uses FAM as pmem or dax; 'famezctl peers' shows who";
	case -EEXIST:
		return "there is one of that name";
	case -EINVAL:
		return "a name has 1 to 63 printable characters, neither space nor slash";
	case -ENFILE:
		return "the fabric's table of regions is full; remove one";
	case -EIO:
		return "the switch could not write that down; its log tells why";
	case -EOPNOTSUPP:
		return "only a peer of a famez-server changes regions";
	case -ETIMEDOUT:
		return "the switch does not answer";
	default:
		return strerror(-error);
	}
}

static void create(struct famez *handle, const char *name, const char *text, int use)
{
	struct famez_region_info region;
	uint64_t size = parse_size("SIZE", text);
	int error = famez_region_open(handle, name, size, FAMEZ_REGION_CREATE |
				      FAMEZ_REGION_EXCL | use, &region, sizeof(region));

	if (error == -ENOSPC)
		die("cannot create region '%s': the largest free part of FAM has %llu bytes",
		    name, (unsigned long long)region.length);
	if (error)
		die("cannot create region '%s': %s", name, region_error(error));
	print_region(&region);
}

static void rm(struct famez *handle, const char *name)
{
	int error = famez_region_remove(handle, name);

	if (error)
		die("cannot remove region '%s': %s", name, region_error(error));
}

int cmd_region(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "use", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct famez *handle;
	const char *what;
	bool json = false;
	int use = 0, c, words;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		if (c == 'j')
			json = true;
		else
			use = parse_use(optarg);
	}
	what = optind < argc ? argv[optind] : "";
	words = argc - optind;
	argv += optind;
	if (!(words == 1 && !strcmp(what, "list")) &&
	    !(words == 2 && (!strcmp(what, "info") || !strcmp(what, "rm"))) &&
	    !(words == 3 && !strcmp(what, "create")))
		die_usage("expected list, info NAME, create NAME SIZE, or rm NAME");
	handle = open_device(0);
	if (!strcmp(what, "list"))
		list(handle, json);
	else if (!strcmp(what, "info"))
		info(handle, argv[1], json);
	else if (!strcmp(what, "create"))
		create(handle, argv[1], argv[2], use);
	else
		rm(handle, argv[1]);
	famez_close(handle);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <json-c/json.h>
#include "famezctl.h"

static const char usage[] =
"list [--json]\n"
"\n"
"Lists the devices of this machine, a line each: device, configuration (famez;\n"
"raw: FAM and doorbells; plain: FAM alone; newer: a layout that the driver does\n"
"not know, FAM alone), own id and own name.\n"
"\n"
"  -j, --json   as a JSON array\n"
"  -h, --help   this\n";

/* Return: what famez_open() or famez_get_info() said */
static int ask(const char *path, struct famez_info *info)
{
	struct famez *handle;
	int error = famez_open(&handle, path, 0);

	if (!error)
		error = famez_get_info(handle, info);
	famez_close(handle);
	return error;
}

static void print_bridge(const char *path, const struct famez_info *info)
{
	char clean[CLEAN_SIZE];

	printf("%-20s  %-8s  %5u  %s\n", path, config_name(info->config),
	       info->id, clean_name(info->name, clean));
}

/* Return: 0, or FAILED when it could not be asked */
static int list_bridge(const char *path, struct json_object *array)
{
	struct json_object *object;
	struct famez_info info = { .size = sizeof(info) };
	int error = ask(path, &info);

	if (error) {
		fprintf(stderr, "%s: cannot ask %s: %s\n", program.name, path,
			strerror(-error));
		return FAILED;
	}
	if (array) {
		object = json_info(&info);
		json_string(object, "device", path);
		json_object_array_add(array, object);
	} else {
		print_bridge(path, &info);
	}
	return 0;
}

static int list_bridges(struct json_object *array)
{
	struct stat st;
	int failed = 0;
	glob_t found;
	size_t i;

	glob(FAMEZ_DEFAULT_DEVICE "*", 0, NULL, &found);
	glob(FAMEZ_PLAIN_DEVICE "*", GLOB_APPEND, NULL, &found);
	for (i = 0; i < found.gl_pathc; i++)
		if (!stat(found.gl_pathv[i], &st) && S_ISCHR(st.st_mode))
			failed |= list_bridge(found.gl_pathv[i], array);
	globfree(&found);
	return failed;
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json_object *array = NULL;
	int r;

	while (next_option(argc, argv, options, usage) == 'j')
		array = json_object_new_array();
	if (optind != argc)
		die_usage("list takes no arguments");
	if (!array)
		printf("%-20s  %-8s  %5s  %s\n", "DEVICE", "CONFIG", "ID",
		       "NAME");
	r = list_bridges(array);
	if (array)
		print_json(array, false);
	return r;
}

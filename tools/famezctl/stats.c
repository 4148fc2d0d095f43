// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "counters.h"
#include "stats.h"

static const char usage[] =
"stats [options] [PEER...]\n"
"\n"
"Prints what the driver has counted since it was loaded: a table of the peers,\n"
"then what else is not zero.  With PEERs, of those alone.\n"
"\n"
"  -a, --all    what is zero, too\n"
"  -j, --json   all of it, as a JSON object\n"
"  -h, --help   this\n";

const char *stats_name(const char *id)
{
	return name_of(strtoul(id, NULL, 10));
}

/* An array of what was found by number; it has the number as @key. */
static struct json_object *json_list(struct json_object *found, const char *key,
				     bool named)
{
	struct json_object *array = json_object_new_array();

	json_object_object_foreach(found, number, counters) {
		struct json_object *o = json_object_new_object();

		json_number(o, key, strtoul(number, NULL, 10));
		if (named)
			json_string(o, "name", stats_name(number));
		json_object_object_foreach(counters, name, count)
			json_object_object_add(o, name, json_object_get(count));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *json_stats(const struct stats *stats)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "peers", json_list(stats->peers, "id", true));
	if (!stats->vectors)
		return o;
	json_object_object_add(o, "totals", json_object_get(stats->totals));
	json_object_object_add(o, "vectors",
			       json_list(stats->vectors, "vector", false));
	json_number(o, "rx_waits", stats->rx_waits);
	return o;
}

/* Those of @all that the command line names. */
static struct json_object *pick(struct famez *handle, struct json_object *all,
				char **dests)
{
	struct json_object *picked = json_object_new_object(), *counters;
	char id[16];

	for (; *dests; dests++) {
		snprintf(id, sizeof(id), "%u", find_peer(handle, *dests));
		counters = json_object_object_get(all, id);
		if (!counters)
			die("nothing is counted of '%s': it has not been up since the driver was loaded, or is this peer itself",
			    *dests);
		json_object_object_add(picked, id, json_object_get(counters));
	}
	return picked;
}

int cmd_stats(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json_object *counters;
	struct stats stats = { };
	struct famez *handle;
	bool json = false;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		stats.all |= c == 'a';
		json |= c == 'j';
	}
	handle = open_device(0);
	counters = counters_read(counters_open(handle));
	names_update(handle);
	stats.peers = json_object_object_get(counters, "peers");
	stats.totals = json_object_object_get(counters, "totals");
	stats.rx_waits = counter_of(counters, "rx_waits");
	if (optind < argc)
		stats.peers = pick(handle, stats.peers, argv + optind);
	else
		stats.vectors = json_object_object_get(counters, "vectors");
	if (json)
		print_json(json_stats(&stats), false);
	else
		stats_print(&stats);
	famez_close(handle);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "famezctl.h"

static const char usage[] =
"peers [--json]\n"
"\n"
"Lists the peers, a line each; * marks this one.\n"
"\n"
"  -j, --json   as a JSON array\n"
"  -h, --help   this\n";

static void print_peer(const struct famez_peer_info *peer, uint32_t own)
{
	char name[CLEAN_SIZE], cclass[CLEAN_SIZE];

	printf("%c%5u  %-31s  %-6s  %-8s  %7u  %-11s  %s\n",
	       peer->id == own ? '*' : ' ', peer->id,
	       clean_name(peer->name, name), kind_name(peer->kind),
	       state_name(peer->state), peer->vectors_armed,
	       fam_use_name(peer->fam_use), clean_name(peer->cclass, cclass));
}

static void print_peers(const struct famez_peer_info *peers, size_t count,
			uint32_t own)
{
	size_t i;

	printf("%6s  %-31s  %-6s  %-8s  %7s  %-11s  %s\n", "ID", "NAME", "KIND",
	       "STATE", "VECTORS", "FAM", "CLASS");
	for (i = 0; i < count; i++)
		print_peer(&peers[i], own);
}

static struct json_object *json_peer(const struct famez_peer_info *peer,
				     uint32_t own)
{
	struct json_object *o = json_object_new_object();
	char clean[CLEAN_SIZE];

	json_number(o, "id", peer->id);
	json_object_object_add(o, "self",
			       json_object_new_boolean(peer->id == own));
	json_string(o, "name", clean_name(peer->name, clean));
	json_string(o, "kind", kind_name(peer->kind));
	json_string(o, "state", state_name(peer->state));
	json_number(o, "generation", peer->generation);
	json_number(o, "vectors_armed", peer->vectors_armed);
	json_string(o, "fam_use", fam_use_name(peer->fam_use));
	json_number(o, "cid", peer->cid);
	json_number(o, "sid", peer->sid);
	json_string(o, "class", clean_name(peer->cclass, clean));
	return o;
}

static void print_peers_json(const struct famez_peer_info *peers, size_t count,
			     uint32_t own)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_object_array_add(array, json_peer(&peers[i], own));
	print_json(array, false);
}

int cmd_peers(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct famez_peer_info *peers;
	struct famez *handle;
	struct famez_info info = { .size = sizeof(info) };
	bool json = false;
	int error;
	size_t count;

	while (next_option(argc, argv, options, usage) == 'j')
		json = true;
	if (optind != argc)
		die_usage("peers takes no arguments");
	handle = open_device(0);
	error = famez_get_info(handle, &info);
	if (!error)
		error = famez_get_peers(handle, &peers, &count, sizeof(*peers));
	if (error)
		die("cannot list the peers: %s", error_text(error));
	if (json)
		print_peers_json(peers, count, info.id);
	else
		print_peers(peers, count, info.id);
	free(peers);
	famez_close(handle);
	return 0;
}

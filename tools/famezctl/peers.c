// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <linux/famez_fabric.h>
#include "famezctl.h"

static const char usage[] =
"Usage: famezctl peers\n"
"\n"
"Lists the peers, a line each; * marks this one.\n";

static const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case FAMEZ_KIND_SWITCH:
		return "switch";
	case FAMEZ_KIND_BRIDGE:
		return "bridge";
	case FAMEZ_KIND_HOST:
		return "host";
	default:
		return "-";
	}
}

static const char *state_name(uint32_t state)
{
	switch (state) {
	case FAMEZ_PEER_ATTACHED:
		return "attached";
	case FAMEZ_PEER_UP:
		return "up";
	default:
		return "-";
	}
}

/* A name in a column: a stranger's, so nothing but graphic characters. */
static void print_name(const char *name, int width)
{
	char clean[FAMEZ_NAME_SIZE] = "";
	size_t i;

	for (i = 0; i < sizeof(clean) - 1 && name[i]; i++)
		clean[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	printf("%-*s", width, i ? clean : "-");
}

static void print_peer(const struct famez_peer_info *peer, uint32_t own)
{
	printf("%c%5u  ", peer->id == own ? '*' : ' ', peer->id);
	print_name(peer->name, 31);
	printf("  %-6s  %-8s  %7u  ", kind_name(peer->kind),
	       state_name(peer->state), peer->vectors_armed);
	print_name(peer->cclass, 0);
	putchar('\n');
}

int cmd_peers(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct famez_peer_info *peers;
	struct famez *handle;
	struct famez_info info;
	size_t count, i;
	int c, error;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			help(usage);
		exit(USAGE);
	}
	if (optind != argc)
		die_usage("peers takes no arguments");
	handle = open_device(0);
	error = famez_get_info(handle, &info);
	if (!error)
		error = famez_get_peers(handle, &peers, &count);
	if (error)
		die("cannot list the peers: %s", strerror(-error));
	printf("%6s  %-31s  %-6s  %-8s  %7s  %s\n", "ID", "NAME", "KIND",
	       "STATE", "VECTORS", "CLASS");
	for (i = 0; i < count; i++)
		print_peer(&peers[i], info.id);
	free(peers);
	famez_close(handle);
	return 0;
}

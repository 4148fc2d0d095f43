// SPDX-License-Identifier: GPL-2.0
/*
 * famezctl: a guest's bridge, or a peer on the host, from the command line.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famezctl.h"

#ifndef FAMEZ_VERSION
#define FAMEZ_VERSION	"0"
#endif

static const char usage[] =
"Usage: famezctl [-d|--device PATH] VERB [options]\n"
"\n"
"  info                   what this peer and its fabric are\n"
"  peers                  who is there\n"
"  send DEST [TEXT...]    send a message, TEXT or standard input\n"
"  recv                   receive messages\n"
"  ping DEST              measure round trips\n"
"  read OFFSET LENGTH     copy from the fabric's memory (FAM) to standard output\n"
"  write OFFSET           copy standard input to the FAM\n"
"\n"
"  -d, --device PATH      a bridge's device or a switch's socket; default\n"
"                         $FAMEZ_DEVICE, else " FAMEZ_DEFAULT_DEVICE ",\n"
"                         else " FAMEZ_DEFAULT_SOCKET "\n"
"  -h, --help             this; after a verb: its options\n"
"  -V, --version          the version\n"
"\n"
"DEST is a peer's id, its name, or \"server\".  Exit: 0 done, 1 failed, 2 usage.\n";

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "info", cmd_info },
	{ "peers", cmd_peers },
	{ "send", cmd_send },
	{ "recv", cmd_recv },
	{ "ping", cmd_ping },
	{ "read", cmd_read },
	{ "write", cmd_write },
	{ }
};

const char *device;

static void parse_globals(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "+d:hV", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			device = optarg;
			break;
		case 'h':
			help(usage);
		case 'V':
			printf("famezctl %s\n", FAMEZ_VERSION);
			flush_output();
			exit(0);
		default:
			exit(USAGE);
		}
	}
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	int r;

	parse_globals(argc, argv);
	argc -= optind;
	argv += optind;
	if (!argc) {
		fputs(usage, stderr);
		return USAGE;
	}
	for (verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, argv[0]))
			continue;
		optind = 0;	/* glibc: start anew */
		r = verb->run(argc, argv);
		flush_output();
		return r;
	}
	die_usage("no verb '%s'; 'famezctl --help' lists them", argv[0]);
}

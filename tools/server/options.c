// SPDX-License-Identifier: GPL-2.0
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "famez-version.h"
#include "server.h"

#define EXIT_REFUSED	1
#define EXIT_USAGE	2

static const char usage[] =
"Usage: famez-server [OPTION]...\n"
"The switch of a fabric: gives QEMUs and host programs ids, eventfds and\n"
"shared memory, and is itself a peer.\n"
"\n"
"  --socket PATH     listen here (" DEFAULT_SOCKET ")\n"
"  --size SIZE       bytes of memory, a power of two from 1M; suffix K, M, G\n"
"                    or T (64M)\n"
"  --clients N       peers besides the switch (14)\n"
"  --vectors N       interrupt vectors of each peer (clients + 2)\n"
"  --backing NAME    POSIX shared memory object (famez)\n"
"  --backing PATH    regular file, also on hugetlbfs: any name with a slash\n"
"  --backing " MEMFD "  memory without a name, which nobody can shrink\n"
"  --preallocate     have all of its pages now, not when they are used\n"
"  --regions FILE    keep named regions there (beside a file as backing: its name\n"
"                    and .regions)\n"
"  --scratch SIZE    keep so much of FAM from whatever uses all of it (0)\n"
"  --no-manager      give nobody a CID and SID\n"
"  --silent          be no peer: nobody is told of the switch, and it hears nobody;\n"
"                    with --no-manager\n"
"  --quiet           print errors only\n"
"  --verbose         print more\n"
"  --help            print this\n"
"  --version         print the version\n";

enum {
	SOCKET = 256, SIZE, CLIENTS, VECTORS, BACKING, PREALLOCATE, SCRATCH, REGIONS,
	NO_MANAGER, SILENT, QUIET, VERBOSE, HELP, VERSION
};

static const struct option table[] = {
	{ "socket", required_argument, NULL, SOCKET },
	{ "size", required_argument, NULL, SIZE },
	{ "clients", required_argument, NULL, CLIENTS },
	{ "vectors", required_argument, NULL, VECTORS },
	{ "backing", required_argument, NULL, BACKING },
	{ "preallocate", no_argument, NULL, PREALLOCATE },
	{ "regions", required_argument, NULL, REGIONS },
	{ "scratch", required_argument, NULL, SCRATCH },
	{ "no-manager", no_argument, NULL, NO_MANAGER },
	{ "silent", no_argument, NULL, SILENT },
	{ "quiet", no_argument, NULL, QUIET },
	{ "verbose", no_argument, NULL, VERBOSE },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ }
};

static int usage_error(void)
{
	fputs("Try 'famez-server --help'.\n", stderr);
	return EXIT_USAGE;
}

static int number(const char *option, const char *text, bool suffixes,
		  uint64_t *value)
{
	char shown[80];

	switch (parse_number(text, suffixes, value)) {
	case PARSED:
		return -1;
	case PARSED_TOO_LARGE:
		complain("%s %.40s: too large for anything", option, text);
		return EXIT_REFUSED;
	default:
		printable(shown, sizeof(shown), text, strlen(text));
		complain("%s %s: not a %s", option, shown,
			 suffixes ? "size; digits, and one of K, M, G, T" :
			 "number");
		return usage_error();
	}
}

static int vector_count(const char *text, uint64_t *value)
{
	int code = number("--vectors", text, false, value);

	/* 0 stands for the default from here on */
	if (code == -1 && !*value) {
		complain("--vectors 0: must be 1 to %u", FAMEZ_VECTORS_MAX);
		return EXIT_REFUSED;
	}
	return code;
}

static int one_option(struct options *o, int option)
{
	switch (option) {
	case SOCKET:
		o->socket = optarg;
		return -1;
	case SIZE:
		return number("--size", optarg, true, &o->size);
	case CLIENTS:
		return number("--clients", optarg, false, &o->clients);
	case VECTORS:
		return vector_count(optarg, &o->vectors);
	case BACKING:
		o->backing = optarg;
		return -1;
	case REGIONS:
		o->regions = optarg;
		return -1;
	case SCRATCH:
		return number("--scratch", optarg, true, &o->scratch);
	case PREALLOCATE:
		o->preallocate = true;
		return -1;
	case NO_MANAGER:
		o->no_manager = true;
		return -1;
	case SILENT:
		o->silent = true;
		return -1;
	case QUIET:
		o->level = 0;
		return -1;
	case VERBOSE:
		o->level = 2;
		return -1;
	case HELP:
		fputs(usage, stdout);
		return 0;
	case VERSION:
		printf("famez-server %s (control area %d.%d)\n", FAMEZ_VERSION,
		       FAMEZ_MAJOR, FAMEZ_MINOR);
		return 0;
	default:
		return usage_error();
	}
}

int options_read(struct options *o, int argc, char **argv)
{
	int option, code;

	*o = (struct options){
		.socket = DEFAULT_SOCKET,
		.backing = "famez",
		.size = 64 << 20,
		.clients = 14,
		.level = 1,
	};
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		code = one_option(o, option);
		if (code != -1)
			return code;
	}
	if (optind < argc) {
		complain("unexpected argument '%s'", argv[optind]);
		return usage_error();
	}
	if (o->silent && !o->no_manager) {
		complain("--silent: who is no peer cannot manage any; add --no-manager");
		return usage_error();
	}
	return -1;
}

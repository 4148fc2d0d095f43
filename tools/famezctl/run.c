// SPDX-License-Identifier: GPL-2.0
/* The options before a verb, and the verb. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famez-version.h"
#include "famezctl.h"

const char *device;

static void parse_globals(int argc, char **argv)
{
	const struct option options[] = {
		{ program.path_option, required_argument, NULL,
		  program.path_letter },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	char letters[8];
	int c;

	snprintf(letters, sizeof(letters), "+%c:hV", program.path_letter);
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(program.usage, stdout);
			flush_output();
			exit(0);
		case 'V':
			printf("%s %s\n", program.name, FAMEZ_VERSION);
			flush_output();
			exit(0);
		case '?':
			exit(USAGE);
		default:
			device = optarg;
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
		fputs(program.usage, stderr);
		return USAGE;
	}
	for (verb = program.verbs; verb->name; verb++) {
		if (strcmp(verb->name, argv[0]))
			continue;
		optind = 0;	/* glibc: start anew */
		r = verb->run(argc, argv);
		flush_output();
		return r;
	}
	die_usage("no verb '%s'; '%s --help' lists them", argv[0],
		  program.name);
}

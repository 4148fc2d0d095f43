// SPDX-License-Identifier: GPL-2.0
/* The options behind a verb: its table of them is all that it needs. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "famezctl.h"

__noreturn
static void help(const char *usage)
{
	printf("Usage: %s %s", program.name, usage);
	flush_output();
	exit(0);
}

/* The letters as getopt(3) takes them; @order: "+" or "" */
static void list_letters(const struct option *options, const char *order,
			 char *letters)
{
	letters = stpcpy(letters, order);
	for (; options->name; options++) {
		*letters++ = options->val;
		if (options->has_arg == required_argument)
			*letters++ = ':';
	}
	*letters = '\0';
}

static int next(int argc, char **argv, const struct option *options,
		const char *usage, const char *order)
{
	char letters[32];
	int c;

	list_letters(options, order, letters);
	c = getopt_long(argc, argv, letters, options, NULL);
	if (c == 'h')
		help(usage);
	if (c == '?')
		exit(USAGE);
	return c;
}

int next_option(int argc, char **argv, const struct option *options,
		const char *usage)
{
	return next(argc, argv, options, usage, "");
}

int next_option_in_front(int argc, char **argv, const struct option *options,
			 const char *usage)
{
	return next(argc, argv, options, usage, "+");
}

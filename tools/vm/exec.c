// SPDX-License-Identifier: GPL-2.0
/* famez-vm exec: a command in a guest, or in all of them. */
#include <unistd.h>

#include "famez-vm.h"

static const char help[] =
"usage: famez-vm exec [OPTION]... NODE 'SHELL LINE'\n"
"       famez-vm exec [OPTION]... NODE -- COMMAND [ARGUMENT]...\n"
"\n"
"Runs a command in guest NODE (node01, or 1), or with \"all\" in every guest\n"
"side by side. One word is a line for the guest's shell; several are the\n"
"command as it is. Input is forwarded (not to \"all\", nor from a terminal),\n"
"the two outputs come back apart, with \"node01: \" before each line of\n"
"\"all\". It ends when the command itself ends: what that left running in the\n"
"background lives on, unheard.\n"
"\n"
"  --dir DIR         state directory of the fabric\n"
"  --timeout S       kill the command after S seconds (default 600)\n"
"  --env NAME=VALUE  set a variable for the command (may be repeated)\n"
"  --cwd DIR         run it in this directory of the guest (default /root)\n"
"  --ignore-console  do not judge the guest by its console\n"
"  --guard S         how long the guest may give no sign of life (default 120)\n"
"  -n, --no-stdin    give it no input\n"
"\n"
"exit codes: the command's; 128 + N if signal N ended it; 124 on timeout; 125\n"
"if the guest is dead, hangs, began anew, or its kernel ever complained on the\n"
"console; 1 if NODE is not there; 2 misuse. Of \"all\", the highest.\n";

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "timeout", required_argument, NULL, 't' },
	{ "env", required_argument, NULL, 'e' },
	{ "cwd", required_argument, NULL, 'c' },
	{ "ignore-console", no_argument, NULL, 'i' },
	{ "guard", required_argument, NULL, 'g' },
	{ "no-stdin", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void parse(int argc, char **argv, struct command *command)
{
	const char *dir = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "+n", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			dir = optarg;
			break;
		case 't':
			command->timeout = 1000LL * parse_number("--timeout",
						optarg, 1, 1000000);
			break;
		case 'e':
			if (!strchr(optarg, '=') || command->nr_env == LIST_MAX)
				misuse("--env is '%s'; expected NAME=VALUE, at most %d times",
				       optarg, LIST_MAX);
			command->env[command->nr_env++] = optarg;
			break;
		case 'c':
			command->cwd = optarg;
			break;
		case 'i':
			command->ignore_console = true;
			break;
		case 'g':
			command->guard = 1000LL * parse_number("--guard",
						optarg, 1, 1000000);
			break;
		case 'n':
			command->no_stdin = true;
			break;
		case 'h':
			show_help(help);
		default:
			misuse("the options were not understood");
		}
	}
	state_use(dir);
}

static void set_command(struct command *command, int argc, char **argv)
{
	static char *shell[] = { "sh", "-c", NULL, NULL };

	if (argc && !strcmp(argv[0], "--")) {
		command->argv = argv + 1;
		command->argc = argc - 1;
	} else if (argc == 1) {
		shell[2] = argv[0];
		command->argv = shell;
		command->argc = 3;
	} else {
		command->argv = argv;
		command->argc = argc;
	}
	if (command->argc < 1)
		misuse("no command; expected NODE 'SHELL LINE' or NODE -- COMMAND...");
}

int verb_exec(int argc, char **argv)
{
	struct command command = {
		.cwd = "/root",
		.timeout = 600 * 1000,
		.guard = 120 * 1000,
	};
	static struct nodes nodes;

	parse(argc, argv, &command);
	if (optind >= argc)
		misuse("no node; expected NODE 'SHELL LINE' or NODE -- COMMAND...");
	/* A terminal's keys are for famez-vm console */
	command.no_stdin |= isatty(STDIN_FILENO);
	set_command(&command, argc - optind - 1, argv + optind + 1);
	nodes_named(&nodes, argv[optind]);
	if (strcmp(argv[optind], "all"))
		return session_run(&nodes.node[0], &command);
	command.no_stdin = true;
	return run_everywhere(&nodes, &command);
}

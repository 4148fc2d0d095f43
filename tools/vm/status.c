// SPDX-License-Identifier: GPL-2.0
/* The verbs that look: check, status, log, wait. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "famez-vm.h"

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* Options of all four; @timeout is NULL for those that have none. */
static void parse(int argc, char **argv, const char *help, int64_t *timeout)
{
	const char *dir = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			dir = optarg;
		else if (option == 't' && timeout)
			*timeout = 1000LL * parse_number("--timeout", optarg,
							 1, 1000000);
		else if (option == 'h')
			show_help(help);
		else
			misuse("the options were not understood");
	}
	state_use(dir);
}

/* The node, or nodes, that the one argument names. */
static struct nodes *the_nodes(int argc, char **argv, bool all)
{
	static struct nodes nodes;

	if (optind != argc - 1 || (!all && !strcmp(argv[optind], "all")))
		misuse("expected one NODE%s", all ? ", or all" : "");
	nodes_named(&nodes, argv[optind]);
	return &nodes;
}

int verb_check(int argc, char **argv)
{
	static const char help[] =
	"usage: famez-vm check [--dir DIR] NODE|all\n"
	"\n"
	"Exits 0 if the guest's kernel has never complained on its console (BUG,\n"
	"WARNING, Oops, panic, lockup, ...); else prints the complaint and exits 1.\n";
	struct console console;
	struct nodes *nodes;
	int code = 0, i;

	parse(argc, argv, help, NULL);
	nodes = the_nodes(argc, argv, true);
	for (i = 0; i < nodes->count; i++) {
		if (!console_open(&console, &nodes->node[i])) {
			complain("%s has no console log: %s",
				 nodes->node[i].name, strerror(errno));
			code = 1;
			continue;
		}
		if (console_read(&console)) {
			console_report(&console, &nodes->node[i]);
			code = 1;
		}
		console_close(&console);
	}
	return code;
}

/* True if it runs and has nothing to complain of */
static bool print_status(const char *dir, const char *name, const char *daemon,
			 const struct node *node)
{
	const char *state = "running";
	struct process process;
	struct console console;
	char since[32] = "-", outcome[64];

	if (!process_open(dir, daemon, &process)) {
		process_outcome(dir, daemon, outcome, sizeof(outcome));
		printf("%-8s %8s  %-10s %s\n", name, "-", "dead", outcome);
		return false;
	}
	process_close(&process);
	if (node && console_open(&console, node)) {
		if (console_read(&console))
			state = "complaint";
		console_close(&console);
	}
	strftime(since, sizeof(since), "%F %T",
		 localtime(&(time_t){ process.since }));
	printf("%-8s %8d  %-10s %s\n", name, process.pid, state, since);
	return !strcmp(state, "running");
}

int verb_status(int argc, char **argv)
{
	static const char help[] =
	"usage: famez-vm status [--dir DIR]\n"
	"\n"
	"Shows the switch and the guests: process, state (running, dead, or\n"
	"complaint if the kernel complained on the console), and since when it runs,\n"
	"or how it ended. Exits 0 if all run without complaint.\n";
	static struct nodes nodes;
	bool well = true;
	char path[PATH_ROOM];
	int i;

	parse(argc, argv, help, NULL);
	if (optind != argc)
		misuse("'%s' was not expected", argv[optind]);
	nodes_all(&nodes);
	state_path(path, state_dir, "switch.log");
	printf("%-8s %8s  %-10s %s\n", "name", "process", "state", "since");
	if (!access(path, F_OK))
		well = print_status(state_dir, "switch", "switch", NULL);
	for (i = 0; i < nodes.count; i++)
		if (!print_status(nodes.node[i].dir, nodes.node[i].name,
				  "qemu", &nodes.node[i]))
			well = false;
	return well ? 0 : 1;
}

int verb_log(int argc, char **argv)
{
	static const char help[] =
	"usage: famez-vm log [--dir DIR] NODE\n"
	"\n"
	"Prints all that the guest's kernel wrote to its console.\n";
	char path[PATH_ROOM], bytes[4096];
	struct nodes *nodes;
	FILE *file;
	size_t n;

	parse(argc, argv, help, NULL);
	nodes = the_nodes(argc, argv, false);
	state_path(path, nodes->node[0].dir, "console.log");
	file = fopen(path, "re");
	if (!file)
		fail("%s: %s", path, strerror(errno));
	while ((n = fread(bytes, 1, sizeof(bytes), file)))
		fwrite(bytes, 1, n, stdout);
	fclose(file);
	return 0;
}

int verb_wait(int argc, char **argv)
{
	static const char help[] =
	"usage: famez-vm wait [--dir DIR] [--timeout S] NODE\n"
	"\n"
	"Waits until the guest's QEMU has ended, and prints how: \"exit status N\" or\n"
	"\"killed by signal N\". Exits 124 if that takes more than S seconds (default\n"
	"600).\n";
	int64_t timeout = 600 * 1000;
	struct process process;
	struct nodes *nodes;
	char outcome[64];

	parse(argc, argv, help, &timeout);
	nodes = the_nodes(argc, argv, false);
	if (process_open(nodes->node[0].dir, "qemu", &process) &&
	    !process_wait(&process, milliseconds() + timeout)) {
		complain("%s still runs after %lld s", nodes->node[0].name,
			 (long long)timeout / 1000);
		return EXIT_TIMEOUT;
	}
	process_outcome(nodes->node[0].dir, "qemu", outcome, sizeof(outcome));
	printf("%s: %s\n", nodes->node[0].name, outcome);
	return 0;
}

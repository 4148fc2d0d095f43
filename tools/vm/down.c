// SPDX-License-Identifier: GPL-2.0
/* famez-vm down: end guests and the switch, and remove what they left. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famez-vm.h"

/* A healthy QEMU needs a fraction of a second to end */
#define TERM_GUARD	15000
#define KILL_GUARD	30000
/* A whole Debian under an emulator, on a busy host */
#define SHUTDOWN_GUARD	300000
/* One that boots yet will hear it sooner or later */
#define PRESS_AGAIN	5000

static const char help[] =
"usage: famez-vm down [--dir DIR] [--keep-logs] [NODE...]\n"
"\n"
"Ends the named guests, or all guests and the switch, and removes their\n"
"files; without NODE the whole state directory. Well if nothing runs.\n"
"Guests whose disk is kept are told to shut down, and waited for.\n"
"\n"
"  --dir DIR    state directory of the fabric\n"
"  --keep-logs  keep the logs of consoles, QEMUs and the switch\n";

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "keep-logs", no_argument, NULL, 'k' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void send_signal(struct process *process, int signal)
{
	/* By descriptor: this cannot hit a stranger with the same number */
	syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0);
}

/* The process is asked already; false if nothing helps. */
static bool end_process(const char *dir, const char *name,
			struct process *process)
{
	char outcome[64];
	bool ended = process_wait(process, milliseconds() + TERM_GUARD);

	if (!ended) {
		complain("%s in %s does not end on SIGTERM, and is killed",
			 name, dir);
		send_signal(process, SIGKILL);
		ended = process_wait(process, milliseconds() + KILL_GUARD);
	}
	if (ended)	/* and so has its parent, when it told the outcome */
		process_outcome(dir, name, outcome, sizeof(outcome));
	else
		complain("%s in %s (process %d) survives SIGKILL; look for what blocks it in the host's kernel log",
			 name, dir, process->pid);
	process_close(process);
	return ended;
}

static void cut_off(const struct node *node)
{
	complain("%s does not shut down, and is cut off; its disk may want e2fsck", node->name);
}

/* The power buttons of those that are @asked.  Who cannot be asked is not asked again. */
static void press_buttons(const struct nodes *nodes, struct process *processes, bool *asked)
{
	static pid_t buttons[MAX_NODES];
	int i, status;

	for (i = 0; i < nodes->count; i++)
		buttons[i] = asked[i] ? qmp_power_button(&nodes->node[i]) : 0;
	for (i = 0; i < nodes->count; i++) {
		status = 0;
		if (buttons[i] > 0)
			waitpid(buttons[i], &status, 0);
		if (!status || process_wait(&processes[i], milliseconds()))
			continue;
		cut_off(&nodes->node[i]);
		asked[i] = false;
	}
}

/* Return: is there one that was asked, and has not ended? */
static bool some_run_on(const struct nodes *nodes, struct process *processes, bool *asked)
{
	int64_t deadline = milliseconds() + PRESS_AGAIN;
	bool some = false;
	int i;

	for (i = 0; i < nodes->count; i++) {
		asked[i] = asked[i] && !process_wait(&processes[i], deadline);
		some |= asked[i];
	}
	return some;
}

/*
 * Press the power buttons of all that have a disk to care for, and wait.  A guest that
 * boots hears nothing until it is far enough, so they are pressed again; one that shuts
 * down does not mind.
 */
static void shut_down(struct nodes *nodes, struct process *processes,
		      const bool *runs)
{
	int64_t deadline = milliseconds() + SHUTDOWN_GUARD;
	static bool asked[MAX_NODES];
	int i;

	for (i = 0; i < nodes->count; i++) {
		asked[i] = runs[i] && node_is_kept(&nodes->node[i]);
		if (asked[i])
			complain("%s shuts down", nodes->node[i].name);
	}
	do {
		press_buttons(nodes, processes, asked);
	} while (some_run_on(nodes, processes, asked) && milliseconds() < deadline);
	for (i = 0; i < nodes->count; i++)
		if (asked[i])
			cut_off(&nodes->node[i]);
}

/* End all at once, then wait for each; the number of those that live on */
int down_nodes(struct nodes *nodes, bool gently)
{
	static struct process processes[MAX_NODES];
	static bool runs[MAX_NODES];
	int failures = 0, i;

	for (i = 0; i < nodes->count; i++)
		runs[i] = process_open(nodes->node[i].dir, "qemu",
				       &processes[i]);
	if (gently)
		shut_down(nodes, processes, runs);
	for (i = 0; i < nodes->count; i++)
		if (runs[i])
			send_signal(&processes[i], SIGTERM);
	for (i = 0; i < nodes->count; i++)
		if (runs[i] && !end_process(nodes->node[i].dir, "qemu",
					    &processes[i]))
			failures++;
	return failures;
}

int down_switch(void)
{
	struct process process;

	if (!process_open(state_dir, "switch", &process))
		return 0;
	send_signal(&process, SIGTERM);
	return end_process(state_dir, "switch", &process) ? 0 : 1;
}

static void remove_files(const char *dir, bool keep_logs)
{
	static const char *const names[] = {
		"qemu.pid", "qemu.start", "qemu.exit", "qmp.sock", "qmp.lock",
		"switch.pid", "switch.start", "switch.exit", "switch.sock", "kept",
	};
	char path[PATH_ROOM], name[16];
	size_t i;

	if (!keep_logs) {
		remove_tree(dir);
		return;
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		state_path(path, dir, names[i]);
		unlink(path);
	}
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "exec%zu.sock", i);
		state_path(path, dir, name);
		unlink(path);
		snprintf(name, sizeof(name), "exec%zu.lock", i);
		state_path(path, dir, name);
		unlink(path);
	}
}

static int down_all(bool keep_logs)
{
	static struct nodes nodes;
	int i;

	/* an 'up' that has begun to start some is let finish that; the lock ends with us */
	if (!state_is_ours() || state_lock() < 0)
		return 0;
	nodes_all(&nodes);
	/* The guests first: they should not see their switch go */
	if (down_nodes(&nodes, true) + down_switch())
		return 1;
	for (i = 0; i < nodes.count; i++)
		remove_files(nodes.node[i].dir, keep_logs);
	/* A switch that was killed leaves its memory behind */
	shm_unlink(state_backing());
	remove_files(state_dir, keep_logs);
	return 0;
}

static int down_some(char **names, bool keep_logs)
{
	static struct nodes some;
	struct nodes one;
	int i;

	for (; *names; names++) {
		int number = 0;

		/* Unlike elsewhere, a node that is not there is as wished */
		if (sscanf(*names, "node%d", &number) != 1)
			number = parse_number("NODE", *names, 1, MAX_NODES);
		if (number < 1 || number > MAX_NODES)
			misuse("'%s' is no node; expected node01, node02, ...",
			       *names);
		node_set(&one.node[0], number);
		if (some.count < MAX_NODES &&
		    !access(one.node[0].dir, F_OK))
			some.node[some.count++] = one.node[0];
	}
	if (some.count && state_is_ours())
		state_lock();
	if (down_nodes(&some, true))
		return 1;
	for (i = 0; i < some.count; i++)
		remove_files(some.node[i].dir, keep_logs);
	return 0;
}

int verb_down(int argc, char **argv)
{
	const char *dir = NULL;
	bool keep_logs = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			dir = optarg;
			break;
		case 'k':
			keep_logs = true;
			break;
		case 'h':
			show_help(help);
		default:
			misuse("the options were not understood");
		}
	}
	state_use(dir);
	if (optind < argc && strcmp(argv[optind], "all"))
		return down_some(argv + optind, keep_logs);
	return down_all(keep_logs);
}

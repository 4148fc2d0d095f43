// SPDX-License-Identifier: GPL-2.0
/*
 * famez-vm console: a shell in a guest, for a person.
 *
 * It is a command of the guest's agent that has a terminal, not the serial
 * console: that one belongs to the kernel and to the judge, who would take what
 * a person types or prints ("grep WARNING") for a complaint; it has no size,
 * and serves one person at a time. What the kernel prints is shown in between.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "famez-vm.h"

/* Ctrl-], as that of virsh and telnet */
#define ESCAPE		0x1d
/* For a terminal that does not know its size */
#define ROWS		24
#define COLUMNS		80
/* People take their time: a year */
#define FOREVER		(365LL * 86400 * 1000)

static const char help[] =
"usage: famez-vm console [--dir DIR] NODE\n"
"\n"
"A shell in guest NODE (node01, or 1), for a person: with line editing, job\n"
"control, and what the kernel says on its console in between. Ctrl-] leaves it,\n"
"whatever the guest does; so does the end of the shell (exit, Ctrl-D). Either\n"
"way the shell is gone, and the next console is a new one; several may be open\n"
"at once, each of which is one of the 8 commands that a guest can run. If the\n"
"input is no terminal, the shell gets it as it is:\n"
"\n"
"  echo id | famez-vm console node01\n"
"\n"
"Unlike exec, it does not judge the guest by its console, and has no time limit.\n"
"\n"
"exit codes: the shell's; 0 after Ctrl-]; 128 + N if signal N ended it; 125 if\n"
"the guest is dead, hangs or began anew; 1 if NODE is not there; 2 misuse\n";

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static struct termios before;
static bool is_raw;

/* Give the terminal back as it was; harmless if it is. */
void terminal_restore(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_raw = false;
}

/* All keys are the guest's, Ctrl-C and Ctrl-Z, too. */
void terminal_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before))
		fail("cannot set up the terminal: %s", strerror(errno));
	raw = before;
	cfmakeraw(&raw);
	atexit(terminal_restore);
	is_raw = true;
	/* Not TCSAFLUSH: what was typed ahead is for the guest */
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* Its size, as FRAME_WINDOW has it */
uint32_t terminal_window(void)
{
	struct winsize size = { 0 };

	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	if (!size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = ROWS, .ws_col = COLUMNS };
	return (uint32_t)size.ws_row << 16 | size.ws_col;
}

/* Did the person press the escape key, or hang up? @n is what read() said. */
bool terminal_left(const char *bytes, ssize_t n)
{
	if (n <= 0)
		return true;
	if (!memchr(bytes, ESCAPE, n))
		return false;
	terminal_restore();
	fputc('\n', stderr);
	return true;
}

/* busybox' ash has line editing; scripts get the same shell as from exec. */
static void set_shell(struct command *command)
{
	static char *script[] = { "sh" };
	static char *login[] = { "/bin/busybox", "ash", "-l" };
	static char term[64];

	command->terminal = isatty(STDIN_FILENO);
	command->argv = command->terminal ? login : script;
	command->argc = command->terminal ? 3 : 1;
	if (!command->terminal || !getenv("TERM"))
		return;
	snprintf(term, sizeof(term), "TERM=%s", getenv("TERM"));
	command->env[command->nr_env++] = term;
}

int verb_console(int argc, char **argv)
{
	struct command command = {
		.cwd = "/root",
		.timeout = FOREVER,
		.guard = 120 * 1000,
		.ignore_console = true,
	};
	static struct nodes nodes;
	const char *dir = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			dir = optarg;
		else if (option == 'h')
			show_help(help);
		else
			misuse("the options were not understood");
	}
	state_use(dir);
	if (optind != argc - 1 || !strcmp(argv[optind], "all"))
		misuse("expected one NODE");
	nodes_named(&nodes, argv[optind]);
	set_shell(&command);
	if (command.terminal)
		complain("a shell in %s; Ctrl-] leaves it", nodes.node[0].name);
	return session_run(&nodes.node[0], &command);
}

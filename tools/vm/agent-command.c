// SPDX-License-Identifier: GPL-2.0
/* famez-agent: the command, on pipes or on a terminal of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent.h"

/* In the new process, which has its session and its streams already */
static void become_command(const char *cwd, char **argv, char **env)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (; *env; env++)
		putenv(*env);
	if (!chdir(cwd))
		execvp(argv[0], argv);
	error = errno;
	dprintf(2, "famez-agent: cannot run '%s' in %s: %s\n", argv[0], cwd,
		strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

static pid_t start_on_pipes(const char *cwd, char **argv, char **env,
			    int *streams)
{
	int in[2], out[2], err[2];
	pid_t child;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		abort();
	child = fork();
	if (child == 0) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		become_command(cwd, argv, env);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	streams[0] = in[1];
	streams[1] = out[0];
	streams[2] = err[0];
	return child;
}

static struct winsize winsize(uint32_t window)
{
	return (struct winsize){
		.ws_row = window >> 16,
		.ws_col = window & 0xffff,
	};
}

static pid_t start_on_terminal(const char *cwd, char **argv, char **env,
			       uint32_t window, int *streams)
{
	struct winsize size = winsize(window);
	pid_t child;
	int master;

	child = forkpty(&master, NULL, NULL, &size);
	if (child == 0)
		become_command(cwd, argv, env);
	if (child < 0)
		return child;
	fcntl(master, F_SETFD, FD_CLOEXEC);
	streams[0] = master;
	streams[1] = fcntl(master, F_DUPFD_CLOEXEC, 0);
	return child;
}

/*
 * Start @argv; our ends of its input, output and error output go to @streams.
 * With a @window it has a terminal of that size, and no error output apart.
 * Its number, which is its process group's, too; negative: there is none
 */
pid_t command_start(const char *cwd, char **argv, char **env, uint32_t window,
		    int *streams)
{
	pid_t child = window ?
		start_on_terminal(cwd, argv, env, window, streams) :
		start_on_pipes(cwd, argv, env, streams);

	if (streams[0] >= 0)
		fcntl(streams[0], F_SETFL, O_NONBLOCK);
	return child;
}

/* Harmless if @terminal is none */
void command_resize(int terminal, uint32_t window)
{
	struct winsize size = winsize(window);

	ioctl(terminal, TIOCSWINSZ, &size);
}

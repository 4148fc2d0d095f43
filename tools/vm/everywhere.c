// SPDX-License-Identifier: GPL-2.0
/* One command in all guests: a process for each, whose lines are named. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famez-vm.h"

struct stream {
	const char *name;
	FILE *to;
	size_t length;
	char line[4096];
};

static pid_t runners[MAX_NODES];
static int nr_runners;
static struct stream streams[2 * MAX_NODES];
static struct pollfd fds[2 * MAX_NODES];

static void pass_on(int signal)
{
	int i;

	for (i = 0; i < nr_runners; i++)
		kill(runners[i], signal);
}

static void start_runner(const struct node *node, const struct command *command)
{
	int out[2], err[2], i = nr_runners;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("no more pipes: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		exit(session_run(node, command));
	}
	if (pid < 0)
		fail("no more processes: %s", strerror(errno));
	close(out[1]);
	close(err[1]);
	runners[nr_runners++] = pid;
	streams[2 * i] = (struct stream){ .name = node->name, .to = stdout };
	streams[2 * i + 1] = (struct stream){ .name = node->name, .to = stderr };
	fds[2 * i] = (struct pollfd){ out[0], POLLIN, 0 };
	fds[2 * i + 1] = (struct pollfd){ err[0], POLLIN, 0 };
}

static void end_line(struct stream *stream)
{
	fprintf(stream->to, "%s: ", stream->name);
	fwrite(stream->line, 1, stream->length, stream->to);
	fputc('\n', stream->to);
	fflush(stream->to);
	stream->length = 0;
}

/* False at the end of the stream */
static bool pass_lines(struct stream *stream, int fd)
{
	char bytes[4096];
	ssize_t n, i;

	n = read(fd, bytes, sizeof(bytes));
	if (n < 0 && errno == EINTR)
		return true;
	for (i = 0; i < n; i++) {
		if (bytes[i] == '\n' ||
		    stream->length == sizeof(stream->line))
			end_line(stream);
		if (bytes[i] != '\n')
			stream->line[stream->length++] = bytes[i];
	}
	if (n <= 0 && stream->length)
		end_line(stream);
	return n > 0;
}

static int worst_code(void)
{
	int worst = 0, status, i;

	for (i = 0; i < nr_runners; i++) {
		int code;

		while (waitpid(runners[i], &status, 0) < 0)
			;
		code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					     WEXITSTATUS(status);
		if (code > worst)
			worst = code;
	}
	return worst;
}

int run_everywhere(struct nodes *nodes, const struct command *command)
{
	int open_streams = 2 * nodes->count, i;

	for (i = 0; i < nodes->count; i++)
		start_runner(&nodes->node[i], command);
	/* Each runner kills its guest's command, and tells how that went */
	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	while (open_streams) {
		if (poll(fds, 2 * nodes->count, -1) < 0)
			continue;
		for (i = 0; i < 2 * nodes->count; i++) {
			if (!fds[i].revents ||
			    pass_lines(&streams[i], fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i].fd = -1;
			open_streams--;
		}
	}
	return worst_code();
}

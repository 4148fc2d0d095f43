// SPDX-License-Identifier: GPL-2.0
/* Start famez-server, the switch. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "famez-vm.h"

#define START_GUARD	60000

static const char *server_program(void)
{
	static char path[PATH_MAX + 16];
	const char *chosen = getenv("FAMEZ_SERVER");

	if (chosen && *chosen)
		return chosen;
	snprintf(path, sizeof(path), "%s/famez-server", own_directory());
	return access(path, X_OK) ? "famez-server" : path;
}

/*
 * Is somebody listening there? Connecting would tell, too, but would make us
 * a peer, and use an id up.
 */
static bool is_listening(const char *socket)
{
	FILE *file = fopen("/proc/net/unix", "re");
	char line[512], path[256];
	unsigned int flags;
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %255[^\n]", &flags,
			   path) == 2 &&
		    !strcmp(path, socket) && flags & 0x10000)
			found = true;
	if (file)
		fclose(file);
	return found;
}

static void wait_for_socket(struct process *process, const char *socket)
{
	struct pollfd ended = { .fd = process->pidfd, .events = POLLIN };
	int64_t guard = milliseconds() + START_GUARD;
	char path[PATH_ROOM], outcome[64];

	/* The kernel announces no listen(), and all of it takes milliseconds */
	while (!is_listening(socket)) {
		if (poll(&ended, 1, 5) <= 0 && milliseconds() < guard)
			continue;
		state_path(path, state_dir, "switch.log");
		if (ended.revents) {
			process_outcome(state_dir, "switch", outcome,
					sizeof(outcome));
			complain("the switch ended at once (%s); it said:",
				 outcome);
		} else {
			complain("the switch does not listen on %s after %d s; it said:",
				 socket, START_GUARD / 1000);
		}
		print_tail(path, 10);
		exit(1);
	}
}

/* @argv has SWITCH_WORDS places. */
void switch_arguments(const struct switch_options *options, char **argv)
{
	static char socket[PATH_ROOM];
	const char *words[SWITCH_WORDS] = {
		server_program(),
		"--socket", socket,
		"--size", options->size,
		"--clients", options->clients,
		"--vectors", options->vectors,
		"--backing", options->backing ? options->backing :
						state_backing(),
	};

	state_path(socket, state_dir, "switch.sock");
	memcpy(argv, words, sizeof(words));
}

void switch_start(const struct switch_options *options,
		  struct process *process)
{
	char *argv[SWITCH_WORDS], *socket;

	switch_arguments(options, argv);
	socket = argv[2];
	/* Left by one that was killed; it would be refused */
	unlink(socket);
	if (!process_start(state_dir, "switch", argv, NULL, 0, process))
		fail("cannot start a process: %s", strerror(errno));
	wait_for_socket(process, socket);
}

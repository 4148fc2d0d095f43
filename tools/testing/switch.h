/* SPDX-License-Identifier: GPL-2.0 */
/* A switch of a test's own; $FAMEZ_SERVER names the program. */
#ifndef FAMEZ_TESTING_SWITCH_H
#define FAMEZ_TESTING_SWITCH_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct switch_process {
	char path[64];
	pid_t pid;
};

static inline void backing_name(char *name, size_t size, pid_t pid)
{
	snprintf(name, size, "famez-test.%d", pid);
}

static inline void exec_switch(const struct switch_process *sw,
			       const char *size, const char *clients,
			       const char *vectors, int output)
{
	const char *server = getenv("FAMEZ_SERVER");
	char backing[64];

	if (!server)
		server = "build/bin/famez-server";
	backing_name(backing, sizeof(backing), getpid());
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execl(server, server, "--socket", sw->path, "--size", size,
	      "--clients", clients, "--backing", backing,
	      vectors ? "--vectors" : NULL, vectors, NULL);
	perror(server);
	_exit(127);
}

/* What it says later is of no interest; it must not wait for a reader, though. */
static inline void read_on(FILE *in)
{
	char line[512];

	if (!fork()) {
		while (fgets(line, sizeof(line), in))
			;
		_exit(0);
	}
	fclose(in);
}

/* Waits for its "ready". */
static inline int wait_ready(int output)
{
	char line[512];
	FILE *in = fdopen(output, "r");

	while (fgets(line, sizeof(line), in)) {
		if (!strstr(line, "famez-server: ready")) {
			fputs(line, stderr);
			continue;
		}
		read_on(in);
		return 0;
	}
	return -1;
}

/* @vectors: NULL: as many as there are by default */
static inline int start_switch(struct switch_process *sw, const char *size,
			       const char *clients, const char *vectors)
{
	static int number;
	int output[2];

	snprintf(sw->path, sizeof(sw->path), "/tmp/famez-test.%d.%d.sock",
		 getpid(), number++);
	if (pipe(output))
		return -1;
	sw->pid = fork();
	if (!sw->pid)
		exec_switch(sw, size, clients, vectors, output[1]);
	close(output[1]);
	return wait_ready(output[0]);
}

static inline int stop_switch(struct switch_process *sw, int sig)
{
	char backing[64], lock[80];
	int status;

	kill(sw->pid, sig);
	if (waitpid(sw->pid, &status, 0) != sw->pid)
		return -1;
	/* one that was killed leaves things behind */
	backing_name(backing, sizeof(backing), sw->pid);
	shm_unlink(backing);
	unlink(sw->path);
	snprintf(lock, sizeof(lock), "%s.lock", sw->path);
	unlink(lock);
	return status;
}

#endif /* FAMEZ_TESTING_SWITCH_H */

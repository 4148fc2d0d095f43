// SPDX-License-Identifier: GPL-2.0
/*
 * wire-wait: waits until a growing file has COUNT lines that match REGEX.
 *
 * Prints the COUNTth; exits 1 if it has not come after the guard's time, or
 * when the process that writes the file has ended without it. So the shell
 * tests need neither sleep nor guess.
 */
#include <getopt.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire.h"

static void usage(void)
{
	fputs("usage: wire-wait [-t GUARD-SECONDS] [-p PID] FILE REGEX [COUNT]\n",
	      stderr);
	exit(2);
}

static bool found(const char *path, const regex_t *regex, __u64 count)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		wire_die("%s", path);
	while (count && (n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] != '\n')
			break;	/* still being written */
		line[n - 1] = '\0';
		if (!regexec(regex, line, 0, NULL, 0) && !--count)
			puts(line);
	}
	free(line);
	fclose(f);
	return !count;
}

int main(int argc, char **argv)
{
	__u64 guard = 600, pid = 0, count = 1;
	struct pollfd pfd[2] = {
		{ .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	bool over = false;
	char events[4096];
	regex_t regex;
	int c;

	while ((c = getopt(argc, argv, "t:p:")) != -1) {
		if (!(c == 't' && wire_number(optarg, &guard)) &&
		    !(c == 'p' && wire_number(optarg, &pid)))
			usage();
	}
	argc -= optind;
	argv += optind;
	if (argc < 2 || argc > 3 ||
	    (argc == 3 && !wire_number(argv[2], &count)) ||
	    regcomp(&regex, argv[1], REG_EXTENDED | REG_NOSUB))
		usage();
	wire_guard(guard);

	/* Watch first: what is written from here on wakes us. */
	pfd[0].fd = inotify_init1(IN_CLOEXEC);
	if (pfd[0].fd < 0 ||
	    inotify_add_watch(pfd[0].fd, argv[0], IN_MODIFY) < 0)
		wire_die("%s", argv[0]);
	if (pid) {
		pfd[1].fd = syscall(SYS_pidfd_open, (pid_t)pid, 0);
		over = pfd[1].fd < 0;
	}
	while (!found(argv[0], &regex, count)) {
		if (over)
			return 1;
		if (poll(pfd, 2, -1) < 0)
			wire_die("poll");
		if (pfd[0].revents &&
		    read(pfd[0].fd, events, sizeof(events)) < 0)
			wire_die("inotify");
		/* Look once more: its last words may have come before. */
		over = pfd[1].revents;
	}
	return 0;
}

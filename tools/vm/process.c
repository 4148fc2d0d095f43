// SPDX-License-Identifier: GPL-2.0
/*
 * Daemons: QEMU and the switch. Each has a small parent of ours that stays to
 * learn how it ended, and files in its directory: NAME.pid, NAME.start (when
 * it started, in the kernel's clock: a process with the same number but
 * another start is a stranger), NAME.exit (how it ended; locked by the parent
 * as long as that lives) and NAME.log (what it said).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famez-vm.h"

static int open_in(const char *dir, const char *name, const char *suffix,
		   int flags)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, suffix);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void write_number(const char *dir, const char *name, const char *suffix,
			 unsigned long long number)
{
	int fd = open_in(dir, name, suffix, O_WRONLY | O_CREAT | O_TRUNC);

	dprintf(fd, "%llu\n", number);
	close(fd);
}

static unsigned long long read_number(const char *dir, const char *name,
				      const char *suffix)
{
	int fd = open_in(dir, name, suffix, O_RDONLY);
	char text[32] = "";

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoull(text, NULL, 10);
}

/* Field 22 of /proc/PID/stat; the second, the name, may hold blanks. */
static unsigned long long start_time(pid_t pid)
{
	char path[32], text[1024], *at;
	ssize_t n = -1;
	int fd, field;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(text, ')');
	for (field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Peers times vectors event descriptors may come in. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void become_daemon(char **argv, const int *keep, int nr_keep)
{
	sigset_t none;
	int i;

	/* Locks and pipes of our caller's are none of its business */
	syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	for (i = 0; i < nr_keep; i++)
		fcntl(keep[i], F_SETFD, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	raise_descriptor_limit();
	execvp(argv[0], argv);
	fprintf(stderr, "cannot run '%s': %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* The parent that stays. @ready tells our caller the number of the child. */
static void supervise(const char *dir, const char *name, char **argv,
		      const int *keep, int nr_keep, int ready)
{
	int status, exit_file, null, log;
	pid_t child;

	setsid();
	null = open("/dev/null", O_RDWR);
	log = open_in(dir, name, "log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	exit_file = open_in(dir, name, "exit", O_WRONLY | O_CREAT | O_TRUNC);
	child = fork();
	if (child == 0)
		become_daemon(argv, keep, nr_keep);
	if (child > 0) {
		write_number(dir, name, "start", start_time(child));
		write_number(dir, name, "pid", child);
	}
	/* only now: who finds this locked and no number would wait for the child's end */
	flock(exit_file, LOCK_EX);
	/* Nothing of the caller's may be held open: it may wait for its end */
	dup2(exit_file, 3);
	dup2(ready, 4);
	fcntl(4, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, 5, ~0U, 0);
	if (write(4, &child, sizeof(child)) != sizeof(child))
		_exit(1);
	close(4);
	prctl(PR_SET_NAME, "famez-vm-parent");
	if (child < 0)
		_exit(1);
	while (waitpid(child, &status, 0) < 0)
		;
	if (WIFSIGNALED(status))
		dprintf(3, "killed by signal %d\n", WTERMSIG(status));
	else
		dprintf(3, "exit status %d\n", WEXITSTATUS(status));
	_exit(0);
}

/* Start @argv as daemon @name; it inherits the descriptors @keep. */
bool process_start(const char *dir, const char *name, char **argv,
		   const int *keep, int nr_keep, struct process *process)
{
	pid_t parent, child = -1;
	int ready[2];

	if (pipe2(ready, O_CLOEXEC))
		return false;
	fflush(NULL);
	parent = fork();
	if (parent == 0) {
		/* Out of the way of the numbers that supervise() uses */
		int high = fcntl(ready[1], F_DUPFD_CLOEXEC, 10);

		supervise(dir, name, argv, keep, nr_keep, high);
	}
	close(ready[1]);
	if (parent > 0 && read(ready[0], &child, sizeof(child)) < 0)
		child = -1;
	close(ready[0]);
	if (child < 0)
		return false;
	return process_open(dir, name, process) ||
	       /* ended already: callers see that as they see a later end */
	       (process->pidfd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;
}

/* Find the daemon that was started as @name; false if it runs no more. */
bool process_open(const char *dir, const char *name, struct process *process)
{
	struct pollfd ended = { .events = POLLIN };
	char path[PATH_ROOM];
	struct stat status;

	process->pidfd = -1;
	process->pid = read_number(dir, name, "pid");
	if (!process->pid)
		return false;
	process->pidfd = syscall(SYS_pidfd_open, process->pid, 0);
	if (process->pidfd < 0)
		return false;
	ended.fd = process->pidfd;
	if (start_time(process->pid) != read_number(dir, name, "start") ||
	    poll(&ended, 1, 0) > 0) {
		process_close(process);
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s.pid", dir, name);
	process->since = stat(path, &status) ? 0 : status.st_mtime;
	return true;
}

void process_close(struct process *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
	process->pidfd = -1;
}

bool process_wait(struct process *process, int64_t deadline)
{
	struct pollfd ended = { .fd = process->pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&ended, 1, poll_wait(deadline));
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* How a daemon that has ended did so, in words. */
void process_outcome(const char *dir, const char *name, char *text,
		     size_t size)
{
	int fd = open_in(dir, name, "exit", O_RDONLY);
	ssize_t n = 0;

	if (fd >= 0) {
		/* The parent writes it a moment after the daemon is gone */
		flock(fd, LOCK_SH);
		n = read(fd, text, size - 1);
		close(fd);
	}
	if (n > 0)
		text[n - 1] = 0;	/* the line's end */
	else
		snprintf(text, size, "exit status unknown");
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The console judge: a guest whose kernel complained has failed, whatever
 * exit code its commands had.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "famez-vm.h"

static const char complaints[] =
	"BUG:|WARNING:|Oops|kernel BUG at|Kernel panic|"
	"general protection fault|Call Trace:|"
	"INFO: task .* blocked|rcu.*stall|self-detected stall|"
	"soft lockup|hard LOCKUP|UBSAN:|KASAN|"
	"kmemleak: .* new suspected|possible recursive locking|"
	"circular locking|DEBUG_LOCKS_WARN|Unable to handle|"
	"trying to register non-static key|ODEBUG:|BUG [^ ]+ \\(|"
	"scheduling while atomic|sleeping function called|"
	"list_add corruption|list_del corruption|refcount_t:|"
	"unregister_netdevice|Out of memory|segfault at|VFS: Busy inodes|"
	/* what makes a debug kernel blind */
	"turning off the locking correctness validator|"
	"Kernel memory leak detector disabled";

/* What healthy kernels say while they boot */
static const char harmless[] =
	"Spectre V2 ?: WARNING|KASAN_SHADOW|KernelAddressSanitizer initialized|"
	"rcu.*stall_timeout|Command line:|Kernel command line:";

/*
 * Reports of the kernel about itself, harmless to their last line: files of an
 * interrupt in /proc that could not be made, for want of memory, are removed.
 */
static const char own_faults[] = "WARNING: .* remove_proc_entry\\+";
static const char report_end[] = "---[ end trace";

static regex_t complaint_pattern, harmless_pattern, own_fault_pattern;

static void compile_patterns(void)
{
	static bool done;

	if (done)
		return;
	if (regcomp(&complaint_pattern, complaints, REG_EXTENDED | REG_NOSUB) ||
	    regcomp(&harmless_pattern, harmless, REG_EXTENDED | REG_NOSUB) ||
	    regcomp(&own_fault_pattern, own_faults, REG_EXTENDED | REG_NOSUB))
		abort();
	done = true;
}

bool console_open(struct console *console, const struct node *node)
{
	memset(console, 0, sizeof(*console));
	state_path(console->path, node->dir, "console.log");
	console->fd = open(console->path, O_RDONLY | O_CLOEXEC);
	compile_patterns();
	return console->fd >= 0;
}

void console_close(struct console *console)
{
	if (console->fd >= 0)
		close(console->fd);
	console->fd = -1;
}

static bool is_complaint(const char *line)
{
	return !regexec(&complaint_pattern, line, 0, NULL, 0) &&
	       regexec(&harmless_pattern, line, 0, NULL, 0);
}

static void judge_line(struct console *console)
{
	console->line[console->length] = 0;
	console->length = 0;
	console->line_number++;
	if (!regexec(&own_fault_pattern, console->line, 0, NULL, 0))
		console->own_fault = true;
	if (!console->complaint && !console->own_fault &&
	    is_complaint(console->line))
		console->complaint = console->line_number;
	if (strstr(console->line, report_end))
		console->own_fault = false;
}

/* Judge what is new; true if there is a complaint, new or old. */
bool console_read(struct console *console)
{
	char bytes[4096];
	ssize_t n, i;

	while ((n = read(console->fd, bytes, sizeof(bytes))) > 0) {
		for (i = 0; i < n; i++) {
			if (bytes[i] == '\n')
				judge_line(console);
			else if (bytes[i] &&
				 console->length < sizeof(console->line) - 1)
				console->line[console->length++] = bytes[i];
		}
	}
	return console->complaint;
}

/* A descriptor that becomes readable when the console grows. */
int console_watch(const struct console *console)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0)
		inotify_add_watch(fd, console->path, IN_MODIFY);
	return fd;
}

/* Let a complaint finish: until the console is silent, or 2 seconds. */
void console_settle(struct console *console)
{
	struct pollfd watch = { .events = POLLIN };
	int64_t guard = milliseconds() + 2000;
	char events[4096];

	watch.fd = console_watch(console);
	while (milliseconds() < guard && poll(&watch, 1, 300) > 0)
		if (read(watch.fd, events, sizeof(events)) < 0)
			break;
	close(watch.fd);
	console_read(console);
}

/* The complaint, with some lines of context. */
void console_report(struct console *console, const struct node *node)
{
	FILE *file = fopen(console->path, "re");
	char line[1024];
	int number = 0;

	complain("the kernel of %s complains on its console, line %d:",
		 node->name, console->complaint);
	while (file && fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, "\r\n")] = 0;
		if (number < console->complaint - 3 ||
		    number > console->complaint + 12)
			continue;
		fprintf(stderr, "%c %s\n",
			number == console->complaint ? '>' : ' ', line);
	}
	if (file)
		fclose(file);
	fprintf(stderr, "  ('famez-vm log %s' shows it all)\n", node->name);
}

void print_tail(const char *path, int lines)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count++;
	if (!file)
		return;
	rewind(file);
	while (fgets(line, sizeof(line), file))
		if (count-- <= lines)
			fprintf(stderr, "  | %s", line);
	fclose(file);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One command in one guest: carries its input and outputs, and watches all
 * that may go wrong meanwhile: time, the console, QEMU, the agent, signals.
 * A command with a terminal is a person's: see terminal.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "famez-vm.h"
#include "proto.h"

/* How often the agent is asked for a sign of life */
#define PING_EVERY	5000
/* How often the session is announced to an agent that does not answer yet */
#define ATTACH_EVERY	2000
/* How long the end of a killed command is waited for */
#define KILL_GUARD	10000
/* The same if the guest's kernel is in trouble and may never tell */
#define COMPLAINT_GUARD	1000
/* Always fits in a pipe that poll() calls writable */
#define WRITE_CHUNK	4096

enum { LINK, INPUT, OUTPUT, ERRORS, CONSOLE, QEMU, SIGNALS, NR_FDS };

struct session {
	const struct node *node;
	const struct command *command;
	struct link *link;
	struct console console;
	struct process qemu;
	struct pollfd fds[NR_FDS];
	struct tx out, err;
	struct tx early;	/* typed before the guest answered */
	bool attached;
	bool exited;		/* the command has ended... */
	int code;		/* ...so, unless it was stopped, see verdict */
	int verdict;		/* why we stopped it; 0: we did not */
	size_t unacknowledged;	/* bytes of stdin */
	int kernel;		/* the guest's console, from now on */
	int64_t heard;		/* last sign of life */
	int64_t next_call;	/* next ping or attach */
	int64_t deadline;
};

/* Have the command killed, and exit with @verdict when it is. */
static void stop(struct session *s, int verdict, int64_t guard)
{
	if (s->verdict)
		return;
	s->verdict = verdict;
	s->deadline = milliseconds() + guard;
	link_send_number(s->link, FRAME_KILL, SIGKILL);
	s->fds[INPUT].fd = -1;
}

/* The guest is beyond help: @format says how, its console perhaps why. */
__attribute__((format(printf, 2, 3)))
static int guest_failed(struct session *s, const char *format, ...)
{
	char text[256];
	va_list args;

	terminal_restore();
	console_settle(&s->console);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (s->console.complaint) {
		complain("%s: %s", s->node->name, text);
		console_report(&s->console, s->node);
	} else {
		complain("%s: %s; the end of its console:", s->node->name,
			 text);
		print_tail(s->console.path, 10);
	}
	return EXIT_GUEST;
}

static int qemu_ended(struct session *s)
{
	char outcome[64];

	process_outcome(s->node->dir, "qemu", outcome, sizeof(outcome));
	return guest_failed(s, "its QEMU has ended (%s); 'famez-vm down %s' clears it away",
			    outcome, s->node->name);
}

static void send_command(struct session *s)
{
	const struct command *c = s->command;
	struct tx words = { 0 };
	char number[16];
	int i;

#define WORD(text) do {							\
	tx_reserve(&words, strlen(text) + 1);				\
	memcpy(words.data + words.end, text, strlen(text) + 1);		\
	words.end += strlen(text) + 1;					\
} while (0)
	snprintf(number, sizeof(number), "%d", c->argc);
	WORD(c->cwd);
	WORD(number);
	for (i = 0; i < c->argc; i++)
		WORD(c->argv[i]);
	for (i = 0; i < c->nr_env; i++)
		WORD(c->env[i]);
#undef WORD
	if (words.end > FRAME_MAX)
		fail("the command line has %zu bytes; expected at most %d. Hand the data over by stdin",
		     words.end, FRAME_MAX);
	if (c->terminal)
		link_send_number(s->link, FRAME_WINDOW, terminal_window());
	link_send(s->link, FRAME_RUN, words.data, words.end);
	free(words.data);
	if (tx_pending(&s->early))
		link_send(s->link, FRAME_STDIN, s->early.data, s->early.end);
	if (s->fds[INPUT].fd < 0)
		link_send(s->link, FRAME_STDIN_EOF, NULL, 0);
}

static void keep_bytes(struct tx *tx, const void *data, size_t length)
{
	tx_reserve(tx, length);
	memcpy(tx->data + tx->end, data, length);
	tx->end += length;
}

/* Take the frames that have come; an exit code if that is the end of it */
static int on_frames(struct session *s)
{
	unsigned char *data;
	uint32_t number;
	size_t length;
	int type;

	while ((type = link_frame(s->link, &data, &length, &number))) {
		s->heard = milliseconds();
		if (type == FRAME_HELLO && number != PROTO_VERSION)
			return guest_failed(s, "its agent speaks version %u, expected %u; run 'famez-vm initramfs' and start the guest anew",
					    number, PROTO_VERSION);
		if (type == FRAME_HELLO && !s->attached) {
			s->attached = true;
			send_command(s);
		} else if (type == FRAME_STDOUT) {
			keep_bytes(&s->out, data, length);
		} else if (type == FRAME_STDERR) {
			keep_bytes(&s->err, data, length);
		} else if (type == FRAME_STDIN_ACK) {
			s->unacknowledged -= number;
		} else if (type == FRAME_EXIT) {
			s->exited = true;
			s->code = number;
		} else if (type == FRAME_LOST && s->attached) {
			return guest_failed(s, "it, or its agent, began anew while the command ran");
		}
	}
	return 0;
}

static void on_input(struct session *s)
{
	char bytes[FRAME_CHUNK];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (s->command->terminal && terminal_left(bytes, n)) {
		link_send_number(s->link, FRAME_KILL, SIGKILL);
		s->exited = true;
		return;
	}
	if (n > 0 && !s->attached) {
		if (s->early.end + n <= STDIN_WINDOW)
			keep_bytes(&s->early, bytes, n);
		return;
	}
	if (n > 0) {
		link_send(s->link, FRAME_STDIN, bytes, n);
		s->unacknowledged += n;
		return;
	}
	link_send(s->link, FRAME_STDIN_EOF, NULL, 0);
	s->fds[INPUT].fd = -1;
}

static void on_output(struct session *s, int which)
{
	struct tx *tx = which == OUTPUT ? &s->out : &s->err;
	size_t length = tx_pending(tx);
	ssize_t n;

	n = write(which == OUTPUT ? STDOUT_FILENO : STDERR_FILENO,
		  tx->data + tx->start,
		  length < WRITE_CHUNK ? length : WRITE_CHUNK);
	if (n >= 0) {
		tx->start += n;
	} else if (errno != EINTR && errno != EAGAIN) {
		/* Nobody reads any more, so nobody wants the command either */
		tx_clear(tx);
		stop(s, 128 + SIGPIPE, KILL_GUARD);
	}
}

/* What the kernel says comes in between, as on a real console. */
static void show_kernel(struct session *s)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(s->kernel, bytes, sizeof(bytes))) > 0)
		keep_bytes(&s->out, bytes, n);
}

static void on_console(struct session *s)
{
	char events[4096];

	while (read(s->fds[CONSOLE].fd, events, sizeof(events)) > 0)
		;
	if (s->command->terminal)
		show_kernel(s);
	if (console_read(&s->console) && !s->command->ignore_console)
		stop(s, EXIT_GUEST, COMPLAINT_GUARD);
}

static void on_signal(struct session *s)
{
	struct signalfd_siginfo info;

	if (read(s->fds[SIGNALS].fd, &info, sizeof(info)) <= 0)
		return;
	if (info.ssi_signo == SIGWINCH)
		link_send_number(s->link, FRAME_WINDOW, terminal_window());
	else
		stop(s, 128 + info.ssi_signo, KILL_GUARD);
}

/* What time brings; an exit code if that is the end of it */
static int on_time(struct session *s)
{
	int64_t now = milliseconds();

	if (now >= s->deadline && !s->verdict) {
		complain("%s: the command did not end within %lld s, and is killed",
			 s->node->name,
			 (long long)s->command->timeout / 1000);
		stop(s, EXIT_TIMEOUT, KILL_GUARD);
	}
	if (now >= s->heard + s->command->guard)
		return guest_failed(s, "its agent gave no sign of life for %lld s",
				    (long long)s->command->guard / 1000);
	if (now < s->next_call || link_wants_write(s->link))
		return 0;
	if (s->attached)
		link_send(s->link, FRAME_PING, NULL, 0);
	else
		link_attach(s->link);
	s->next_call = now + (s->attached ? PING_EVERY : ATTACH_EVERY);
	return 0;
}

static int next_wakeup(struct session *s)
{
	int64_t next = s->deadline;

	if (next > s->heard + s->command->guard)
		next = s->heard + s->command->guard;
	if (next > s->next_call && !link_wants_write(s->link))
		next = s->next_call;
	return poll_wait(next);
}

static void prepare_poll(struct session *s, struct pollfd *now)
{
	bool full = tx_pending(&s->out) || tx_pending(&s->err);

	memcpy(now, s->fds, sizeof(s->fds));
	now[LINK].events = (full ? 0 : POLLIN) |
			   (link_wants_write(s->link) ? POLLOUT : 0);
	if (!now[LINK].events)
		now[LINK].fd = -1;
	/* A person's escape has to be heard even if the guest hears nothing */
	if (!s->command->terminal &&
	    (!s->attached || link_wants_write(s->link) ||
	     s->unacknowledged + FRAME_CHUNK > STDIN_WINDOW))
		now[INPUT].fd = -1;
	if (!tx_pending(&s->out))
		now[OUTPUT].fd = -1;
	if (!tx_pending(&s->err))
		now[ERRORS].fd = -1;
}

/* One turn; an exit code if the guest is lost */
static int turn(struct session *s)
{
	struct pollfd now[NR_FDS];
	int code;

	prepare_poll(s, now);
	if (poll(now, NR_FDS, next_wakeup(s)) < 0)
		return 0;
	if (now[OUTPUT].revents)
		on_output(s, OUTPUT);
	if (now[ERRORS].revents)
		on_output(s, ERRORS);
	if (now[INPUT].revents && s->fds[INPUT].fd >= 0)
		on_input(s);
	if (now[SIGNALS].revents)
		on_signal(s);
	if (now[CONSOLE].revents)
		on_console(s);
	if (now[LINK].revents & (POLLIN | POLLHUP)) {
		if (!link_read(s->link))
			return qemu_ended(s);
		code = on_frames(s);
		if (code)
			return code;
	} else if (now[QEMU].revents) {
		/* Only when all that it had sent is read */
		return qemu_ended(s);
	}
	code = on_time(s);
	link_flush(s->link);
	return code;
}

static bool finished(struct session *s)
{
	if (s->verdict && milliseconds() >= s->deadline)
		return true;
	return s->exited && !tx_pending(&s->out) && !tx_pending(&s->err);
}

static int judge(struct session *s)
{
	if (s->command->ignore_console)
		return s->verdict ? s->verdict : s->code;
	if (console_read(&s->console)) {
		console_settle(&s->console);
		console_report(&s->console, s->node);
		return EXIT_GUEST;
	}
	return s->verdict ? s->verdict : s->code;
}

static int open_signals(bool terminal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (terminal)
		sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void open_poll(struct session *s)
{
	int i;

	for (i = 0; i < NR_FDS; i++)
		s->fds[i].events = POLLIN;
	s->fds[LINK].fd = link_fd(s->link);
	s->fds[INPUT].fd = s->command->no_stdin ? -1 : STDIN_FILENO;
	s->fds[OUTPUT] = (struct pollfd){ STDOUT_FILENO, POLLOUT, 0 };
	s->fds[ERRORS] = (struct pollfd){ STDERR_FILENO, POLLOUT, 0 };
	s->fds[CONSOLE].fd = console_watch(&s->console);
	s->fds[QEMU].fd = s->qemu.pidfd;
	s->fds[SIGNALS].fd = open_signals(s->command->terminal);
}

static void open_terminal(struct session *s)
{
	s->kernel = open(s->console.path, O_RDONLY | O_CLOEXEC);
	lseek(s->kernel, 0, SEEK_END);
	terminal_raw();
}

int session_run(const struct node *node, const struct command *command)
{
	static struct session s;
	int code = 0;

	s.node = node;
	s.command = command;
	s.heard = milliseconds();
	s.deadline = s.heard + command->timeout;
	if (!console_open(&s.console, node) ||
	    !process_open(node->dir, "qemu", &s.qemu))
		return qemu_ended(&s);
	if (console_read(&s.console) && !command->ignore_console) {
		complain("the command was not run on %s", node->name);
		return judge(&s);
	}
	s.link = link_open(node, s.deadline);
	if (!s.link && errno != EBUSY)
		return qemu_ended(&s);
	if (!s.link) {
		complain("all %d ports of %s stayed busy for %lld s",
			 PROTO_PORTS, node->name,
			 (long long)command->timeout / 1000);
		return EXIT_TIMEOUT;
	}
	s.heard = milliseconds();
	open_poll(&s);
	/* Once no signal can end us in the middle of it */
	if (command->terminal)
		open_terminal(&s);
	/* What the console said before it was watched */
	on_console(&s);
	while (!code && !finished(&s))
		code = turn(&s);
	terminal_restore();
	return code ? code : judge(&s);
}

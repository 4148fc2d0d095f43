// SPDX-License-Identifier: GPL-2.0
/*
 * famez-agent: runs in a guest, one process for each virtio-serial port, and
 * executes the command that famez-vm sends over it. See proto.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agent.h"
#include "proto.h"

/* How long, in milliseconds, a closed port may be old news */
#define HANGUP_GRACE	250

enum { PORT, SIGNALS, IN, OUT, ERR, NR_FDS };

static struct {
	struct pollfd fds[NR_FDS];
	bool connected;		/* false: the host closed it, see on_hangup() */
	bool hangup_timer;
	uint64_t session;	/* 0: none */
	uint32_t window;	/* of the command's terminal; 0: it has pipes */
	pid_t child;		/* also its process group; 0: no command runs */
	struct tx tx;		/* to the host */
	struct rx rx;		/* from the host */
	struct tx in;		/* to the command's stdin */
	bool in_eof;
} agent;

static void close_stream(int which)
{
	if (agent.fds[which].fd >= 0)
		close(agent.fds[which].fd);
	agent.fds[which].fd = -1;
	agent.fds[which].revents = 0;
}

static void send_number(enum frame_type type, uint32_t number)
{
	tx_number(&agent.tx, agent.session, type, number);
}

static void kill_command(int signal)
{
	if (!agent.child)
		return;
	/* Right after the fork it may not have a group of its own yet */
	if (kill(-agent.child, signal))
		kill(agent.child, signal);
}

static void end_session(void)
{
	kill_command(SIGKILL);
	agent.child = 0;
	agent.session = 0;
	agent.window = 0;
	close_stream(IN);
	close_stream(OUT);
	close_stream(ERR);
	tx_clear(&agent.in);
	agent.in_eof = false;
}

static void begin_session(uint64_t session)
{
	/* The host repeats itself until it is answered */
	if (session != agent.session) {
		end_session();
		tx_clear(&agent.tx);
		agent.session = session;
	}
	send_number(FRAME_HELLO, PROTO_VERSION);
}

static void start_command(const char *cwd, char **argv, char **env)
{
	int streams[3] = { -1, -1, -1 };

	agent.child = command_start(cwd, argv, env, agent.window, streams);
	agent.fds[IN].fd = streams[0];
	agent.fds[OUT].fd = streams[1];
	agent.fds[ERR].fd = streams[2];
	if (agent.child < 0) {
		agent.child = 0;
		send_number(FRAME_EXIT, 126);
		end_session();
	}
}

/* Take the strings of a RUN frame apart. */
static void on_run(char *payload, size_t length)
{
	size_t count = 0, argc, i;
	char **words, *at;

	if (agent.child || !length || payload[length - 1])
		return;
	for (i = 0; i < length; i++)
		count += !payload[i];
	words = calloc(count + 2, sizeof(*words));
	if (!words)
		abort();
	/* One place is left free after the arguments, for their NULL */
	argc = count > 2 ? strtoul(payload + strlen(payload) + 1, NULL, 10) : 0;
	if (argc > 0 && argc <= count - 2) {
		for (i = 0, at = payload; i < count; i++) {
			words[i < argc + 2 ? i : i + 1] = at;
			at += strlen(at) + 1;
		}
		start_command(words[0], words + 2, words + argc + 3);
	}
	free(words);
}

static void stdin_taken(size_t bytes)
{
	if (bytes)
		send_number(FRAME_STDIN_ACK, bytes);
	if (!tx_pending(&agent.in) && agent.in_eof)
		close_stream(IN);
}

static void feed_stdin(void)
{
	size_t before = tx_pending(&agent.in);

	if (agent.fds[IN].fd < 0)
		return;
	if (!tx_flush(&agent.in, agent.fds[IN].fd)) {
		/*
		 * Nobody reads it. Without acknowledgment the host soon
		 * stops sending.
		 */
		tx_clear(&agent.in);
		close_stream(IN);
		return;
	}
	stdin_taken(before - tx_pending(&agent.in));
}

static void on_stdin(const void *payload, size_t length)
{
	if (agent.fds[IN].fd < 0)
		return;
	tx_reserve(&agent.in, length);
	memcpy(agent.in.data + agent.in.end, payload, length);
	agent.in.end += length;
	feed_stdin();
}

static void on_frame(void)
{
	struct frame_header *header = &agent.rx.header;
	void *payload = rx_payload(&agent.rx);

	if (header->type == FRAME_ATTACH) {
		begin_session(header->session);
		return;
	}
	if (header->session != agent.session) {
		tx_frame(&agent.tx, header->session, FRAME_LOST, NULL, 0);
		return;
	}
	switch (header->type) {
	case FRAME_RUN:
		on_run(payload, header->length);
		break;
	case FRAME_STDIN:
		on_stdin(payload, header->length);
		break;
	case FRAME_STDIN_EOF:
		agent.in_eof = true;
		stdin_taken(0);
		break;
	case FRAME_KILL:
		kill_command(rx_number(&agent.rx));
		break;
	case FRAME_WINDOW:
		agent.window = rx_number(&agent.rx);
		command_resize(agent.fds[OUT].fd, agent.window);
		break;
	case FRAME_PING:
		tx_frame(&agent.tx, agent.session, FRAME_PONG, NULL, 0);
		break;
	}
}

/*
 * The host closed its side. While it stays closed, poll() would return at
 * once for ever, so the port is left out until a SIGIO tells of a change.
 *
 * The kernel tells of opening and closing on another way than it brings the
 * data: this may be news of an older end, when the next session has begun
 * already. So the session ends only if the port stays closed for a while.
 */
static void on_hangup(void)
{
	agent.connected = false;
	agent.hangup_timer = true;
}

static bool hung_up(void)
{
	struct pollfd port = { .fd = agent.fds[PORT].fd };

	return poll(&port, 1, 0) > 0 && port.revents & POLLHUP;
}

/* The port opened, closed, or has data. */
static void on_port_change(void)
{
	if (agent.connected || hung_up())
		return;
	agent.connected = true;
	agent.hangup_timer = false;
}

static void on_hangup_timer(void)
{
	agent.hangup_timer = false;
	end_session();
	tx_clear(&agent.tx);
	rx_clear(&agent.rx);
}

static void on_port(void)
{
	unsigned char bytes[FRAME_CHUNK];
	ssize_t n, i;

	n = read(agent.fds[PORT].fd, bytes, sizeof(bytes));
	for (i = 0; i < n; i++)
		if (rx_byte(&agent.rx, bytes[i]))
			on_frame();
}

/* Send on up to @limit bytes of the command's output; false if none came. */
static bool forward(int which, size_t limit)
{
	char bytes[FRAME_CHUNK];
	ssize_t n;

	n = read(agent.fds[which].fd, bytes,
		 limit < sizeof(bytes) ? limit : sizeof(bytes));
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_stream(which);
		return false;
	}
	tx_frame(&agent.tx, agent.session,
		 which == OUT ? FRAME_STDOUT : FRAME_STDERR, bytes, n);
	return true;
}

/*
 * The command has ended: what it left in the pipe belongs to it, what a
 * background process of its may write later does not.
 */
static void drain(int which)
{
	int left = 0;

	if (agent.fds[which].fd < 0)
		return;
	if (agent.window) {
		/* Hung up when its shell ended: nobody writes to it any more */
		while (forward(which, FRAME_CHUNK))
			;
		return;
	}
	if (ioctl(agent.fds[which].fd, FIONREAD, &left))
		return;
	while (left > 0) {
		int now = left < FRAME_CHUNK ? left : FRAME_CHUNK;

		if (!forward(which, now))
			return;
		left -= now;
	}
}

/*
 * The host looks at the console when it hears of the exit. Reading this file
 * takes the console's lock, and so waits until all messages are out.
 */
static void flush_console(void)
{
	char bytes[256];
	int fd = open("/proc/consoles", O_RDONLY | O_CLOEXEC);

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
}

static void on_exit_of_child(int status)
{
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					 WEXITSTATUS(status);

	drain(OUT);
	drain(ERR);
	flush_console();
	send_number(FRAME_EXIT, code);
	/* Not the group: processes in the background may live on */
	agent.child = 0;
	close_stream(IN);
	close_stream(OUT);
	close_stream(ERR);
	tx_clear(&agent.in);
}

static void on_signals(void)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(agent.fds[SIGNALS].fd, &info, sizeof(info)) < 0)
		return;
	if (info.ssi_signo == SIGIO)
		on_port_change();
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == agent.child)
			on_exit_of_child(status);
}

static void loop_once(void)
{
	struct pollfd *fds = agent.fds, now[NR_FDS];
	bool full = tx_pending(&agent.tx);
	int ready;

	memcpy(now, fds, sizeof(now));
	now[PORT].fd = agent.connected ? fds[PORT].fd : -1;
	now[PORT].events = POLLIN | (full ? POLLOUT : 0);
	/* A full port holds the command back, as a full pipe would */
	now[OUT].fd = full ? -1 : fds[OUT].fd;
	now[ERR].fd = full ? -1 : fds[ERR].fd;
	now[IN].fd = tx_pending(&agent.in) ? fds[IN].fd : -1;
	ready = poll(now, NR_FDS, agent.hangup_timer ? HANGUP_GRACE : -1);
	if (ready < 0)
		return;
	if (ready == 0)
		on_hangup_timer();

	/* Output before the exit; a stream may close on the way */
	if (now[OUT].revents && fds[OUT].fd >= 0)
		forward(OUT, FRAME_CHUNK);
	if (now[ERR].revents && fds[ERR].fd >= 0)
		forward(ERR, FRAME_CHUNK);
	if (now[IN].revents)
		feed_stdin();
	if (now[SIGNALS].revents)
		on_signals();
	if (now[PORT].revents & POLLHUP)
		on_hangup();
	else if (now[PORT].revents & POLLIN)
		on_port();
	if (agent.connected)
		tx_flush(&agent.tx, fds[PORT].fd);
}

/* The device node of the port that is called @name; -1 if not there yet. */
static int open_port(const char *name)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int port = -1;

	while (dir && port < 0 && (entry = readdir(dir))) {
		char path[300], line[64] = "";
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file))
			line[strcspn(line, "\n")] = 0;
		fclose(file);
		if (strcmp(line, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return port;
}

/* The kernel names the ports some time after the driver is loaded. */
static int wait_for_port(const char *name)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int events, port;
	char event[4096];

	events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);
	if (events < 0 ||
	    bind(events, (struct sockaddr *)&address, sizeof(address))) {
		perror("famez-agent: kernel events");
		exit(1);
	}
	while ((port = open_port(name)) < 0)
		recv(events, event, sizeof(event), 0);
	close(events);
	return port;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
	int i, port;

	if (argc != 2) {
		fprintf(stderr, "usage: famez-agent PORT-NAME\n"
			"Started by the init of a famez-vm guest.\n");
		return 2;
	}
	for (i = 0; i < NR_FDS; i++)
		agent.fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	agent.fds[IN].events = POLLOUT;
	agent.fds[SIGNALS].fd = open_signals();
	port = wait_for_port(argv[1]);
	agent.fds[PORT].fd = port;
	fcntl(port, F_SETOWN, getpid());
	fcntl(port, F_SETFL, O_NONBLOCK | O_ASYNC);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	agent.connected = true;
	for (;;)
		loop_once();
}

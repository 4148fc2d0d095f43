// SPDX-License-Identifier: GPL-2.0
/* famez-vm up: start the switch and guests, and wait until all are ready. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "famez-vm.h"
#include "proto.h"

static const char usage[] =
"usage: famez-vm up N [OPTION]...\n"
"\n"
"Starts a switch and the guests node01 to nodeN, all at once, and returns when\n"
"each of them answers. If anything fails, takes down what it started.\n"
"\n"
"exit codes: 0 all answer, 1 failed, 2 misuse\n";

struct guest {
	struct node node;
	struct process qemu;
	struct link *link;
	struct console console;
	int watch;		/* of the console */
	bool ready;
};

static struct up_options up;
static struct guest guests[MAX_NODES];
static int nr_started, lock = -1;
static bool switch_started, finished;

/* Has another 'up' started guests beside ours? */
static bool others_run(void)
{
	static struct nodes nodes;
	struct process process;
	bool run = false;
	int i;

	nodes_all(&nodes);
	for (i = 0; i < nodes.count && !run; i++) {
		run = process_open(nodes.node[i].dir, "qemu", &process);
		process_close(&process);
	}
	return run;
}

/* At exit: unless all went well, leave nothing behind; but what others use. */
static void undo(void)
{
	static struct nodes nodes;
	int i;

	if (finished)
		return;
	if (lock < 0)
		lock = state_lock();
	for (i = 0; i < nr_started; i++)
		nodes.node[nodes.count++] = guests[i].node;
	down_nodes(&nodes, false);
	for (i = 0; i < nr_started; i++)
		remove_tree(guests[i].node.dir);
	if (!switch_started || others_run())
		return;
	down_switch();
	nodes_all(&nodes);
	if (!nodes.count)
		remove_tree(state_dir);
}

static void start_switch(void)
{
	struct process process;
	int i;

	if (up_needs_switch(&up)) {
		if (process_open(state_dir, "switch", &process)) {
			process_close(&process);
		} else {
			switch_started = true;
			switch_start(&up.fabric, &process);
		}
	}
	for (i = 0; i < up.guest.nr_device; i++)
		if (up.guest.device[i].kind == DOORBELL &&
		    access(up.guest.device[i].text, F_OK))
			fail("no switch listens on %s; start one, or leave that device out",
			     up.guest.device[i].text);
}

static void start_guest(struct guest *guest, int number)
{
	struct process old;

	node_set(&guest->node, number);
	if (process_open(guest->node.dir, "qemu", &old))
		fail("%s runs already in %s; end it with 'famez-vm down %s', or number on with --first",
		     guest->node.name, state_dir, guest->node.name);
	remove_tree(guest->node.dir);
	if (mkdir(guest->node.dir, 0700))
		fail("cannot make %s: %s", guest->node.dir, strerror(errno));
	nr_started++;
	if (up.guest.disk_kept)
		node_keeps(&guest->node);
	/* QEMU makes it, too, but later than it is to be watched */
	close(lock_file(guest->node.dir, "console.log", false));
	if (!console_open(&guest->console, &guest->node) ||
	    !qemu_start(&guest->node, &up.guest, &guest->qemu))
		fail("cannot start %s: %s", guest->node.name, strerror(errno));
	guest->watch = console_watch(&guest->console);
	guest->link = link_open_port(&guest->node, 0);
	if (guest->link)
		link_attach(guest->link);
}

__attribute__((noreturn))
static void guest_failed(struct guest *guest, const char *what)
{
	char path[PATH_ROOM], outcome[64];

	console_settle(&guest->console);
	state_path(path, guest->node.dir, "qemu.log");
	complain("%s %s", guest->node.name, what);
	if (process_wait(&guest->qemu, 0)) {
		process_outcome(guest->node.dir, "qemu", outcome,
				sizeof(outcome));
		complain("its QEMU has ended (%s)", outcome);
	}
	print_tail(path, 10);
	if (guest->console.complaint)
		console_report(&guest->console, &guest->node);
	complain("the end of its console:");
	print_tail(guest->console.path, 20);
	exit(1);
}

static void check_guest(struct guest *guest, const struct pollfd *now)
{
	unsigned char *data;
	uint32_t number;
	size_t length;

	if (now[2].revents) {
		char events[4096];

		while (read(guest->watch, events, sizeof(events)) > 0)
			;
		if (console_read(&guest->console) && !up.ignore_console)
			guest_failed(guest, "does not boot cleanly");
	}
	if (now[1].revents || !guest->link || !link_flush(guest->link) ||
	    (now[0].revents & (POLLIN | POLLHUP) && !link_read(guest->link)))
		guest_failed(guest, "did not start");
	if (link_frame(guest->link, &data, &length, &number) != FRAME_HELLO)
		return;
	if (number != PROTO_VERSION)
		guest_failed(guest, "has an agent of another version; run 'famez-vm initramfs'");
	guest->ready = true;
	link_close(guest->link);
	guest->link = NULL;
}

static int prepare_poll(struct pollfd *fds)
{
	int waiting = 0, i;

	for (i = 0; i < up.count; i++) {
		struct pollfd *now = fds + 3 * i;
		struct guest *guest = &guests[i];

		waiting += !guest->ready;
		now[0].fd = guest->link ? link_fd(guest->link) : -1;
		now[0].events = POLLIN;
		if (guest->link && link_wants_write(guest->link))
			now[0].events |= POLLOUT;
		now[1] = (struct pollfd){ guest->qemu.pidfd, POLLIN, 0 };
		now[2] = (struct pollfd){ guest->watch, POLLIN, 0 };
		if (guest->ready) {
			now[1].fd = -1;
			now[2].fd = -1;
		}
	}
	return waiting;
}

static void wait_for_guests(int signals)
{
	static struct pollfd fds[3 * MAX_NODES + 1];
	int64_t deadline = milliseconds() + up.timeout;
	int i;

	while (prepare_poll(fds)) {
		fds[3 * up.count] = (struct pollfd){ signals, POLLIN, 0 };
		if (poll(fds, 3 * up.count + 1, poll_wait(deadline)) < 0)
			continue;
		if (fds[3 * up.count].revents)
			fail("stopped by a signal; taking down what was started");
		for (i = 0; i < up.count; i++)
			if (!guests[i].ready)
				check_guest(&guests[i], fds + 3 * i);
		for (i = 0; i < up.count && milliseconds() >= deadline; i++)
			if (!guests[i].ready)
				guest_failed(&guests[i], "did not answer in time; --timeout allows for more");
	}
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int verb_up(int argc, char **argv)
{
	int64_t start = milliseconds();
	int signals, i;

	up_parse(&up, argc, argv, usage);
	up_complete(&up);
	signals = block_signals();
	lock = state_create();
	atexit(undo);
	start_switch();
	for (i = 0; i < up.count; i++) {
		start_guest(&guests[i], up.first + i);
		/*
		 * A QEMU that greets has been given its id, so that node01 has
		 * a lower one than node02, and 1 on a new fabric.
		 */
		if (!qmp_greets(&guests[i].node))
			guest_failed(&guests[i], "did not start");
	}
	close(lock);
	lock = -1;
	wait_for_guests(signals);
	finished = true;
	printf("%s", guests[0].node.name);
	if (up.count > 1)
		printf(" to %s", guests[up.count - 1].node.name);
	printf(" ready after %.1f s, state in %s\n",
	       (milliseconds() - start) / 1000.0, state_dir);
	return 0;
}

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

static const char help[] =
"usage: famez-vm up N [OPTION]...\n"
"\n"
"Starts a switch and the guests node01 to nodeN, all at once, and returns when\n"
"each of them answers. If anything fails, takes down what it started.\n"
"\n"
"  --dir DIR         state directory of the fabric\n"
"  --first K         number the guests from K on; with a switch that runs in\n"
"                    DIR already, they join it\n"
"  --timeout S       how long the guests may take to boot (default 180)\n"
"  --ignore-console  do not fail if a kernel complains while it boots\n"
"the switch:\n"
"  --size SIZE       of the fabric's memory (default 64M)\n"
"  --clients N       peers it has room for (default 14)\n"
"  --vectors N       doorbells of each peer (default 16)\n"
"  --backing NAME    its shared memory (default: a name made from DIR)\n"
"  --socket PATH     join the switch that listens there, start none\n"
"  --no-switch       start none\n"
"the guests:\n"
"  --kernel VERSION  of those in $FAMEZ_BUILD/kernels, or a kernel image's path\n"
"                    (default $FAMEZ_KERNEL, or the newest there)\n"
"  --initramfs FILE  default $FAMEZ_BUILD/initramfs-VERSION.img, built if missing\n"
"  --append STRING   more for the kernel's command line\n"
"  --memory SIZE     default 256M\n"
"  --cpus N          default 1\n"
"  --machine TYPE    pc (default) or q35\n"
"  --no-device       no doorbell device\n"
"  --plain FILE:SIZE a plain device with FILE as its memory (may be repeated)\n"
"  --device STRING   one more -device of QEMU's (may be repeated)\n"
"  --qemu WORD       one more word for QEMU's command line (may be repeated)\n";

enum {
	OPT_DIR = 1, OPT_FIRST, OPT_TIMEOUT, OPT_IGNORE, OPT_SIZE, OPT_CLIENTS,
	OPT_VECTORS, OPT_BACKING, OPT_SOCKET, OPT_NO_SWITCH, OPT_KERNEL,
	OPT_INITRAMFS, OPT_APPEND, OPT_MEMORY, OPT_CPUS, OPT_MACHINE,
	OPT_NO_DEVICE, OPT_PLAIN, OPT_DEVICE, OPT_QEMU, OPT_HELP,
};

static const struct option options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "first", required_argument, NULL, OPT_FIRST },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "ignore-console", no_argument, NULL, OPT_IGNORE },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "clients", required_argument, NULL, OPT_CLIENTS },
	{ "vectors", required_argument, NULL, OPT_VECTORS },
	{ "backing", required_argument, NULL, OPT_BACKING },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "no-switch", no_argument, NULL, OPT_NO_SWITCH },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initramfs", required_argument, NULL, OPT_INITRAMFS },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "machine", required_argument, NULL, OPT_MACHINE },
	{ "no-device", no_argument, NULL, OPT_NO_DEVICE },
	{ "plain", required_argument, NULL, OPT_PLAIN },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "qemu", required_argument, NULL, OPT_QEMU },
	{ "help", no_argument, NULL, OPT_HELP },
	{ }
};

struct guest {
	struct node node;
	struct process qemu;
	struct link *link;
	struct console console;
	int watch;		/* of the console */
	bool ready;
};

static struct {
	int count, first;
	int64_t timeout;
	bool no_switch, no_device, ignore_console;
	const char *dir, *socket, *version, *initramfs;
	struct switch_options fabric;
	struct guest_options guest;
} up = {
	.first = 1,
	.timeout = 180 * 1000,
	.fabric = { .size = "64M", .clients = "14", .vectors = "16" },
	.guest = { .append = "", .memory = "256M", .machine = "pc",
		   .cpus = "1", .vectors = "16" },
};

static struct guest guests[MAX_NODES];
static int nr_started;
static bool switch_started, finished;

static void add_to(const char **list, int *count)
{
	if (*count == LIST_MAX)
		misuse("'%s' is one too many; expected at most %d of a kind",
		       optarg, LIST_MAX);
	list[(*count)++] = optarg;
}

static void parse_guest(int option)
{
	const char *colon;

	switch (option) {
	case OPT_KERNEL:
		up.version = optarg;
		break;
	case OPT_INITRAMFS:
		up.initramfs = optarg;
		break;
	case OPT_APPEND:
		up.guest.append = optarg;
		break;
	case OPT_MEMORY:
		up.guest.memory = optarg;
		break;
	case OPT_CPUS:
		parse_number("--cpus", optarg, 1, 255);
		up.guest.cpus = optarg;
		break;
	case OPT_MACHINE:
		up.guest.machine = optarg;
		break;
	case OPT_PLAIN:
		colon = strrchr(optarg, ':');
		if (!colon || colon == optarg || !colon[1])
			misuse("--plain is '%s'; expected FILE:SIZE", optarg);
		add_to(up.guest.plain, &up.guest.nr_plain);
		break;
	case OPT_DEVICE:
		add_to(up.guest.device, &up.guest.nr_device);
		break;
	case OPT_QEMU:
		add_to(up.guest.raw, &up.guest.nr_raw);
		break;
	default:
		misuse("the options were not understood");
	}
}

static void parse_option(int option)
{
	switch (option) {
	case OPT_DIR:
		up.dir = optarg;
		break;
	case OPT_FIRST:
		up.first = parse_number("--first", optarg, 1, MAX_NODES);
		break;
	case OPT_TIMEOUT:
		up.timeout = 1000LL * parse_number("--timeout", optarg, 1,
						   1000000);
		break;
	case OPT_IGNORE:
		up.ignore_console = true;
		break;
	case OPT_SIZE:
		up.fabric.size = optarg;
		break;
	case OPT_CLIENTS:
		up.fabric.clients = optarg;
		break;
	case OPT_VECTORS:
		up.fabric.vectors = optarg;
		up.guest.vectors = optarg;
		break;
	case OPT_BACKING:
		up.fabric.backing = optarg;
		break;
	case OPT_SOCKET:
		up.socket = optarg;
		break;
	case OPT_NO_SWITCH:
		up.no_switch = true;
		break;
	case OPT_NO_DEVICE:
		up.no_device = true;
		break;
	case OPT_HELP:
		show_help(help);
	default:
		parse_guest(option);
	}
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_option(option);
	if (optind != argc - 1)
		misuse("expected one number of guests");
	up.count = parse_number("N", argv[optind], 1, MAX_NODES);
	if (up.first + up.count - 1 > MAX_NODES)
		misuse("the last guest would be number %d; expected at most %d",
		       up.first + up.count - 1, MAX_NODES);
	state_use(up.dir);
}

/* At exit: unless all went well, leave nothing behind. */
static void undo(void)
{
	static struct nodes nodes;
	int i;

	if (finished)
		return;
	for (i = 0; i < nr_started; i++)
		nodes.node[nodes.count++] = guests[i].node;
	down_nodes(&nodes);
	if (switch_started)
		down_switch();
	for (i = 0; i < nr_started; i++)
		remove_tree(guests[i].node.dir);
	/* Others' guests may run on beside those that failed */
	nodes_all(&nodes);
	if (!nodes.count && switch_started)
		remove_tree(state_dir);
}

static void start_switch(void)
{
	static char socket[PATH_ROOM];
	struct process process;

	state_path(socket, state_dir, "switch.sock");
	if (!up.socket)
		up.socket = socket;
	if (up.socket == socket && !up.no_switch) {
		if (process_open(state_dir, "switch", &process)) {
			process_close(&process);
		} else {
			switch_started = true;
			switch_start(&up.fabric, &process);
		}
	}
	if (up.no_device)
		return;
	if (access(up.socket, F_OK))
		fail("no switch listens on %s; start one, or use --no-device",
		     up.socket);
	up.guest.socket = up.socket;
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
	int lock, signals, i;

	parse(argc, argv);
	up.guest.kernel = image_kernel(up.version);
	up.guest.initramfs = image_initramfs(up.version, up.initramfs);
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
	wait_for_guests(signals);
	finished = true;
	printf("%s", guests[0].node.name);
	if (up.count > 1)
		printf(" to %s", guests[up.count - 1].node.name);
	printf(" ready after %.1f s, state in %s\n",
	       (milliseconds() - start) / 1000.0, state_dir);
	return 0;
}

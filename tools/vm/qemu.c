// SPDX-License-Identifier: GPL-2.0
/* A guest's QEMU: its sockets, its argument list, its start. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "famez-vm.h"
#include "proto.h"

#define MAX_ARGS	256

struct arguments {
	int count;
	char *argv[MAX_ARGS + 1];
};

__attribute__((format(printf, 2, 3)))
static void add(struct arguments *args, const char *format, ...)
{
	va_list list;

	if (args->count == MAX_ARGS)
		fail("QEMU's command line has more than %d words; give it fewer devices",
		     MAX_ARGS);
	va_start(list, format);
	if (vasprintf(&args->argv[args->count++], format, list) < 0)
		abort();
	va_end(list);
	args->argv[args->count] = NULL;
}

/* QEMU splits options at commas; a doubled one stands for itself. */
static const char *quoted(const char *text)
{
	static char quote[2 * PATH_MAX];
	size_t i = 0;

	for (; *text && i < sizeof(quote) - 3; text++) {
		if (*text == ',')
			quote[i++] = ',';
		quote[i++] = *text;
	}
	quote[i] = 0;
	return quote;
}

/*
 * Sockets are made here, and handed to QEMU: so they can be connected to
 * before QEMU gets there, and nobody has to wait for their names to appear.
 */
static int listen_on(const struct node *node, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/%.15s",
		 node->dir, name);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 16))
		fail("cannot make the socket %s: %s", address.sun_path,
		     strerror(errno));
	return fd;
}

static void add_machine(struct arguments *args, const struct node *node,
			const struct guest_options *options)
{
	const char *accel = getenv("ACCEL");
	const char *qemu = getenv("QEMU");

	if (!accel || !*accel)
		accel = "tcg";
	add(args, "%s", qemu && *qemu ? qemu : "qemu-system-x86_64");
	add(args, "-name");
	add(args, "%s", node->name);
	add(args, "-nodefaults");
	add(args, "-no-user-config");
	add(args, "-display");
	add(args, "none");
	add(args, "-machine");
	add(args, "%s", options->machine);
	add(args, "-accel");
	add(args, "%s%s", accel,
	    strcmp(accel, "tcg") ? "" : ",thread=multi");
	if (!strcmp(accel, "kvm")) {
		add(args, "-cpu");
		add(args, "host");
	}
	add(args, "-smp");
	add(args, "%s", options->cpus);
	add(args, "-m");
	add(args, "%s", options->memory);
	add(args, "-kernel");
	add(args, "%s", options->kernel);
	add(args, "-initrd");
	add(args, "%s", options->initramfs);
	add(args, "-append");
	/* /init opens the console up as soon as the noise of booting is over */
	add(args, "console=ttyS0 loglevel=5 rcupdate.rcu_cpu_stall_timeout=60 famez.hostname=%s%s%s",
	    node->name, *options->append ? " " : "", options->append);
	add(args, "-chardev");
	add(args, "file,id=console,path=%s/console.log", quoted(node->dir));
	add(args, "-serial");
	add(args, "chardev:console");
}

static void add_sockets(struct arguments *args, const struct node *node,
			int *sockets)
{
	char name[24];
	int i;

	sockets[PROTO_PORTS] = listen_on(node, "qmp.sock");
	add(args, "-chardev");
	add(args, "socket,id=qmp,fd=%d,server=on,wait=off",
	    sockets[PROTO_PORTS]);
	add(args, "-mon");
	add(args, "chardev=qmp,mode=control");
	add(args, "-device");
	add(args, "virtio-serial-pci,id=agents,max_ports=%d", PROTO_PORTS + 1);
	for (i = 0; i < PROTO_PORTS; i++) {
		snprintf(name, sizeof(name), "exec%d.sock", i);
		sockets[i] = listen_on(node, name);
		add(args, "-chardev");
		add(args, "socket,id=exec%d,fd=%d,server=on,wait=off", i,
		    sockets[i]);
		add(args, "-device");
		add(args, "virtserialport,bus=agents.0,nr=%d,chardev=exec%d,name=" PROTO_PORT_NAME "%d",
		    i + 1, i, i);
	}
}

static void add_plain(struct arguments *args, int number, const char *plain)
{
	const char *colon = strrchr(plain, ':');
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%.*s", (int)(colon - plain), plain);
	add(args, "-object");
	add(args, "memory-backend-file,id=plainmem%d,share=on,mem-path=%s,size=%s",
	    number, quoted(file), colon + 1);
	add(args, "-device");
	add(args, "ivshmem-plain,id=plain%d,memdev=plainmem%d", number, number);
}

static void add_devices(struct arguments *args,
			const struct guest_options *options)
{
	int i;

	if (options->socket) {
		add(args, "-chardev");
		add(args, "socket,id=famez,path=%s", quoted(options->socket));
		add(args, "-device");
		add(args, "ivshmem-doorbell,id=famez0,chardev=famez,vectors=%s",
		    options->vectors);
	}
	for (i = 0; i < options->nr_plain; i++)
		add_plain(args, i, options->plain[i]);
	for (i = 0; i < options->nr_device; i++) {
		add(args, "-device");
		add(args, "%s", options->device[i]);
	}
	for (i = 0; i < options->nr_raw; i++)
		add(args, "%s", options->raw[i]);
}

bool qemu_start(const struct node *node, const struct guest_options *options,
		struct process *process)
{
	int sockets[PROTO_PORTS + 1], i;
	struct arguments args = { 0 };
	bool started;

	add_machine(&args, node, options);
	add_sockets(&args, node, sockets);
	add_devices(&args, options);
	started = process_start(node->dir, "qemu", args.argv, sockets,
				PROTO_PORTS + 1, process);
	for (i = 0; i <= PROTO_PORTS; i++)
		close(sockets[i]);
	for (i = 0; i < args.count; i++)
		free(args.argv[i]);
	return started;
}

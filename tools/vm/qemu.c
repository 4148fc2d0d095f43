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

__attribute__((format(printf, 2, 3)))
static void add(struct arguments *args, const char *format, ...)
{
	va_list list;

	if (args->count == QEMU_WORDS)
		fail("QEMU's command line has more than %d words; give it fewer devices",
		     QEMU_WORDS);
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

const char *qemu_program(void)
{
	const char *qemu = getenv("QEMU");

	return qemu && *qemu ? qemu : "qemu-system-x86_64";
}

static void add_machine(struct arguments *args, const struct node *node,
			const struct guest_options *options)
{
	bool kvm = !strcmp(options->accel, "kvm");

	add(args, "%s", qemu_program());
	add(args, "-name");
	add(args, "%s", node->name);
	add(args, "-nodefaults");
	add(args, "-no-user-config");
	add(args, "-display");
	add(args, "none");
	add(args, "-machine");
	add(args, "%s", options->machine);
	add(args, "-accel");
	add(args, "%s", kvm ? "kvm" : "tcg,thread=multi");
	if (kvm) {
		add(args, "-cpu");
		add(args, "host");
	}
	/*
	 * For a guest that can never have a second CPU, the emulator leaves out
	 * the barriers that others on the fabric count on.
	 */
	add(args, "-smp");
	add(args, "cpus=%s%s", options->cpus,
	    strcmp(options->cpus, "1") ? "" : ",maxcpus=2");
	add(args, "-m");
	add(args, "%s", options->memory);
	add(args, "-kernel");
	add(args, "%s", options->kernel);
	add(args, "-initrd");
	add(args, "%s", options->initramfs);
	add(args, "-append");
	/*
	 * /init opens the console up as soon as the noise of booting is over.
	 * On a busy host the kernel's timer check fails, and it panics.
	 */
	add(args, "console=ttyS0 loglevel=5 no_timer_check rcupdate.rcu_cpu_stall_timeout=60 %s=%s%s%s",
	    options->disk ? "root=LABEL=famez rw systemd.hostname" : "famez.hostname",
	    node->name, *options->append ? " " : "", options->append);
	add(args, "-chardev");
	add(args, "file,id=console,path=%s/console.log", quoted(node->dir));
	add(args, "-serial");
	add(args, "chardev:console");
}

/* A socket that QEMU listens on; without @socket it has to make that itself. */
static void add_socket(struct arguments *args, const struct node *node,
		       const char *id, int *socket)
{
	char name[24];

	snprintf(name, sizeof(name), "%s.sock", id);
	add(args, "-chardev");
	if (!socket) {
		add(args, "socket,id=%s,path=%s/%s,server=on,wait=off", id,
		    quoted(node->dir), name);
		return;
	}
	*socket = listen_on(node, name);
	add(args, "socket,id=%s,fd=%d,server=on,wait=off", id, *socket);
}

static void add_sockets(struct arguments *args, const struct node *node,
			int *sockets)
{
	char id[16];
	int i;

	add_socket(args, node, "qmp", sockets ? sockets + PROTO_PORTS : NULL);
	add(args, "-mon");
	add(args, "chardev=qmp,mode=control");
	add(args, "-device");
	add(args, "virtio-serial-pci,id=agents,max_ports=%d", PROTO_PORTS + 1);
	for (i = 0; i < PROTO_PORTS; i++) {
		snprintf(id, sizeof(id), "exec%d", i);
		add_socket(args, node, id, sockets ? sockets + i : NULL);
		add(args, "-device");
		add(args, "virtserialport,bus=agents.0,nr=%d,chardev=%s,name=" PROTO_PORT_NAME "%d",
		    i + 1, id, i);
	}
}

static void add_doorbell(struct arguments *args, int number,
			 const struct device *device, bool root_port)
{
	char bus[24] = "";

	if (root_port) {
		add(args, "-device");
		add(args, "pcie-root-port,id=port%d,chassis=%d", number, number + 1);
		snprintf(bus, sizeof(bus), ",bus=port%d", number);
	}
	add(args, "-chardev");
	add(args, "socket,id=famez%d,path=%s", number, quoted(device->text));
	add(args, "-device");
	add(args, "ivshmem-doorbell,id=famez%d,chardev=famez%d,vectors=%s%s",
	    number, number, device->vectors, bus);
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

/* QEMU gives out PCI slots in this order. */
static void add_devices(struct arguments *args,
			const struct guest_options *options)
{
	int doorbells = 0, plains = 0, i;

	for (i = 0; i < options->nr_device; i++) {
		const struct device *device = &options->device[i];

		if (device->kind == DOORBELL) {
			add_doorbell(args, doorbells++, device, options->root_port);
		} else if (device->kind == PLAIN) {
			add_plain(args, plains++, device->text);
		} else {
			add(args, "-device");
			add(args, "%s", device->text);
		}
	}
	if (options->disk) {
		add(args, "-drive");
		add(args, "file=%s,if=none,id=disk,format=raw,snapshot=%s",
		    quoted(options->disk), options->disk_kept ? "off" : "on");
		add(args, "-device");
		add(args, "virtio-blk-pci,drive=disk");
	}
	for (i = 0; i < options->nr_raw; i++)
		add(args, "%s", options->raw[i]);
}

/*
 * SeaBIOS places BARs of 64 bits above 4 GiB, where no MTRR makes them uncached,
 * once they do not all fit below.  A bridge that asks for so much sees to that: an
 * empty one, behind all others, so that nothing else changes its place.
 */
static void add_bar_high(struct arguments *args, const char *machine)
{
	add(args, "-device");
	add(args, "%s,id=bar-high,pref64-reserve=4G",
	    strstr(machine, "q35") ? "pcie-root-port,chassis=255" :
				     "pci-bridge,chassis_nr=255");
}

/*
 * QEMU's command line. @sockets has room for PROTO_PORTS + 1 descriptors that
 * QEMU is to inherit; NULL: it has to do without.
 */
void qemu_arguments(struct arguments *args, const struct node *node,
		    const struct guest_options *options, int *sockets)
{
	memset(args, 0, sizeof(*args));
	add_machine(args, node, options);
	add_sockets(args, node, sockets);
	add_devices(args, options);
	if (options->nr_device && !options->bar_low)
		add_bar_high(args, options->machine);
}

bool qemu_start(const struct node *node, const struct guest_options *options,
		struct process *process)
{
	int sockets[PROTO_PORTS + 1], i;
	struct arguments args;
	bool started;

	qemu_arguments(&args, node, options, sockets);
	started = process_start(node->dir, "qemu", args.argv, sockets,
				PROTO_PORTS + 1, process);
	for (i = 0; i <= PROTO_PORTS; i++)
		close(sockets[i]);
	for (i = 0; i < args.count; i++)
		free(args.argv[i]);
	return started;
}

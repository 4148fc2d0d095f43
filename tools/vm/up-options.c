// SPDX-License-Identifier: GPL-2.0
/* What up, and with it qemu-args, are told: the options. */
#include "famez-vm.h"

/* QEMU's own limit is MSI-X's */
#define VECTORS_MAX	2048

static const char help[] =
"\n"
"  --dir DIR         state directory of the fabric\n"
"  --first K         number the guests from K on; with a switch that runs in\n"
"                    DIR already, they join it\n"
"  --timeout S       how long the guests may take to boot (default 600)\n"
"  --ignore-console  do not fail if a kernel complains while it boots\n"
"the switch:\n"
"  --size SIZE       of the fabric's memory (default 64M)\n"
"  --clients N       peers it has room for (default 14)\n"
"  --vectors N       doorbells of each peer (default 16)\n"
"  --backing NAME    its shared memory (default: a name made from DIR)\n"
"  --socket SOCKET[:VECTORS]\n"
"                    join the switch that listens there, start none\n"
"  --no-switch       start none\n"
"the guests:\n"
"  --kernel VERSION  of those in $FAMEZ_BUILD/kernels, or a kernel image's path\n"
"                    (default $FAMEZ_KERNEL, or what 'kernel' fetched last)\n"
"  --initramfs FILE  default $FAMEZ_BUILD/initramfs-VERSION.img, built if missing\n"
"  --image FILE      a disk of 'famez-vm image', with its own kernel; what guests write\n"
"                    there is forgotten, and each has one of its own\n"
"  --keep            it is kept; for one guest\n"
"  --append STRING   more for the kernel's command line\n"
"  --memory SIZE     default 256M; with --image 512M\n"
"  --cpus N          default $FAMEZ_CPUS, or 1\n"
"  --machine TYPE    pc or q35; default $FAMEZ_MACHINE, or pc\n"
"  --root-port       each doorbell device behind a PCI Express root port, as on real\n"
"                    machines (default if $FAMEZ_ROOT_PORT is 1); needs q35\n"
"  --accel HOW       tcg, kvm, or auto: kvm where a trial shows that the kernel\n"
"                    starts under it (default $ACCEL, or tcg)\n"
"  --no-device       no doorbell device on the switch above\n"
"further devices of each guest, on its PCI bus in the order of these options,\n"
"behind the doorbell device on the switch above (each may be repeated):\n"
"  --join SOCKET[:VECTORS]\n"
"                    a doorbell device on the switch that listens there, with as\n"
"                    many vectors (default 16)\n"
"  --plain FILE:SIZE a plain device with FILE as its memory\n"
"  --device STRING   any -device of QEMU's\n"
"  --bar high|low    where SeaBIOS places their memory: above 4 GiB (default), or\n"
"                    below, if it fits there; there pmem and dax are uncached\n"
"  --qemu WORD       one more word for QEMU's command line (may be repeated)\n"
"\n"
"QEMU calls the doorbell devices famez0, famez1, ..., plain ones plain0, ...\n";

enum {
	OPT_DIR = 1, OPT_FIRST, OPT_TIMEOUT, OPT_IGNORE, OPT_SIZE, OPT_CLIENTS,
	OPT_VECTORS, OPT_BACKING, OPT_SOCKET, OPT_NO_SWITCH, OPT_KERNEL,
	OPT_INITRAMFS, OPT_APPEND, OPT_MEMORY, OPT_CPUS, OPT_MACHINE,
	OPT_ACCEL, OPT_NO_DEVICE, OPT_JOIN, OPT_PLAIN, OPT_DEVICE, OPT_QEMU,
	OPT_BAR, OPT_IMAGE, OPT_KEEP, OPT_ROOT_PORT, OPT_HELP,
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
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "machine", required_argument, NULL, OPT_MACHINE },
	{ "root-port", no_argument, NULL, OPT_ROOT_PORT },
	{ "accel", required_argument, NULL, OPT_ACCEL },
	{ "no-device", no_argument, NULL, OPT_NO_DEVICE },
	{ "join", required_argument, NULL, OPT_JOIN },
	{ "plain", required_argument, NULL, OPT_PLAIN },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "bar", required_argument, NULL, OPT_BAR },
	{ "qemu", required_argument, NULL, OPT_QEMU },
	{ "help", no_argument, NULL, OPT_HELP },
	{ }
};

static const struct up_options defaults = {
	.first = 1,
	.timeout = 600 * 1000,
	.own = { .kind = DOORBELL, .vectors = "16" },
	.fabric = { .size = "64M", .clients = "14", .vectors = "16" },
	.guest = { .append = "", .machine = "pc",
		   .cpus = "1" },
};

/* The fabric's own device needs a place in the list, too. */
static struct device *new_device(struct guest_options *guest,
				 enum device_kind kind)
{
	struct device *device = &guest->device[guest->nr_device];

	if (guest->nr_device == LIST_MAX - 1)
		misuse("'%s' is one too many; expected at most %d devices",
		       optarg, LIST_MAX - 1);
	guest->nr_device++;
	device->kind = kind;
	device->text = optarg;
	return device;
}

/* SOCKET[:VECTORS]: what follows the last colon, if that is a number */
static void parse_doorbell(struct device *device, const char *option)
{
	char *colon = strrchr(optarg, ':');

	device->text = optarg;
	if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]) {
		parse_number("VECTORS", colon + 1, 1, VECTORS_MAX);
		device->vectors = colon + 1;
		*colon = 0;
	}
	if (!*optarg)
		misuse("%s names no socket; expected SOCKET[:VECTORS]", option);
}

static void parse_device(struct guest_options *guest, int option)
{
	struct device *device;
	const char *colon;

	switch (option) {
	case OPT_JOIN:
		device = new_device(guest, DOORBELL);
		device->vectors = defaults.own.vectors;
		parse_doorbell(device, "--join");
		break;
	case OPT_PLAIN:
		colon = strrchr(optarg, ':');
		if (!colon || colon == optarg || !colon[1])
			misuse("--plain is '%s'; expected FILE:SIZE", optarg);
		new_device(guest, PLAIN);
		break;
	case OPT_DEVICE:
		new_device(guest, ANY);
		break;
	case OPT_BAR:
		guest->bar_low = !strcmp(optarg, "low");
		if (!guest->bar_low && strcmp(optarg, "high"))
			misuse("--bar is '%s'; expected 'high' or 'low'", optarg);
		break;
	case OPT_QEMU:
		if (guest->nr_raw == LIST_MAX)
			misuse("'%s' is one too many; expected at most %d words",
			       optarg, LIST_MAX);
		guest->raw[guest->nr_raw++] = optarg;
		break;
	default:
		misuse("the options were not understood");
	}
}

static void parse_guest(struct up_options *up, int option)
{
	switch (option) {
	case OPT_KERNEL:
		up->version = optarg;
		break;
	case OPT_INITRAMFS:
		up->initramfs = optarg;
		break;
	case OPT_IMAGE:
		up->guest.disk = optarg;
		break;
	case OPT_KEEP:
		up->guest.disk_kept = true;
		break;
	case OPT_APPEND:
		up->guest.append = optarg;
		break;
	case OPT_MEMORY:
		up->guest.memory = optarg;
		break;
	case OPT_CPUS:
		parse_number("--cpus", optarg, 1, 255);
		up->guest.cpus = optarg;
		break;
	case OPT_MACHINE:
		up->guest.machine = optarg;
		break;
	case OPT_ROOT_PORT:
		up->guest.root_port = true;
		break;
	case OPT_ACCEL:
		up->accel = optarg;
		break;
	default:
		parse_device(&up->guest, option);
	}
}

static void parse_switch(struct up_options *up, int option)
{
	switch (option) {
	case OPT_SIZE:
		up->fabric.size = optarg;
		break;
	case OPT_CLIENTS:
		up->fabric.clients = optarg;
		break;
	case OPT_VECTORS:
		up->fabric.vectors = optarg;
		up->own.vectors = optarg;
		break;
	case OPT_BACKING:
		up->fabric.backing = optarg;
		break;
	case OPT_SOCKET:
		parse_doorbell(&up->own, "--socket");
		break;
	case OPT_NO_SWITCH:
		up->no_switch = true;
		break;
	case OPT_NO_DEVICE:
		up->no_device = true;
		break;
	default:
		parse_guest(up, option);
	}
}

static void parse_count(struct up_options *up, const char *text)
{
	up->count = parse_number("N", text, 1, MAX_NODES);
	if (up->first + up->count - 1 > MAX_NODES)
		misuse("the last guest would be number %d; expected at most %d",
		       up->first + up->count - 1, MAX_NODES);
}

/* What runs of tests say for all guests alike */
static void take_environment(struct up_options *up)
{
	const char *cpus = getenv("FAMEZ_CPUS"), *machine = getenv("FAMEZ_MACHINE");
	const char *port = getenv("FAMEZ_ROOT_PORT");

	if (cpus && *cpus) {
		parse_number("FAMEZ_CPUS", cpus, 1, 255);
		up->guest.cpus = cpus;
	}
	if (machine && *machine)
		up->guest.machine = machine;
	up->guest.root_port = port && !strcmp(port, "1");
}

/* @usage is what the verb has to say before the options that both have. */
void up_parse(struct up_options *up, int argc, char **argv, const char *usage)
{
	const char *dir = NULL;
	int option;

	*up = defaults;
	take_environment(up);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPT_DIR:
			dir = optarg;
			break;
		case OPT_FIRST:
			up->first = parse_number("--first", optarg, 1,
						 MAX_NODES);
			break;
		case OPT_TIMEOUT:
			up->timeout = 1000LL * parse_number("--timeout", optarg,
							    1, 1000000);
			break;
		case OPT_IGNORE:
			up->ignore_console = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			show_help(help);
		default:
			parse_switch(up, option);
		}
	}
	if (optind != argc - 1)
		misuse("expected one number of guests");
	parse_count(up, argv[optind]);
	if (up->guest.disk_kept && (!up->guest.disk || up->count > 1))
		misuse("--keep is for one guest with --image: two cannot write to one disk");
	if (up->guest.root_port && !strstr(up->guest.machine, "q35"))
		misuse("--root-port wants --machine q35: %s has no PCI Express",
		       up->guest.machine);
	if (up->guest.disk && (up->version || up->initramfs))
		misuse("--image has its own kernel; leave --kernel and --initramfs out");
	state_use(dir);
}

bool up_needs_switch(const struct up_options *up)
{
	return !up->own.text && !up->no_switch;
}

/* What the options left to be found out */
void up_complete(struct up_options *up)
{
	static char socket[PATH_ROOM];
	struct guest_options *guest = &up->guest;
	struct device own = up->own;

	if (!guest->memory)
		guest->memory = guest->disk ? "512M" : "256M";
	if (guest->disk) {
		image_disk(guest->disk, &guest->kernel, &guest->initramfs);
	} else {
		guest->kernel = image_kernel(up->version);
		guest->initramfs = image_initramfs(up->version, up->initramfs);
	}
	guest->accel = accel_choose(up->accel, guest->kernel);
	if (up->no_device)
		return;
	state_path(socket, state_dir, "switch.sock");
	if (!own.text)
		own.text = socket;
	memmove(guest->device + 1, guest->device,
		guest->nr_device * sizeof(own));
	guest->device[0] = own;
	guest->nr_device++;
}

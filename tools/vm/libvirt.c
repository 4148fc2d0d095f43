// SPDX-License-Identifier: GPL-2.0
/* famez-vm libvirt-xml: a fabric's device for libvirt's domains, by the switch's numbers. */
#include <errno.h>

#include "fabric-facts.h"
#include "famez-vm.h"
#include "libvirt.h"

static const char help[] =
"usage: famez-vm libvirt-xml [--dir DIR | --socket SOCKET] [--plain] [--name NAME]\n"
"                            [DOMAIN]\n"
"       famez-vm libvirt-xml --check DOMAIN\n"
"\n"
"Prints the <shmem> element for a libvirt domain that is to be a guest on a switch\n"
"that runs, with that switch's socket and vectors. With DOMAIN, a file as 'virsh\n"
"dumpxml' prints it or - for standard input, prints that with the element in it; one\n"
"of the same name is replaced. To ask the switch is to be its peer for a moment.\n"
"\n"
"  --dir DIR        state directory of the fabric, whose switch is meant\n"
"  --socket SOCKET  the switch that listens there\n"
"  --plain          a device without doorbells, by the memory's name in /dev/shm\n"
"  --name NAME      of the device (default famez); of a plain one it is the memory's\n"
"  --check          print nothing, but say what in DOMAIN does not agree with the\n"
"                   switches and the memory that it names\n"
"\n"
"What is printed, and what is checked, has to satisfy libvirt's own schema, too,\n"
"where virt-xml-validate is installed.\n"
"\n"
"exit codes: 0 well, 1 failed or does not agree, 2 misuse\n";

enum { OPT_DIR = 1, OPT_SOCKET, OPT_PLAIN, OPT_NAME, OPT_CHECK, OPT_HELP };

static const struct option options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "plain", no_argument, NULL, OPT_PLAIN },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ }
};

static bool plain, check;
static const char *dir, *given_socket, *name;

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPT_DIR:
			dir = optarg;
			break;
		case OPT_SOCKET:
			given_socket = optarg;
			break;
		case OPT_PLAIN:
			plain = true;
			break;
		case OPT_NAME:
			name = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_HELP:
			show_help(help);
		default:
			misuse("the options were not understood");
		}
	}
	if (optind < argc - 1 || (check && optind == argc))
		misuse("expected one DOMAIN");
	if (check && (dir || given_socket || plain || name))
		misuse("--check goes by what DOMAIN names, and takes no other option");
	if (dir && given_socket)
		misuse("--dir and --socket are two switches; expected one");
	if (plain && name)
		misuse("--plain leaves no choice of --name: libvirt looks for that memory");
	if (!name)
		name = "famez";
	if (!*name || strchr(name, '/') || !xmlCheckUTF8((const xmlChar *)name))
		misuse("--name is '%s'; libvirt wants a name in UTF-8 without a slash", name);
}

/* libvirt knows no other memory than POSIX's */
static const char *shm_name(const struct fabric_facts *facts)
{
	static const char shm[] = "/dev/shm/";

	/* the kernel tells by that end of a name that it is nobody's any more */
	if (strncmp(facts->memory, shm, strlen(shm)) || strstr(facts->memory, " (deleted)"))
		fail("the switch's memory is %s, and libvirt's plain device takes what is in /dev/shm; give QEMU '-object memory-backend-file' by <qemu:commandline>, or leave --plain out",
		     *facts->memory ? facts->memory : "of no name");
	return facts->memory + strlen(shm);
}

static void ask_switch(struct shmem *shmem)
{
	static char own[PATH_ROOM], absolute[PATH_MAX];
	const char *socket = given_socket;
	static struct fabric_facts facts;
	int err;

	if (!socket) {
		state_use(dir);
		state_path(own, state_dir, "switch.sock");
		socket = own;
	}
	err = fabric_facts(&facts, socket);
	if (err)
		fail("%s: %s", socket, fabric_trouble(err));
	*shmem = (struct shmem){ .name = name, .model = MODEL_DOORBELL,
				 .vectors = facts.vectors, .size = facts.size };
	/* QEMU will not be where we are */
	shmem->server = realpath(socket, absolute);
	if (!plain)
		return;
	shmem->name = shm_name(&facts);
	shmem->model = MODEL_PLAIN;
	shmem->server = NULL;
}

static int is_written(void)
{
	if (fflush(stdout) || ferror(stdout))
		fail("cannot write all of it: %s", strerror(errno));
	return 0;
}

int verb_libvirt_xml(int argc, char **argv)
{
	struct shmem shmem;
	xmlDoc *domain;

	parse(argc, argv);
	if (check) {
		domain = domain_read(argv[optind]);
		return domain_check(domain) || !domain_is_valid(domain);
	}
	ask_switch(&shmem);
	if (optind == argc) {
		shmem_print(&shmem);
		return is_written();
	}
	domain = domain_read(argv[optind]);
	domain_put(domain, &shmem);
	if (!domain_is_valid(domain))
		return 1;
	domain_print(domain);
	/* It may have others, too; these are for its user to mend */
	domain_check(domain);
	return is_written();
}

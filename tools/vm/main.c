// SPDX-License-Identifier: GPL-2.0
/* famez-vm: builds guests, and starts and ends fabrics of them. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "famez-version.h"
#include "famez-vm.h"

static const char help[] =
"usage: famez-vm VERB [OPTION]... [ARGUMENT]...\n"
"\n"
"  kernel        fetch Debian's stock kernel for the guests\n"
"  initramfs     build the guests' file system\n"
"  image         make a Debian guest's disk, with famez installed\n"
"  up N          start the switch and N guests\n"
"  qemu-args N   print how up would start them\n"
"  libvirt-xml   a fabric's device for a libvirt domain\n"
"  exec NODE     run a command in a guest\n"
"  console NODE  a shell in a guest, for a person\n"
"  check NODE    has the guest's kernel complained on its console?\n"
"  status        what runs\n"
"  log NODE      print a guest's console\n"
"  wait NODE     wait until a guest's QEMU has ended\n"
"  qmp NODE      send a command to a guest's QEMU\n"
"  down          end guests, or all there is\n"
"\n"
"Each verb tells more with --help; --version prints the version. NODE is node01 (or 1), ..., for exec and\n"
"check also \"all\". A fabric's state lies in the directory that --dir or\n"
"$FAMEZ_VM_DIR names, by default /tmp/famez-vm.UID; two fabrics need two.\n"
"\n"
"environment: FAMEZ_BUILD holds kernels and initramfs (default build in the source\n"
"tree, else ~/.cache/famez),\n"
"FAMEZ_KERNEL is the guests' kernel version (default what 'famez-vm kernel'\n"
"fetched last), QEMU the program (default qemu-system-x86_64), ACCEL is tcg\n"
"(default), kvm or auto, FAMEZ_SERVER the switch's program.\n"
"\n"
"exit codes: 0 well, 1 failed, 2 misused; exec, console and wait have more\n";

static int script_kernel(int argc, char **argv)
{
	(void)argc;
	return run_script("kernel.sh", argv);
}

static int script_initramfs(int argc, char **argv)
{
	(void)argc;
	return run_script("initramfs.sh", argv);
}

static int script_image(int argc, char **argv)
{
	(void)argc;
	return run_script("image.sh", argv);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "kernel", script_kernel },
	{ "initramfs", script_initramfs },
	{ "image", script_image },
	{ "up", verb_up },
	{ "qemu-args", verb_qemu_args },
	{ "libvirt-xml", verb_libvirt_xml },
	{ "exec", verb_exec },
	{ "console", verb_console },
	{ "check", verb_check },
	{ "status", verb_status },
	{ "log", verb_log },
	{ "wait", verb_wait },
	{ "qmp", verb_qmp },
	{ "down", verb_down },
};

const char *verb = "";

/* Where this program lies: its companions lie beside it */
const char *own_directory(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		fail("cannot read /proc/self/exe: %s; is /proc mounted?",
		     strerror(errno));
	path[n] = 0;
	*strrchr(path, '/') = 0;
	return path;
}

/* A helper file, in the source tree or as installed */
const char *share_file(const char *name)
{
	static char path[PATH_MAX + 64];
	const char *own = own_directory(), *share = getenv("FAMEZ_VM_SHARE");

	if (share && *share) {
		snprintf(path, sizeof(path), "%s/%s", share, name);
		return path;
	}
	snprintf(path, sizeof(path), "%s/../share/famez/vm/%s", own, name);
	if (access(path, R_OK))
		snprintf(path, sizeof(path), "%s/../../tools/vm/%s", own, name);
	if (access(path, R_OK))
		fail("cannot find %s; expected in %s/../share/famez/vm, or in the directory that FAMEZ_VM_SHARE names",
		     name, own);
	return path;
}

const char *agent_file(void)
{
	static char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/famez-agent", own_directory());
	if (access(path, X_OK))
		snprintf(path, sizeof(path), "%s/../lib/famez/famez-agent", own_directory());
	return path;
}

/*
 * Where kernels and file systems of guests are, for us and our scripts.  In the source
 * tree that is where make builds; as installed, a cache that may be deleted at any time.
 */
static void choose_build(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const char *build = getenv("FAMEZ_BUILD");
	char path[PATH_MAX] = "build";
	char tree[PATH_MAX + 32];

	if (build && *build)
		return;
	snprintf(tree, sizeof(tree), "%s/../../tools/vm/init", own_directory());
	if (access(tree, R_OK) && cache && *cache == '/')
		snprintf(path, sizeof(path), "%s/famez", cache);
	else if (access(tree, R_OK) && home && *home)
		snprintf(path, sizeof(path), "%s/.cache/famez", home);
	setenv("FAMEZ_BUILD", path, 1);
}

int run_script(const char *name, char **argv)
{
	const char *path = share_file(name);
	char *words[LIST_MAX * 4] = { "sh", (char *)path };
	int i;

	for (i = 1; argv[i]; i++) {
		if (i + 2 == LIST_MAX * 4)
			misuse("more than %d words", LIST_MAX * 4 - 3);
		words[i + 1] = argv[i];
	}
	setenv("FAMEZ_VM_AGENT", agent_file(), 1);
	execvp("sh", words);
	fail("cannot run sh: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	size_t i;
	int fd;

	/* If we were given no input or output, no file of ours may become it */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < 3)
		;
	close(fd);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
			 !strcmp(argv[1], "help")))
		show_help(help);
	if (argc > 1 && (!strcmp(argv[1], "--version") ||
			 !strcmp(argv[1], "-V"))) {
		puts("famez-vm " FAMEZ_VERSION);
		return 0;
	}
	for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		verb = argv[1];
		choose_build();
		return verbs[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "famez-vm: %s%s%s; expected one of:\n\n%s",
		argc > 1 ? "'" : "no verb", argc > 1 ? argv[1] : "",
		argc > 1 ? "' is no verb" : "", help);
	return 2;
}

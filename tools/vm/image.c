// SPDX-License-Identifier: GPL-2.0
/* Which kernel and which initramfs a guest starts from. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famez-vm.h"

/* The one that 'famez-vm kernel' fetched last, which left a link to it */
static const char *default_kernel(void)
{
	static char version[NAME_MAX + 1];
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/kernels/.default", getenv("FAMEZ_BUILD"));
	if (readlink(path, version, NAME_MAX) <= 0)
		fail("no default kernel in %s/kernels; run 'famez-vm kernel' first, or set FAMEZ_BUILD or FAMEZ_KERNEL",
		     getenv("FAMEZ_BUILD"));
	return version;
}

static const char *chosen(const char *version)
{
	if (!version)
		version = getenv("FAMEZ_KERNEL");
	return version && *version ? version : default_kernel();
}

/* @version is a version, a file (with a slash), or NULL for the default. */
const char *image_kernel(const char *version)
{
	static char path[PATH_MAX];

	version = chosen(version);
	if (strchr(version, '/'))
		snprintf(path, sizeof(path), "%s", version);
	else
		snprintf(path, sizeof(path), "%s/kernels/%s/boot/vmlinuz-%s",
			 getenv("FAMEZ_BUILD"), version, version);
	if (access(path, R_OK))
		fail("kernel %s: %s; 'famez-vm kernel' fetches one, FAMEZ_BUILD says where they are",
		     path, strerror(errno));
	return path;
}

/* Runs a helper, whose output is for who watches us. */
static bool run_helper(const char *as, const char *name, char **words)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		verb = as;
		dup2(STDERR_FILENO, STDOUT_FILENO);
		run_script(name, words);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static void build_initramfs(const char *version, const char *file)
{
	char *words[] = { "initramfs", "--kernel", (char *)version, "--output",
			  (char *)file, NULL };

	if (!run_helper("initramfs", "initramfs.sh", words))
		fail("the initramfs could not be built; 'famez-vm initramfs' shows why");
}

void image_disk(const char *disk, const char **kernel, const char **initrd)
{
	static char paths[2][PATH_MAX + 16];
	char whole[PATH_MAX], copy[PATH_MAX];
	char *words[] = { "up", (char *)disk, copy, NULL };

	if (access(disk, R_OK) || !realpath(disk, whole))
		fail("image %s: %s; 'famez-vm image' makes one", disk, strerror(errno));
	/* Not beside it: it may be another user's */
	snprintf(copy, sizeof(copy), "%s/boot/%016llx", getenv("FAMEZ_BUILD"),
		 (unsigned long long)hash_of(whole));
	if (!run_helper("up", "image-boot.sh", words))
		fail("image %s cannot be booted: see above", disk);
	snprintf(paths[0], sizeof(paths[0]), "%s.vmlinuz", copy);
	snprintf(paths[1], sizeof(paths[1]), "%s.initrd", copy);
	*kernel = paths[0];
	*initrd = paths[1];
}

/* An old agent in a guest and a new famez-vm may not understand each other. */
static void warn_if_old(const char *file)
{
	struct stat image, agent;

	if (!stat(agent_file(), &agent) && !stat(file, &image) &&
	    image.st_mtime < agent.st_mtime)
		complain("note: %s is older than famez-agent; 'famez-vm initramfs' builds it anew",
			 file);
}

const char *image_initramfs(const char *version, const char *file)
{
	static char path[PATH_MAX];
	const char *base;

	if (!file) {
		version = chosen(version);
		base = strrchr(version, '/');
		snprintf(path, sizeof(path), "%s/initramfs-%s.img",
			 getenv("FAMEZ_BUILD"), base ? base + 1 : version);
		file = path;
		if (access(file, F_OK))
			build_initramfs(version, file);
	}
	if (access(file, R_OK))
		fail("initramfs %s: %s; 'famez-vm initramfs --output %s' builds one",
		     file, strerror(errno), file);
	warn_if_old(file);
	return file;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Who is in the way of FAM's changing hands: mounts in every namespace, swap, devices
 * built on it, open files and mappings of processes.  Another user's processes are seen
 * by root alone.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "fam.h"
#include "famezctl.h"

/**
 * struct search - what is looked for
 * @fam: the FAM
 * @new_owner: the bridge's own device counts, too, where it is mapped for writing
 * @out: where it is told
 * @count: how many were found
 * @mounts: mount points told of, as namespaces share them
 */
struct search {
	const struct fam *fam;
	bool new_owner;
	FILE *out;
	unsigned int count;
	char mounts[16][PATH_MAX];
	unsigned int mount_count;
};

static const struct fam_device *device_of(const struct search *s, dev_t number, bool block)
{
	size_t i;

	for (i = 0; i < s->fam->count; i++)
		if (s->fam->devices[i].number == number && s->fam->devices[i].block == block)
			return &s->fam->devices[i];
	return NULL;
}

/* ---- Mounts, swap, and devices built on it ------------------------------------------- */

/* A user's directory may be called anything. */
static const char *printable_path(const char *path)
{
	static char clean[PATH_MAX];
	size_t i;

	for (i = 0; path[i] && i < sizeof(clean) - 1; i++)
		clean[i] = isgraph((unsigned char)path[i]) ? path[i] : '?';
	clean[i] = 0;
	return clean;
}

static void found_mount(struct search *s, const struct fam_device *d, const char *at)
{
	unsigned int i;

	for (i = 0; i < s->mount_count; i++)
		if (!strcmp(s->mounts[i], at))
			return;
	if (s->mount_count < sizeof(s->mounts) / sizeof(*s->mounts))
		snprintf(s->mounts[s->mount_count++], PATH_MAX, "%s", at);
	fprintf(s->out, "/dev/%s is mounted on %s\n", d->name, printable_path(at));
	s->count++;
}

/* proc(5): id, parent, major:minor, root, mount point, ... */
static void look_at_mounts(struct search *s, const char *pid)
{
	char path[PATH_MAX], at[PATH_MAX], *line = NULL;
	const struct fam_device *d;
	unsigned int major, minor;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
	file = fopen(path, "r");
	while (file && getline(&line, &room, file) > 0) {
		if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &major, &minor, at) != 3)
			continue;
		d = device_of(s, makedev(major, minor), true);
		if (d)
			found_mount(s, d, at);
	}
	free(line);
	if (file)
		fclose(file);
}

static void look_at_swap(struct search *s)
{
	char path[PATH_MAX], *line = NULL;
	const struct fam_device *d;
	size_t room = 0;
	struct stat st;
	FILE *file = fopen("/proc/swaps", "r");

	while (file && getline(&line, &room, file) > 0) {
		if (sscanf(line, "%4095s", path) != 1 || stat(path, &st))
			continue;
		d = S_ISBLK(st.st_mode) ? device_of(s, st.st_rdev, true) : NULL;
		if (!d)
			continue;
		fprintf(s->out, "/dev/%s is swap\n", d->name);
		s->count++;
	}
	free(line);
	if (file)
		fclose(file);
}

/* What device-mapper and its like have made of it. */
static void look_at_holders(struct search *s, const struct fam_device *d)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *holders;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(d->number),
		 minor(d->number));
	holders = opendir(path);
	while (holders && (entry = readdir(holders))) {
		if (*entry->d_name == '.')
			continue;
		fprintf(s->out, "/dev/%s is in use by %s\n", d->name, entry->d_name);
		s->count++;
	}
	if (holders)
		closedir(holders);
}

/* Whoever claims it, as mounts do, keeps others from that. */
static void look_at_claim(struct search *s, const struct fam_device *d)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", d->name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
	} else if (errno == EBUSY) {
		fprintf(s->out, "/dev/%s is claimed, by a file system or a device on it\n",
			d->name);
		s->count++;
	}
}

/* ---- Processes ------------------------------------------------------------------------- */

static void found_process(struct search *s, const char *pid, const char *name,
			  const char *what)
{
	char path[64], comm[32] = "?", clean[CLEAN_SIZE];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	file = fopen(path, "r");
	if (file && fgets(comm, sizeof(comm), file))
		comm[strcspn(comm, "\n")] = 0;
	if (file)
		fclose(file);
	fprintf(s->out, "process %s (%s) has %s %s\n", pid, clean_name(comm, clean), name, what);
	s->count++;
}

/* Return: whether the file is one of those, and the process was told of */
static bool look_at_file(struct search *s, const char *pid, const char *path,
			 const char *what)
{
	const struct fam_device *d = NULL;
	char name[80];
	struct stat st;

	if (stat(path, &st))
		return false;
	if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))
		d = device_of(s, st.st_rdev, S_ISBLK(st.st_mode));
	if (!d)
		return false;
	snprintf(name, sizeof(name), "/dev/%s", d->name);
	found_process(s, pid, name, what);
	return true;
}

static bool look_at_files(struct search *s, const char *pid)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool any = false;
	DIR *files;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	files = opendir(path);
	while (files && !any && (entry = readdir(files))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, entry->d_name);
		any = look_at_file(s, pid, path, "open");
	}
	if (files)
		closedir(files);
	return any;
}

/* The bridge's device, mapped so that stores go to FAM? */
static bool is_bridge(const struct search *s, const char *path, const char *permissions)
{
	struct stat st;

	return s->new_owner && permissions[1] == 'w' && permissions[3] == 's' &&
	       !stat(path, &st) && S_ISCHR(st.st_mode) && st.st_rdev == s->fam->bridge;
}

/* proc(5): range, permissions, ...; map_files has a link for each range */
static bool look_at_maps(struct search *s, const char *pid)
{
	char path[PATH_MAX], permissions[8], *line = NULL;
	unsigned long first, last;
	bool any = false;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	while (maps && !any && getline(&line, &room, maps) > 0) {
		if (sscanf(line, "%lx-%lx %7s", &first, &last, permissions) != 3)
			continue;
		/* the same numbers, without their zeros */
		snprintf(path, sizeof(path), "/proc/%s/map_files/%lx-%lx", pid, first, last);
		any = look_at_file(s, pid, path, "mapped");
		if (!any && is_bridge(s, path, permissions)) {
			found_process(s, pid, "the bridge's FAM", "mapped for writing");
			any = true;
		}
	}
	free(line);
	if (maps)
		fclose(maps);
	return any;
}

static void look_at_processes(struct search *s)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    atoi(entry->d_name) == getpid())
			continue;
		look_at_mounts(s, entry->d_name);
		if (!look_at_files(s, entry->d_name))
			look_at_maps(s, entry->d_name);
	}
	if (proc)
		closedir(proc);
}

unsigned int fam_users(const struct fam *fam, bool new_owner, FILE *out)
{
	static struct search s;
	size_t i;

	s = (struct search){ .fam = fam, .new_owner = new_owner, .out = out };
	look_at_mounts(&s, "self");
	look_at_swap(&s);
	for (i = 0; i < fam->count; i++)
		if (fam->devices[i].block)
			look_at_holders(&s, &fam->devices[i]);
	look_at_processes(&s);
	/* what none of these tells of: file systems without a device, those unmounted lazily */
	for (i = 0; !s.count && i < fam->count; i++)
		if (fam->devices[i].block)
			look_at_claim(&s, &fam->devices[i]);
	return s.count;
}

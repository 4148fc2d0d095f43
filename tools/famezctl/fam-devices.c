// SPDX-License-Identifier: GPL-2.0
/* What sysfs says of a bridge's FAM. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <famez.h>
#include "fam.h"
#include "famezctl.h"

/* nftw() has no argument for what it calls */
static struct fam *found;

/* The last part of what a directory's link "subsystem" names. */
static bool subsystem_is(const char *directory, const char *name)
{
	char link[FAM_PATH], target[FAM_PATH];
	ssize_t n;

	snprintf(link, sizeof(link), "%s/subsystem", directory);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = 0;
	return !strcmp(basename(target), name);
}

static void add_device(const char *directory, bool block, unsigned int major,
		       unsigned int minor)
{
	struct fam_device *d = &found->devices[found->count];
	char copy[FAM_PATH];

	if (found->count == FAM_DEVICES)
		die("FAM has become more than %d devices, which cannot be looked after",
		    FAM_DEVICES);
	snprintf(copy, sizeof(copy), "%s", directory);
	snprintf(d->name, sizeof(d->name), "%.*s", (int)sizeof(d->name) - 1, basename(copy));
	d->block = block;
	d->number = makedev(major, minor);
	found->count++;
}

/* A device is a directory with a file "dev". */
static int look_at(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	unsigned int major, minor;
	char directory[FAM_PATH];
	FILE *file;

	(void)st;
	if (type != FTW_F || strcmp(path + ftw->base, "dev"))
		return 0;
	snprintf(directory, sizeof(directory), "%.*s", ftw->base - 1, path);
	file = fopen(path, "r");
	if (file && fscanf(file, "%u:%u", &major, &minor) == 2) {
		if (subsystem_is(directory, "block"))
			add_device(directory, true, major, minor);
		else if (subsystem_is(directory, "dax"))
			add_device(directory, false, major, minor);
	}
	if (file)
		fclose(file);
	return 0;
}

static void find_devices(struct fam *fam)
{
	fam->count = 0;
	found = fam;
	if (*fam->child)
		nftw(fam->child, look_at, 16, FTW_PHYS);
}

/* As famez_open() picks it. */
static const char *device_path(void)
{
	const char *path = device ? device : getenv("FAMEZ_DEVICE");

	if (path)
		return path;
	return access(FAMEZ_DEFAULT_DEVICE, F_OK) && !access(FAMEZ_PLAIN_DEVICE, F_OK) ?
		FAMEZ_PLAIN_DEVICE : FAMEZ_DEFAULT_DEVICE;
}

void fam_find(struct fam *fam)
{
	static const char *const kinds[] = { "pmem", "dax" };
	const char *path = device_path();
	struct stat st;
	size_t i;

	memset(fam, 0, sizeof(*fam));
	if (stat(path, &st))
		die("cannot open '%s': %s; load famez_bridge, or name a bridge's device with --device",
		    path, strerror(errno));
	if (!S_ISCHR(st.st_mode))
		die("'%s' is no bridge's device: pmem and dax are forms that guests give to FAM",
		    path);
	fam->bridge = st.st_rdev;
	snprintf(fam->sysfs, sizeof(fam->sysfs), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(fam->child, sizeof(fam->child), "%.64s/device/famez_bridge.%s.%u",
			 fam->sysfs, kinds[i], minor(st.st_rdev));
		if (!access(fam->child, F_OK))
			break;
		*fam->child = 0;
	}
	find_devices(fam);
}

void fam_attribute(const struct fam *fam, const char *name, char *value, size_t room)
{
	char path[FAM_PATH];
	FILE *file;

	snprintf(path, sizeof(path), "%.64s/%s", fam->sysfs, name);
	file = fopen(path, "r");
	if (!file)
		die("cannot read %s: %s; is it a bridge's device, and the driver as new as this program?",
		    path, strerror(errno));
	if (!fgets(value, room, file))
		*value = 0;
	value[strcspn(value, "\n")] = 0;
	fclose(file);
}

bool fam_memory_type(char *type, size_t room)
{
	const char *path = device_path();
	struct stat st;
	struct fam fam;

	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return false;
	fam_find(&fam);
	fam_attribute(&fam, "fam_memory_type", type, room);
	return true;
}

int fam_set_attribute(const struct fam *fam, const char *name, const char *value)
{
	char path[FAM_PATH];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.64s/%s", fam->sysfs, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* an empty text would not be written at all */
	n = write(fd, *value ? value : "\n", *value ? strlen(value) : 1);
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

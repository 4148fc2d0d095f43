// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <json-c/json.h>
#include "counters.h"

int counters_open(struct famez *handle)
{
	struct famez_info info = { .size = sizeof(info) };
	char path[64];
	struct stat st;
	int error, dir;

	error = famez_get_info(handle, &info);
	if (error)
		die("cannot get the information: %s", strerror(-error));
	if (fstat(famez_fd(handle), &st))
		die("cannot tell what the device is: %s", strerror(errno));
	if (!S_ISCHR(st.st_mode))
		die("a switch's socket has no counters, a guest's driver has; run this in a guest");
	if (info.config != FAMEZ_CONFIG_FAMEZ)
		die("no messages are counted: %s", error_text(-EOPNOTSUPP));
	/* by number: a device may have been opened by any name */
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die("cannot open the counters, %s: %s; is sysfs mounted on /sys?",
		    path, strerror(errno));
	return dir;
}

/* False: it has gone, or is not a number. */
static bool read_number(int dir, const char *path, uint64_t *number)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char text[32], *end;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	*number = strtoull(text, &end, 10);
	return end != text && *end == '\n';
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* What a subdirectory holds, and they hold; it is empty when it has gone. */
static struct json_object *read_tree(int dir, const char *path)
{
	struct json_object *tree = json_object_new_object();
	struct dirent **entries;
	char name[PATH_MAX];
	uint64_t number;
	int i, n;

	/* a peer's directory that comes meanwhile is there the next time */
	n = scandirat(dir, path, &entries, visible, versionsort);
	if (n < 0)
		return tree;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_type == DT_DIR)
			json_object_object_add(tree, entries[i]->d_name,
					       read_tree(dir, name));
		else if (read_number(dir, name, &number))
			json_number(tree, entries[i]->d_name, number);
		free(entries[i]);
	}
	free(entries);
	return tree;
}

struct json_object *counters_read(int dir)
{
	struct json_object *counters = json_object_new_object();
	uint64_t rx_waits;

	json_object_object_add(counters, "peers", read_tree(dir, "peers"));
	json_object_object_add(counters, "vectors", read_tree(dir, "vectors"));
	/* after the peers: no sum is less than what it is of */
	json_object_object_add(counters, "totals", read_tree(dir, "totals"));
	/* last, as a device that goes takes all with it */
	if (!read_number(dir, "rx_waits", &rx_waits))
		die("the device has gone while its counters were read; start it again");
	json_number(counters, "rx_waits", rx_waits);
	return counters;
}

uint64_t counter_of(const struct json_object *counters, const char *name)
{
	return json_object_get_uint64(json_object_object_get(counters, name));
}

struct json_object *counters_moved(struct json_object *now,
				   const struct json_object *before)
{
	struct json_object *moved = NULL;

	json_object_object_foreach(now, name, number) {
		uint64_t by = json_object_get_uint64(number) -
			      counter_of(before, name);

		if (!by)
			continue;
		if (!moved)
			moved = json_object_new_object();
		json_number(moved, name, by);
	}
	return moved;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Where regions are kept: JSON, beside a file that is the memory, as FILE.regions, or
 * where --regions says.  A change is written to a new file, which then takes the old
 * one's place, so there is always a whole one.  Other memory ends with the switch, and so
 * do its regions.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "server.h"

static const char * const uses[] = {
	[FAMEZ_USE_FREE] = "free", [FAMEZ_USE_PMEM] = "pmem",
	[FAMEZ_USE_DAX] = "dax", [FAMEZ_USE_SCRATCH] = "scratch",
};

/* No file there can be written by write(2). */
static bool is_hugetlbfs(const struct server *s)
{
	struct statfs fs;

	return !fstatfs(s->memory.guard, &fs) && fs.f_type == HUGETLBFS_MAGIC;
}

bool regions_kept(const struct server *s)
{
	return s->regions_path ||
	       (s->memory.kind == BACKING_FILE && !is_hugetlbfs(s));
}

static bool file_name(const struct server *s, char *name, const char *suffix)
{
	const char *path = s->regions_path ? s->regions_path : s->memory.name;

	return regions_kept(s) &&
	       snprintf(name, PATH_MAX, "%s%s%s", path,
			s->regions_path ? "" : ".regions", suffix) < PATH_MAX;
}

/* ---- Writing ----------------------------------------------------------------------- */

static struct json_object *json_region(const struct famez_region_info *r)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(r->name));
	json_object_object_add(o, "offset", json_object_new_uint64(r->offset));
	json_object_object_add(o, "length", json_object_new_uint64(r->length));
	json_object_object_add(o, "use", json_object_new_string(uses[r->use]));
	json_object_object_add(o, "creator", json_object_new_uint64(r->creator));
	return o;
}

static struct json_object *json_regions(const struct server *s)
{
	struct json_object *o = json_object_new_object();
	struct json_object *array = json_object_new_array();
	uint32_t i;

	for (i = 0; i < s->plan.layout.regions.count; i++)
		if (*s->regions[i].name)
			json_object_array_add(array, json_region(&s->regions[i]));
	json_object_object_add(o, "fam_size",
			       json_object_new_uint64(s->plan.layout.fam_size));
	json_object_object_add(o, "regions", array);
	return o;
}

/* On the disk when this returns, as far as that can be known. */
static bool write_file(const char *name, struct json_object *o)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	bool good;

	if (fd < 0)
		return false;
	good = !json_object_to_fd(fd, o, JSON_C_TO_STRING_PRETTY) && !fsync(fd);
	return !close(fd) && good;
}

/* That it has taken the other's place, too; that is done, whatever becomes of this. */
static void sync_directory(const char *name)
{
	char copy[PATH_MAX];
	int fd;

	strcpy(copy, name);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

bool regions_save(struct server *s)
{
	char name[PATH_MAX], new[PATH_MAX];
	struct json_object *o;
	bool good;

	if (!regions_kept(s))
		return true;
	if (!file_name(s, name, "") || !file_name(s, new, ".new"))
		return false;
	o = json_regions(s);
	good = write_file(new, o) && !rename(new, name);
	json_object_put(o);
	if (good) {
		sync_directory(name);
	} else {
		complain("%s: cannot be written: %s; the regions stay as they were",
			 name, strerror(errno));
		unlink(new);
	}
	return good;
}

/* ---- Reading ----------------------------------------------------------------------- */

static bool get_number(struct json_object *o, const char *key, __u64 *value)
{
	struct json_object *number;

	if (!json_object_object_get_ex(o, key, &number) ||
	    !json_object_is_type(number, json_type_int) ||
	    json_object_get_int64(number) < 0)
		return false;
	*value = json_object_get_uint64(number);
	return true;
}

static bool get_text(struct json_object *o, const char *key, const char **value)
{
	struct json_object *text;

	if (!json_object_object_get_ex(o, key, &text) ||
	    !json_object_is_type(text, json_type_string))
		return false;
	*value = json_object_get_string(text);
	return true;
}

static bool get_use(const char *text, uint32_t *use)
{
	for (*use = 0; *use < sizeof(uses) / sizeof(*uses); ++*use)
		if (!strcmp(uses[*use], text))
			return true;
	return false;
}

static bool read_region(struct json_object *o, struct famez_region_info *r)
{
	const char *name, *use;
	__u64 creator;

	if (!get_text(o, "name", &name) || strlen(name) >= sizeof(r->name) ||
	    !get_text(o, "use", &use) || !get_use(use, &r->use) ||
	    !get_number(o, "offset", &r->offset) ||
	    !get_number(o, "length", &r->length) ||
	    !get_number(o, "creator", &creator))
		return false;
	memcpy(r->name, name, strlen(name));
	r->creator = creator;
	return true;
}

/* It fits, and meets none that was read before. */
static bool fits(const struct server *s, uint32_t n)
{
	const struct famez_region_info *r = &s->regions[n];
	uint32_t i;

	if (!famez_region_name_ok(r->name) ||
	    !famez_region_fits(s->plan.layout.fam_size, r))
		return false;
	for (i = 0; i < n; i++)
		if (famez_region_meets(&s->regions[i], r->offset, r->length) ||
		    !strcmp(s->regions[i].name, r->name))
			return false;
	return true;
}

/* What is wrong with it, or NULL.  Where there are no regions, any memory will do. */
static const char *read_regions(struct server *s, struct json_object *o)
{
	struct json_object *array;
	__u64 fam_size;
	size_t i, n;

	if (!o || !get_number(o, "fam_size", &fam_size) ||
	    !json_object_object_get_ex(o, "regions", &array) ||
	    !json_object_is_type(array, json_type_array))
		return "damaged";
	n = json_object_array_length(array);
	if (n && fam_size != s->plan.layout.fam_size)
		return "of another size of memory";
	if (n > s->plan.layout.regions.count)
		return "of more regions than this memory has room for";
	for (i = 0; i < n; i++)
		if (!read_region(json_object_array_get_idx(array, i), &s->regions[i]) ||
		    !fits(s, i))
			return "damaged";
	return NULL;
}

bool regions_load(struct server *s)
{
	struct json_object *o;
	char name[PATH_MAX];
	const char *wrong;

	if (!file_name(s, name, ""))
		return true;
	s->regions_new = access(name, F_OK) && errno == ENOENT;
	if (s->regions_new)
		return true;
	o = json_object_from_file(name);
	wrong = read_regions(s, o);
	json_object_put(o);
	if (wrong)
		complain("%s: %s; left alone: move it away to start without regions",
			 name, wrong);
	return !wrong;
}

void regions_undo(struct server *s)
{
	char name[PATH_MAX];

	if (s->regions_new && file_name(s, name, ""))
		unlink(name);
}

// SPDX-License-Identifier: GPL-2.0
/* The state directory: which nodes there are, and where their files lie. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "famez-vm.h"

const char *state_dir;

/* Sockets below it need room in their 108 bytes of address. */
#define STATE_DIR_MAX	80

/* Nobody else's directory has a file of this name. */
#define LOCK		"famez-vm.lock"

static void state_check(void)
{
	struct stat status;

	if (lstat(state_dir, &status)) {
		if (errno == ENOENT)
			return;
		fail("%s: %s", state_dir, strerror(errno));
	}
	/* The default lies in /tmp, where anybody could have made it */
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
		fail("%s is not a directory of yours; expected one that only you can write to. Choose another with --dir",
		     state_dir);
}

void state_use(const char *dir)
{
	static char path[PATH_ROOM], cwd[STATE_DIR_MAX];

	if (!dir)
		dir = getenv("FAMEZ_VM_DIR");
	if (!dir || !*dir)
		snprintf(path, sizeof(path), "/tmp/famez-vm.%u", geteuid());
	else if (*dir == '/')
		snprintf(path, sizeof(path), "%s", dir);
	else if (getcwd(cwd, sizeof(cwd)))
		snprintf(path, sizeof(path), "%s/%s", cwd, dir);
	else
		strcpy(path, "");
	if (!*path || strlen(path) > STATE_DIR_MAX || strchr(path, ','))
		fail("state directory '%s' does not do; expected at most %d characters with its parents, and no comma. Choose another with --dir",
		     dir, STATE_DIR_MAX);
	state_dir = path;
	state_check();
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			empty = false;
	if (dir)
		closedir(dir);
	return empty;
}

/* Is it a state directory at all? Else it is not ours to remove. */
bool state_is_ours(void)
{
	char path[PATH_ROOM];

	state_path(path, state_dir, LOCK);
	return !access(path, F_OK);
}

/* Who had it before may have removed the directory, and it with that. */
static bool is_there(int lock)
{
	struct stat held, there;
	char path[PATH_ROOM];

	state_path(path, state_dir, LOCK);
	return !fstat(lock, &held) && !stat(path, &there) && held.st_ino == there.st_ino;
}

/* The lock under which nodes are started and ended, or -1: there is no directory. */
int state_lock(void)
{
	int lock;

	for (;;) {
		lock = lock_file(state_dir, LOCK, true);
		if (lock < 0 || is_there(lock))
			return lock;
		close(lock);
	}
}

/* Make the directory, and lock it. */
int state_create(void)
{
	int lock;

	if (mkdir(state_dir, 0700) && errno != EEXIST)
		fail("cannot make the state directory %s: %s. Choose another with --dir",
		     state_dir, strerror(errno));
	state_check();
	/* in this order: another 'up' may make the lock, which comes first, just now */
	if (!is_empty(state_dir) && !state_is_ours())
		fail("%s holds other things; expected an empty or a new directory, since 'famez-vm down' will remove it",
		     state_dir);
	lock = state_lock();
	if (lock < 0 || chmod(state_dir, 0700))
		fail("cannot use the state directory %s: %s", state_dir,
		     strerror(errno));
	return lock;
}

/* FNV-1a: of paths, for names that are not as long as these */
uint64_t hash_of(const char *text)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
	return hash;
}

/* Name of the shared memory of this directory's switch, if none is given */
const char *state_backing(void)
{
	static char name[40];

	snprintf(name, sizeof(name), "famez-vm-%016llx",
		 (unsigned long long)hash_of(state_dir));
	return name;
}

/* @path has PATH_ROOM bytes, which the check above makes enough. */
void state_path(char *path, const char *dir, const char *name)
{
	snprintf(path, PATH_ROOM, "%s/%s", dir, name);
}

void node_set(struct node *node, int number)
{
	char name[sizeof(node->name)];

	node->number = number;
	snprintf(name, sizeof(name), "node%02d", number);
	state_path(node->dir, state_dir, name);
	strcpy(node->name, name);
}

/* What the guest writes on its disk stays, so that it may not just be cut off */
void node_keeps(const struct node *node)
{
	close(lock_file(node->dir, "kept", false));
}

bool node_is_kept(const struct node *node)
{
	char path[PATH_ROOM];

	state_path(path, node->dir, "kept");
	return !access(path, F_OK);
}

static int node_number(const char *name)
{
	char again[16];
	int number;

	if (sscanf(name, "node%3d", &number) != 1 || number < 1 ||
	    number > MAX_NODES)
		return 0;
	snprintf(again, sizeof(again), "node%02d", number);
	return strcmp(again, name) ? 0 : number;
}

static int by_number(const void *a, const void *b)
{
	return ((const struct node *)a)->number -
	       ((const struct node *)b)->number;
}

void nodes_all(struct nodes *nodes)
{
	DIR *dir = opendir(state_dir);
	struct dirent *entry;

	nodes->count = 0;
	while (dir && (entry = readdir(dir))) {
		int number = node_number(entry->d_name);

		if (number)
			node_set(&nodes->node[nodes->count++], number);
	}
	if (dir)
		closedir(dir);
	qsort(nodes->node, nodes->count, sizeof(nodes->node[0]), by_number);
}

/* The node that the user calls @name (node01, 1, 01), or "all" of them. */
void nodes_named(struct nodes *nodes, const char *name)
{
	int number = node_number(name);
	struct node *node = nodes->node;
	char *end;

	nodes_all(nodes);
	if (!strcmp(name, "all")) {
		if (!nodes->count)
			fail("no node is there in %s; start some with 'famez-vm up N', or name their directory with --dir",
			     state_dir);
		return;
	}
	if (!number) {
		number = strtol(name, &end, 10);
		if (*end || number < 1 || number > MAX_NODES)
			misuse("'%s' is no node; expected node01, node02, ... or all",
			       name);
	}
	node_set(node, number);
	nodes->count = 1;
	if (access(node->dir, F_OK))
		fail("%s is not there in %s; 'famez-vm status' shows what is",
		     node->name, state_dir);
}

static int remove_entry(const char *path, const struct stat *status, int type,
			struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path) && errno != ENOENT;
}

void remove_tree(const char *path)
{
	if (nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) &&
	    errno != ENOENT)
		complain("cannot remove %s: %s", path, strerror(errno));
}

/* A lock lasts until the descriptor is closed. -1: somebody else has it. */
int lock_file(const char *dir, const char *name, bool wait)
{
	char path[PATH_ROOM];
	int fd;

	state_path(path, dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB))) {
		close(fd);
		return -1;
	}
	return fd;
}

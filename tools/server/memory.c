// SPDX-License-Identifier: GPL-2.0
/*
 * The shared memory: a POSIX shm object, a regular file, a memfd, or a device-dax, open
 * twice.
 *
 * The guard is ours alone.  It holds a lock that tells other switches that we
 * live: a lock of the open file description, so it goes when we do, whatever
 * happens, and no client can keep it.
 *
 * The other is the one that clients get by SCM_RIGHTS, and that we all map.  It
 * is flock()ed, and that lock lives as long as the open file description does:
 * in descriptors and mappings of clients too.  So a new switch that cannot
 * flock() a file knows that some process still holds it, even when the switch
 * that process came from is long gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server.h"

/*
 * The control area's pages are had now, since a full file system would answer
 * a later store to them with SIGBUS.  The FAM stays sparse, unless that is not wanted;
 * of hugetlbfs, which never has more than is there, memory_map() has all.
 */
static bool reserve(const struct memory *m, const struct plan *p)
{
	uint64_t bytes = m->preallocate ? m->size : p->layout.fam_offset;
	char size[SIZE_TEXT];

	/* a device has it all */
	if (m->kind == BACKING_DAX)
		return true;
	if (!fallocate(m->shared, 0, 0, bytes) ||
	    (errno == EOPNOTSUPP && !m->preallocate))
		return true;
	complain("%s: no %s for %s: %s", m->name, size_text(size, bytes),
		 m->preallocate ? "all of it" : "the control area", strerror(errno));
	return false;
}

bool memory_map(struct memory *m)
{
	if (m->map)
		return true;
	m->map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      m->shared, 0);
	if (m->map != MAP_FAILED)
		return true;
	m->map = NULL;
	complain("%s: cannot be mapped: %s", m->name, strerror(errno));
	return false;
}

static enum backing kind(const char *name)
{
	if (strchr(name, '/'))
		return dax_is_named(name) ? BACKING_DAX : BACKING_FILE;
	return strcmp(name, MEMFD) ? BACKING_SHM : BACKING_MEMFD;
}

bool memory_open(struct memory *m, const struct options *o, const struct plan *p)
{
	*m = (struct memory){
		.name = o->backing,
		.kind = kind(o->backing),
		.preallocate = o->preallocate,
		.guard = -1,
		.shared = -1,
		.size = p->layout.memory_size,
	};
	if (backing_open(m, p) && reserve(m, p) && memory_map(m))
		return true;
	memory_undo(m);
	return false;
}

static void release(struct memory *m)
{
	if (m->map)
		munmap(m->map, m->size);
	m->map = NULL;
	/* no LOCK_UN: that would take the lock from the clients, too */
	if (m->shared >= 0)
		close(m->shared);
	if (m->guard >= 0)
		close(m->guard);
	m->shared = -1;
	m->guard = -1;
}

void memory_undo(struct memory *m)
{
	if (m->created)
		backing_remove(m);
	else if (m->filled && ftruncate(m->guard, 0))
		complain("%s: cannot be emptied: %s", m->name, strerror(errno));
	release(m);
}

void memory_close(struct memory *m)
{
	if (m->kind == BACKING_SHM)
		backing_remove(m);
	release(m);
}

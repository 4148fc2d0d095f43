// SPDX-License-Identifier: GPL-2.0
/*
 * The memory is a host's device-dax: for programs of libfamez, which know how large a
 * character device is, and, outside of the switch, for guests' plain devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dax.h>
#include "server.h"

static bool fail(const struct memory *m, const char *why)
{
	complain("%s: %s", m->name, why);
	return false;
}

/* One that is not there is no new file in /dev. */
bool dax_is_named(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return !strncmp(path, "/dev/dax", strlen("/dev/dax"));
	return S_ISCHR(st.st_mode);
}

static bool is_large_enough(const struct memory *m)
{
	char is[SIZE_TEXT], want[SIZE_TEXT];
	uint64_t align, size = dax_size(m->guard, &align);

	if (!size)
		return fail(m, "not a regular file, and no device-dax");
	if (size < m->size) {
		complain("%s: has %s, less than the %s of --size", m->name,
			 size_text(is, size), size_text(want, m->size));
		return false;
	}
	if (!(m->size % align))
		return true;
	complain("%s: is mapped in pages of %s, more than the %s of --size", m->name,
		 size_text(is, align), size_text(want, m->size));
	return false;
}

static bool lock(const struct memory *m)
{
	if (!backing_lock(m->guard))
		return fail(m, "a live switch has this memory");
	if (!flock(m->shared, LOCK_EX | LOCK_NB))
		return true;
	return fail(m, errno == EWOULDBLOCK ?
		       "a process still holds it, from a former switch" : strerror(errno));
}

bool dax_open(struct memory *m, const struct plan *p)
{
	struct famez_header header;
	char control[SIZE_TEXT];

	m->guard = open(m->name, O_RDWR | O_CLOEXEC);
	if (m->guard < 0)
		return fail(m, strerror(errno));
	if (!is_large_enough(m))
		return false;
	m->shared = open(m->name, O_RDWR | O_CLOEXEC);
	if (m->shared < 0)
		return fail(m, strerror(errno));
	if (!lock(m) || !memory_map(m))
		return false;
	/* a new device says nothing of what was there before: only zeroes are nobody's */
	if (backing_is_blank(m, p->layout.fam_offset))
		return true;
	memcpy(&header, (char *)m->map + FAMEZ_HEADER_OFFSET, sizeof(header));
	if (backing_is_ours(&header))
		return backing_check(m, p, &header);
	complain("%s: not empty, and not a fabric's memory; left alone (to use it, zero its first %s, as with daxio -z)",
		 m->name, size_text(control, p->layout.fam_offset));
	return false;
}

/* libfamez has a name of its own; QEMU, and others who know no such memory, have none. */
bool dax_knows(int sock)
{
	struct sockaddr_un name;
	socklen_t size = sizeof(name);

	return !getpeername(sock, (struct sockaddr *)&name, &size) &&
	       size > sizeof(sa_family_t);
}

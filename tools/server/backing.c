// SPDX-License-Identifier: GPL-2.0
/* How the memory's file comes into being, or is taken up again. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

#define MODE		0660
#define RACES		100	/* lost to other switches that start now */

static bool fail(const struct memory *m, const char *why)
{
	complain("%s: %s", m->name, why);
	return false;
}

static bool fail_errno(const struct memory *m, const char *what)
{
	complain("%s: %s: %s", m->name, what, strerror(errno));
	return false;
}

/* Opens by name, or once more what has none. */
static int open_name(const struct memory *m, int flags)
{
	char name[NAME_MAX + 2];

	if (m->kind == BACKING_FILE)
		return open(m->name, flags | O_RDWR | O_CLOEXEC | O_NONBLOCK,
			    MODE);
	if (m->kind == BACKING_MEMFD) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", m->guard);
		return open(name, flags | O_RDWR | O_CLOEXEC);
	}
	if (snprintf(name, sizeof(name), "/%s", m->name) >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return shm_open(name, flags | O_RDWR, MODE);
}

void backing_remove(struct memory *m)
{
	char name[NAME_MAX + 2];

	if (m->kind == BACKING_MEMFD || m->kind == BACKING_DAX)
		return;
	if (m->kind == BACKING_FILE) {
		unlink(m->name);
		return;
	}
	snprintf(name, sizeof(name), "/%s", m->name);
	shm_unlink(name);
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* The lock that says that a switch lives. */
bool backing_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_OFD_SETLK, &lock);
}

/*
 * Opens once more, for the clients.  False, without a word, when the name means
 * another file by now.
 */
static bool open_shared(struct memory *m)
{
	m->shared = open_name(m, 0);
	if (m->shared >= 0 && same_file(m->guard, m->shared))
		return true;
	if (m->shared >= 0)
		close(m->shared);
	m->shared = -1;
	return false;
}

static void forget_guard(struct memory *m)
{
	close(m->guard);
	m->guard = -1;
}

/* ---- What is there ---------------------------------------------------------- */

bool backing_is_blank(const struct memory *m, uint64_t bytes)
{
	const uint64_t *words = m->map;
	uint64_t i;

	for (i = 0; i < bytes / sizeof(*words); i++)
		if (words[i])
			return false;
	return true;
}

bool backing_is_ours(const struct famez_header *header)
{
	uint64_t magic = famez_le64(header->magic);

	return magic == FAMEZ_MAGIC || magic == MAGIC_MAKING;
}

static bool read_header(const struct memory *m, int fd, struct famez_header *header)
{
	return pread(fd, header, sizeof(*header), FAMEZ_HEADER_OFFSET) == sizeof(*header) ||
	       fail_errno(m, "cannot be read");
}

/* ---- POSIX shm ----------------------------------------------------------- */

/* An object that a switch has left: one without bytes, when it ended at once. */
static bool is_left(const struct memory *m, int fd)
{
	struct famez_header header;
	struct stat st;

	if (!fstat(fd, &st) && !st.st_size)
		return true;
	if (!read_header(m, fd, &header))
		return false;
	return backing_is_ours(&header) || !header.magic ||
	       fail(m, "POSIX shared memory that no switch has made; left alone. Give --backing another name, or remove it from /dev/shm");
}

/*
 * Removes an object whose switch is dead.  Only who holds its lock may, and
 * only while the name still means it; so of two switches that start together,
 * neither removes the other's new one.
 */
static bool remove_stale(struct memory *m)
{
	int old = open_name(m, 0);
	int now;

	if (old < 0)
		return errno == ENOENT || fail_errno(m, "cannot be opened");
	if (!backing_lock(old)) {
		close(old);
		return fail(m, "a live switch has this memory");
	}
	if (!is_left(m, old)) {
		close(old);
		return false;
	}
	now = open_name(m, 0);
	if (now >= 0 && same_file(old, now)) {
		detail("%s: a dead switch's memory is removed", m->name);
		backing_remove(m);
	}
	if (now >= 0)
		close(now);
	close(old);
	return true;
}

/*
 * Another switch may find the new object before it is locked, take it for a
 * dead one's and remove it; then this is tried again.
 */
static bool create_shm(struct memory *m)
{
	int tries;

	for (tries = 0; tries < RACES; tries++) {
		m->guard = open_name(m, O_CREAT | O_EXCL);
		if (m->guard < 0 && errno != EEXIST)
			return fail_errno(m, "cannot be created");
		if (m->guard < 0) {
			if (!remove_stale(m))
				return false;
			continue;
		}
		if (backing_lock(m->guard) && open_shared(m)) {
			m->created = true;
			return true;
		}
		forget_guard(m);
	}
	return fail(m, "other switches fight for this name");
}

/* ---- Memory without a name -------------------------------------------------- */

/* Nobody who has it can shrink it, and so take it from the others. */
static bool create_memfd(struct memory *m)
{
	m->guard = memfd_create("famez", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->guard < 0)
		return fail_errno(m, "cannot be created");
	m->created = true;
	if (ftruncate(m->guard, m->size))
		return fail_errno(m, "cannot be made that large");
	/* nor can it be sealed against those who write to it */
	if (fcntl(m->guard, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fail_errno(m, "cannot be sealed");
	return open_shared(m) || fail_errno(m, "cannot be opened");
}

/* ---- Regular files -------------------------------------------------------- */

static bool open_file(struct memory *m)
{
	struct stat st;

	/* before it is opened: opening a device can have effects */
	if (!stat(m->name, &st) && !S_ISREG(st.st_mode))
		return fail(m, "not a regular file");
	m->guard = open_name(m, O_CREAT | O_EXCL);
	if (m->guard >= 0) {
		m->created = true;
		return true;
	}
	if (errno == EEXIST)
		m->guard = open_name(m, 0);
	if (m->guard < 0)
		return fail_errno(m, "cannot be opened");
	return true;
}

static bool same_place(const struct famez_place *a, const struct famez_place *b)
{
	return a->offset == b->offset && a->count == b->count &&
	       a->stride == b->stride;
}

static bool same_geometry(const struct famez_layout *a,
			  const struct famez_layout *b)
{
	return a->memory_size == b->memory_size &&
	       a->fam_offset == b->fam_offset &&
	       a->server_id == b->server_id && a->vectors == b->vectors &&
	       same_place(&a->peers, &b->peers) &&
	       same_place(&a->bells, &b->bells) &&
	       same_place(&a->directory, &b->directory) &&
	       same_place(&a->regions, &b->regions) &&
	       same_place(&a->channels, &b->channels);
}

/* Is this a former switch's memory, which we would lay out just the same? */
bool backing_check(const struct memory *m, const struct plan *p,
		   const struct famez_header *header)
{
	struct famez_header h = *header;
	struct famez_layout old;

	/* who began this has died over it; nothing in it is needed but where FAM begins */
	if (famez_le64(h.magic) == MAGIC_MAKING)
		h.magic = htole64(FAMEZ_MAGIC);
	switch (famez_layout_read(&old, &h, m->size)) {
	case 0:
		break;
	case -ENODATA:
		return fail(m, "not empty, and not a fabric's memory; left alone");
	case -EPROTONOSUPPORT:
		return fail(m, "from another version of famez; left alone");
	default:
		return fail(m, "its control area is damaged; left alone");
	}
	if (same_geometry(&old, &p->layout))
		return true;
	complain("%s: was made with --clients %u --vectors %u, or by another version; left alone",
		 m->name, old.server_id ? old.server_id - 1 : 0, old.vectors);
	return false;
}

/* As who made the file had it a moment later, or somebody with truncate(1). */
static bool is_blank(struct memory *m, const struct plan *p)
{
	return lseek(m->guard, p->layout.fam_offset, SEEK_DATA) < 0 && errno == ENXIO &&
	       memory_map(m) && backing_is_blank(m, p->layout.fam_offset);
}

static bool check_content(struct memory *m, const struct plan *p)
{
	struct famez_header header;

	if (!read_header(m, m->guard, &header))
		return false;
	return (!header.magic && is_blank(m, p)) || backing_check(m, p, &header);
}

static bool check_file(struct memory *m, const struct plan *p)
{
	char is[SIZE_TEXT], want[SIZE_TEXT];
	struct stat st;

	if (fstat(m->guard, &st))
		return fail_errno(m, "cannot be examined");
	if (!S_ISREG(st.st_mode))
		return fail(m, "not a regular file");
	if (!st.st_size) {
		m->filled = true;
		return true;
	}
	if ((uint64_t)st.st_size == m->size)
		return check_content(m, p);
	complain("%s: has %s, not the %s of --size; left alone", m->name,
		 size_text(is, st.st_size), size_text(want, m->size));
	return false;
}

static bool take_file(struct memory *m, const struct plan *p)
{
	if (!open_file(m))
		return false;
	if (!backing_lock(m->guard)) {
		/* whoever was faster uses it, even if we created it */
		m->created = false;
		return fail(m, "a live switch has this memory");
	}
	if (!open_shared(m)) {
		m->created = false;
		return fail(m, "replaced while it was opened");
	}
	if (flock(m->shared, LOCK_EX | LOCK_NB)) {
		m->created = false;
		return errno == EWOULDBLOCK ?
			fail(m, "a process still holds it, from a former switch") :
			fail_errno(m, "cannot be locked");
	}
	return check_file(m, p);
}

/* ---- All ------------------------------------------------------------------ */

/* O_NONBLOCK was for the case that the file was not what we took it for. */
static bool set_up(struct memory *m)
{
	if (m->kind == BACKING_FILE && fcntl(m->shared, F_SETFL, 0))
		return fail_errno(m, "cannot be set up");
	/* whatever the umask; somebody's own file keeps its mode */
	if (m->created && fchmod(m->guard, MODE))
		return fail_errno(m, "its mode cannot be set");
	if ((m->created || m->filled) && ftruncate(m->guard, m->size))
		return fail_errno(m, "cannot be made that large");
	return true;
}

bool backing_open(struct memory *m, const struct plan *p)
{
	if (!*m->name || !strcmp(m->name, ".") || !strcmp(m->name, ".."))
		return fail(m, "not a name");
	if (m->kind == BACKING_DAX)
		return dax_open(m, p);
	if (m->kind == BACKING_FILE)
		return take_file(m, p) && set_up(m);
	if (m->kind == BACKING_MEMFD)
		return create_memfd(m) && set_up(m);
	if (!create_shm(m))
		return false;
	if (flock(m->shared, LOCK_EX | LOCK_NB))
		return fail_errno(m, "cannot be locked");
	return set_up(m);
}

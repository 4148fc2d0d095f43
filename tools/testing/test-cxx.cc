// SPDX-License-Identifier: GPL-2.0
/*
 * famez.h is for C++, too: compiled with each warning as an error, in the oldest standard
 * that has 64-bit integers and in a new one; and its calls are found by their C names.
 */
#include <famez.h>

#include <cerrno>
#include <cstdio>

static_assert(sizeof(struct famez_info) == FAMEZ_INFO_SIZE_VER0, "famez_info");
static_assert(FAMEZ_REGION_SCRATCH == 0x300, "famez_region_open()");

static unsigned int checks, failures;

static void check(bool good, const char *what)
{
	checks++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", checks, what);
}

static struct famez_doorbell make_doorbell(__u32 peer, __u32 vector)
{
	struct famez_doorbell d = {};

	d.size = sizeof(d);
	d.peer = peer;
	d.vector = vector;
	return d;
}

/* Structures and calls of one name are told apart by "struct", as of stat(2). */
static int doorbell(struct famez *handle, const struct famez_doorbell *d)
{
	return famez_doorbell(handle, d->peer, d->vector);
}

int main()
{
	const struct famez_doorbell d = make_doorbell(1, 5);
	struct famez_info info = famez_info();
	struct famez_ring *none = nullptr;
	struct famez *handle;

	info.size = sizeof(info);
	check(famez_open(&handle, "/nonexistent", FAMEZ_NONBLOCK) == -ENOENT && !handle,
	      "famez_open()");
	check(famez_open(&handle, "/tmp", 64) == -EINVAL, "its flags");
	famez_close(handle);
	famez_ring_close(none);
	check(!handle || !doorbell(handle, &d), "structures");
	if (failures)
		return 1;
	printf("PLAN-COMPLETE %u\n", checks);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Named regions, by the library: in a guest, or on the host.  Leaves none behind but
 * those that it has found; there is FAM for 16 MiB of them at least.
 *
 * test-regions DEVICE
 */
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <famez.h>
#include <linux/famez_fabric.h>

#include "plan.h"

#define MANY	60	/* ports of a peer */
#define MiB	(1ULL << 20)
#define CREATE	FAMEZ_REGION_CREATE
#define NEW	(FAMEZ_REGION_CREATE | FAMEZ_REGION_EXCL)

static const char *path;
static struct famez *fabric;
static struct famez_info info = { .size = sizeof(info) };

/* A region of that name, or none; an error if the table cannot be read. */
static bool listed(const char *name, struct famez_region_info *region)
{
	struct famez_region_info *list;
	bool found = false;
	size_t count, i;

	assert_int_equal(famez_get_regions(fabric, &list, &count, sizeof(*list)), 0);
	for (i = 0; i < count; i++) {
		if (strcmp(list[i].name, name))
			continue;
		assert_false(found);
		found = true;
		*region = list[i];
	}
	free(list);
	return found;
}

static size_t how_many(void)
{
	struct famez_region_info *list;
	size_t count, i, j;

	assert_int_equal(famez_get_regions(fabric, &list, &count, sizeof(*list)), 0);
	for (i = 0; i < count; i++) {
		assert_true(list[i].offset + list[i].length <= info.fam_size);
		for (j = 0; j < i; j++)
			assert_true(list[i].offset >= list[j].offset + list[j].length ||
				    list[j].offset >= list[i].offset + list[i].length);
	}
	free(list);
	return count;
}

static int opened(const char *name, uint64_t size, int flags)
{
	struct famez_region_info region, table;
	int r = famez_region_open(fabric, name, size, flags, &region, sizeof(region));

	if (r)
		return r;
	/* what the switch has said is in the table by then */
	assert_true(listed(name, &table));
	assert_memory_equal(&table, &region, sizeof(region));
	return 0;
}

static void test_life(void **state)
{
	struct famez_region_info region;

	(void)state;
	assert_false(listed("life", &region));
	assert_int_equal(opened("life", 0, 0), -ENOENT);
	assert_int_equal(opened("life", 5000, CREATE), 0);
	assert_true(listed("life", &region));
	assert_int_equal(region.length, 8192);
	assert_int_equal(region.creator, info.id);
	assert_int_equal(region.use, FAMEZ_REGION_USE_FREE);
	assert_int_equal(opened("life", 5000, CREATE), 0);
	assert_int_equal(opened("life", 8192, 0), 0);
	assert_int_equal(opened("life", 8193, 0), -EFBIG);
	assert_int_equal(opened("life", 8193, CREATE), -EFBIG);
	assert_int_equal(opened("life", 1, NEW), -EEXIST);
	assert_int_equal(opened("life", 1, CREATE | FAMEZ_REGION_SCRATCH), -EEXIST);
	assert_int_equal(famez_region_remove(fabric, "life"), 0);
	assert_int_equal(famez_region_remove(fabric, "life"), -ENOENT);
	assert_false(listed("life", &region));
}

static void test_names(void **state)
{
	char longest[64], longer[65];

	(void)state;
	memset(longest, 'n', 63);
	longest[63] = 0;
	memset(longer, 'n', 64);
	longer[64] = 0;
	assert_int_equal(opened(longest, 1, NEW), 0);
	assert_int_equal(famez_region_remove(fabric, longest), 0);
	assert_int_equal(opened(longer, 1, NEW), -EINVAL);
	assert_int_equal(opened("", 1, NEW), -EINVAL);
	assert_int_equal(opened("a b", 1, NEW), -EINVAL);
	assert_int_equal(opened("a/b", 1, NEW), -EINVAL);
	assert_int_equal(opened("\xc3\xa4", 1, NEW), -EINVAL);
	assert_int_equal(opened("none", 0, NEW), -EINVAL);
	assert_int_equal(opened("none", 1, 4), -EINVAL);
	assert_int_equal(opened("none", 1, NEW | 4 << FAMEZ_REGION_USE_SHIFT), -EINVAL);
}

/* Where there is room, whole pages, those of pmem and dax large ones. */
static void test_places(void **state)
{
	struct famez_region_info region;

	(void)state;
	assert_int_equal(opened("small", 1, NEW), 0);
	assert_int_equal(opened("dax", 1, NEW | FAMEZ_REGION_DAX), 0);
	assert_true(listed("dax", &region));
	assert_int_equal(region.offset % (2 * MiB), 0);
	assert_int_equal(region.length, 2 * MiB);
	assert_int_equal(opened("pmem", 2 * MiB + 1, NEW | FAMEZ_REGION_PMEM), 0);
	assert_true(listed("pmem", &region));
	assert_int_equal(region.offset % (2 * MiB), 0);
	assert_int_equal(region.length, 4 * MiB);
	/* in the hole before them */
	assert_int_equal(opened("hole", 4096, NEW), 0);
	assert_true(listed("hole", &region));
	assert_true(region.offset < 2 * MiB);
	/* for which there is no room there */
	assert_int_equal(opened("large", 3 * MiB, NEW), 0);
	how_many();
	assert_int_equal(famez_region_remove(fabric, "large"), 0);
	assert_int_equal(famez_region_open(fabric, "all", UINT64_MAX, NEW, &region,
					   sizeof(region)), -ENOSPC);
	assert_true(region.length > 0 && region.length < info.fam_size);
	assert_int_equal(opened("rest", region.length, NEW), 0);
	assert_int_equal(famez_region_open(fabric, "more", region.length + 1, NEW, &region,
					   sizeof(region)),
			 -ENOSPC);
	assert_int_equal(famez_region_remove(fabric, "small"), 0);
	assert_int_equal(famez_region_remove(fabric, "dax"), 0);
	assert_int_equal(famez_region_remove(fabric, "pmem"), 0);
	assert_int_equal(famez_region_remove(fabric, "hole"), 0);
	assert_int_equal(famez_region_remove(fabric, "rest"), 0);
}

static void test_full_table(void **state)
{
	size_t before = how_many();
	char name[16];
	int n, r;

	(void)state;
	for (n = 0;; n++) {
		snprintf(name, sizeof(name), "full%d", n);
		r = opened(name, 1, NEW);
		if (r)
			break;
	}
	assert_int_equal(r, -ENFILE);
	assert_int_equal(how_many(), before + n);
	while (n--) {
		snprintf(name, sizeof(name), "full%d", n);
		assert_int_equal(famez_region_remove(fabric, name), 0);
	}
	assert_int_equal(how_many(), before);
}

/* What kernels have as pmem or dax, is not to be written by mistake. */
static void test_in_use(void **state)
{
	struct famez_region_info dax, other;
	const int all = FAMEZ_MAP_WRITE | FAMEZ_MAP_IN_USE;
	void *at, *more;

	(void)state;
	assert_int_equal(famez_region_open(fabric, "dax", 1, NEW | FAMEZ_REGION_DAX, &dax,
					   sizeof(dax)), 0);
	assert_int_equal(famez_region_open(fabric, "other", 1, NEW, &other, sizeof(other)), 0);
	assert_int_equal(famez_map(fabric, dax.offset, 4096, FAMEZ_MAP_WRITE, &at), -EBUSY);
	assert_int_equal(famez_map(fabric, dax.offset + dax.length - 4096, 4096,
				   FAMEZ_MAP_WRITE, &at), -EBUSY);
	assert_int_equal(famez_map(fabric, 0, info.fam_size, FAMEZ_MAP_WRITE, &at), -EBUSY);
	assert_int_equal(famez_map(fabric, dax.offset, 4096, 0, &at), 0);
	assert_int_equal(famez_map(fabric, dax.offset, 4096, all, &more), 0);
	*(volatile char *)more = 42;
	assert_int_equal(*(volatile char *)at, 42);
	munmap(more, 4096);
	munmap(at, 4096);
	/* that one was meant says nothing of the next */
	assert_int_equal(famez_map(fabric, dax.offset, 4096, FAMEZ_MAP_WRITE, &at), -EBUSY);
	assert_int_equal(famez_map(fabric, other.offset, 4096, FAMEZ_MAP_WRITE, &at), 0);
	munmap(at, 4096);
	assert_int_equal(famez_map(fabric, other.offset, 4096, 4, &at), -EINVAL);
	assert_int_equal(famez_map(fabric, other.offset, 4096, FAMEZ_MAP_IN_USE, &at),
			 -EINVAL);
	assert_int_equal(famez_region_remove(fabric, "dax"), 0);
	assert_int_equal(famez_map(fabric, dax.offset, 4096, FAMEZ_MAP_WRITE, &at), 0);
	munmap(at, 4096);
	assert_int_equal(famez_region_remove(fabric, "other"), 0);
}

/* What the library would not send: an errno, or what there is no answer to. */
static void test_nonsense(void **state)
{
	struct {
		struct famez_region_request r;
		char more[1000];
	} longer = { .r.op = htole32(FAMEZ_REGION_OPEN), .r.name = "x" };
	const struct {
		uint32_t op, flags, use, size, reserved;
		const char *name;
		int error;
	} wrong[] = {
		{ 0, 0, 0, 1, 0, "x", EOPNOTSUPP },
		{ 99, 0, 0, 1, 0, "x", EOPNOTSUPP },
		{ 99, 9, 9, 9, 9, "/", EOPNOTSUPP },
		{ FAMEZ_REGION_OPEN, 4, 0, 1, 0, "x", EINVAL },
		{ FAMEZ_REGION_OPEN, CREATE, 4, 1, 0, "x", EINVAL },
		{ FAMEZ_REGION_OPEN, CREATE, 0, 1, 0, "a/b", EINVAL },
		{ FAMEZ_REGION_OPEN, CREATE, 0, 1, 1, "x", EINVAL },
		{ FAMEZ_REGION_REMOVE, 0, 0, 0, 0, "", EINVAL },
		{ FAMEZ_REGION_REMOVE, 0, 0, 0, 0, "x", ENOENT },
		{ FAMEZ_REGION_REMOVE, 1, 0, 0, 0, "x", EINVAL },
		{ FAMEZ_REGION_REMOVE, 0, 1, 0, 0, "x", EINVAL },
		{ FAMEZ_REGION_REMOVE, 0, 0, 1, 0, "x", EINVAL },
		{ FAMEZ_REGION_REMOVE, 0, 0, 0, 1, "x", EINVAL },
	};
	struct famez_region_request *request = &longer.r, r = longer.r;
	struct famez_region_reply reply;
	size_t before = how_many(), size;
	struct famez *asker;
	uint32_t peer, port = 0;
	uint16_t from_port;

	(void)state;
	/* too short; and from no port, so that there is nobody to answer */
	assert_int_equal(famez_open_endpoint(&asker, fabric), 0);
	assert_int_equal(famez_send_to(fabric, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT, &r,
				       sizeof(r)), 0);
	assert_int_equal(famez_bind(asker, &port, 0), 0);
	assert_int_equal(famez_send_to(asker, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT, &r,
				       sizeof(r) - 1), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(r.name, 0, sizeof(r.name));
		strcpy(r.name, wrong[i].name);
		r.op = htole32(wrong[i].op);
		r.flags = htole32(wrong[i].flags);
		r.use = htole32(wrong[i].use);
		r.size = htole64(wrong[i].size);
		r.reserved = htole64(wrong[i].reserved);
		assert_int_equal(famez_send_to(asker, FAMEZ_DEST_SERVER,
					       FAMEZ_REGION_PORT, &r, sizeof(r)), 0);
		assert_int_equal(famez_recv_from(asker, &peer, &from_port, &reply,
						 sizeof(reply), &size), 0);
		assert_int_equal(le32toh(reply.error), wrong[i].error);
		assert_int_equal(reply.region.length, 0);
	}
	/* longer ones, which say no more, or do */
	for (size_t i = 0; i < sizeof(longer) - sizeof(r); i += i < 10 ? 1 : 99) {
		longer.more[i] = i & 1;
		assert_int_equal(famez_send_to(asker, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT,
					       request, sizeof(r) + i + 1), 0);
		longer.more[i] = 0;
		assert_int_equal(famez_recv_from(asker, &peer, &from_port, &reply,
						 sizeof(reply), &size), 0);
		assert_int_equal(le32toh(reply.error), i & 1 ? EINVAL : ENOENT);
	}
	request->name[63] = 1;
	assert_int_equal(famez_send_to(asker, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT, request,
				       sizeof(r)), 0);
	assert_int_equal(famez_recv_from(asker, &peer, &from_port, &reply, sizeof(reply),
					 &size), 0);
	assert_int_equal(le32toh(reply.error), EINVAL);
	r.reserved = 0;
	/* a name without an end */
	memset(r.name, 'x', sizeof(r.name));
	r.op = htole32(FAMEZ_REGION_OPEN);
	r.flags = htole32(CREATE);
	r.use = 0;
	assert_int_equal(famez_send_to(asker, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT, &r,
				       sizeof(r)), 0);
	assert_int_equal(famez_recv_from(asker, &peer, &from_port, &reply, sizeof(reply),
					 &size), 0);
	assert_int_equal(le32toh(reply.error), EINVAL);
	famez_close(asker);
	assert_int_equal(how_many(), before);
}

/* To the switch by batches, which a region's request may come in, too. */
static void test_batch(void **state)
{
	struct famez_region_request r = { .op = htole32(FAMEZ_REGION_OPEN), .name = "none" };
	struct famez_msg m = {
		.data = (uintptr_t)&r, .length = sizeof(r),
		.peer = FAMEZ_DEST_SERVER, .dport = FAMEZ_REGION_PORT,
	};
	struct famez_region_reply reply;
	struct famez *asker;
	uint32_t peer, port = 0;
	uint16_t from_port;
	size_t size;

	(void)state;
	assert_int_equal(famez_open_endpoint(&asker, fabric), 0);
	assert_int_equal(famez_bind(asker, &port, 0), 0);
	assert_int_equal(famez_send_batch(asker, &m, 1, sizeof(m)), 1);
	assert_int_equal(famez_recv_from(asker, &peer, &from_port, &reply, sizeof(reply),
					 &size), 0);
	assert_int_equal(le32toh(reply.error), ENOENT);
	m.peer = info.peers_max;
	assert_int_equal(famez_send_batch(asker, &m, 1, sizeof(m)), -EHOSTUNREACH);
	famez_close(asker);
}

/* Endpoints of one peer, who all ask before any of them takes its answer. */
static void test_many_at_once(void **state)
{
	struct famez_region_request request = {
		.op = htole32(FAMEZ_REGION_OPEN), .name = "no-such-region",
	};
	struct famez_region_reply reply;
	struct famez *asker[MANY];
	uint16_t from_port;
	uint32_t i, peer, port;
	size_t size;

	(void)state;
	for (i = 0; i < MANY; i++) {
		port = 0;
		assert_int_equal(famez_open_endpoint(&asker[i], fabric), 0);
		assert_int_equal(famez_bind(asker[i], &port, 0), 0);
		request.cookie = htole32(i);
		assert_int_equal(famez_send_to(asker[i], FAMEZ_DEST_SERVER,
					       FAMEZ_REGION_PORT, &request,
					       sizeof(request)), 0);
	}
	/* it has served them all by its answer */
	assert_int_equal(famez_region_remove(fabric, "no-such-region"), -ENOENT);
	for (i = 0; i < MANY; i++) {
		famez_set_timeout(asker[i], 60000);
		assert_int_equal(famez_recv_from(asker[i], &peer, &from_port, &reply,
						 sizeof(reply), &size), 0);
		assert_int_equal(size, sizeof(reply));
		assert_int_equal(le32toh(reply.cookie), i);
		assert_int_equal(le32toh(reply.error), ENOENT);
		famez_close(asker[i]);
	}
}

/* A peer in a loop, until it is killed somewhere in it. */
static void create_and_remove(void)
{
	struct famez_region_info region;
	struct famez *own;

	if (famez_open(&own, path, 0))
		_exit(1);
	for (;;) {
		famez_region_open(own, "killed", 4096, NEW, &region, sizeof(region));
		famez_region_remove(own, "killed");
	}
}

static void test_kills(void **state)
{
	struct famez_region_info region;
	size_t before = how_many();
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (!pid)
			create_and_remove();
		while (!listed("killed", &region))
			;
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		/* what it had sent is done, or not, by the answer to what we send */
		assert_int_equal(opened("marker", 1, NEW), 0);
		assert_int_equal(famez_region_remove(fabric, "marker"), 0);
		assert_int_equal(how_many(), before + listed("killed", &region));
		famez_region_remove(fabric, "killed");
	}
	assert_int_equal(how_many(), before);
}

/* ---- Structures of other versions ----------------------------------------------- */

#define MARK	0x5a

/* A program's structure of any size, marked all over */
union any {
	uint32_t words[2];	/* size, flags */
	uint8_t bytes[8192];
};

typedef int (*fill_t)(struct famez *f, void *structure);

static int fill_info(struct famez *f, void *structure)
{
	return famez_get_info(f, structure);
}

static int fill_link(struct famez *f, void *structure)
{
	return famez_get_link(f, structure);
}

static int fill_mapping(struct famez *f, void *structure)
{
	return famez_get_mapping(f, NULL, structure);
}

static int fill_event(struct famez *f, void *structure)
{
	return famez_next_event(f, structure);
}

static bool all_are(const uint8_t *bytes, size_t count, uint8_t value)
{
	while (count && *bytes == value) {
		bytes++;
		count--;
	}
	return !count;
}

static int fill_any(fill_t fill, union any *any, uint32_t size, uint32_t flags)
{
	memset(any, MARK, sizeof(*any));
	any->words[0] = size;
	any->words[1] = flags;
	return fill(fabric, any);
}

/* What cannot be is refused, with nothing written. */
static void check_refused(fill_t fill, uint32_t size, uint32_t flags, int error)
{
	union any any;

	assert_int_equal(fill_any(fill, &any, size, flags), error);
	assert_true(all_are(any.bytes + 8, sizeof(any) - 8, MARK));
}

/* A structure of @size bytes of a header that is older, or newer than the library's */
static void check_size(fill_t fill, uint32_t size, uint32_t known)
{
	uint32_t filled = size < known ? size : known;
	union any any;

	assert_int_equal(fill_any(fill, &any, size, 0), 0);
	assert_int_equal(any.words[0], size);
	assert_int_equal(any.words[1], 0);
	assert_false(all_are(any.bytes + 8, filled - 8, MARK));
	assert_true(all_are(any.bytes + filled, size - filled, 0));
	assert_true(all_are(any.bytes + size, sizeof(any) - size, MARK));
}

static void check_struct(fill_t fill, uint32_t least, uint32_t known)
{
	check_size(fill, least, known);
	check_size(fill, known + 64, known);
	check_size(fill, 4096, known);
	check_refused(fill, least - 1, 0, -EINVAL);
	check_refused(fill, 4, 0, -EINVAL);
	check_refused(fill, 0, 0, -EINVAL);
	check_refused(fill, 4097, 0, -E2BIG);
	check_refused(fill, UINT32_MAX, 0, -E2BIG);
	check_refused(fill, least, 1, -EINVAL);
}

/* Peers come and go, for an event each time. */
static void check_event(void)
{
	const uint32_t known = sizeof(struct famez_event);
	struct famez_event event = { .size = sizeof(event) };
	struct famez *visitors[4];
	size_t i;

	famez_set_timeout(fabric, 1);
	while (!famez_next_event(fabric, &event))
		;
	famez_set_timeout(fabric, 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(famez_open(&visitors[i], path, 0), 0);
	check_struct(fill_event, FAMEZ_EVENT_SIZE_VER0, known);
	for (i = 0; i < 4; i++)
		famez_close(visitors[i]);
}

static void test_structs(void **state)
{
	struct famez_mapping mapping = { .size = sizeof(mapping) };

	(void)state;
	check_struct(fill_info, FAMEZ_INFO_SIZE_VER0, sizeof(struct famez_info));
	check_struct(fill_link, FAMEZ_LINK_INFO_SIZE_VER0, sizeof(struct famez_link_info));
	if (famez_get_mapping(fabric, NULL, &mapping) == -EOPNOTSUPP)
		check_event();
	else
		check_struct(fill_mapping, FAMEZ_MAPPING_SIZE_VER0, sizeof(mapping));
}

/* The same list, in entries of another size */
static void check_list(const void *plain, size_t size, const void *list, size_t each,
		       size_t count)
{
	const uint8_t *entry = list;
	size_t i, filled = each < size ? each : size;

	for (i = 0; i < count; i++, entry += each) {
		assert_memory_equal(entry, (const uint8_t *)plain + i * size, filled);
		assert_true(all_are(entry + filled, each - filled, 0));
	}
}

/* Entries of one version are as good as those of another. */
static void test_arrays(void **state)
{
	static const size_t longer[] = { 0, 8, 104, 4000 };
	static const size_t bad[] = { 0, 1, 4104, SIZE_MAX - 7 };
	struct famez_region_info *regions, *other_regions;
	struct famez_peer_info *peers, *other_peers;
	size_t i, each, count, other;

	(void)state;
	assert_int_equal(opened("one", 1, NEW), 0);
	assert_int_equal(opened("another", 1, NEW), 0);
	assert_int_equal(famez_get_regions(fabric, &regions, &count, sizeof(*regions)), 0);
	for (i = 0; i < sizeof(longer) / sizeof(*longer); i++) {
		each = FAMEZ_REGION_INFO_SIZE_VER0 + longer[i];
		assert_int_equal(famez_get_regions(fabric, &other_regions, &other, each), 0);
		assert_int_equal(other, count);
		check_list(regions, sizeof(*regions), other_regions, each, count);
		free(other_regions);
	}
	free(regions);
	assert_int_equal(famez_region_remove(fabric, "one"), 0);
	assert_int_equal(famez_region_remove(fabric, "another"), 0);
	assert_int_equal(famez_get_peers(fabric, &peers, &count, sizeof(*peers)), 0);
	assert_true(count > 1);
	for (i = 0; i < sizeof(longer) / sizeof(*longer); i++) {
		each = FAMEZ_PEER_INFO_SIZE_VER0 + longer[i];
		assert_int_equal(famez_get_peers(fabric, &other_peers, &other, each), 0);
		assert_int_equal(other, count);
		check_list(peers, sizeof(*peers), other_peers, each, count);
		free(other_peers);
	}
	free(peers);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(famez_get_regions(fabric, &regions, &count, bad[i]), -EINVAL);
		assert_int_equal(famez_get_peers(fabric, &peers, &count, bad[i]), -EINVAL);
	}
	assert_int_equal(famez_get_regions(fabric, &regions, &count,
					   FAMEZ_REGION_INFO_SIZE_VER0 - 8), -EINVAL);
	assert_int_equal(famez_get_peers(fabric, &peers, &count,
					 FAMEZ_PEER_INFO_SIZE_VER0 - 8), -EINVAL);
}

static void test_region_sizes(void **state)
{
	const size_t known = sizeof(struct famez_region_info);
	uint8_t bytes[8192];
	struct famez_region_info *region = (void *)bytes;

	(void)state;
	memset(bytes, MARK, sizeof(bytes));
	assert_int_equal(famez_region_open(fabric, "sized", 1, NEW, region, known - 8), -EINVAL);
	assert_int_equal(famez_region_open(fabric, "sized", 1, NEW, region, known + 4), -EINVAL);
	assert_int_equal(famez_region_open(fabric, "sized", 1, NEW, region, 4104), -EINVAL);
	assert_true(all_are(bytes, sizeof(bytes), MARK));
	assert_int_equal(famez_region_open(fabric, "sized", 1, NEW, region, known + 40), 0);
	assert_string_equal(region->name, "sized");
	assert_true(all_are(bytes + known, 40, 0));
	assert_true(all_are(bytes + known + 40, sizeof(bytes) - known - 40, MARK));
	memset(bytes, MARK, sizeof(bytes));
	assert_int_equal(famez_region_open(fabric, "sized", 1, 0, region,
					   FAMEZ_REGION_INFO_SIZE_VER0), 0);
	assert_true(all_are(bytes + FAMEZ_REGION_INFO_SIZE_VER0, 1000, MARK));
	assert_int_equal(famez_region_remove(fabric, "sized"), 0);
}

/* Messages of a later version: to the switch, and its answers. */
static void test_batch_sizes(void **state)
{
	enum { N = 3, LONGER = sizeof(struct famez_msg) + 24 };
	struct famez_region_request r = { .op = htole32(FAMEZ_REGION_OPEN), .name = "none" };
	struct famez_region_reply replies[N];
	static uint64_t space[N * LONGER / 8 + 1];
	struct famez_msg *m;
	struct famez *asker;
	uint32_t port = 0;
	int i, got;

	(void)state;
	assert_int_equal(famez_open_endpoint(&asker, fabric), 0);
	assert_int_equal(famez_bind(asker, &port, 0), 0);
	for (i = 0; i < N; i++) {
		m = (void *)((char *)space + i * LONGER);
		m->data = (uintptr_t)&r;
		m->length = sizeof(r);
		m->peer = FAMEZ_DEST_SERVER;
		m->dport = FAMEZ_REGION_PORT;
	}
	assert_int_equal(famez_send_batch(asker, (void *)space, N, LONGER), N);
	for (got = 0; got < N; got += i) {
		memset(space, 0, sizeof(space));
		for (i = 0; i < N; i++) {
			m = (void *)((char *)space + i * LONGER);
			m->data = (uintptr_t)&replies[i];
			m->length = sizeof(replies[i]);
		}
		i = famez_recv_batch(asker, (void *)space, N, LONGER);
		assert_in_range(i, 1, N - got);
		m = (void *)((char *)space + (i - 1) * LONGER);
		assert_int_equal(m->dport, port);
		assert_int_equal(m->sport, FAMEZ_REGION_PORT);
		assert_int_equal(m->length, sizeof(replies[0]));
		assert_int_equal(le32toh(replies[i - 1].error), ENOENT);
	}
	assert_int_equal(famez_send_batch(asker, m, 1, FAMEZ_MSG_SIZE_VER0 - 8), -EINVAL);
	assert_int_equal(famez_send_batch(asker, m, 1, FAMEZ_MSG_SIZE_VER0 + 4), -EINVAL);
	assert_int_equal(famez_recv_batch(asker, m, 1, FAMEZ_MSG_SIZE_VER0 - 8), -EINVAL);
	assert_int_equal(famez_recv_batch(asker, m, 1, 4104), -EINVAL);
	famez_close(asker);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_structs),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_region_sizes),
		cmocka_unit_test(test_batch_sizes),
	};

	path = argv[1];
	if (argc != 2 || famez_open(&fabric, path, 0) || famez_get_info(fabric, &info)) {
		fputs("usage: test-regions DEVICE\n", stderr);
		return 2;
	}
	return RUN_PLAN("regions", tests);
}

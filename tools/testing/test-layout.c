// SPDX-License-Identifier: GPL-2.0
/*
 * <famez/layout.h>: what a header and a directory may say.  Each field by itself
 * is given what it must not be; whatever is taken up lies inside the memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <famez/directory.h>
#include <famez/regions.h>

#include "fabric-abi.h"
#include "plan.h"

#define MEMORY	(1ULL << 20)
#define FAM	(1ULL << 19)

static struct famez_table table(uint64_t offset, uint32_t count,
				uint32_t stride)
{
	return (struct famez_table) {
		.offset = htole64(offset),
		.count = htole32(count),
		.stride = htole32(stride),
	};
}

static struct famez_header good(void)
{
	return (struct famez_header) {
		.magic = htole64(FAMEZ_MAGIC),
		.major = htole32(FAMEZ_MAJOR),
		.minor = htole32(FAMEZ_MINOR),
		.header_size = htole32(sizeof(struct famez_header)),
		.fabric = htole64(1),
		.memory_size = htole64(MEMORY),
		.fam_offset = htole64(FAM),
		.fam_size = htole64(MEMORY - FAM),
		.server_id = htole32(3),
		.vectors = htole32(4),
		.notify_vector = htole32(3),
		.peers = table(4096, 4, sizeof(struct famez_peer)),
		.bells = table(8192, 4, 2 * FAMEZ_BELL_ROW(4)),
		.directory = table(12288, 12, sizeof(struct famez_direntry)),
		.regions = table(16384, 2, sizeof(struct famez_region)),
		.channels = table(65536, 12,
				  sizeof(struct famez_channel) + 512),
	};
}

static int read_header(struct famez_header *h, struct famez_layout *l)
{
	h->checksum = htole32(famez_header_checksum(h));
	return famez_layout_read(l, h, MEMORY);
}

#define EXPECT(error, change) do { \
	struct famez_header h = good(); \
	struct famez_layout l; \
	\
	change; \
	assert_int_equal(read_header(&h, &l), error); \
} while (0)

static void test_header(void **state)
{
	(void)state;
	EXPECT(0, (void)0);
	EXPECT(0, assert_int_equal(FAMEZ_MAJOR, 1); assert_int_equal(FAMEZ_MINOR, 0));
	EXPECT(0, h.minor = htole32(99));
	EXPECT(0, h.optional = htole64(-1));
	EXPECT(0, h.header_size = htole32(4096));
	EXPECT(-ENODATA, h.magic ^= 1);
	EXPECT(-EPROTONOSUPPORT, h.major = htole32(FAMEZ_MAJOR + 1));
	EXPECT(-EPROTONOSUPPORT, h.required = htole64(1));
	EXPECT(-EBADMSG, h.header_size = htole32(sizeof(h) - 1));
	EXPECT(-EBADMSG, h.fabric = 0);
	EXPECT(-EBADMSG, h.memory_size = htole64(MEMORY * 2));
	EXPECT(-EBADMSG, h.fam_offset = htole64(MEMORY));
	EXPECT(-EBADMSG, h.fam_offset = htole64(FAM + 1));
	EXPECT(-EBADMSG, h.fam_offset = 0; h.fam_size = htole64(MEMORY));
	EXPECT(-EBADMSG, h.fam_size = htole64(MEMORY));
	EXPECT(-EBADMSG, h.server_id = htole32(4));
	EXPECT(-EBADMSG, h.vectors = 0);
	EXPECT(-EBADMSG, h.vectors = htole32(FAMEZ_VECTORS_MAX + 1));
	EXPECT(-EBADMSG, h.notify_vector = htole32(4));
}

/* Of any other major, and one's own, each field that all have. */
static void test_majors(void **state)
{
	static const struct { uint32_t major, minor; uint64_t required; } others[] = {
		{ 0, 1, 0 }, { 2, 0, 0 }, { UINT32_MAX, UINT32_MAX, 0 },
		{ FAMEZ_MAJOR, 7, 1 }, { FAMEZ_MAJOR, 7, 1ULL << 63 },
	};
	struct famez_layout l;
	struct famez_header h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		/* no more than that: nothing else is where it was */
		memset(&h, 0xff, sizeof(h));
		h.magic = htole64(FAMEZ_MAGIC);
		h.major = htole32(others[i].major);
		h.minor = htole32(others[i].minor);
		h.header_size = htole32(320);
		h.required = htole64(others[i].required);
		h.memory_size = htole64(MEMORY);
		h.fam_offset = htole64(FAM);
		h.fam_size = htole64(MEMORY - FAM);
		assert_int_equal(read_header(&h, &l), -EPROTONOSUPPORT);
		assert_int_equal(l.major, others[i].major);
		assert_int_equal(l.minor, others[i].minor);
		assert_int_equal(l.memory_size, MEMORY);
		assert_int_equal(l.fam_offset, FAM);
		assert_int_equal(l.fam_size, MEMORY - FAM);
	}
	h = good();
	h.minor = htole32(99);
	h.optional = htole64(1ULL << 63);
	assert_int_equal(read_header(&h, &l), 0);
	assert_int_equal(l.major, 1);
	assert_int_equal(l.minor, 99);
	assert_true(l.optional == 1ULL << 63);
	h.magic = 0;
	assert_int_equal(read_header(&h, &l), -ENODATA);
	assert_int_equal(l.major, 0);
	assert_int_equal(l.minor, 0);
}

/* Any bit of it that is not the epochs', which change. */
static void test_checksum(void **state)
{
	struct famez_header h = good();
	struct famez_layout l;
	size_t bit;

	(void)state;
	h.checksum = htole32(famez_header_checksum(&h));
	assert_int_equal(famez_layout_read(&l, &h, MEMORY), 0);
	for (bit = 0; bit < 8 * offsetof(struct famez_header, peers_epoch);
	     bit++) {
		((uint8_t *)&h)[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(famez_layout_read(&l, &h, MEMORY), 0);
		((uint8_t *)&h)[bit / 8] ^= 1 << bit % 8;
	}
	h.peers_epoch = htole32(99);
	assert_int_equal(famez_layout_read(&l, &h, MEMORY), 0);
}

static void test_tables(void **state)
{
	const uint32_t channel = sizeof(struct famez_channel) + 512;

	(void)state;
	EXPECT(-EBADMSG, h.peers = table(4096, 1, 256));
	EXPECT(-EBADMSG, h.peers = table(4096, 4, 128));
	EXPECT(-EBADMSG, h.peers = table(4096, 4, 257));
	EXPECT(-EBADMSG, h.peers = table(4096, FAMEZ_PEERS_MAX + 1, 256));
	EXPECT(-EBADMSG, h.peers = table(448, 4, 256));
	EXPECT(-EBADMSG, h.peers = table(4097, 4, 256));
	EXPECT(-EBADMSG, h.peers = table(FAM - 512, 4, 256));
	EXPECT(-EBADMSG, h.peers = table(UINT64_MAX - 63, 4, 256));
	EXPECT(-EBADMSG, h.bells = table(8192, 3, 128));
	EXPECT(-EBADMSG, h.bells = table(8192, 4, 64));
	EXPECT(-EBADMSG, h.directory = table(12288, UINT32_MAX, 32));
	EXPECT(-EBADMSG, h.directory = table(12288, 1, UINT32_MAX - 31));
	EXPECT(-EBADMSG, h.regions = table(FAM, 1, 128));
	EXPECT(-EBADMSG, h.channels = table(65536, 1000000, channel));
	EXPECT(-EBADMSG, h.channels = table(65536, 12, channel - 32));
	EXPECT(0, h.regions = table(FAM, 0, 128));
}

#define ENTRY(result, change) do { \
	struct famez_direntry e = { \
		.from = htole32(1), .to = htole32(2), \
		.offset = htole64(65536), .size = htole32(512), \
	}; \
	struct famez_span span; \
	\
	change; \
	assert_int_equal(famez_direntry_read(&l, &e, &span), result); \
} while (0)

static void test_directory(void **state)
{
	const uint64_t bytes = 12 * (sizeof(struct famez_channel) + 512);
	struct famez_header h = good();
	struct famez_layout l;

	(void)state;
	assert_int_equal(read_header(&h, &l), 0);
	ENTRY(true, (void)0);
	ENTRY(true, e.offset = htole64(65536 + 11 * bytes / 12));
	ENTRY(true, e.size = htole32(1024));
	ENTRY(false, e.offset = htole64(65536 + bytes));
	ENTRY(false, e.offset = htole64(65536 + 11 * bytes / 12 + 64));
	ENTRY(false, e.offset = htole64(65536 - 64));
	ENTRY(false, e.offset = htole64(65536 + 32));
	ENTRY(false, e.offset = htole64(UINT64_MAX - 63));
	ENTRY(false, e.size = 0);
	ENTRY(false, e.ring = htole32(FAMEZ_CHANNEL_SIZE_VER0));
	ENTRY(false, e.ring = htole32(2048));
	ENTRY(false, e.size = htole32(256));
	ENTRY(false, e.size = htole32(513));
	ENTRY(false, e.size = htole32(1536));
	ENTRY(false, e.size = htole32(FAMEZ_RING_MAX * 2));
	ENTRY(false, e.from = htole32(4));
	ENTRY(false, e.to = htole32(4));
	ENTRY(false, e.to = htole32(1));
	ENTRY(false, e.to = htole32(UINT32_MAX));
}

/* What peer number @n is charged for, when all entries name the same place. */
static void find_both(struct famez_found *found)
{
	static struct famez_channel channel;
	const struct famez_span to = { .from = 1, .to = 2, .size = 512 };
	const struct famez_span from = { .from = 2, .to = 1, .size = 512 };

	found->out = NULL;
	found->in = NULL;
	famez_found_note(found, &channel, &to, 1);
	famez_found_note(found, &channel, &from, 1);
	assert_ptr_equal(found->out, &channel);
	assert_ptr_equal(found->in, &channel);
}

/* Entries that all name the same place take no more than there is. */
static void test_overlaps(void **state)
{
	struct famez_found found[7] = { };
	struct famez_header h = good();
	struct famez_layout l;
	int n;

	(void)state;
	assert_int_equal(read_header(&h, &l), 0);
	for (n = 0; n < 7; n++) {
		find_both(&found[n]);
		famez_found_charge(&found[n], &l, false);
		assert_int_equal(!found[n].out, n == 6);
		assert_int_equal(!found[n].in, n == 6);
	}
	/* what is there already is not charged again */
	find_both(&found[0]);
	famez_found_charge(&found[0], &l, false);
	assert_non_null(found[0].out);
	/* boxes that are left keep their share, until they go, too */
	found[0].out = NULL;
	found[0].in = NULL;
	famez_found_charge(&found[0], &l, true);
	find_both(&found[6]);
	famez_found_charge(&found[6], &l, false);
	assert_null(found[6].out);
	famez_found_charge(&found[0], &l, false);
	find_both(&found[6]);
	famez_found_charge(&found[6], &l, false);
	assert_non_null(found[6].out);
}

/* ---- Regions ---- */

#define REGION(result, change) do { \
	struct famez_region r = { \
		.name = "disk", .offset = htole64(4096), .length = htole64(4096), \
	}; \
	struct famez_region_info info; \
	const char *name = "disk"; \
	\
	change; \
	assert_int_equal(famez_region_read(1 << 20, &r, &info), result); \
	if (result) \
		assert_string_equal(info.name, name); \
} while (0)

static void test_regions(void **state)
{
	/* a peer that is there, and a region behind its record */
	struct {
		struct famez_peer peer;
		struct famez_region region;
	} memory = {
		.peer.state = htole32(FAMEZ_PEER_UP),
		.region = {
			.name = "disk", .offset = htole64(4096), .length = htole64(4096),
		},
	};
	const struct famez_tables t = {
		.fam_size = 1 << 20, .peers = { 0, 1, sizeof(memory.peer) },
		.regions = { offsetof(typeof(memory), region), 1, sizeof(memory.region) },
	};
	const struct famez_region_info all = { .length = 1 << 20 };
	uint32_t use;

	(void)state;
	REGION(true, (void)0);
	REGION(true, r.creator = htole32(-1));
	REGION(true, r.length = htole64((1 << 20) - 4096));
	REGION(false, r.length = htole64(1 << 20));
	REGION(false, r.length = htole64(-4096));
	REGION(false, r.length = 0);
	REGION(false, r.length = htole64(4097));
	REGION(false, r.offset = htole64(4097));
	REGION(false, r.offset = htole64(1 << 20));
	REGION(false, r.offset = htole64(-4096));
	REGION(false, r.name[0] = 0);
	/* names that a newer switch may give, as far as we can print them */
	REGION(true, r.name[0] = '/'; name = "?isk");
	REGION(true, r.name[1] = ' '; name = "d?sk");
	REGION(true, r.name[3] = '\xe4'; name = "dis?");
	REGION(true, memset(r.name, 'x', sizeof(r.name)); name = info.name);
	/* whatever it is for, as a newer switch may know */
	for (use = 0; use < 300; use++) {
		bool written = use == FAMEZ_USE_FREE || use == FAMEZ_USE_SCRATCH;

		REGION(true, r.use = htole32(use));
		memory.region.use = htole32(use);
		assert_int_equal(famez_tables_in_use(&t, &memory, 8191, 1), !written);
		assert_false(famez_tables_in_use(&t, &memory, 8192, 1));
		assert_non_null(famez_tables_conflict(&t, &memory, 1, FAMEZ_USE_PMEM |
						      FAMEZ_USE_WHOLE, &all));
	}
	REGION(true, r.use = htole32(UINT32_MAX));
}

static void test_strings(void **state)
{
	char from[FAMEZ_NAME_SIZE], to[FAMEZ_NAME_SIZE];

	(void)state;
	memset(from, 'x', sizeof(from));
	famez_copy_string(to, from);
	assert_int_equal(strlen(to), FAMEZ_NAME_SIZE - 1);
	strcpy(from, "a\x1b[2J\x7f\xff ~");
	famez_copy_string(to, from);
	assert_string_equal(to, "a?[2J?? ~");
	assert_int_equal(to[FAMEZ_NAME_SIZE - 1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_majors),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_strings),
	};

	return RUN_PLAN("layout", tests);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The ABI of /dev/famez_bridge is the same for 32-bit programs: this is built
 * both ways.  What headers say of layouts is checked by the compiler, what this one
 * says of fields by the kernel.  Runs in a guest; a peer sends every message back
 * (famez-flood -e).
 *
 * It needs nothing but libc, and is static: Debian has libc for i386 beside that
 * for amd64, cmocka only as a foreign architecture's package.
 *
 * test-abi ECHO-ID
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/famez.h>

#include "fabric-abi.h"

#define DEVICE	"/dev/famez_bridge"
#define NOBODY	9	/* an id of this fabric that nobody has */

/* ---- Layouts -------------------------------------------------------------------- */

#define SIZE(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), #type)
#define VER0(name, bytes) \
	_Static_assert(FAMEZ_##name##_SIZE_VER0 == (bytes), #name)
#define AT(type, field, offset, bytes) \
	_Static_assert(offsetof(struct type, field) == (offset) && \
		       sizeof(((struct type *)0)->field) == (bytes), \
		       #type "." #field)

SIZE(famez_info, 112);
VER0(INFO, 112);
AT(famez_info, size, 0, 4);
AT(famez_info, flags, 4, 4);
AT(famez_info, config, 8, 4);
AT(famez_info, id, 12, 4);
AT(famez_info, peers_max, 16, 4);
AT(famez_info, server_id, 20, 4);
AT(famez_info, vectors, 24, 4);
AT(famez_info, vectors_armed, 28, 4);
AT(famez_info, message_max, 32, 4);
AT(famez_info, generation, 36, 4);
AT(famez_info, fabric, 40, 8);
AT(famez_info, memory_size, 48, 8);
AT(famez_info, fam_offset, 56, 8);
AT(famez_info, fam_size, 64, 8);
AT(famez_info, layout_major, 72, 4);
AT(famez_info, layout_minor, 76, 4);
AT(famez_info, name, 80, 32);

SIZE(famez_peer_info, 96);
VER0(PEER_INFO, 96);
AT(famez_peer_info, id, 0, 4);
AT(famez_peer_info, state, 4, 4);
AT(famez_peer_info, kind, 8, 4);
AT(famez_peer_info, generation, 12, 4);
AT(famez_peer_info, vectors_armed, 16, 4);
AT(famez_peer_info, cid, 20, 4);
AT(famez_peer_info, sid, 24, 4);
AT(famez_peer_info, fam_use, 28, 4);
AT(famez_peer_info, name, 32, 32);
AT(famez_peer_info, cclass, 64, 32);

SIZE(famez_peers, 32);
VER0(PEERS, 32);
AT(famez_peers, size, 0, 4);
AT(famez_peers, flags, 4, 4);
AT(famez_peers, peers, 8, 8);
AT(famez_peers, count, 16, 4);
AT(famez_peers, stride, 20, 4);
AT(famez_peers, epoch, 24, 4);
AT(famez_peers, reserved, 28, 4);

SIZE(famez_region_info, 88);
VER0(REGION_INFO, 88);
AT(famez_region_info, name, 0, 64);
AT(famez_region_info, offset, 64, 8);
AT(famez_region_info, length, 72, 8);
AT(famez_region_info, creator, 80, 4);
AT(famez_region_info, use, 84, 4);

SIZE(famez_regions, 24);
VER0(REGIONS, 24);
AT(famez_regions, size, 0, 4);
AT(famez_regions, flags, 4, 4);
AT(famez_regions, regions, 8, 8);
AT(famez_regions, count, 16, 4);
AT(famez_regions, stride, 20, 4);

SIZE(famez_allow, 8);
VER0(ALLOW, 8);
AT(famez_allow, size, 0, 4);
AT(famez_allow, flags, 4, 4);

SIZE(famez_mapping, 32);
VER0(MAPPING, 32);
AT(famez_mapping, size, 0, 4);
AT(famez_mapping, flags, 4, 4);
AT(famez_mapping, address, 8, 8);
AT(famez_mapping, type, 16, 4);
AT(famez_mapping, reserved, 20, 4);
AT(famez_mapping, page_size, 24, 8);

SIZE(famez_msg, 40);
VER0(MSG, 40);
AT(famez_msg, size, 0, 4);
AT(famez_msg, flags, 4, 4);
AT(famez_msg, data, 8, 8);
AT(famez_msg, length, 16, 4);
AT(famez_msg, peer, 20, 4);
AT(famez_msg, sport, 24, 2);
AT(famez_msg, dport, 26, 2);
AT(famez_msg, timeout_ms, 28, 4);
AT(famez_msg, sid, 32, 4);
AT(famez_msg, reserved, 36, 4);

SIZE(famez_ping, 24);
VER0(PING, 24);
AT(famez_ping, size, 0, 4);
AT(famez_ping, flags, 4, 4);
AT(famez_ping, peer, 8, 4);
AT(famez_ping, timeout_ms, 12, 4);
AT(famez_ping, nanoseconds, 16, 8);

SIZE(famez_event, 32);
VER0(EVENT, 32);
AT(famez_event, size, 0, 4);
AT(famez_event, flags, 4, 4);
AT(famez_event, type, 8, 4);
AT(famez_event, peer, 12, 4);
AT(famez_event, generation, 16, 4);
AT(famez_event, epoch, 20, 4);
AT(famez_event, timeout_ms, 24, 4);
AT(famez_event, reserved, 28, 4);

SIZE(famez_bind, 16);
VER0(BIND, 16);
AT(famez_bind, size, 0, 4);
AT(famez_bind, flags, 4, 4);
AT(famez_bind, port, 8, 4);
AT(famez_bind, buffer, 12, 4);

SIZE(famez_batch, 32);
VER0(BATCH, 32);
AT(famez_batch, size, 0, 4);
AT(famez_batch, flags, 4, 4);
AT(famez_batch, messages, 8, 8);
AT(famez_batch, count, 16, 4);
AT(famez_batch, stride, 20, 4);
AT(famez_batch, timeout_ms, 24, 4);
AT(famez_batch, error, 28, 4);

SIZE(famez_notify, 16);
VER0(NOTIFY, 16);
AT(famez_notify, size, 0, 4);
AT(famez_notify, flags, 4, 4);
AT(famez_notify, fd, 8, 4);
AT(famez_notify, reserved, 12, 4);

_Static_assert(FAMEZ_IOC_BIND == 0xfa06 && FAMEZ_IOC_SEND_BATCH == 0xfa07 &&
	       FAMEZ_IOC_RECV_BATCH == 0xfa08 && FAMEZ_IOC_NOTIFY == 0xfa09,
	       "commands");
SIZE(famez_doorbell, 16);
VER0(DOORBELL, 16);
AT(famez_doorbell, size, 0, 4);
AT(famez_doorbell, flags, 4, 4);
AT(famez_doorbell, peer, 8, 4);
AT(famez_doorbell, vector, 12, 4);

SIZE(famez_eventfd, 16);
VER0(EVENTFD, 16);
AT(famez_eventfd, size, 0, 4);
AT(famez_eventfd, flags, 4, 4);
AT(famez_eventfd, vector, 8, 4);
AT(famez_eventfd, fd, 12, 4);

SIZE(famez_link_info, 104);
VER0(LINK_INFO, 104);
AT(famez_link_info, size, 0, 4);
AT(famez_link_info, flags, 4, 4);
AT(famez_link_info, state, 8, 4);
AT(famez_link_info, cid, 12, 4);
AT(famez_link_info, sid, 16, 4);
AT(famez_link_info, manager_cid, 20, 4);
AT(famez_link_info, manager_sid, 24, 4);
AT(famez_link_info, switch_cid, 28, 4);
AT(famez_link_info, switch_sid, 32, 4);
AT(famez_link_info, reserved, 36, 4);
AT(famez_link_info, cclass, 40, 32);
AT(famez_link_info, switch_class, 72, 32);

SIZE(famez_form, 8);
VER0(FORM, 8);
AT(famez_form, size, 0, 4);
AT(famez_form, flags, 4, 4);

_Static_assert(FAMEZ_IOC_LINK == 0xfa0f && FAMEZ_IOC_FORM == 0xfa10 &&
	       FAMEZ_MSG_LINK == 4 && FAMEZ_MSG_CID == 8 && FAMEZ_READ_CID == 1, "commands");
_Static_assert(FAMEZ_IOC_INFO == 0xfa00 && FAMEZ_IOC_PEERS == 0xfa01 &&
	       FAMEZ_IOC_SEND == 0xfa02 && FAMEZ_IOC_RECV == 0xfa03 &&
	       FAMEZ_IOC_PING == 0xfa04 && FAMEZ_IOC_EVENT == 0xfa05 &&
	       FAMEZ_IOC_RING == 0xfa0a && FAMEZ_IOC_VECTOR == 0xfa0b &&
	       FAMEZ_IOC_MAPPING == 0xfa0c && FAMEZ_IOC_REGIONS == 0xfa0d &&
	       FAMEZ_IOC_ALLOW == 0xfa0e,
	       "commands");

/* programs compare with these */
_Static_assert(FAMEZ_PEER_STATE_ATTACHED == 1 && FAMEZ_PEER_STATE_UP == 2 &&
	       FAMEZ_PEER_STATE_OLD == 256, "states");
_Static_assert(FAMEZ_PEER_KIND_UNKNOWN == 0 && FAMEZ_PEER_KIND_SWITCH == 1 &&
	       FAMEZ_PEER_KIND_BRIDGE == 2 && FAMEZ_PEER_KIND_HOST == 3, "kinds");
_Static_assert(FAMEZ_FAM_USE_PMEM == 1 && FAMEZ_FAM_USE_DAX == 2 &&
	       FAMEZ_FAM_USE_MASK == 255 && FAMEZ_FAM_USE_WHOLE == 256 &&
	       FAMEZ_FAM_USE_ALONE == 512, "uses of FAM");
_Static_assert(FAMEZ_REGION_USE_FREE == 0 && FAMEZ_REGION_USE_PMEM == 1 &&
	       FAMEZ_REGION_USE_DAX == 2 && FAMEZ_REGION_USE_SCRATCH == 3, "uses of regions");

/* ---- Results ---------------------------------------------------------------------- */

static unsigned int checks, failures;

static void check(bool good, const char *what)
{
	checks++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", checks, what);
}

/* An errno, 0 where it worked. */
static int call(int fd, unsigned long command, void *argument)
{
	return ioctl(fd, command, argument) < 0 ? errno : 0;
}

static uint64_t address(const void *at)
{
	return (uintptr_t)at;
}

/* ---- Fields ------------------------------------------------------------------------ */

#define LONGEST	sizeof(struct famez_info)

/*
 * A valid call of each command, which does nothing, and what its bytes are: '.'
 * input, '0' must be zero, 'f' flags of which bit 0 is known, 'F' of which bits 1 and 3
 * are, too, 'o' output.
 */
static const struct command {
	const char *name;
	unsigned long number;
	uint32_t words[8];
	int result;
	const char *bytes;	/* one letter for two bytes */
} commands[] = {
	{ "INFO", FAMEZ_IOC_INFO, { sizeof(struct famez_info) }, 0,
	  "..00oooooooooooooooooooooooooooooooooooooooooooooooooooo" },
	{ "PEERS", FAMEZ_IOC_PEERS,
	  { sizeof(struct famez_peers), [5] = 96 }, 0,
	  "..00........oo00" },
	{ "SEND", FAMEZ_IOC_SEND,
	  { sizeof(struct famez_msg), [5] = NOBODY }, EHOSTUNREACH,
	  "..F0........0...0000" },
	{ "RECV", FAMEZ_IOC_RECV,
	  { sizeof(struct famez_msg), FAMEZ_MSG_DONTWAIT }, EAGAIN,
	  "..f0......oo00..0000" },
	{ "PING", FAMEZ_IOC_PING,
	  { sizeof(struct famez_ping), [2] = NOBODY, [3] = 1 },
	  EHOSTUNREACH, "..00....oooo" },
	{ "EVENT", FAMEZ_IOC_EVENT,
	  { sizeof(struct famez_event), FAMEZ_MSG_DONTWAIT }, EAGAIN,
	  "..f0oooooooo..00" },
	/* too large a buffer: it would bind */
	{ "BIND", FAMEZ_IOC_BIND,
	  { sizeof(struct famez_bind), [3] = FAMEZ_BUFFER_MAX + 1 }, EINVAL,
	  "..00...." },
	/* one at a bad address */
	{ "SEND_BATCH", FAMEZ_IOC_SEND_BATCH,
	  { sizeof(struct famez_batch), [4] = 1, [5] = sizeof(struct famez_msg) }, EFAULT,
	  "..f0..........oo" },
	{ "RECV_BATCH", FAMEZ_IOC_RECV_BATCH,
	  { sizeof(struct famez_batch), [4] = 1, [5] = sizeof(struct famez_msg) }, EFAULT,
	  "..f0..........oo" },
	{ "NOTIFY", FAMEZ_IOC_NOTIFY,
	  { sizeof(struct famez_notify), [2] = -1 }, 0,
	  "..00..00" },
	{ "RING", FAMEZ_IOC_RING,
	  { sizeof(struct famez_doorbell), [2] = NOBODY }, EHOSTUNREACH,
	  "..00...." },
	{ "LINK", FAMEZ_IOC_LINK, { sizeof(struct famez_link_info) }, 0,
	  "..00oooooooooooooooooooooooooooooooooooooooooooooooo" },
	{ "FORM", FAMEZ_IOC_FORM, { sizeof(struct famez_form) }, 0, "..f0" },
	{ "MAPPING", FAMEZ_IOC_MAPPING,
	  { sizeof(struct famez_mapping), FAMEZ_MAPPING_KERNEL }, 0,
	  "..f0....oo00oooo" },
	{ "REGIONS", FAMEZ_IOC_REGIONS,
	  { sizeof(struct famez_regions), [5] = 88 }, 0, "..00........" },
	{ "ALLOW", FAMEZ_IOC_ALLOW, { sizeof(struct famez_allow) }, 0, "..f0" },
	{ "VECTOR", FAMEZ_IOC_VECTOR,
	  { sizeof(struct famez_eventfd), [3] = -1 }, 0, "..00...." },
};

/* May this bit be set, and change nothing? */
static bool ignored(const struct command *c, size_t byte, unsigned int bit)
{
	char kind = c->bytes[byte / 2];
	unsigned int known = kind == 'F' ? 0xb : kind == 'f' ? 1 : 0;

	return kind == 'o' || (!(byte % 2) && known & 1U << bit);
}

static bool fields(int fd, const struct command *c)
{
	uint8_t bytes[LONGEST];
	size_t size = c->words[0], i;
	unsigned int bit;
	int err;

	if (strlen(c->bytes) * 2 != size)
		return false;
	for (i = 0; i < size * 8; i++) {
		bit = i % 8;
		if (c->bytes[i / 16] == '.')
			continue;
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, c->words, size < sizeof(c->words) ?
					size : sizeof(c->words));
		bytes[i / 8] |= 1 << bit;
		err = call(fd, c->number, bytes);
		if (err == (ignored(c, i / 8, bit) ? c->result : EINVAL))
			continue;
		printf("# %s: byte %zu, bit %u: errno %d\n", c->name, i / 8,
		       bit, err);
		return false;
	}
	return true;
}

static void test_fields(int fd)
{
	char what[64];
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(what, sizeof(what), "%s: each bit that is no input",
			 commands[i].name);
		check(fields(fd, &commands[i]), what);
	}
}

/* ---- Calls ---------------------------------------------------------------------------- */

static void test_info(int fd, struct famez_info *info)
{
	check(!call(fd, FAMEZ_IOC_INFO, info) && info->fam_size &&
	      info->fam_offset + info->fam_size == info->memory_size &&
	      info->message_max == FAMEZ_MESSAGE_MAX && info->name[0],
	      "INFO");
}

static void test_peers(int fd, uint32_t echo)
{
	struct famez_peer_info list[16] = { };
	struct famez_peers p = {
		.size = sizeof(p), .peers = address(list), .count = 16,
		.stride = sizeof(list[0]),
	};
	bool found = false;

	if (!call(fd, FAMEZ_IOC_PEERS, &p))
		for (uint32_t i = 0; i < p.count; i++)
			found |= list[i].id == echo && list[i].state == 2 &&
				 list[i].generation && list[i].name[0];
	check(found, "PEERS lists the echo");
	/* the half of an address that such a program does not have counts, too */
	p.peers |= 1ULL << 62;
	p.count = 16;
	check(call(fd, FAMEZ_IOC_PEERS, &p) == EFAULT, "PEERS: a bad address");
}

static void test_messages(int fd, uint32_t echo)
{
	char out[] = "a message", in[16] = "";
	struct famez_msg m = {
		.size = sizeof(m), .peer = echo, .data = address(out),
		.length = sizeof(out),
	};

	check(!call(fd, FAMEZ_IOC_SEND, &m), "SEND");
	m = (struct famez_msg) { .size = sizeof(m), .length = 1,
				 .data = address(in) };
	check(call(fd, FAMEZ_IOC_RECV, &m) == EMSGSIZE &&
	      m.length == sizeof(out), "RECV: too small a buffer tells the length");
	m.data = address(in) | 1ULL << 62;
	check(call(fd, FAMEZ_IOC_RECV, &m) == EFAULT, "RECV: a bad address");
	m.data = address(in);
	check(!call(fd, FAMEZ_IOC_RECV, &m) && m.length == sizeof(out) &&
	      m.peer == echo && !memcmp(in, out, sizeof(out)), "RECV");
	m = (struct famez_msg) { .size = sizeof(m), .timeout_ms = 1 };
	check(call(fd, FAMEZ_IOC_RECV, &m) == ETIMEDOUT, "RECV: a timeout");
	m.peer = echo;
	m.data = address(out) | 1ULL << 62;
	m.length = 1;
	check(call(fd, FAMEZ_IOC_SEND, &m) == EFAULT, "SEND: a bad address");
	m.data = address(out);
	m.length = 4097;
	check(call(fd, FAMEZ_IOC_SEND, &m) == EMSGSIZE, "SEND: too long");
}

/* What the switch has given the echo, which takes it a moment */
static void cid_of(int fd, uint32_t echo, uint32_t *cid, uint32_t *sid)
{
	struct famez_peer_info list[16] = { };
	struct famez_peers p = {
		.size = sizeof(p), .peers = address(list), .count = 16,
		.stride = sizeof(list[0]),
	};

	for (*cid = 0; !*cid; p.count = 16) {
		if (call(fd, FAMEZ_IOC_PEERS, &p))
			return;
		for (uint32_t i = 0; i < p.count; i++)
			if (list[i].id == echo) {
				*cid = list[i].cid;
				*sid = list[i].sid;
			}
	}
}

/* SIDs have 32 bits, and a port is none. */
static void test_cid(int fd, uint32_t echo)
{
	char out[] = "by CID and SID", in[16] = "";
	struct famez_msg m = {
		.size = sizeof(m), .data = address(out), .length = sizeof(out),
		.flags = FAMEZ_MSG_CID,
	};
	uint32_t sid;

	cid_of(fd, echo, &m.peer, &sid);
	printf("# CID %u, SID %u\n", m.peer, sid);
	m.sid = sid ^ 0x10000;
	check(call(fd, FAMEZ_IOC_SEND, &m) == EHOSTUNREACH, "SEND: each bit of a SID counts");
	m.sid = sid;
	m.sport = sid;
	check(call(fd, FAMEZ_IOC_SEND, &m) == EINVAL, "SEND: a SID is no port");
	m.sport = 0;
	check(!call(fd, FAMEZ_IOC_SEND, &m), "SEND: by CID and SID");
	m = (struct famez_msg) { .size = sizeof(m), .length = sizeof(in), .data = address(in) };
	check(!call(fd, FAMEZ_IOC_RECV, &m) && m.peer == echo && !m.sid &&
	      !memcmp(in, out, sizeof(out)), "RECV: who it was");
}

static void test_ping(int fd, uint32_t echo)
{
	struct famez_ping p = {
		.size = sizeof(p), .peer = echo, .timeout_ms = 600000,
	};

	check(!call(fd, FAMEZ_IOC_PING, &p) && p.nanoseconds, "PING");
}

static void test_event(int fd)
{
	struct famez_event e = { .size = sizeof(e), .timeout_ms = 1 };

	check(call(fd, FAMEZ_IOC_EVENT, &e) == ETIMEDOUT, "EVENT: a timeout");
}

static void test_doorbell(int fd, const struct famez_info *info)
{
	struct famez_doorbell ring = {
		.size = sizeof(ring), .peer = info->id,
		.vector = info->vectors_armed - 1,
	};
	struct famez_eventfd listen = {
		.size = sizeof(listen), .vector = ring.vector,
		.fd = eventfd(0, 0),
	};
	struct pollfd p = { .fd = listen.fd, .events = POLLIN };

	check(!call(fd, FAMEZ_IOC_VECTOR, &listen), "VECTOR");
	check(!call(fd, FAMEZ_IOC_RING, &ring) && poll(&p, 1, -1) == 1,
	      "RING: oneself");
	close(listen.fd);
	check(call(fd, FAMEZ_IOC_VECTOR, &listen) == EBADF,
	      "VECTOR: a bad descriptor");
	listen.fd = -1;
	check(!call(fd, FAMEZ_IOC_VECTOR, &listen), "VECTOR: none any more");
}

static void test_text(int fd, uint32_t echo)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char out[32], in[32] = "";
	int length = snprintf(out, sizeof(out), "%u:text", echo);
	struct famez_form ids = { .size = sizeof(ids) };

	check(!call(fd, FAMEZ_IOC_FORM, &ids), "FORM: ids");
	check(poll(&p, 1, 0) == 1 && p.revents == POLLOUT, "poll: no message");
	check(write(fd, out, length) == length, "write");
	p.events = POLLIN;
	check(poll(&p, 1, -1) == 1 && p.revents == POLLIN, "poll: a message");
	check(read(fd, in, sizeof(in)) == length && !memcmp(in, out, length),
	      "read");
}

static void test_map(int fd, const struct famez_info *info)
{
	uint64_t last = info->fam_size - 4096;
	volatile uint32_t *all, *end;

	all = mmap(NULL, info->fam_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	end = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, last);
	check(all != MAP_FAILED && end != MAP_FAILED, "mmap");
	if (all == MAP_FAILED || end == MAP_FAILED)
		return;
	all[last / 4] = ~all[last / 4];
	check(end[0] == all[last / 4], "mmap: the last page");
	all[last / 4] = ~all[last / 4];
	check(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, last) == MAP_FAILED &&
	      errno == EINVAL, "mmap: behind the end");
}

int main(int argc, char **argv)
{
	struct famez_info info = { .size = sizeof(info) };
	int fd = open(DEVICE, O_RDWR);
	uint32_t echo;

	if (argc != 2 || fd < 0) {
		fprintf(stderr, "usage: test-abi ECHO-ID, with " DEVICE "\n");
		return 2;
	}
	echo = strtoul(argv[1], NULL, 0);
	printf("# pointers of %zu bits\n", 8 * sizeof(void *));
	test_fields(fd);
	test_info(fd, &info);
	test_peers(fd, echo);
	test_messages(fd, echo);
	test_cid(fd, echo);
	test_ping(fd, echo);
	test_event(fd);
	test_doorbell(fd, &info);
	test_text(fd, echo);
	test_map(fd, &info);
	if (failures)
		return 1;
	printf("PLAN-COMPLETE %u\n", checks);
	return 0;
}

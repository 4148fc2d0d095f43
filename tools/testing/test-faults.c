// SPDX-License-Identifier: GPL-2.0
/*
 * Every call of the driver, with each place in it that can fail failing once:
 * where memory is allocated, and where a program's memory is copied.  After each
 * of them everything works, no message is lost or doubled, and nothing is held.
 * Runs in a guest with a debug kernel; a peer sends every message back (famez-flood
 * -e), and others come and go; or, "old", one that knows F.E.E.'s mailslots alone does
 * (fee-client.py).
 *
 * test-faults ECHO-ID PCI-DEVICE [old]
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/famez.h>

#include "plan.h"

#define DRIVER	"/sys/bus/pci/drivers/famez_bridge"
#define NODE	"/tmp/famez_bridge"
#define GUARD	20000	/* no call has so many places */
#define QUIET	2	/* a vector that nobody else rings here */

static uint32_t echo_id;
static const char *pci_device;
static long page;

/* ---- Faults -------------------------------------------------------------------- */

static int fail_nth;

static void arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	assert_int_equal(pwrite(fail_nth, text, n, 0), n);
}

/*
 * Has the place been reached?  Then the count is at 0.  Reading it copies to us,
 * which counts as well, and fails if that is the place.
 */
static bool disarm(void)
{
	char left[16] = "";
	bool reached = pread(fail_nth, left, sizeof(left) - 1, 0) > 0 &&
		       atoi(left) == 0;

	if (pwrite(fail_nth, "0", 1, 0) != 1)
		assert_int_equal(errno, EFAULT);
	return reached;
}

/**
 * struct call - what is tried
 * @prepare: what has to be there before
 * @run: the call; 0 or an errno
 * @judge: what must hold after that; and back to where @prepare begins
 */
struct call {
	void (*prepare)(void);
	int (*run)(void);
	void (*judge)(int err);
};

/* With the first place failing, the second, and so on until there is no other. */
static void each_place(const char *name, const struct call *call)
{
	unsigned int nth, failed = 0;
	bool reached;
	int err;

	for (nth = 1; nth < GUARD; nth++) {
		if (call->prepare)
			call->prepare();
		arm(nth);
		err = call->run();
		reached = disarm();
		call->judge(err);
		if (!reached)
			break;
		failed += err != 0;
	}
	printf("# %s: %u places, %u made it fail\n", name, nth - 1, failed);
	assert_int_equal(err, 0);
	assert_true(nth > 1 && nth < GUARD);
}

static void assert_sane(int err)
{
	if (err && err != ENOMEM && err != EFAULT)
		fail_msg("unexpected: %s", strerror(err));
}

/* ---- What the kernel has ----------------------------------------------------- */

static unsigned int lines_with(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	unsigned int count = 0;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count += !!strstr(line, word);
	fclose(file);
	return count;
}

static unsigned int mappings_unbound;

/* What kmemleak does not see: regions, mappings of devices, interrupts. */
static void assert_nothing_held(void)
{
	assert_int_equal(lines_with("/proc/iomem", "famez"), 0);
	assert_int_equal(lines_with("/proc/interrupts", "famez"), 0);
	assert_int_equal(lines_with("/proc/vmallocinfo", "ioremap"),
			 mappings_unbound);
}

/* ---- The bridge ---------------------------------------------------------------- */

static int device = -1;

static bool is_bound(void)
{
	char path[256];

	snprintf(path, sizeof(path), DRIVER "/%s", pci_device);
	return !access(path, F_OK);
}

static int tell_driver(int fd)
{
	ssize_t n = strlen(pci_device);

	return pwrite(fd, pci_device, n, 0) == n ? 0 : errno;
}

static int tell_driver_once(const char *file)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), err;

	assert_true(fd >= 0);
	err = tell_driver(fd);
	close(fd);
	return err;
}

/* Our own node: the kernel's may fail to be made without anyone being told. */
static int open_device(void)
{
	return open(NODE, O_RDWR | O_CLOEXEC);
}

static void make_node(void)
{
	FILE *file = fopen("/sys/class/famez/famez_bridge/dev", "re");
	unsigned int major, minor;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u:%u", &major, &minor), 2);
	fclose(file);
	unlink(NODE);
	assert_int_equal(mknod(NODE, S_IFCHR | 0600, makedev(major, minor)), 0);
}

static int ping_on(int fd)
{
	struct famez_ping p = {
		.size = sizeof(p), .peer = echo_id, .timeout_ms = 600000,
	};

	return ioctl(fd, FAMEZ_IOC_PING, &p) ? errno : 0;
}

/* Both ways to the peer are open. */
static void assert_works(void)
{
	int fd;

	make_node();
	fd = open_device();
	assert_true(fd >= 0);
	assert_int_equal(ping_on(fd), 0);
	close(fd);
}

/* ---- Messages -------------------------------------------------------------------- */

static char message[32];	/* the one that is on its way */
static char room[64];
static struct famez_msg header;

/* Another one, of another content. */
static void next_message(void)
{
	static unsigned int number;

	snprintf(message, sizeof(message), "message %u", ++number);
}

static int send_message(void)
{
	header = (struct famez_msg) {
		.size = sizeof(header), .peer = echo_id,
		.length = strlen(message), .data = (uintptr_t)message,
	};
	return ioctl(device, FAMEZ_IOC_SEND, &header) ? errno : 0;
}

static int recv_message(void)
{
	memset(room, 0, sizeof(room));
	header = (struct famez_msg) {
		.size = sizeof(header), .length = sizeof(room),
		.data = (uintptr_t)room,
	};
	return ioctl(device, FAMEZ_IOC_RECV, &header) ? errno : 0;
}

static void assert_next_is(const char *text)
{
	assert_int_equal(recv_message(), 0);
	assert_int_equal(header.peer, echo_id);
	assert_string_equal(room, text);
}

static void assert_no_other(void)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 0), 0);
}

/* It waits for us. */
static void provoke(void)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	next_message();
	assert_int_equal(send_message(), 0);
	assert_int_equal(poll(&p, 1, -1), 1);
}

/* Sent exactly once, or not at all: what is sent after it shows that. */
static void judge_sent(int err)
{
	assert_sane(err);
	if (!err)
		assert_next_is(message);
	next_message();
	assert_int_equal(send_message(), 0);
	assert_next_is(message);
	assert_no_other();
}

static int write_message(void)
{
	char text[64];
	ssize_t n = snprintf(text, sizeof(text), "%u:%s", echo_id, message);

	return write(device, text, n) == n ? 0 : errno;
}

static int read_message(void)
{
	memset(room, 0, sizeof(room));
	return read(device, room, sizeof(room) - 1) > 0 ? 0 : errno;
}

/* Read, or still there. */
static void judge_read(int err)
{
	char text[64];

	assert_sane(err);
	snprintf(text, sizeof(text), "%u:%s", echo_id, message);
	if (err)
		assert_next_is(message);
	else
		assert_string_equal(room, text);
	assert_no_other();
}

/* Likewise: also when it could not say who sent it. */
static void judge_received(int err)
{
	assert_sane(err);
	if (err)
		assert_next_is(message);
	else
		assert_string_equal(room, message);
	assert_no_other();
}

/* ---- Several at once ---------------------------------------------------------------- */

static char both[2][32];
static int done;

static int batch_of(unsigned long command, struct famez_msg *messages,
		    uint32_t count)
{
	struct famez_batch batch = {
		.size = sizeof(batch), .messages = (uintptr_t)messages,
		.count = count, .stride = sizeof(*messages),
	};

	done = ioctl(device, command, &batch);
	return done < 0 ? errno : (int)batch.error;
}

static int send_both(void)
{
	struct famez_msg m[2];
	int i;

	for (i = 0; i < 2; i++) {
		next_message();
		memcpy(both[i], message, sizeof(message));
		m[i] = (struct famez_msg){
			.size = sizeof(m[i]), .peer = echo_id,
			.length = strlen(both[i]), .data = (uintptr_t)both[i],
		};
	}
	return batch_of(FAMEZ_IOC_SEND_BATCH, m, 2);
}

/* What was sent came once, in order; it may be more than could be told. */
static void judge_both(int err)
{
	int n = 0;

	assert_sane(err);
	next_message();
	assert_int_equal(send_message(), 0);
	while (assert_int_equal(recv_message(), 0), strcmp(room, message)) {
		assert_true(n < 2);
		assert_string_equal(room, both[n++]);
	}
	assert_true(n >= done && (err || n == 2));
	assert_no_other();
}

static int recv_batch(void)
{
	struct famez_msg m = {
		.size = sizeof(m), .length = sizeof(room),
		.data = (uintptr_t)room,
	};

	memset(room, 0, sizeof(room));
	return batch_of(FAMEZ_IOC_RECV_BATCH, &m, 1);
}

/* Read, still there, or read and only not told how many. */
static void judge_batch(int err)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	assert_sane(err);
	if (err && poll(&p, 1, 0) == 1)
		assert_next_is(message);
	else
		assert_string_equal(room, message);
	assert_no_other();
}

/* ---- The other calls -------------------------------------------------------------- */

static int opened;

static int run_open(void)
{
	opened = open_device();
	return opened < 0 ? errno : 0;
}

static void judge_open(int err)
{
	assert_sane(err);
	if (err)
		return;
	assert_int_equal(ping_on(opened), 0);
	close(opened);
}

static int run_info(void)
{
	struct famez_info info = { .size = sizeof(info) };

	return ioctl(device, FAMEZ_IOC_INFO, &info) ? errno : 0;
}

static int run_peers(void)
{
	static struct famez_peer_info all[16];
	struct famez_peers peers = {
		.size = sizeof(peers), .peers = (uintptr_t)all, .count = 16,
		.stride = sizeof(all[0]),
	};

	return ioctl(device, FAMEZ_IOC_PEERS, &peers) ? errno : 0;
}

static int run_ping(void)
{
	return ping_on(device);
}

static void await_event(void)
{
	struct pollfd p = { .fd = device, .events = POLLPRI };

	assert_int_equal(poll(&p, 1, -1), 1);
}

static int run_event(void)
{
	struct famez_event event = { .size = sizeof(event) };

	return ioctl(device, FAMEZ_IOC_EVENT, &event) ? errno : 0;
}

/* A port, for another file. */
static int run_port(void)
{
	struct famez_bind bind = { .size = sizeof(bind), .port = 5 };

	return ioctl(opened, FAMEZ_IOC_BIND, &bind) ? errno : 0;
}

static void open_another(void)
{
	opened = open_device();
	assert_true(opened >= 0);
}

/* One that failed has left nothing bound; a close closes it. */
static void judge_port(int err)
{
	assert_sane(err);
	if (err && err != EFAULT)
		assert_int_equal(run_port(), 0);
	close(opened);
	open_another();
	assert_int_equal(run_port(), 0);
	close(opened);
}

static int heard = -1;	/* an eventfd */

static int run_notify(void)
{
	struct famez_notify notify = { .size = sizeof(notify), .fd = heard };

	return ioctl(device, FAMEZ_IOC_NOTIFY, &notify) ? errno : 0;
}

static int run_listen(void)
{
	struct famez_eventfd listen = {
		.size = sizeof(listen), .vector = QUIET, .fd = heard,
	};

	return ioctl(device, FAMEZ_IOC_VECTOR, &listen) ? errno : 0;
}

static void listen_before(void)
{
	if (heard < 0)
		heard = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(run_listen(), 0);
}

static int run_ring(void)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez_doorbell ring = { .size = sizeof(ring), .vector = QUIET };

	if (ioctl(device, FAMEZ_IOC_INFO, &info))
		return errno;
	ring.peer = info.id;
	return ioctl(device, FAMEZ_IOC_RING, &ring) ? errno : 0;
}

static void judge_rung(int err)
{
	uint64_t count;

	assert_sane(err);
	if (err)
		return;
	assert_int_equal(read(heard, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
}

/* One that failed has left the one before in its place. */
static void judge_listening(int err)
{
	assert_sane(err);
	judge_rung(run_ring());
}

static int run_poll(void)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	return poll(&p, 1, 0) < 0 ? errno : 0;
}

static volatile unsigned char *fam;

static int run_mmap(void)
{
	fam = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	return fam == MAP_FAILED ? errno : 0;
}

static void judge_mmap(int err)
{
	assert_sane(err);
	if (err)
		return;
	fam[0]++;
	assert_int_equal(munmap((void *)fam, 4 * page), 0);
}

/* Where there is nothing yet, so that page tables have to be made. */
static void map_far(void)
{
	fam = mmap((void *)(1UL << 40), 4 * page, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED_NOREPLACE, device, 0);
	assert_ptr_not_equal(fam, MAP_FAILED);
}

/* The kernel tries again until it can. */
static int run_touch(void)
{
	fam[page]++;
	return 0;
}

/* ---- Words of the link layer ------------------------------------------------------- */

#define NAK	"Link CTL NAK"	/* which nobody answers */

static unsigned int said;

/* The one before has gone. */
static void await_turn(void)
{
	assert_int_equal(ping_on(device), 0);
}

static int run_say(void)
{
	struct famez_msg word = {
		.size = sizeof(word), .peer = echo_id, .flags = FAMEZ_MSG_LINK,
		.length = sizeof(NAK) - 1, .data = (uintptr_t)NAK,
	};

	return ioctl(device, FAMEZ_IOC_SEND, &word) ? errno : 0;
}

/* Said once or not at all: who hears it counts, and so do we. */
static void judge_said(int err)
{
	assert_sane(err);
	said += !err;
	await_turn();
}

/* ---- What the driver does by itself -------------------------------------------------- */

/* Return: the place of before was reached, or there was none; it is @nth from here on */
static bool arm_worker(const char *directory, unsigned int nth)
{
	char path[64], text[16] = "";
	bool reached;
	int fd;

	snprintf(path, sizeof(path), "%s/fail-nth", directory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	/* it may have ended */
	if (fd < 0)
		return false;
	reached = pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;
	snprintf(text, sizeof(text), "%u", nth);
	reached &= pwrite(fd, text, strlen(text), 0) > 0;
	close(fd);
	return reached;
}

/* Of those of high priority, as the driver's queue is. */
static bool is_worker(const char *directory)
{
	char path[64], kind = '\0';
	FILE *file;

	snprintf(path, sizeof(path), "%s/comm", directory);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "kworker/%*u:%*u%c", &kind) != 1)
		kind = '\0';
	fclose(file);
	return kind == 'H';
}

/*
 * The driver's work runs in one of several threads, in each of which the place counts.
 * Return: how many have reached it, or, as none is armed, are armed now
 */
static unsigned int arm_workers(unsigned int nth)
{
	unsigned int count = 0;
	glob_t found;
	size_t i;

	assert_int_equal(glob("/proc/[0-9]*", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++)
		count += is_worker(found.gl_pathv[i]) && arm_worker(found.gl_pathv[i], nth);
	globfree(&found);
	return count;
}

/* Bound anew, it has no memory for what comes from anybody yet. */
static void bind_anew(void)
{
	close(device);
	assert_int_equal(tell_driver_once(DRIVER "/unbind"), 0);
	assert_int_equal(tell_driver_once(DRIVER "/bind"), 0);
	make_node();
	device = open_device();
	assert_true(device >= 0);
}

/* It finds the message in the other's slot again, when there is memory. */
static bool take_without(unsigned int nth)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	next_message();
	assert_true(arm_workers(nth) > 0);
	assert_int_equal(send_message(), 0);
	assert_int_equal(poll(&p, 1, 120000), 1);
	assert_next_is(message);
	assert_no_other();
	return arm_workers(0);
}

static void test_take(void **state)
{
	unsigned int nth = 0;

	(void)state;
	printf("# said: %u\n", said);
	do {
		bind_anew();
	} while (take_without(++nth) && nth < GUARD);
	printf("# take: %u places\n", nth - 1);
	assert_true(nth > 1 && nth < GUARD);
}

/* ---- The tests ------------------------------------------------------------------- */

static int bind_file, unbind_file;

static int run_bind(void)
{
	return tell_driver(bind_file);
}

static void judge_bind(int err)
{
	assert_int_equal(is_bound(), !err);
	if (err)
		return;
	assert_works();
	assert_int_equal(tell_driver_once(DRIVER "/unbind"), 0);
}

static void test_bind(void **state)
{
	static const struct call bind = { .run = run_bind, .judge = judge_bind };
	(void)state;
	close(device);
	assert_int_equal(tell_driver_once(DRIVER "/unbind"), 0);
	bind_file = open(DRIVER "/bind", O_WRONLY | O_CLOEXEC);
	each_place("bind", &bind);
	close(bind_file);
	assert_false(is_bound());
	assert_nothing_held();
	assert_int_equal(tell_driver_once(DRIVER "/bind"), 0);
}

static int run_unbind(void)
{
	return tell_driver(unbind_file);
}

static void judge_unbind(int err)
{
	assert_int_equal(is_bound(), !!err);
	if (!err)
		assert_int_equal(tell_driver_once(DRIVER "/bind"), 0);
	assert_works();
}

static void test_unbind(void **state)
{
	static const struct call unbind = {
		.run = run_unbind, .judge = judge_unbind,
	};

	(void)state;
	unbind_file = open(DRIVER "/unbind", O_WRONLY | O_CLOEXEC);
	each_place("unbind", &unbind);
	close(unbind_file);
	assert_int_equal(tell_driver_once(DRIVER "/unbind"), 0);
	assert_nothing_held();
	assert_int_equal(tell_driver_once(DRIVER "/bind"), 0);
}

/* ---- Who has the FAM ---------------------------------------------------------- */

#define FAM	"/sys/class/famez/famez_bridge/fam"

static int fam_file;

static void prepare_fam(void)
{
	fam_file = open(FAM, O_RDWR | O_CLOEXEC);
	assert_true(fam_file >= 0);
}

static int give_fam(const char *owner)
{
	return pwrite(fam_file, owner, strlen(owner), 0) < 0 ? errno : 0;
}

/*
 * Without a driver: where nvdimm and the dax core fail, Linux 6.1 frees what is still being
 * registered, and leaks.
 */
static int run_fam(void)
{
	return give_fam("dax");
}

static void judge_fam(int err)
{
	char owner[8] = "";

	assert_sane(err);
	assert_true(pread(fam_file, owner, sizeof(owner) - 1, 0) > 0);
	assert_int_equal(!strcmp(owner, "none\n"), !!err);
	assert_int_equal(give_fam("none"), 0);
	close(fam_file);
}

#define TEST(name, ...)							\
static void test_##name(void **state)					\
{									\
	static const struct call call = { __VA_ARGS__ };		\
									\
	(void)state;							\
	each_place(#name, &call);					\
}

TEST(open, .run = run_open, .judge = judge_open)
TEST(write, .prepare = next_message, .run = write_message, .judge = judge_sent)
TEST(send, .prepare = next_message, .run = send_message, .judge = judge_sent)
TEST(read, .prepare = provoke, .run = read_message, .judge = judge_read)
TEST(recv, .prepare = provoke, .run = recv_message, .judge = judge_received)
TEST(send_batch, .run = send_both, .judge = judge_both)
TEST(recv_batch, .prepare = provoke, .run = recv_batch, .judge = judge_batch)
TEST(port, .prepare = open_another, .run = run_port, .judge = judge_port)
TEST(info, .run = run_info, .judge = assert_sane)
TEST(peers, .run = run_peers, .judge = assert_sane)
TEST(ping, .run = run_ping, .judge = assert_sane)
TEST(event, .prepare = await_event, .run = run_event, .judge = assert_sane)
TEST(listen, .prepare = listen_before, .run = run_listen, .judge = judge_listening)
TEST(ring, .prepare = listen_before, .run = run_ring, .judge = judge_rung)
TEST(notify, .run = run_notify, .judge = assert_sane)
TEST(poll, .run = run_poll, .judge = assert_sane)
TEST(mmap, .run = run_mmap, .judge = judge_mmap)
TEST(touch, .prepare = map_far, .run = run_touch, .judge = judge_mmap)

TEST(say, .prepare = await_turn, .run = run_say, .judge = judge_said)

TEST(fam, .prepare = prepare_fam, .run = run_fam, .judge = judge_fam)

/* For the calls that follow; and what there is without the device. */
static void test_device(void **state)
{
	(void)state;
	assert_int_equal(tell_driver_once(DRIVER "/unbind"), 0);
	assert_false(is_bound());
	mappings_unbound = lines_with("/proc/vmallocinfo", "ioremap");
	assert_int_equal(tell_driver_once(DRIVER "/bind"), 0);
	make_node();
	device = open_device();
	assert_true(device >= 0);
	assert_int_equal(ping_on(device), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_recv),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_send_batch),
		cmocka_unit_test(test_recv_batch),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_touch),
		cmocka_unit_test(test_fam),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_unbind),
	};

	/* what differs where the echo knows mailslots alone */
	static const struct CMUnitTest old_tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_recv),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_send_batch),
		cmocka_unit_test(test_recv_batch),
		cmocka_unit_test(test_say),
		cmocka_unit_test(test_take),
	};

	if (argc != 3 && !(argc == 4 && !strcmp(argv[3], "old"))) {
		fprintf(stderr, "usage: test-faults ECHO-ID PCI-DEVICE [old]\n");
		return 2;
	}
	echo_id = strtoul(argv[1], NULL, 0);
	pci_device = argv[2];
	page = sysconf(_SC_PAGESIZE);
	setvbuf(stdout, NULL, _IOLBF, 0);
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0) {
		perror("/proc/self/fail-nth");
		return 1;
	}
	return argc == 4 ? RUN_PLAN("faults-old", old_tests) : RUN_PLAN("faults", tests);
}

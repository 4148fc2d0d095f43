// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells and eventfds of the device: on a famez fabric, and on a raw server.
 * Runs in a guest; nobody else uses the vectors here meanwhile.
 *
 * test-vectors			every call, and what can be wrong with it; the
 *				guest rings itself
 * test-vectors serve PEER ROUNDS	rings PEER whenever it is rung
 * test-vectors bounce PEER ROUNDS	rings PEER, and waits to be rung
 * test-vectors hold		says "holding", and listens until the device goes
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <famez.h>
#include "device.h"

#define VECTOR	5	/* no message rings these, on a fabric this small */
#define OTHER	6
#define NOBODY	9	/* an id of this fabric that nobody has */

static struct famez_info info = { .size = sizeof(info) };
static bool raw;

static int ring(int fd, uint32_t peer, uint32_t vector)
{
	struct famez_doorbell d = {
		.size = sizeof(d), .peer = peer, .vector = vector,
	};

	return call(fd, FAMEZ_IOC_RING, &d);
}

static int listen_on(int fd, uint32_t vector, int eventfd)
{
	struct famez_eventfd e = {
		.size = sizeof(e), .vector = vector, .fd = eventfd,
	};

	return call(fd, FAMEZ_IOC_VECTOR, &e);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

/* How often it was signalled since. */
static uint64_t taken(int eventfd)
{
	uint64_t count = 0;

	if (read(eventfd, &count, sizeof(count)) < 0)
		assert_int_equal(errno, EAGAIN);
	return count;
}

/* An open file, and an eventfd that listens for it. */
struct ear {
	int file;
	int eventfd;
};

static struct ear make_ear(uint32_t vector)
{
	struct ear ear = { open_device(0), make_eventfd() };

	assert_int_equal(listen_on(ear.file, vector, ear.eventfd), 0);
	return ear;
}

static void close_ear(struct ear ear)
{
	close(ear.file);
	close(ear.eventfd);
}

/*
 * Rings ourselves once, and returns when everyone who listens has been told:
 * the last to come is told last, and cannot go before the handler is through.
 */
static void ring_ourselves(uint32_t vector)
{
	struct ear witness = make_ear(vector);
	struct pollfd p = { .fd = witness.eventfd, .events = POLLIN };

	assert_int_equal(ring(witness.file, info.id, vector), 0);
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_int_equal(taken(witness.eventfd), 1);
	assert_int_equal(listen_on(witness.file, vector, -1), 0);
	close_ear(witness);
}

static unsigned long interrupts(uint32_t vector)
{
	char path[80];
	unsigned long n;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/class/famez/famez_bridge/vectors/%u/interrupts", vector);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &n), 1);
	fclose(f);
	return n;
}

/* ---- Arguments -------------------------------------------------------------- */

static void test_info(void **state)
{
	(void)state;
	assert_int_equal(info.config, raw ? FAMEZ_CONFIG_RAW :
					    FAMEZ_CONFIG_FAMEZ);
	assert_true(info.vectors_armed > OTHER);
	assert_true(info.vectors_armed <= info.vectors);
	if (!raw)
		return;
	assert_int_equal(info.fam_offset, 0);
	assert_int_equal(info.fam_size, info.memory_size);
	assert_false(info.peers_max || info.server_id || info.message_max ||
		     info.generation || info.fabric || info.name[0] ||
		     info.layout_major || info.layout_minor);
}

/* On a raw server. */
static void test_no_messages(void **state)
{
	static const unsigned long commands[] = {
		FAMEZ_IOC_PEERS, FAMEZ_IOC_SEND, FAMEZ_IOC_RECV,
		FAMEZ_IOC_PING, FAMEZ_IOC_EVENT,
	};
	uint32_t words[64] = { sizeof(words) };
	struct famez_allow allow = { .size = sizeof(allow), .flags = FAMEZ_ALLOW_IN_USE };
	struct famez_regions regions = {
		.size = sizeof(regions), .stride = FAMEZ_REGION_INFO_SIZE_VER0,
	};
	struct pollfd p = { .fd = open_device(0), .events = POLLIN | POLLPRI };
	char text[] = "1:text";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(call(p.fd, commands[i], words), EOPNOTSUPP);
	assert_int_equal(call(p.fd, FAMEZ_IOC_REGIONS, &regions), EOPNOTSUPP);
	assert_int_equal(call(p.fd, FAMEZ_IOC_ALLOW, &allow), 0);
	assert_int_equal(write(p.fd, text, sizeof(text)), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(read(p.fd, text, sizeof(text)), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	/* there will be nothing to read or to write */
	p.events |= POLLOUT;
	assert_int_equal(poll(&p, 1, 0), 0);
	/* nobody could be asked to sync it */
	assert_int_equal(fsync(p.fd), -1);
	assert_int_equal(errno, EINVAL);
	close(p.fd);
}

static void test_ring_arguments(void **state)
{
	int fd = open_device(0), reader = open(DEVICE, O_RDONLY);

	(void)state;
	assert_int_equal(ring(reader, info.id, VECTOR), EBADF);
	if (raw) {
		assert_int_equal(ring(fd, 65535, 65535), 0);
		assert_int_equal(ring(fd, 65536, 0), EINVAL);
		assert_int_equal(ring(fd, info.id, 65536), EINVAL);
		assert_int_equal(ring(fd, FAMEZ_DEST_SERVER, 0), EINVAL);
	} else {
		assert_int_equal(ring(fd, NOBODY, VECTOR), EHOSTUNREACH);
		assert_int_equal(ring(fd, info.peers_max, VECTOR),
				 EHOSTUNREACH);
		assert_int_equal(ring(fd, 65536 + info.id, VECTOR),
				 EHOSTUNREACH);
		assert_int_equal(ring(fd, info.id, info.vectors), EINVAL);
		assert_int_equal(ring(fd, info.id, 65536 + VECTOR), EINVAL);
		assert_int_equal(ring(fd, FAMEZ_DEST_SERVER, VECTOR), 0);
		assert_int_equal(ring(fd, FAMEZ_DEST_SERVER, info.vectors), EINVAL);
	}
	close(reader);
	close(fd);
}

static void test_listen_arguments(void **state)
{
	int fd = open_device(0), reader = open(DEVICE, O_RDONLY);
	int eventfd = make_eventfd();

	(void)state;
	assert_int_equal(listen_on(fd, info.vectors_armed, eventfd), EINVAL);
	assert_int_equal(listen_on(fd, 0xffffffff, eventfd), EINVAL);
	assert_int_equal(listen_on(fd, VECTOR, 1000), EBADF);
	assert_int_equal(listen_on(fd, VECTOR, -2), EBADF);
	assert_int_equal(listen_on(fd, VECTOR, fd), EINVAL);
	assert_int_equal(listen_on(fd, VECTOR, -1), 0);
	assert_int_equal(listen_on(reader, VECTOR, eventfd), 0);
	close(eventfd);
	close(reader);
	close(fd);
}

/* ---- Who is told ------------------------------------------------------------ */

static void test_counted(void **state)
{
	struct ear ear = make_ear(VECTOR), other = make_ear(OTHER);
	unsigned long before = interrupts(VECTOR);
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		ring_ourselves(VECTOR);
	assert_int_equal(taken(ear.eventfd), 100);
	assert_int_equal(interrupts(VECTOR) - before, 100);
	assert_int_equal(taken(other.eventfd), 0);
	close_ear(ear);
	close_ear(other);
}

static void test_replaced(void **state)
{
	struct ear ear = make_ear(VECTOR);
	int second = make_eventfd();

	(void)state;
	assert_int_equal(listen_on(ear.file, VECTOR, second), 0);
	/* what is wrong changes nothing */
	assert_int_equal(listen_on(ear.file, VECTOR, ear.file), EINVAL);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(ear.eventfd), 0);
	assert_int_equal(taken(second), 1);
	close(second);
	close_ear(ear);
}

static void test_taken_away(void **state)
{
	struct ear ear = make_ear(VECTOR);

	(void)state;
	assert_int_equal(listen_on(ear.file, OTHER, ear.eventfd), 0);
	assert_int_equal(listen_on(ear.file, VECTOR, -1), 0);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(ear.eventfd), 0);
	ring_ourselves(OTHER);
	assert_int_equal(taken(ear.eventfd), 1);
	close_ear(ear);
}

static void test_several_files(void **state)
{
	struct ear ears[3];
	int i, last = open_device(0);

	(void)state;
	for (i = 0; i < 3; i++)
		ears[i] = make_ear(VECTOR);
	/* two files may have the same */
	assert_int_equal(listen_on(last, VECTOR, ears[2].eventfd), 0);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(ears[0].eventfd), 1);
	assert_int_equal(taken(ears[1].eventfd), 1);
	assert_int_equal(taken(ears[2].eventfd), 2);
	close(last);
	for (i = 0; i < 3; i++)
		close_ear(ears[i]);
}

/* The last close ends it; and the eventfd's own does not. */
static void test_close(void **state)
{
	struct ear ear = make_ear(VECTOR), unheard = make_ear(VECTOR);
	int copy = dup(ear.file), status;
	pid_t child;

	(void)state;
	close(unheard.eventfd);
	close(ear.file);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(ear.eventfd), 1);
	child = fork();
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, &status, 0), child);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(ear.eventfd), 1);
	close(copy);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(ear.eventfd), 0);
	close(ear.eventfd);
	close(unheard.file);
}

static void test_limit(void **state)
{
	struct ear ears[FAMEZ_VECTOR_FILES];
	int i, late = open_device(0), eventfd = make_eventfd();

	(void)state;
	for (i = 0; i < FAMEZ_VECTOR_FILES; i++)
		ears[i] = make_ear(VECTOR);
	assert_int_equal(listen_on(late, VECTOR, eventfd), ENOSPC);
	assert_int_equal(listen_on(late, OTHER, eventfd), 0);
	/* in the place of its own there is room */
	assert_int_equal(listen_on(ears[0].file, VECTOR, ears[0].eventfd), 0);
	close_ear(ears[1]);
	ears[1] = make_ear(VECTOR);
	for (i = 0; i < FAMEZ_VECTOR_FILES; i++)
		close_ear(ears[i]);
	assert_int_equal(listen_on(late, VECTOR, eventfd), 0);
	ring_ourselves(VECTOR);
	assert_int_equal(taken(eventfd), 1);
	close(eventfd);
	close(late);
}

/* ---- Two guests, by the library ----------------------------------------------- */

static int complain(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	return 1;
}

/* Sleeps in read(2); a ring that is answered before the next comes is one. */
static bool rung_once(int eventfd)
{
	uint64_t count;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) &&
	       count == 1;
}

static int play(struct famez *f, bool first, uint32_t peer,
		unsigned long rounds)
{
	int err = 0, fd = eventfd(0, 0);
	unsigned long i;

	err = famez_doorbell_eventfd(f, VECTOR, fd);
	if (err)
		return complain("famez_doorbell_eventfd", err);
	printf("listening\n");
	fflush(stdout);
	if (first)
		err = famez_doorbell(f, peer, VECTOR);
	for (i = 0; !err && i < rounds; i++) {
		if (!rung_once(fd))
			return complain("an eventfd's count", -ERANGE);
		/* the first to ring is the last to be rung */
		if (!first || i + 1 < rounds)
			err = famez_doorbell(f, peer, VECTOR);
	}
	if (err)
		return complain("famez_doorbell", err);
	printf("PLAN-COMPLETE %lu\n", rounds);
	return 0;
}

static int bounce(bool first, uint32_t peer, unsigned long rounds)
{
	struct famez *f;
	int r, err = famez_open(&f, DEVICE, 0);

	if (err)
		return complain(DEVICE, err);
	r = play(f, first, peer, rounds);
	famez_close(f);
	return r;
}

/* ---- The device goes -------------------------------------------------------- */

static void test_gone(void **state)
{
	struct ear ear = make_ear(VECTOR);
	struct pollfd p = { .fd = ear.eventfd, .events = POLLIN };

	(void)state;
	printf("holding\n");
	fflush(stdout);
	assert_int_equal(poll(&p, 1, -1), 1);
	/* once, and not a second time for what is done afterwards */
	assert_int_equal(call(ear.file, FAMEZ_IOC_INFO, &info), ENODEV);
	assert_int_equal(taken(ear.eventfd), 1);
	assert_int_equal(listen_on(ear.file, VECTOR, ear.eventfd), ENODEV);
	assert_int_equal(listen_on(ear.file, VECTOR, -1), ENODEV);
	assert_int_equal(ring(ear.file, info.id, VECTOR), ENODEV);
	close(ear.file);
	assert_int_equal(taken(ear.eventfd), 0);
}

static int every_call(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_ring_arguments),
		cmocka_unit_test(test_listen_arguments),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_taken_away),
		cmocka_unit_test(test_several_files),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_limit),
	};
	const struct CMUnitTest raw_tests[] = {
		cmocka_unit_test(test_no_messages),
	};
	int fd = open(DEVICE, O_RDWR);

	if (fd < 0 || call(fd, FAMEZ_IOC_INFO, &info))
		return complain(DEVICE, -errno);
	close(fd);
	raw = info.config == FAMEZ_CONFIG_RAW;
	if (raw && cmocka_run_group_tests_name("raw", raw_tests, NULL, NULL))
		return 1;
	return RUN_PLAN("vectors", tests);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest gone[] = { cmocka_unit_test(test_gone) };

	if (argc == 1)
		return every_call();
	if (argc == 2 && !strcmp(argv[1], "hold"))
		return RUN_PLAN("gone", gone);
	if (argc == 4)
		return bounce(!strcmp(argv[1], "bounce"),
			      strtoul(argv[2], NULL, 0),
			      strtoul(argv[3], NULL, 0));
	fprintf(stderr,
		"usage: test-vectors [serve|bounce PEER ROUNDS | hold]\n");
	return 2;
}

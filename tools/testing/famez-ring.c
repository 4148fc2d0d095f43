// SPDX-License-Identifier: GPL-2.0
/*
 * One end of a user-space ring, for tests.  It says "ready" when it has its end.
 *
 * famez-ring [-d DEVICE|SOCKET] [-2] [-k LOOKS] [-z SIZE] [-c] NAME VERB [COUNT]
 *
 * send COUNT: numbered records of many lengths, and waits until all have been received;
 * recv COUNT: checks them; echo: sends back what comes, until nobody is there any more;
 * ask COUNT: has it sent back, one by one; hold: nothing, until it is killed.
 * -2: the second end; -k: looks before it sleeps; -c: no system call from the first
 * record to the last is allowed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/seccomp.h>

#include <famez.h>

static struct famez_ring *ring;
static uint32_t count;
static bool confined;

static void die(const char *what, int err)
{
	fprintf(stderr, "famez-ring: %s: %s\n", what, strerror(-err));
	exit(1);
}

/*
 * From here on, the kernel kills who calls it for more than to write and exit.  What
 * the C library does at exit is more, so that has to go by hand.
 */
static void confine(void)
{
	if (confined && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		die("seccomp", -errno);
}

static void end_confined(void)
{
	static const char done[] = "done\n";

	if (!confined)
		return;
	if (write(STDOUT_FILENO, done, sizeof(done) - 1) < 0)
		syscall(SYS_exit, 2);
	syscall(SYS_exit, 0);
}

static size_t length_of(uint32_t i, size_t most)
{
	return 4 + i * 7919 % (most - 3);
}

static void fill(uint8_t *data, uint32_t i, size_t size)
{
	memset(data, i, size);
	memcpy(data, &i, sizeof(i));
}

static void check(const uint8_t *data, uint32_t i, size_t size, size_t most)
{
	static uint8_t expected[1 << 20];

	fill(expected, i, length_of(i, most));
	if (size == length_of(i, most) && !memcmp(data, expected, size))
		return;
	memcpy(&i, data, sizeof(i));
	fprintf(stderr, "famez-ring: wrong record, %zu bytes, number %u\n", size, i);
	exit(1);
}

static size_t most(void)
{
	size_t max = famez_ring_record_max(ring);

	return max < 1 << 20 ? max : 1 << 20;
}

/* The other side is there, and every page was touched, before nothing is allowed. */
static void begin(void)
{
	static uint8_t data[64];
	size_t size;
	int err = famez_ring_connect(ring);

	if (!err)
		err = famez_ring_send(ring, "hello", 5);
	if (!err)
		err = famez_ring_recv(ring, data, sizeof(data), &size);
	if (err || size != 5)
		die("hello", err);
	confine();
}

static uint8_t record[1 << 20];

static int send_one(uint32_t i)
{
	size_t size = length_of(i, most());

	fill(record, i, size);
	return famez_ring_send(ring, record, size);
}

static int recv_one(uint32_t i)
{
	size_t size;
	int err = famez_ring_recv(ring, record, sizeof(record), &size);

	if (!err)
		check(record, i, size, most());
	return err;
}

/* The receiver says at last that it has all of them. */
static int hear_bye(void)
{
	size_t size;

	return famez_ring_recv(ring, record, sizeof(record), &size);
}

static int say_bye(void)
{
	return famez_ring_send(ring, "bye", 3);
}

static void stream(const char *what, int (*one)(uint32_t i), int (*bye)(void))
{
	uint32_t i;
	int err = 0;

	begin();
	for (i = 0; i < count && !err; i++)
		err = one(i);
	if (!err)
		err = bye();
	if (err)
		die(what, err);
	end_confined();
}

static void do_send(void)
{
	stream("send", send_one, hear_bye);
}

static void do_recv(void)
{
	stream("recv", recv_one, say_bye);
}

/* Serves one after the other. */
static void do_echo(void)
{
	const void *data;
	size_t size;
	int err;

	for (;;) {
		err = famez_ring_connect(ring);
		while (!err) {
			err = famez_ring_peek(ring, &data, &size);
			if (!err)
				err = famez_ring_send(ring, data, size);
			if (!err)
				err = famez_ring_consume(ring);
		}
		printf("%s\n", strerror(-err));
		fflush(stdout);
		if (err != -ENOTCONN && err != -ECONNRESET)
			die("echo", err);
	}
}

static void do_ask(void)
{
	static uint8_t data[1 << 20];
	uint32_t i;
	size_t size;
	int err;

	err = famez_ring_connect(ring);
	for (i = 0; i < count && !err; i++) {
		size = length_of(i, most());
		fill(data, i, size);
		err = famez_ring_send(ring, data, size);
		if (!err)
			err = famez_ring_recv(ring, data, sizeof(data), &size);
		if (!err)
			check(data, i, size, most());
	}
	if (err)
		die("ask", err);
}

static void do_hold(void)
{
	for (;;)
		pause();
}

static const struct {
	const char *name;
	void (*run)(void);
} verbs[] = {
	{ "send", do_send }, { "recv", do_recv }, { "echo", do_echo },
	{ "ask", do_ask }, { "hold", do_hold }, { }
};

int main(int argc, char **argv)
{
	const char *path = NULL;
	uint32_t looks = 0;
	size_t size = 8192, i;
	struct famez *famez;
	int c, err, flags = 0;
	bool set = false;

	while ((c = getopt(argc, argv, "d:2k:z:c")) != -1) {
		if (c == 'd')
			path = optarg;
		else if (c == '2')
			flags = FAMEZ_RING_SECOND;
		else if (c == 'k')
			looks = strtoul(optarg, NULL, 0), set = true;
		else if (c == 'z')
			size = strtoul(optarg, NULL, 0);
		else if (c == 'c')
			confined = true;
		else
			return 2;
	}
	if (argc - optind < 2)
		return 2;
	count = argc - optind > 2 ? strtoul(argv[optind + 2], NULL, 0) : 0;
	err = famez_open(&famez, path, 0);
	if (!err)
		err = famez_ring_open(&ring, famez, argv[optind], size, flags);
	if (err)
		die(argv[optind], err);
	if (set)
		famez_ring_set_looks(ring, looks);
	puts("ready");
	fflush(stdout);
	for (i = 0; verbs[i].name; i++)
		if (!strcmp(verbs[i].name, argv[optind + 1]))
			verbs[i].run();
	famez_ring_close(ring);
	famez_close(famez);
	puts("done");
	return 0;
}

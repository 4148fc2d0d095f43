// SPDX-License-Identifier: GPL-2.0
/*
 * Another switch has taken the memory, as its fabric number tells: all that
 * needs peers ends, FAM and INFO go on.  Runs in a guest.
 *
 * test-lost PEER-ID
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

static void test_commands(void **state)
{
	struct famez_peers peers = { .size = sizeof(peers), .stride = 96 };
	struct famez_event event = { .size = sizeof(event) };
	struct famez_ping ping = {
		.size = sizeof(ping), .peer = echo_id, .timeout_ms = 600000,
	};
	int fd = open_device(0);
	uint32_t peer, length;
	char data[16];

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &peers), ENODEV);
	assert_int_equal(call(fd, FAMEZ_IOC_EVENT, &event), ENODEV);
	assert_int_equal(call(fd, FAMEZ_IOC_PING, &ping), ENODEV);
	assert_int_equal(send_to(fd, echo_id, "x", 1), ENODEV);
	assert_int_equal(recv_from(fd, &peer, data, 16, &length), ENODEV);
	assert_int_equal(write(fd, "server:x", 8), -1);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(read(fd, data, 16), -1);
	assert_int_equal(errno, ENODEV);
	close(fd);
}

static void test_poll(void **state)
{
	struct pollfd p = { .fd = open_device(0) };

	(void)state;
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_int_equal(p.revents, POLLERR | POLLHUP);
	close(p.fd);
}

static void test_fam_goes_on(void **state)
{
	struct famez_info info = { .size = sizeof(info) };
	int fd = open_device(0);
	volatile long *at;

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &info), 0);
	assert_true(info.fam_size);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(at != MAP_FAILED);
	*at = 99;
	assert_int_equal(*at, 99);
	munmap((void *)at, 4096);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_fam_goes_on),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test-lost PEER-ID\n");
		return 2;
	}
	echo_id = strtoul(argv[1], NULL, 0);
	return RUN_PLAN("lost", tests);
}

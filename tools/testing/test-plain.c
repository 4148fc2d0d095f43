// SPDX-License-Identifier: GPL-2.0
/*
 * A plain device, call by call, with everything that a program can get wrong.
 *
 * test-plain DEVICE
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/famez.h>

#include "plan.h"

static const char *device;
static struct famez_info info = { .size = sizeof(info) };

static void test_info(void **state)
{
	int fd = open(device, O_RDONLY);

	(void)state;
	assert_int_equal(ioctl(fd, FAMEZ_IOC_INFO, &info), 0);
	assert_int_equal(info.config, FAMEZ_CONFIG_PLAIN);
	assert_int_equal(info.fam_offset + info.fam_size, info.memory_size);
	assert_false(info.id || info.peers_max || info.vectors ||
		     info.message_max || info.generation || info.fabric);
	assert_false(info.layout_major || info.layout_minor);
	close(fd);
}

static void test_no_messages(void **state)
{
	static const unsigned long commands[] = {
		FAMEZ_IOC_PEERS, FAMEZ_IOC_SEND, FAMEZ_IOC_RECV,
		FAMEZ_IOC_PING, FAMEZ_IOC_EVENT, FAMEZ_IOC_RING,
		FAMEZ_IOC_VECTOR,
	};
	uint32_t words[64] = { sizeof(words) };
	int fd = open(device, O_RDWR);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(ioctl(fd, commands[i], words), -1);
		assert_int_equal(errno, EOPNOTSUPP);
	}
	assert_int_equal(ioctl(fd, _IO(FAMEZ_IOC_TYPE, 0x7f), words), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(fd, _IO('x', 1), words), -1);
	assert_int_equal(errno, ENOTTY);
	close(fd);
}

static void test_offsets(void **state)
{
	char out[] = "0123456789", in[16] = "";
	off_t end = info.fam_size;
	int fd = open(device, O_RDWR);

	(void)state;
	assert_int_equal(pwrite(fd, out, 10, end - 4), 4);
	assert_int_equal(pread(fd, in, 16, end - 4), 4);
	assert_memory_equal(in, out, 4);
	assert_int_equal(pread(fd, in, 16, end), 0);
	assert_int_equal(pread(fd, in, 16, end + (1L << 40)), 0);
	assert_int_equal(pwrite(fd, out, 1, end), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(pwrite(fd, out, 0, end), 0);
	assert_int_equal(pread(fd, in, 1, -1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(lseek(fd, 0, SEEK_END), end);
	assert_int_equal(lseek(fd, 1, SEEK_CUR), -1);
	assert_int_equal(lseek(fd, -4, SEEK_END), end - 4);
	assert_int_equal(read(fd, in, 2), 2);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), end - 2);
	close(fd);
}

/* A program's memory that is not there, or only its first page. */
static void test_bad_memory(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *gone = two + page;
	int fd = open(device, O_RDWR);

	(void)state;
	munmap(gone, page);
	assert_int_equal(pread(fd, gone, 16, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(pwrite(fd, gone, 16, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(pread(fd, two + page - 100, 200, 0), 100);
	assert_int_equal(pwrite(fd, two + page - 100, 200, 0), 100);
	munmap(two, page);
	close(fd);
}

static void test_modes(void **state)
{
	int reader = open(device, O_RDONLY), writer = open(device, O_WRONLY);
	char byte = 0;

	(void)state;
	assert_int_equal(write(reader, &byte, 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(read(writer, &byte, 1), -1);
	assert_int_equal(errno, EBADF);
	close(writer);
	writer = open(device, O_WRONLY | O_APPEND);
	assert_int_equal(write(writer, &byte, 1), -1);
	assert_int_equal(errno, ENOSPC);
	close(reader);
	close(writer);
}

static void test_poll(void **state)
{
	struct pollfd p = { .events = POLLIN | POLLOUT | POLLPRI };

	(void)state;
	p.fd = open(device, O_RDWR);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLIN | POLLOUT);
	close(p.fd);
}

static void test_mmap(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = open(device, O_RDWR);
	char *at, byte;

	(void)state;
	at = mmap(NULL, info.fam_size, rw, MAP_SHARED, fd, 0);
	assert_true(at != MAP_FAILED);
	at[info.fam_size - 1] ^= 1;
	assert_int_equal(pread(fd, &byte, 1, info.fam_size - 1), 1);
	assert_int_equal(byte, at[info.fam_size - 1]);
	munmap(at, info.fam_size);
	assert_true(mmap(NULL, 4096, rw, MAP_SHARED, fd, info.fam_size) ==
		    MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_no_messages),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_bad_memory),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_mmap),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test-plain DEVICE\n");
		return 2;
	}
	device = argv[1];
	return RUN_PLAN("plain", tests);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls of the device, from two threads and on shared memory that changes
 * under the kernel's hands: whatever comes of each, the kernel lives, and the
 * device works afterwards.  Runs in a guest; a peer sends every message back
 * (famez-flood -e).
 *
 * test-fuzz ECHO-ID ROUNDS [SEED]
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "device.h"

/* there are fewer commands than numbers */
enum { THREADS = 2, FILES = 4, AREA_PAGES = 4, NUMBERS = 0x11 };

static unsigned long rounds;
static uint64_t seed;
static long page;

/*
 * Memory of each kind: ordinary and FAM, each with nothing behind its end; for
 * reading only; none.
 */
static char *areas[4];
static int files[FILES];
static int eventfds[FILES];

/* ---- What is random -------------------------------------------------------------- */

struct fuzz {
	uint64_t random;
	atomic_ulong done;
};

static struct fuzz fuzzers[THREADS];

static uint32_t any(struct fuzz *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random >> 16;
}

static uint32_t below(struct fuzz *f, uint32_t limit)
{
	return any(f) % limit;
}

static uint64_t any_address(struct fuzz *f)
{
	char *area = areas[below(f, 4)];

	switch (below(f, 8)) {
	case 0:
		return any(f);
	case 1:
		return (uint64_t)any(f) << 32 | any(f);
	case 2:
		return ~0ULL - below(f, 8192);
	case 3:		/* the kernel's */
		return 0xffff888000000000ULL + any(f);
	case 4:		/* across the end */
		return (uintptr_t)area + AREA_PAGES * page - below(f, 128);
	default:
		return (uintptr_t)area + below(f, AREA_PAGES * page);
	}
}

static uint32_t any_word(struct fuzz *f)
{
	static const uint32_t words[] = {
		0, 1, 2, 3, 8, 16, 24, 32, 96, 112, 4095, 4096, 4097,
		0x7fffffff, 0x80000000, 0xffffffff,
	};

	switch (below(f, 4)) {
	case 0:
		return any(f);
	case 1:
		return 1U << below(f, 32);
	default:
		return words[below(f, sizeof(words) / sizeof(words[0]))];
	}
}

/* ---- Calls -------------------------------------------------------------------------- */

/* Nearly right, so that it gets far; or anything. */
static void fill(struct fuzz *f, unsigned int number, uint32_t *words)
{
	static const uint32_t sizes[NUMBERS] = {
		112, 32, 40, 40, 24, 32, 16, 32, 32, 16, 16, 16, 32, 24, 8, 104, 8,
	};
	uint64_t at = any_address(f);
	int i;

	for (i = 0; i < 32; i++)
		words[i] = below(f, 8) ? 0 : any_word(f);
	if (below(f, 8)) {
		words[0] = sizes[number];
		words[1] &= FAMEZ_MSG_DONTWAIT;
	}
	switch (number) {
	case 1:		/* PEERS: how many, of which size */
		words[4] = below(f, 32);
		words[5] = below(f, 4) ? 96 : below(f, 4100);
		memcpy(words + 2, &at, sizeof(at));
		break;
	case 2:		/* SEND and RECV: length, peer, ports, timeout */
	case 3:
		words[4] = below(f, 4) ? below(f, 200) : any_word(f);
		words[5] = below(f, 4) ? echo_id : any_word(f);
		words[6] = below(f, 16) ? 0 : any_word(f);
		words[7] = below(f, 20);
		memcpy(words + 2, &at, sizeof(at));
		break;
	case 4:		/* PING: peer, timeout */
		words[2] = below(f, 4) ? echo_id : any_word(f);
		words[3] = below(f, 100);
		break;
	case 6:		/* BIND: port, buffer; NOTIFY: which */
	case 9:
		words[2] = below(f, 4) ? below(f, 20) : any_word(f);
		words[3] = below(f, 4) ? 0 : any_word(f);
		break;
	case 7:		/* SEND_BATCH and RECV_BATCH: where, how many, which size */
	case 8:
		memcpy(words + 2, &at, sizeof(at));
		words[4] = below(f, 4) ? below(f, 8) : any_word(f);
		words[5] = below(f, 4) ? 40 : any_word(f);
		words[6] = below(f, 20);
		break;
	case 0x0a:	/* RING: peer, vector */
		words[2] = below(f, 4) ? echo_id : any_word(f);
		words[3] = below(f, 4) ? below(f, 20) : any_word(f);
		break;
	case 0x0b:	/* VECTOR: which, eventfd */
		words[2] = below(f, 4) ? below(f, 20) : any_word(f);
		words[3] = below(f, 4) ? (uint32_t)eventfds[below(f, FILES)] :
					 any_word(f);
		break;
	case 0x0c:	/* MAPPING: where */
		memcpy(words + 2, &at, sizeof(at));
		break;
	case 0x0d:	/* REGIONS: where, how many, which size */
		memcpy(words + 2, &at, sizeof(at));
		words[4] = below(f, 32);
		words[5] = below(f, 4) ? 88 : below(f, 4100);
	}
}

static void fuzz_ioctl(struct fuzz *f, int fd)
{
	unsigned int number = below(f, NUMBERS);
	uint32_t words[32], *at = words;
	uintptr_t pointer;

	fill(f, number, words);
	switch (below(f, 8)) {
	case 0:
		pointer = any_address(f);
		ioctl(fd, _IO(FAMEZ_IOC_TYPE, number), pointer);
		return;
	case 1:
		ioctl(fd, any_word(f), words);
		return;
	case 2:		/* in memory that the other thread changes */
		at = (void *)areas[below(f, 2)];
		memcpy(at, words, sizeof(words));
	}
	ioctl(fd, _IO(FAMEZ_IOC_TYPE, number), at);
}

static void fuzz_text(struct fuzz *f, int fd)
{
	struct iovec parts[3];
	char prefix[16];

	snprintf(prefix, sizeof(prefix), below(f, 4) ? "%u:" : "%x",
		 below(f, 4) ? echo_id : any_word(f));
	parts[0] = (struct iovec){ prefix, strlen(prefix) };
	parts[1] = (struct iovec){ (void *)any_address(f), below(f, 100) };
	parts[2] = (struct iovec){ (void *)any_address(f), below(f, 5000) };
	if (below(f, 2) && writev(fd, parts, 1 + below(f, 3)) >= 0)
		return;
	/* what cannot be written must not be lost: there are more behind it */
	parts[0].iov_len = below(f, sizeof(prefix));
	if (readv(fd, parts, 1 + below(f, 3)) >= 0)
		return;
}

static void fuzz_map(struct fuzz *f, int fd)
{
	off_t offset = below(f, 8) ? below(f, 20000) * page :
		       (off_t)any(f) << below(f, 32);
	size_t length = below(f, 8) ? below(f, 64) * page : any(f);
	char *at = mmap(NULL, length, below(f, 8), 1 + below(f, 2), fd, offset);
	struct famez_msg m = {
		.size = sizeof(m), .flags = FAMEZ_MSG_DONTWAIT,
		.peer = echo_id, .length = below(f, 5000), .data = (uintptr_t)at,
	};

	if (at == MAP_FAILED)
		return;
	ioctl(fd, below(f, 2) ? FAMEZ_IOC_SEND : FAMEZ_IOC_RECV, &m);
	mprotect(at, length, below(f, 8));
	madvise(at, length, below(f, 26));
	ioctl(fd, below(f, 2) ? FAMEZ_IOC_SEND : FAMEZ_IOC_RECV, &m);
	munmap(at, length);
}

static void fuzz_file(struct fuzz *f, int fd)
{
	struct pollfd p = { .fd = fd, .events = any(f) };
	int other;

	poll(&p, 1, 0);
	fcntl(fd, F_SETFL, below(f, 8) ? O_NONBLOCK : 0);
	other = open(DEVICE, below(f, 4));
	if (other < 0)
		return;
	fuzz_ioctl(f, other);
	close(other);
}

static void *fuzz(void *fuzzer)
{
	static void (* const kinds[])(struct fuzz *f, int fd) = {
		fuzz_ioctl, fuzz_ioctl, fuzz_ioctl, fuzz_text, fuzz_map,
		fuzz_file,
	};
	struct fuzz *f = fuzzer;

	for (unsigned long i = 0; i < rounds; i++) {
		kinds[below(f, 6)](f, files[below(f, FILES)]);
		atomic_store(&f->done, i + 1);
	}
	return NULL;
}

/* ---- Around it ------------------------------------------------------------------------ */

static pthread_t threads[THREADS];

static void nothing(int signal)
{
	(void)signal;
}

/* Nobody sleeps for long: signals end what would. */
static void interrupt_until_done(void)
{
	struct timespec moment = { .tv_nsec = 1000000 };
	int busy;

	do {
		nanosleep(&moment, NULL);
		busy = 0;
		for (int i = 0; i < THREADS; i++) {
			if (atomic_load(&fuzzers[i].done) == rounds)
				continue;
			pthread_kill(threads[i], SIGUSR1);
			busy++;
		}
	} while (busy);
}

static void make_areas(void)
{
	const int flags[4] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
			       PROT_READ, PROT_NONE };

	for (int i = 0; i < 4; i++) {
		/* one page more, which then goes */
		areas[i] = mmap(NULL, (AREA_PAGES + 1) * page, flags[i],
				i == 1 ? MAP_SHARED :
					 MAP_PRIVATE | MAP_ANONYMOUS,
				i == 1 ? files[0] : -1, 0);
		assert_true(areas[i] != MAP_FAILED);
		munmap(areas[i] + AREA_PAGES * page, page);
	}
}

static void test_random_calls(void **state)
{
	struct sigaction action = { .sa_handler = nothing };

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < FILES; i++)
		files[i] = open_device(i ? O_NONBLOCK : 0);
	for (int i = 0; i < FILES; i++)
		eventfds[i] = eventfd(0, EFD_NONBLOCK);
	make_areas();
	for (int i = 0; i < THREADS; i++) {
		fuzzers[i].random = seed * 2654435761U + i + 1;
		pthread_create(&threads[i], NULL, fuzz, &fuzzers[i]);
	}
	interrupt_until_done();
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(fuzzers[i].done, rounds);
	}
	for (int i = 0; i < FILES; i++)
		close(files[i]);
	for (int i = 0; i < FILES; i++)
		close(eventfds[i]);
}

/* What the random calls sent comes back first. */
static void test_works_afterwards(void **state)
{
	static const char text[] = "after all that";
	char data[FAMEZ_MESSAGE_MAX];
	struct pollfd p = { .fd = open_device(O_NONBLOCK), .events = POLLIN };
	uint32_t peer, length;
	int fd, err;

	(void)state;
	/* who sends back may wait for us to read, while we wait for it */
	while ((err = send_to(p.fd, echo_id, text, sizeof(text))) == EAGAIN) {
		assert_int_equal(poll(&p, 1, -1), 1);
		recv_from(p.fd, &peer, data, sizeof(data), &length);
	}
	assert_int_equal(err, 0);
	close(p.fd);
	fd = open_device(0);
	do {
		assert_int_equal(recv_from(fd, &peer, data, sizeof(data),
					   &length), 0);
		assert_int_equal(peer, echo_id);
	} while (length != sizeof(text) || memcmp(data, text, length));
	provoke(fd, "and again");
	take(fd, "and again");
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_calls),
		cmocka_unit_test(test_works_afterwards),
	};

	if (argc < 3) {
		fprintf(stderr, "usage: test-fuzz ECHO-ID ROUNDS [SEED]\n");
		return 2;
	}
	echo_id = strtoul(argv[1], NULL, 0);
	rounds = strtoul(argv[2], NULL, 0);
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL);
	printf("# seed %llu\n", (unsigned long long)seed);
	page = sysconf(_SC_PAGESIZE);
	return RUN_PLAN("fuzz", tests);
}

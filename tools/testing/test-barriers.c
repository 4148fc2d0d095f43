// SPDX-License-Identifier: GPL-2.0
/*
 * Do barriers in a guest hold for who is not that guest?  Two sides each write a
 * word of FAM, then read the other's: with a barrier between, one sees the other.
 * QEMU's emulator leaves barriers out for a guest that can have one CPU only.
 *
 * test-barriers DEVICE-OR-SOCKET SIDE ROUNDS, once with side 0, once with 1
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <famez.h>

#include "plan.h"

#define AT	0x100000	/* in FAM; other tests use other parts */
#define BATCH	4096		/* rounds between comparisons */

struct side {
	_Alignas(256) atomic_uint go;
	_Alignas(256) atomic_uint word;
	_Alignas(256) atomic_uint done;
	_Alignas(256) atomic_uint saw[BATCH];
};

static struct side *mine, *other;
static unsigned int side, rounds, forbidden;

static void meet(atomic_uint *own, atomic_uint *theirs, unsigned int round)
{
	atomic_store(own, round);
	while (atomic_load(theirs) < round)
		;
}

static void one_round(unsigned int i)
{
	volatile unsigned int delay;

	meet(&mine->go, &other->go, i);
	/* neither is always the first */
	for (delay = i * 2654435761U >> 27; delay; delay--)
		;
	atomic_store_explicit(&mine->word, i, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	mine->saw[i % BATCH] = atomic_load_explicit(&other->word,
						    memory_order_relaxed);
}

/* Rounds in which neither saw what the other had written. */
static void compare(unsigned int last)
{
	unsigned int i;

	meet(&mine->done, &other->done, last);
	for (i = last - BATCH + 1; !side && i <= last; i++)
		forbidden += mine->saw[i % BATCH] < i &&
			     other->saw[i % BATCH] < i;
	meet(&mine->done, &other->done, last + 1);
}

static void test_store_load(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= rounds; i++) {
		one_round(i);
		if (!(i % BATCH))
			compare(i);
	}
	printf("# %u rounds, %u forbidden\n", rounds, forbidden);
	assert_int_equal(forbidden, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_load),
	};
	struct famez *handle;
	void *at;

	if (argc != 4 || famez_open(&handle, argv[1], 0) ||
	    famez_map(handle, AT, 2 * sizeof(struct side), 1, &at)) {
		fprintf(stderr, "usage: test-barriers DEVICE-OR-SOCKET SIDE ROUNDS\n");
		return 2;
	}
	side = argv[2][0] == '1';
	rounds = strtoul(argv[3], NULL, 0) / BATCH * BATCH;
	mine = (struct side *)at + side;
	other = (struct side *)at + !side;
	return RUN_PLAN("barriers", tests);
}

// SPDX-License-Identifier: GPL-2.0
/* What famezctl bench measures with messages: the side that has the clock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "famezctl.h"

int message_round_trips(struct bench *b, uint32_t count, struct run *run)
{
	uint8_t data[FAMEZ_MESSAGE_MAX] __attribute__((__aligned__(8)));
	uint64_t before = 0, now;
	uint32_t i;
	size_t size;
	int err;

	err = bench_ask(b, BENCH_ECHO, count + BENCH_AWAKE, NULL);
	for (i = 0; !err && i < count + BENCH_AWAKE; i++) {
		err = bench_send(b, BENCH_SMALL);
		if (!err)
			err = bench_recv(b, data, sizeof(data), &size);
		if (!err && size != BENCH_SMALL)
			err = -EPROTO;
		now = clock_ns();
		if (i >= BENCH_AWAKE)
			run_add(run, now - before);
		before = now;
	}
	return err;
}

static int send_all(struct bench *b, uint32_t count, size_t size)
{
	int err = 0;

	while (!err && count--)
		err = bench_send(b, size);
	return err;
}

static int send_batches(struct bench *b, uint32_t count)
{
	uint32_t n;
	int err = 0;

	while (!err && count) {
		n = count;
		err = bench_send_batch(b, &n);
		count -= err ? 0 : n;
	}
	return err;
}

/* Until the last has been received; @bells: interrupts at both ends meanwhile */
static int one_way(struct bench *b, enum bench_op op, uint32_t count,
		   size_t size, double *seconds, uint64_t *bells)
{
	uint64_t before = interrupts(), start, there;
	int err;

	err = bench_ask(b, op, count, NULL);
	start = clock_ns();
	if (!err)
		err = op == BENCH_SINK ? send_all(b, count, size) :
					 send_batches(b, count);
	if (!err)
		err = bench_hear(b, &there);
	if (err)
		return err;
	*seconds = (clock_ns() - start) / 1e9;
	*bells = interrupts() - before + there;
	return 0;
}

int message_stream(struct bench *b, uint32_t count, struct run *run)
{
	double seconds;
	uint64_t bells;
	int err = one_way(b, BENCH_SINK, BENCH_ONE_WAY(count), BENCH_SMALL,
			  &seconds, &bells);

	if (!err)
		run_add(run, BENCH_ONE_WAY(count) / seconds);
	return err;
}

int message_batches(struct bench *b, uint32_t count, struct run *run)
{
	double seconds;
	uint64_t bells;
	int err = one_way(b, BENCH_SINK_BATCH, BENCH_ONE_WAY(count), BENCH_SMALL,
			  &seconds, &bells);

	if (!err)
		run_add(run, BENCH_ONE_WAY(count) / seconds);
	return err;
}

int message_doorbells(struct bench *b, uint32_t count, struct run *run)
{
	double seconds;
	uint64_t bells;
	int err = one_way(b, BENCH_SINK, BENCH_ONE_WAY(count), BENCH_SMALL,
			  &seconds, &bells);

	if (!err)
		run_add(run, (double)bells / BENCH_ONE_WAY(count));
	return err;
}

int message_bulk(struct bench *b, uint32_t count, struct run *run)
{
	double seconds;
	uint64_t bells;
	int err = one_way(b, BENCH_SINK, BENCH_BULK(count), b->longest,
			  &seconds, &bells);

	if (!err)
		run_add(run, BENCH_BULK(count) * b->longest / seconds);
	return err;
}

/*
 * What no message of as many bytes can do better than: into memory as long as a
 * ring is, and out of it.
 */
int copy_twice(struct bench *b, uint32_t count, struct run *run)
{
	static uint8_t from[FAMEZ_MESSAGE_MAX], to[FAMEZ_MESSAGE_MAX];
	static uint8_t ring[8 * FAMEZ_MESSAGE_MAX];
	uint64_t start = clock_ns();
	uint32_t i;

	for (i = 0; i < BENCH_BULK(count); i++) {
		uint8_t *record = ring + i % 8 * FAMEZ_MESSAGE_MAX;

		memcpy(record, from, b->longest);
		/* the compiler must not see that nobody reads it */
		__asm__ volatile("" : : "r" (record) : "memory");
		memcpy(to, record, b->longest);
		__asm__ volatile("" : : "r" (to) : "memory");
	}
	run_add(run, BENCH_BULK(count) * b->longest * 1e9 / (clock_ns() - start));
	return 0;
}

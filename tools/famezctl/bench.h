/* SPDX-License-Identifier: GPL-2.0 */
/* What famezctl bench is made of: two programs that measure what is between them. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <famez.h>
#include "bench-stats.h"

#define BENCH_SMALL	64	/* bytes of a message, unless it is to be long */
#define BENCH_BATCH	32	/* messages in a call, where it takes many */
#define BENCH_PORT	47806	/* of who serves */
#define BENCH_SILENCE	20	/* seconds, at most, without a sign of the other side */
#define BENCH_AWAKE	8	/* round trips before those that count */

/* In a run, one-way messages are more than round trips, which take longer. */
#define BENCH_ONE_WAY(count)	((count) * 50)
#define BENCH_BULK(count)	((count) * 5)
/* what needs no kernel */
#define BENCH_FAST(count)	((count) * 50)

/* ---- bench-wire.c: what the two say to each other -------------------------- */

/* Both are on one host, hence of one byte order. */
#define BENCH_MAGIC	0x626d7a66U

enum bench_op {
	BENCH_ECHO,		/* @count messages, each sent back */
	BENCH_SINK,		/* @count messages, one answer */
	BENCH_SINK_BATCH,	/* likewise, many in a call */
	BENCH_DOORBELL,		/* @count rings of vector @value, each answered */
	BENCH_TCP_OPEN,		/* a connection is made to the answer's @value */
	BENCH_TCP_ECHO,
	BENCH_TCP_SINK,
	BENCH_RING_ECHO,	/* @count records through a ring in FAM */
	BENCH_RING_SINK,
	BENCH_WORD_ECHO,	/* a word in FAM, @count times */
	BENCH_OPS,
};

/**
 * struct bench_word - the start of each message
 * @magic: %BENCH_MAGIC
 * @cookie: random, of one run of famezctl bench: answers to others are not ours
 * @op: what is wanted; in an answer, too
 * @count: of how many messages
 * @value: a vector; of an answer: interrupts that the measurement cost, or a TCP
 *	port
 */
struct bench_word {
	uint32_t magic;
	uint32_t cookie;
	uint32_t op;
	uint32_t count;
	uint64_t value;
};

/**
 * struct bench - one side of a measurement
 * @famez: its handle
 * @peer: the other side
 * @port: of the other side
 * @info: of this one, if it asks
 * @word: what was asked, here or there
 * @tcp: a connection to it, -1: none
 * @longest: bytes of a long message
 * @serves: it is the side that is asked
 * @next: what was asked meanwhile, by @next_peer: who asked before has gone
 * @next_peer: see @next
 * @next_port: likewise
 */
struct bench {
	struct famez *famez;
	uint32_t peer;
	uint16_t port;
	struct famez_info info;
	struct bench_word word;
	int tcp;
	size_t longest;
	bool serves;
	struct bench_word next;
	uint32_t next_peer;
	uint16_t next_port;
};

/* All return 0 or a negative errno. */
int bench_send(struct bench *b, size_t size);
int bench_send_this(struct bench *b, const void *data, size_t size);
int bench_recv(struct bench *b, void *data, size_t room, size_t *size);
int bench_send_batch(struct bench *b, uint32_t *count);
int bench_recv_batch(struct bench *b, uint32_t *count);
int bench_say(struct bench *b, uint64_t value);
int bench_hear(struct bench *b, uint64_t *value);
int bench_ask(struct bench *b, enum bench_op op, uint32_t count,
	      uint64_t *value);

/* ---- bench-watch.c: is the other side there? ---------------------------- */

void watch_begin(void);
void watch_end(void);

/*
 * For each call that sleeps: whether it is to be made again, as it was just
 * interrupted. When nothing has moved for long, the error is -ETIMEDOUT.
 */
bool watch_again(int *error);

/* ---- bench-serve.c ----------------------------------------------------------- */

__attribute__((__noreturn__))
void bench_serve(void);

/* ---- bench-tcp.c: the same by TCP ------------------------------------------ */

const char *tcp_missing(const struct bench *b);
int tcp_connect(struct bench *b, const char *host);
int tcp_accept(struct bench *b);
int tcp_round_trips(struct bench *b, uint32_t count, struct run *run);
int tcp_stream(struct bench *b, uint32_t count, struct run *run);
int tcp_echo(struct bench *b);
int tcp_sink(struct bench *b);

/* ---- bench-doorbell.c -------------------------------------------------------- */

int doorbell_round_trips(struct bench *b, uint32_t count, struct run *run);
int doorbell_echo(struct bench *b);
const char *doorbell_missing(const struct bench *b);

/* ---- bench-ring.c ------------------------------------------------------------------ */

const char *ring_missing(const struct bench *b);
int ring_echo(struct bench *b);
int ring_sink(struct bench *b);
int ring_round_trips(struct bench *b, uint32_t count, struct run *run);
int ring_stream(struct bench *b, uint32_t count, struct run *run);
int word_echo(struct bench *b);
int word_round_trips(struct bench *b, uint32_t count, struct run *run);

/* ---- bench-fam.c ------------------------------------------------------------------- */

int fam_copy(struct bench *b, uint32_t count, struct run *run);
int ram_copy(struct bench *b, uint32_t count, struct run *run);

/* ---- bench-message.c: the client's part -------------------------------------- */

int message_round_trips(struct bench *b, uint32_t count, struct run *run);
int message_stream(struct bench *b, uint32_t count, struct run *run);
int message_batches(struct bench *b, uint32_t count, struct run *run);
int message_doorbells(struct bench *b, uint32_t count, struct run *run);
int message_bulk(struct bench *b, uint32_t count, struct run *run);
int copy_twice(struct bench *b, uint32_t count, struct run *run);

/* ---- interrupts.c ------------------------------------------------------------ */

/* What the bridges of this guest have had since it started; 0 on the host. */
uint64_t interrupts(void);

/* ---- bench-table.c: what is measured, and what over what ------------------ */

/**
 * struct measurement - something that is measured
 * @name: on the command line, and in JSON
 * @unit: of each sample, see bench-report.c
 * @run: measures once
 * @missing: tells why it cannot be, here and now, or NULL; without it, it can
 */
struct measurement {
	const char *name;
	const char *unit;
	int (*run)(struct bench *b, uint32_t count, struct run *run);
	const char *(*missing)(const struct bench *b);
};

/**
 * struct ratio - of two measurements
 * @name: the key in JSON
 * @over: the name of one
 * @under: of the other
 */
struct ratio {
	const char *name;
	const char *over;
	const char *under;
};

extern const struct measurement bench_measurements[];
extern const struct ratio bench_ratios[];

#define BENCH_MEASUREMENTS	16	/* no more than so many */

/**
 * struct outcome - of all that was measured
 * @peer: with whom
 * @count: round trips of a run
 * @series: of each measurement; without runs: it was not made
 * @why: why it was not
 */
struct outcome {
	uint32_t peer;
	uint32_t count;
	struct series series[BENCH_MEASUREMENTS];
	const char *why[BENCH_MEASUREMENTS];
};

/* ---- bench-report.c ---------------------------------------------------------- */

void bench_print(const struct outcome *outcome);
void bench_print_json(const struct outcome *outcome);

#endif /* BENCH_H */

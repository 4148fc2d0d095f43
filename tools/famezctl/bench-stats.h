/* SPDX-License-Identifier: GPL-2.0 */
/* Samples, runs of them, and what they come to. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>

#define RUNS_MAX	1000

/**
 * struct run - the samples of one run
 * @samples: one of a rate, many of a latency
 * @count: how many there are
 * @room: for how many there is memory
 */
struct run {
	double *samples;
	size_t count;
	size_t room;
};

/**
 * struct series - several runs of one measurement
 * @runs: each
 * @count: how many there are
 */
struct series {
	struct run runs[RUNS_MAX];
	size_t count;
};

/**
 * struct summary - of a series
 * @median: of the runs' medians
 * @min: the least of these
 * @max: the greatest
 * @p50: of all samples together
 * @p99: likewise
 * @p999: 99.9 of a hundred
 */
struct summary {
	double median, min, max;
	double p50, p99, p999;
};

/* Never fails: without memory it ends the program. */
void run_add(struct run *run, double sample);

/* How many of a hundred samples are no greater: @part of 1. */
double quantile(const struct run *run, double part);

struct summary series_summary(const struct series *series);

/* Run by run, the medians of one over those of the other, as a series. */
void series_ratio(const struct series *over, const struct series *under,
		  struct series *ratio);

void series_free(struct series *series);

#endif /* BENCH_STATS_H */

// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench-stats.h"

static void *grow(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count, size);
	if (!memory) {
		fputs("no memory for the samples\n", stderr);
		exit(1);
	}
	return memory;
}

void run_add(struct run *run, double sample)
{
	if (run->count == run->room) {
		run->room = run->room ? 2 * run->room : 64;
		run->samples = grow(run->samples, run->room, sizeof(double));
	}
	run->samples[run->count++] = sample;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double between(double low, double high)
{
	return low + (high - low) / 2;
}

double quantile(const struct run *run, double part)
{
	double *sorted, result;
	size_t rank;

	if (!run->count)
		return NAN;
	sorted = grow(NULL, run->count, sizeof(double));
	memcpy(sorted, run->samples, run->count * sizeof(double));
	qsort(sorted, run->count, sizeof(double), compare);
	rank = ceil(part * run->count);
	rank -= rank ? 1 : 0;
	result = sorted[rank];
	/* of an even number, the two in the middle share the median */
	if (part == 0.5 && run->count % 2 == 0)
		result = between(result, sorted[rank + 1]);
	free(sorted);
	return result;
}

struct summary series_summary(const struct series *series)
{
	struct run medians = { }, all = { };
	struct summary summary;
	size_t i, j;

	for (i = 0; i < series->count; i++) {
		const struct run *run = &series->runs[i];

		run_add(&medians, quantile(run, 0.5));
		for (j = 0; j < run->count; j++)
			run_add(&all, run->samples[j]);
	}
	summary = (struct summary) {
		.median = quantile(&medians, 0.5),
		.min = quantile(&medians, 0),
		.max = quantile(&medians, 1),
		.p50 = quantile(&all, 0.5),
		.p99 = quantile(&all, 0.99),
		.p999 = quantile(&all, 0.999),
	};
	free(medians.samples);
	free(all.samples);
	return summary;
}

void series_ratio(const struct series *over, const struct series *under,
		  struct series *ratio)
{
	size_t i;

	ratio->count = over->count < under->count ? over->count : under->count;
	for (i = 0; i < ratio->count; i++) {
		run_add(&ratio->runs[i], quantile(&over->runs[i], 0.5) /
					 quantile(&under->runs[i], 0.5));
	}
}

void series_free(struct series *series)
{
	while (series->count) {
		struct run *run = &series->runs[--series->count];

		free(run->samples);
		*run = (struct run){ };
	}
}

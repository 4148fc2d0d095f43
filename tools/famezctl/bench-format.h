/* SPDX-License-Identifier: GPL-2.0 */
/* How a series is shown, by famezctl bench and by make bench. */
#ifndef BENCH_FORMAT_H
#define BENCH_FORMAT_H

#include <stdbool.h>
#include "bench-stats.h"

struct json_object;

/* The line above those of bench_print_series(). */
void bench_print_titles(void);

/* @unit: "ns", "bytes/s", "messages/s", "interrupts" or "ratio" */
void bench_print_series(const char *name, const char *unit,
			const struct series *series);

/* A summary, and each sample of each run. */
struct json_object *bench_json_series(const char *unit,
				      const struct series *series);

/* What bench_json_series() made; false: it is something else */
bool bench_read_series(struct json_object *from, struct series *series);

/* What takes the place of a series that there is not. */
struct json_object *bench_json_why(const char *why);

#endif /* BENCH_FORMAT_H */

// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "bench-format.h"

/* ---- To people ---------------------------------------------------------------- */

static const struct shown {
	const char *unit;
	const char *shown;
	double divisor;
	int decimals;
	bool latency;
} units[] = {
	{ "ns", "us", 1e3, 1, true },
	{ "bytes/s", "MB/s", 1e6, 1, false },
	{ "messages/s", "messages/s", 1, 0, false },
	{ "interrupts", "interrupts", 1, 4, false },
	{ "ratio", "", 1, 3, false },
	{ }
};

static void print_value(const struct shown *unit, double value)
{
	printf("  %10.*f", unit->decimals, value / unit->divisor);
}

void bench_print_titles(void)
{
	printf("%-22s  %10s  %10s  %10s  %10s  %10s\n", "", "MEDIAN", "LOWEST RUN",
	       "HIGHEST", "P99", "P99.9");
}

void bench_print_series(const char *name, const char *unit_name,
			const struct series *series)
{
	const struct shown *unit = units;
	struct summary s = series_summary(series);

	while (strcmp(unit->unit, unit_name))
		unit++;
	printf("%-22s", name);
	print_value(unit, s.median);
	print_value(unit, s.min);
	print_value(unit, s.max);
	if (unit->latency) {
		print_value(unit, s.p99);
		print_value(unit, s.p999);
	} else {
		printf("  %10s  %10s", "", "");
	}
	printf("  %s\n", unit->shown);
}

/* ---- In JSON -------------------------------------------------------------------- */

static void add_number(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, json_object_new_double(value));
}

static struct json_object *json_run(const struct run *run)
{
	struct json_object *samples = json_object_new_array();
	size_t i;

	for (i = 0; i < run->count; i++)
		json_object_array_add(samples,
				      json_object_new_double(run->samples[i]));
	return samples;
}

struct json_object *bench_json_series(const char *unit,
				      const struct series *series)
{
	struct json_object *o = json_object_new_object();
	struct json_object *runs = json_object_new_array();
	struct summary s = series_summary(series);
	size_t i;

	json_object_object_add(o, "unit", json_object_new_string(unit));
	add_number(o, "median", s.median);
	add_number(o, "lowest_run", s.min);
	add_number(o, "highest_run", s.max);
	add_number(o, "p50", s.p50);
	add_number(o, "p99", s.p99);
	add_number(o, "p99.9", s.p999);
	for (i = 0; i < series->count; i++)
		json_object_array_add(runs, json_run(&series->runs[i]));
	json_object_object_add(o, "runs", runs);
	return o;
}

static void read_run(struct json_object *samples, struct run *run)
{
	size_t i;

	for (i = 0; i < json_object_array_length(samples); i++)
		run_add(run, json_object_get_double(json_object_array_get_idx(samples, i)));
}

bool bench_read_series(struct json_object *from, struct series *series)
{
	struct json_object *runs;
	size_t i;

	if (!json_object_object_get_ex(from, "runs", &runs) ||
	    !json_object_is_type(runs, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(runs); i++) {
		struct json_object *run = json_object_array_get_idx(runs, i);

		if (!json_object_is_type(run, json_type_array) ||
		    series->count == RUNS_MAX)
			return false;
		read_run(run, &series->runs[series->count++]);
	}
	return true;
}

struct json_object *bench_json_why(const char *why)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "not_measured", json_object_new_string(why));
	return o;
}

// SPDX-License-Identifier: GPL-2.0
/* What famezctl bench tells of its measurements, to people and in JSON. */
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>
#include "bench.h"
#include "bench-format.h"
#include "famezctl.h"

static const struct series *series_of(const struct outcome *outcome,
				      const char *name)
{
	size_t i = 0;

	while (strcmp(bench_measurements[i].name, name))
		i++;
	return &outcome->series[i];
}

/* For the caller to free; without runs when one of the two was not measured */
static void compute(const struct outcome *outcome, const struct ratio *ratio,
		    struct series *result)
{
	series_ratio(series_of(outcome, ratio->over),
		     series_of(outcome, ratio->under), result);
}

void bench_print(const struct outcome *outcome)
{
	static struct series result;
	const struct ratio *ratio;
	size_t i;

	bench_print_titles();
	for (i = 0; bench_measurements[i].name; i++) {
		const struct measurement *m = &bench_measurements[i];

		if (outcome->series[i].count)
			bench_print_series(m->name, m->unit,
					   &outcome->series[i]);
		else if (outcome->why[i])
			printf("%-22s  not measured: %s\n", m->name,
			       outcome->why[i]);
	}
	for (ratio = bench_ratios; ratio->name; ratio++) {
		compute(outcome, ratio, &result);
		if (result.count)
			bench_print_series(ratio->name, "ratio", &result);
		series_free(&result);
	}
	flush_output();
}

static struct json_object *json_measurements(const struct outcome *outcome)
{
	struct json_object *all = json_object_new_object();
	size_t i;

	for (i = 0; bench_measurements[i].name; i++) {
		const struct measurement *m = &bench_measurements[i];
		struct json_object *one = NULL;

		if (outcome->series[i].count)
			one = bench_json_series(m->unit, &outcome->series[i]);
		else if (outcome->why[i])
			one = bench_json_why(outcome->why[i]);
		if (one)
			json_object_object_add(all, m->name, one);
	}
	return all;
}

static struct json_object *json_ratios(const struct outcome *outcome)
{
	struct json_object *all = json_object_new_object();
	static struct series result;
	const struct ratio *ratio;

	for (ratio = bench_ratios; ratio->name; ratio++) {
		compute(outcome, ratio, &result);
		if (result.count)
			json_object_object_add(all, ratio->name,
					       bench_json_series("ratio", &result));
		series_free(&result);
	}
	return all;
}

void bench_print_json(const struct outcome *outcome)
{
	struct json_object *o = json_object_new_object();

	json_number(o, "peer", outcome->peer);
	json_number(o, "count", outcome->count);
	json_object_object_add(o, "measurements", json_measurements(outcome));
	json_object_object_add(o, "ratios", json_ratios(outcome));
	print_json(o, true);
}

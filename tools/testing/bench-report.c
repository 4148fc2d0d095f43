// SPDX-License-Identifier: GPL-2.0
/*
 * bench-report DIR FILE: what bench.sh has left in DIR, as a table, and in JSON
 * in FILE. A target that is missed is marked, and fails nothing.
 *
 * DIR/about: what it ran on, a "key: value" a line
 * DIR/main.json: of famezctl bench
 * DIR/alone.N.json, DIR/crowd.N.json: the same, without and with idle peers
 * DIR/ring.N.json, DIR/local.N.json: between two guests, and within one
 * DIR/idle: what happened on an idle fabric, a number for each run
 * DIR/faults: what it took to touch 1 GiB, likewise
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "bench-format.h"

static const struct target {
	const char *key;
	bool at_least;
	double value;
} targets[] = {
	{ "doorbell_over_tcp", false, 0.40 },
	{ "rtt_over_doorbell", false, 1.2 },
	{ "rtt_over_tcp", false, 0.45 },
	{ "stream_over_tcp", true, 4 },
	{ "batch_over_tcp", true, 16 },
	{ "doorbells_per_message", false, 0.02 },
	{ "bulk_over_memcpy", true, 0.5 },
	{ "idle_peers_cost", false, 1.1 },
	{ "idle_interrupts", false, 0 },
	{ "ring_over_tcp", true, 40 },
	{ "ring_over_local", true, 0.85 },
	{ "ring_rtt_over_word", false, 4 },
	{ "fam_copy_over_ram", true, 0.95 },
	{ "fam_faults_1g", false, 600 },
	{ }
};

static const char *dir;

__attribute__((__format__(printf, 1, 2), __noreturn__))
static void fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fputs("bench-report: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	exit(1);
}

/* ---- What bench.sh has left ------------------------------------------------------ */

static FILE *open_part(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, "re");
}

/* Without such a file NULL */
static struct json_object *read_json(const char *name)
{
	struct json_object *o;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	o = json_object_from_file(path);
	if (!o && errno != ENOENT)
		fail("%s is no JSON: %s", path, json_util_get_last_err());
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *found;

	return json_object_object_get_ex(o, key, &found) ? found : NULL;
}

/* @key of @part of main.json, for the caller to free; false: it is not there */
static bool of_main(struct json_object *main, const char *part, const char *key,
		    struct series *series)
{
	struct json_object *o = member(member(main, part), key);

	return o && bench_read_series(o, series);
}

/* One measurement of all files alone.N.json or crowd.N.json */
static void gather(const char *name, const char *key, struct series *all)
{
	struct json_object *o;
	char file[32];
	int i;

	for (i = 1;; i++) {
		snprintf(file, sizeof(file), "%s.%d.json", name, i);
		o = read_json(file);
		if (!o)
			return;
		if (!of_main(o, "measurements", key, all))
			fail("%s has no measurement '%s'", file, key);
		json_object_put(o);
	}
}

/* Of round trips and streams, that which suffers more */
static void idle_peers_cost(struct json_object *measurements,
			    struct series *cost)
{
	static struct series rtt[2], stream[2], slower, fewer;

	gather("alone", "rtt", &rtt[0]);
	gather("crowd", "rtt", &rtt[1]);
	gather("alone", "stream", &stream[0]);
	gather("crowd", "stream", &stream[1]);
	series_ratio(&rtt[1], &rtt[0], &slower);
	series_ratio(&stream[0], &stream[1], &fewer);
	*cost = series_summary(&slower).median > series_summary(&fewer).median ?
		slower : fewer;
	json_object_object_add(measurements, "rtt_no_idle_peers",
			       bench_json_series("ns", &rtt[0]));
	json_object_object_add(measurements, "rtt_idle_peers",
			       bench_json_series("ns", &rtt[1]));
	json_object_object_add(measurements, "stream_no_idle_peers",
			       bench_json_series("messages/s", &stream[0]));
	json_object_object_add(measurements, "stream_idle_peers",
			       bench_json_series("messages/s", &stream[1]));
}

static void ring_over_local(struct json_object *measurements, struct series *ratio)
{
	static struct series guests, local;

	gather("ring", "ring_stream", &guests);
	gather("local", "ring_stream", &local);
	series_ratio(&guests, &local, ratio);
	json_object_object_add(measurements, "ring_stream_local",
			       bench_json_series("messages/s", &local));
}

static void read_numbers(const char *name, struct series *numbers)
{
	FILE *file = open_part(name);
	double number;

	while (file && fscanf(file, "%lf", &number) == 1)
		run_add(&numbers->runs[numbers->count++], number);
	if (file)
		fclose(file);
}

/* ---- What it comes to -------------------------------------------------------------- */

static void read_ratio(const struct target *target, struct json_object *main,
		       struct series *series)
{
	if (!strcmp(target->key, "idle_peers_cost"))
		idle_peers_cost(member(main, "measurements"), series);
	else if (!strcmp(target->key, "idle_interrupts"))
		read_numbers("idle", series);
	else if (!strcmp(target->key, "ring_over_local"))
		ring_over_local(member(main, "measurements"), series);
	else if (!strcmp(target->key, "fam_faults_1g"))
		read_numbers("faults", series);
	else if (!of_main(main, "ratios", target->key, series))
		of_main(main, "measurements", target->key, series);
}

static bool reached(const struct target *target, double value)
{
	return target->at_least ? value >= target->value :
				  value <= target->value;
}

static struct json_object *judge(const struct target *target,
				 struct json_object *main)
{
	static struct series series;
	struct json_object *o;
	double value;

	read_ratio(target, main, &series);
	if (!series.count) {
		printf("%-22s  not measured\n", target->key);
		return bench_json_why("what it needs was not measured");
	}
	o = bench_json_series("ratio", &series);
	value = series_summary(&series).median;
	json_object_object_add(o, target->at_least ? "at_least" : "at_most",
			       json_object_new_double(target->value));
	json_object_object_add(o, "reached",
			       json_object_new_boolean(reached(target, value)));
	printf("%-22s  %10.4f  %10.4f  %10.4f   %s %-5g %s\n", target->key, value,
	       series_summary(&series).min, series_summary(&series).max,
	       target->at_least ? ">=" : "<=", target->value,
	       reached(target, value) ? "" : "MISSED");
	series_free(&series);
	return o;
}

static struct json_object *judge_all(struct json_object *main)
{
	struct json_object *all = json_object_new_object();
	const struct target *target;

	printf("\n%-22s  %10s  %10s  %10s   %s\n", "", "MEDIAN", "LOWEST RUN",
	       "HIGHEST", "TARGET");
	for (target = targets; target->key; target++)
		json_object_object_add(all, target->key, judge(target, main));
	return all;
}

static void print_measurements(struct json_object *measurements)
{
	static struct series series;

	putchar('\n');
	bench_print_titles();
	json_object_object_foreach(measurements, name, o) {
		if (bench_read_series(o, &series))
			bench_print_series(name, json_object_get_string(member(o, "unit")),
					   &series);
		else
			printf("%-22s  not measured\n", name);
		series_free(&series);
	}
}

/* What it ran on is printed, and told in JSON. */
static struct json_object *about(void)
{
	struct json_object *o = json_object_new_object();
	char line[256], *colon;
	FILE *file = open_part("about");

	if (!file)
		fail("there is no %s/about: %s", dir, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		fputs(line, stdout);
		line[strcspn(line, "\n")] = '\0';
		colon = strstr(line, ": ");
		if (!colon)
			fail("'%s' in %s/about has no colon", line, dir);
		*colon = '\0';
		json_object_object_add(o, line, json_object_new_string(colon + 2));
	}
	fclose(file);
	return o;
}

int main(int argc, char **argv)
{
	struct json_object *all = json_object_new_object(), *main_part;

	if (argc != 3)
		fail("usage: bench-report DIR FILE");
	dir = argv[1];
	main_part = read_json("main.json");
	if (!member(main_part, "measurements") || !member(main_part, "ratios"))
		fail("%s/main.json is not what famezctl bench --json prints", dir);
	json_object_object_add(all, "about", about());
	json_object_object_add(all, "ratios", judge_all(main_part));
	json_object_object_add(all, "measurements",
			       json_object_get(member(main_part, "measurements")));
	print_measurements(member(main_part, "measurements"));
	if (json_object_to_file_ext(argv[2], all, JSON_C_TO_STRING_PRETTY))
		fail("cannot write %s: %s", argv[2], json_util_get_last_err());
	json_object_put(all);
	json_object_put(main_part);
	return 0;
}

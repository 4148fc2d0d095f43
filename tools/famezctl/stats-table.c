// SPDX-License-Identifier: GPL-2.0
/* What famezctl stats shows to people. */
#include <string.h>
#include <json-c/json.h>
#include "counters.h"
#include "stats.h"

static const struct column {
	const char *counter;
	const char *title;
} columns[] = {
	{ "tx_messages", "TX-MSGS" },
	{ "tx_bytes", "TX-BYTES" },
	{ "tx_doorbells", "TX-BELLS" },
	{ "tx_waits", "TX-WAITS" },
	{ "rx_messages", "RX-MSGS" },
	{ "rx_bytes", "RX-BYTES" },
	{ "rx_doorbells", "RX-BELLS" },
	{ }
};

static int column_width(const struct stats *stats, const struct column *column)
{
	/* no number of a peer is longer than the sum */
	int digits = snprintf(NULL, 0, "%llu", (unsigned long long)
			      counter_of(stats->totals, column->counter));
	int title = strlen(column->title);

	return digits > title ? digits : title;
}

static void print_titles(const struct stats *stats)
{
	const struct column *column;

	printf("%5s  %-*s", "ID", stats->name_width, "NAME");
	for (column = columns; column->title; column++)
		printf("  %*s", column_width(stats, column), column->title);
	putchar('\n');
}

static void print_row(const struct stats *stats, const char *id,
		      const char *name, const struct json_object *counters)
{
	const struct column *column;

	printf("%5s  %-*s", id, stats->name_width, name);
	for (column = columns; column->title; column++)
		printf("  %*llu", column_width(stats, column),
		       (unsigned long long)counter_of(counters,
						      column->counter));
	putchar('\n');
}

static bool has_column(const char *counter)
{
	const struct column *column;

	for (column = columns; column->counter; column++)
		if (!strcmp(column->counter, counter))
			return true;
	return false;
}

/* A line of what has no column; none when all of that is zero. */
static void print_rest(const struct stats *stats, const char *who,
		       struct json_object *counters)
{
	bool any = false;

	json_object_object_foreach(counters, name, number) {
		uint64_t count = json_object_get_uint64(number);

		if (has_column(name) || (!count && !stats->all))
			continue;
		printf("%s%s %llu", any ? ", " : who, name,
		       (unsigned long long)count);
		any = true;
	}
	if (any)
		putchar('\n');
}

static void print_vectors(const struct stats *stats)
{
	json_object_object_foreach(stats->vectors, vector, counters) {
		uint64_t count = counter_of(counters, "interrupts");

		if (count || stats->all)
			printf("vector %s: interrupts %llu\n", vector,
			       (unsigned long long)count);
	}
	if (stats->rx_waits || stats->all)
		printf("readers: rx_waits %llu\n",
		       (unsigned long long)stats->rx_waits);
}

static int widest_name(struct json_object *peers)
{
	int width = strlen("NAME");

	json_object_object_foreach(peers, id, counters) {
		int length = strlen(stats_name(id));

		(void)counters;
		if (length > width)
			width = length;
	}
	return width;
}

static void print_table(const struct stats *stats)
{
	print_titles(stats);
	json_object_object_foreach(stats->peers, id, counters)
		print_row(stats, id, stats_name(id), counters);
	if (stats->vectors)
		print_row(stats, "total", "-", stats->totals);
}

static void print_rests(const struct stats *stats)
{
	char who[16 + CLEAN_SIZE];

	json_object_object_foreach(stats->peers, id, counters) {
		snprintf(who, sizeof(who), "%.8s (%s): ", id, stats_name(id));
		print_rest(stats, who, counters);
	}
	if (stats->vectors)
		print_rest(stats, "total: ", stats->totals);
}

void stats_print(struct stats *stats)
{
	stats->name_width = widest_name(stats->peers);
	print_table(stats);
	print_rests(stats);
	if (stats->vectors)
		print_vectors(stats);
}

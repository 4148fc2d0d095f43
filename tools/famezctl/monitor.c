// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include "famezctl.h"

static const char usage[] =
"monitor [options]\n"
"\n"
"Tells when peers come and go, an event a line: time, peer, its name, and what\n"
"happened: joined, up, down, left.\n"
"\n"
"  -c, --count N            end after so many, 0: never (default 0)\n"
"  -t, --timeout SECONDS    fail when none comes for so long (default: wait)\n"
"  -j, --json               a JSON object a line\n"
"  -h, --help               this\n";

struct settings {
	uint64_t count;
	uint32_t timeout_ms;
	bool json;
};

static void print_event(const struct famez_event *event, const char *now)
{
	if (event->type == FAMEZ_EVENT_OVERFLOW) {
		printf("%s some were missed; '%s peers' lists who is there\n",
		       now, program.name);
		return;
	}
	printf("%s %u (%s) %s", now, event->peer, name_of(event->peer),
	       event_name(event->type));
	if (event->generation)
		printf(", generation 0x%08x", event->generation);
	putchar('\n');
}

static void print_event_json(const struct famez_event *event, const char *now)
{
	struct json_object *o = json_object_new_object();

	json_string(o, "time", now);
	json_string(o, "event", event_name(event->type));
	if (event->type != FAMEZ_EVENT_OVERFLOW) {
		json_number(o, "peer", event->peer);
		json_string(o, "name", name_of(event->peer));
	}
	if (event->generation)
		json_number(o, "generation", event->generation);
	json_number(o, "epoch", event->epoch);
	print_json(o, true);
}

/* The time of day, or in full, as ISO 8601. */
static void tell_time(char *text, size_t size, bool full)
{
	struct timespec t;
	struct tm local;
	char day[40], zone[8];

	clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &local);
	strftime(day, sizeof(day), full ? "%FT%T" : "%T", &local);
	strftime(zone, sizeof(zone), full ? "%z" : "", &local);
	snprintf(text, size, "%s.%03ld%s", day, t.tv_nsec / 1000000,
		 full ? zone : "");
}

static void monitor(struct famez *handle, const struct settings *set)
{
	struct famez_event event;
	char now[64];
	uint64_t i;
	int error;

	for (i = 0; !set->count || i < set->count; i++) {
		error = famez_next_event(handle, &event);
		if (error == -ETIMEDOUT)
			die("no event within %g seconds",
			    set->timeout_ms / 1e3);
		if (error == -ENODEV)
			die("the switch or the device has gone; start it again");
		if (error)
			die("cannot get the next event: %s", error_text(error));
		tell_time(now, sizeof(now), set->json);
		/* the name is that of who had this id before */
		if (event.type == FAMEZ_EVENT_JOINED)
			name_forget(event.peer);
		names_update(handle);
		if (set->json)
			print_event_json(&event, now);
		else
			print_event(&event, now);
		flush_output();
	}
}

int cmd_monitor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct settings set = { };
	struct famez *handle;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'c':
			set.count = parse_number("--count", optarg, UINT64_MAX);
			break;
		case 't':
			set.timeout_ms = parse_seconds("--timeout", optarg) * 1e3;
			break;
		case 'j':
			set.json = true;
			break;
		}
	}
	if (optind != argc)
		die_usage("monitor takes no arguments, only options");
	handle = open_device(0);
	famez_set_timeout(handle, set.timeout_ms);
	names_update(handle);
	monitor(handle, &set);
	famez_close(handle);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* The lines of famezctl monitor. */
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include "monitor.h"

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

/* ---- Events --------------------------------------------------------------- */

static void event_text(const struct famez_event *event, const char *now)
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

static void event_json(const struct famez_event *event, const char *now)
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

void monitor_event(const struct famez_event *event, bool json)
{
	char now[64];

	tell_time(now, sizeof(now), json);
	if (json)
		event_json(event, now);
	else
		event_text(event, now);
	flush_output();
}

/* ---- Counters ------------------------------------------------------------- */

static void moved_text(const char *what, uint32_t number,
		       struct json_object *moved, const char *now)
{
	const char *separator = " ";

	if (!strcmp(what, "peers"))
		printf("%s %u (%s)", now, number, name_of(number));
	else
		printf("%s vector %u", now, number);
	json_object_object_foreach(moved, counter, by) {
		printf("%s%s +%llu", separator, counter, (unsigned long long)
		       json_object_get_uint64(by));
		separator = ", ";
	}
	putchar('\n');
}

static void moved_json(const char *what, uint32_t number,
		       struct json_object *moved, const char *now)
{
	struct json_object *o = json_object_new_object();

	json_string(o, "time", now);
	json_string(o, "event", "counters");
	if (!strcmp(what, "peers")) {
		json_number(o, "peer", number);
		json_string(o, "name", name_of(number));
	} else {
		json_number(o, "vector", number);
	}
	json_object_object_add(o, "moved", json_object_get(moved));
	print_json(o, true);
}

void monitor_moved(const char *what, uint32_t number, struct json_object *moved,
		   bool json)
{
	char now[64];

	tell_time(now, sizeof(now), json);
	if (json)
		moved_json(what, number, moved, now);
	else
		moved_text(what, number, moved, now);
	flush_output();
}

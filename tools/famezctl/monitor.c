// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "counters.h"
#include "monitor.h"

static const char usage[] =
"monitor [options]\n"
"\n"
"Tells when peers come and go, an event a line: time, peer, its name, and what\n"
"happened: joined, up, down, left.  In a guest, with --counters, also which of\n"
"the driver's counters have moved, a line for each peer and each vector.\n"
"\n"
"  -C, --counters SECONDS   look at the counters that often\n"
"  -c, --count N            end after so many lines, 0: never (default 0)\n"
"  -t, --timeout SECONDS    fail when none comes for so long (default: wait)\n"
"  -j, --json               a JSON object a line\n"
"  -h, --help               this\n";

#define NEVER	UINT64_MAX

/**
 * struct monitor - what is watched, and what was told
 * @handle: for the events
 * @json: tell it in JSON
 * @left: lines to tell yet, %NEVER: no end
 * @patience: how long to wait for one
 * @give_up: when that is over, in milliseconds
 * @dir: of the counters
 * @interval: between two looks at them, in milliseconds, 0: none
 * @look: when they are looked at next
 * @before: what they were
 */
struct monitor {
	struct famez *handle;
	bool json;
	uint64_t left;
	struct patience patience;
	uint64_t give_up;
	int dir;
	uint32_t interval;
	uint64_t look;
	struct json_object *before;
};

static uint64_t now_ms(void)
{
	return clock_ns() / 1000000;
}

static void expect_line(struct monitor *m)
{
	m->give_up = m->patience.timed ?
		     now_ms() + (uint64_t)ceil(m->patience.seconds * 1e3) :
		     NEVER;
}

static void line_told(struct monitor *m)
{
	if (m->left != NEVER)
		m->left--;
	expect_line(m);
}

static void tell_event(struct monitor *m, const struct famez_event *event)
{
	/* the name is that of who had this id before */
	if (event->type == FAMEZ_EVENT_JOINED)
		name_forget(event->peer);
	names_update(m->handle);
	monitor_event(event, m->json);
	line_told(m);
}

static void tell_moved(struct monitor *m, const char *what,
		       struct json_object *now)
{
	struct json_object *all = json_object_object_get(now, what);
	struct json_object *old = json_object_object_get(m->before, what);
	struct json_object *moved;

	json_object_object_foreach(all, number, counters) {
		moved = counters_moved(counters,
				       json_object_object_get(old, number));
		if (moved && m->left) {
			monitor_moved(what, strtoul(number, NULL, 10), moved,
				      m->json);
			line_told(m);
		}
		json_object_put(moved);
	}
}

static void look_at_counters(struct monitor *m)
{
	struct json_object *now = counters_read(m->dir);

	names_update(m->handle);
	tell_moved(m, "peers", now);
	tell_moved(m, "vectors", now);
	json_object_put(m->before);
	m->before = now;
	m->look = now_ms() + m->interval;
}

/* Waits for the next event, up to when something else is to be done. */
static int next_event(struct monitor *m, struct famez_event *event)
{
	uint64_t until = m->look < m->give_up ? m->look : m->give_up;
	uint64_t now = now_ms(), ms = 0;

	if (until != NEVER)
		ms = until > now ? until - now : 1;
	famez_set_timeout(m->handle, ms < UINT32_MAX ? ms : UINT32_MAX);
	return famez_next_event(m->handle, event);
}

static void monitor(struct monitor *m)
{
	struct famez_event event = { .size = sizeof(event) };
	int error;

	while (m->left) {
		error = next_event(m, &event);
		if (!error)
			tell_event(m, &event);
		else if (error == -ENODEV)
			die("the switch or the device has gone; start it again");
		else if (error != -ETIMEDOUT)
			die("cannot get the next event: %s", error_text(error));
		if (m->left && now_ms() >= m->look)
			look_at_counters(m);
		if (m->left && now_ms() >= m->give_up)
			die("no event within %g seconds", m->patience.seconds);
	}
}

static uint32_t parse_interval(const char *text)
{
	uint32_t ms = ceil(parse_seconds("--counters", text) * 1e3);

	if (!ms)
		die_usage("--counters '%s': expected more than 0 seconds", text);
	return ms;
}

int cmd_monitor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "counters", required_argument, NULL, 'C' },
		{ "count", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct monitor m = { .look = NEVER };
	uint64_t count = 0;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'C':
			m.interval = parse_interval(optarg);
			break;
		case 'c':
			count = parse_number("--count", optarg, UINT64_MAX);
			break;
		case 't':
			m.patience.timed = true;
			m.patience.seconds = parse_seconds("--timeout", optarg);
			break;
		case 'j':
			m.json = true;
			break;
		}
	}
	if (optind != argc)
		die_usage("monitor takes no arguments, only options");
	m.left = count ? count : NEVER;
	m.handle = open_device(0);
	names_update(m.handle);
	if (m.interval) {
		m.dir = counters_open(m.handle);
		m.before = counters_read(m.dir);
		m.look = now_ms() + m.interval;
	}
	expect_line(&m);
	monitor(&m);
	famez_close(m.handle);
	return 0;
}

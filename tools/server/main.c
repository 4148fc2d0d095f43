// SPDX-License-Identifier: GPL-2.0
/* famez-server: the switch of a fabric, from its start to its end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <famez/ring.h>

#include "server.h"

#define OTHER_FDS	32	/* standard ones, memory, loop, door, timers */

/*
 * An eventfd for each vector of each id, and for each client its socket and its
 * process; more than the usual limit of 1,024, soon.
 */
static bool check_descriptors(const struct plan *p)
{
	uint64_t ids = p->clients + 1;
	uint64_t need = ids * p->layout.vectors + 2 * ids + OTHER_FDS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return true;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (need <= limit.rlim_max)
		return true;
	complain("%u clients with %u vectors need %llu descriptors, and the limit (RLIMIT_NOFILE) is %llu; --vectors %llu would do",
		 p->clients, p->layout.vectors, (unsigned long long)need,
		 (unsigned long long)limit.rlim_max,
		 (unsigned long long)(limit.rlim_max > 2 * ids + OTHER_FDS ?
			(limit.rlim_max - 2 * ids - OTHER_FDS) / ids : 0));
	return false;
}

static bool make_loop(struct server *s)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	size_t i;
	int err;

	/* a reader of our output that went away is no reason to go */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	err = sd_event_new(&s->event);
	/* without a handler, a signal ends the loop */
	for (i = 0; err >= 0 && i < sizeof(ends) / sizeof(*ends); i++)
		err = sd_event_add_signal(s->event, NULL, ends[i], NULL, NULL);
	if (err < 0)
		complain("no event loop: %s", strerror(-err));
	return err >= 0;
}

static void say_ready(const struct server *s)
{
	const struct famez_layout *l = &s->plan.layout;
	char size[SIZE_TEXT], control[SIZE_TEXT], fam[SIZE_TEXT];
	static const char * const kinds[] = {
		[BACKING_SHM] = "POSIX shm", [BACKING_FILE] = "file",
		[BACKING_MEMFD] = "memfd", [BACKING_DAX] = "device-dax",
	};
	uint32_t longest = famez_ring_longest(s->plan.ring);

	say("famez-server: ready: socket %s, memory %s (%s, %s), %u clients, %u vectors, control area %s, FAM %s, longest message %u",
	    s->door.path, s->memory.name,
	    kinds[s->memory.kind],
	    size_text(size, s->memory.size), s->plan.clients, l->vectors,
	    size_text(control, l->fam_offset), size_text(fam, l->fam_size),
	    longest < FAMEZ_MESSAGE_MAX ? longest : FAMEZ_MESSAGE_MAX);
	if ((s->memory.kind == BACKING_FILE || s->memory.kind == BACKING_DAX) &&
	    !regions_kept(s))
		say("regions end with this switch: where the memory is, their file cannot be; --regions FILE names a place");
}

/*
 * The lock of the socket comes before the memory, and the socket itself last:
 * who connects finds all the rest.
 */
static bool start(struct server *s, const struct options *o)
{
	if (!door_lock(&s->door, o->socket) || !make_loop(s))
		return false;
	if (!memory_open(&s->memory, o, &s->plan))
		return false;
	/* the header tells what we answer */
	s->silent = o->silent;
	/* what is kept may not fit: then the memory stays as it was */
	if (regions_make(s, o) && control_write(s) && peers_make(s) &&
	    sync_start(s) && self_start(s, o) && door_open(s))
		return true;
	regions_undo(s);
	memory_undo(&s->memory);
	return false;
}

static void stop(struct server *s)
{
	if (s->memory.map)
		self_stop(s);
	sync_stop(s);
	if (s->memory.map)
		memory_close(&s->memory);
	clients_free(s);
	peers_free(s);
	directory_free(s);
	regions_free(s);
	/* its lock is the last to go: the next switch finds nothing of ours */
	door_close(&s->door);
	sd_event_source_disable_unref(s->service);
	sd_event_source_disable_unref(s->ticks);
	sd_event_unref(s->event);
}

int main(int argc, char **argv)
{
	static struct server server;
	struct options options;
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	code = options_read(&options, argc, argv);
	if (code != -1)
		return code;
	log_level(options.level);
	TAILQ_INIT(&server.clients);
	TAILQ_INIT(&server.processes);
	TAILQ_INIT(&server.replies);
	if (!plan_options(&server.plan, &options) ||
	    !check_descriptors(&server.plan))
		return EXIT_FAILURE;
	code = EXIT_FAILURE;
	if (start(&server, &options)) {
		say_ready(&server);
		/* no more than a courtesy where nobody asked for it */
		sd_notifyf(0, "READY=1\nSTATUS=%u clients at most, memory %s",
			   server.plan.clients, server.memory.name);
		code = sd_event_loop(server.event) < 0 ? EXIT_FAILURE :
		       EXIT_SUCCESS;
	}
	sd_notify(0, "STOPPING=1");
	stop(&server);
	return code;
}

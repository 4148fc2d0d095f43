// SPDX-License-Identifier: GPL-2.0
/*
 * Peers' flushes: what was written to FAM before one is on the disk when it is answered.
 *
 * A sync may take as long as a disk does, so a thread of its own waits for it.  One serves
 * all who have asked by then.  What it and the loop share is under the lock; of each peer,
 * one request, as its driver has no more, and who asks again has given up the first.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server.h"

/** struct flush - of one peer; cookies are as they came, 0: none */
struct flush {
	uint64_t asked;		/* the next sync is for it */
	uint64_t running;	/* the one that runs is */
	struct famez_flush answer;	/* to be sent, unless its cookie is 0 */
};

struct sync {
	pthread_t thread;
	bool started;
	int memory;
	int doorbell;		/* eventfd: there are answers */
	uint32_t peers;
	sd_event_source *source;
	pthread_mutex_t lock;	/* all that follows */
	pthread_cond_t wanted;
	struct flush *flushes;	/* by id */
	bool asked;
	bool end;
};

/* ---- The thread ----------------------------------------------------------------------- */

/* Under the lock.  Return: false at the end */
static bool await_work(struct sync *y)
{
	uint32_t id;

	while (!y->asked && !y->end)
		pthread_cond_wait(&y->wanted, &y->lock);
	y->asked = false;
	for (id = 0; id < y->peers; id++) {
		y->flushes[id].running = y->flushes[id].asked;
		y->flushes[id].asked = 0;
	}
	return !y->end;
}

static void finish_work(struct sync *y, int error)
{
	uint32_t id;

	for (id = 0; id < y->peers; id++) {
		struct flush *f = &y->flushes[id];

		if (!f->running)
			continue;
		f->answer = (struct famez_flush){
			.cookie = f->running, .error = htole32(error),
		};
		f->running = 0;
	}
}

static void *run(void *data)
{
	struct sync *y = data;
	int error;

	pthread_mutex_lock(&y->lock);
	while (await_work(y)) {
		pthread_mutex_unlock(&y->lock);
		error = fdatasync(y->memory) ? errno : 0;
		if (error)
			complain("the memory cannot be synced: %s", strerror(error));
		pthread_mutex_lock(&y->lock);
		finish_work(y, error);
		eventfd_write(y->doorbell, 1);
	}
	pthread_mutex_unlock(&y->lock);
	return NULL;
}

/* ---- The loop ------------------------------------------------------------------------- */

void sync_ask(struct server *s, uint32_t peer, const struct famez_flush *request)
{
	struct sync *y = s->sync;

	pthread_mutex_lock(&y->lock);
	y->flushes[peer].asked = request->cookie;
	y->asked = true;
	pthread_cond_signal(&y->wanted);
	pthread_mutex_unlock(&y->lock);
}

/* It asks for more than we know. */
void sync_refuse(struct server *s, uint32_t peer, const struct famez_flush *request)
{
	struct sync *y = s->sync;

	pthread_mutex_lock(&y->lock);
	y->flushes[peer].answer = (struct famez_flush){
		.cookie = request->cookie, .error = htole32(EINVAL),
	};
	pthread_mutex_unlock(&y->lock);
	/* who was just read from is answered when that is done */
	self_wake(s);
}

/* Return: what is to be sent to a peer, with a cookie of 0: nothing */
static struct famez_flush take_answer(struct sync *y, uint32_t id)
{
	struct famez_flush answer;

	pthread_mutex_lock(&y->lock);
	answer = y->flushes[id].answer;
	y->flushes[id].answer.cookie = 0;
	pthread_mutex_unlock(&y->lock);
	return answer;
}

/* There was no room for it: unless there is a newer one by now, it goes later. */
static void keep_answer(struct sync *y, uint32_t id, const struct famez_flush *answer)
{
	pthread_mutex_lock(&y->lock);
	if (!y->flushes[id].answer.cookie)
		y->flushes[id].answer = *answer;
	pthread_mutex_unlock(&y->lock);
}

void sync_look(struct server *s)
{
	struct famez_flush answer;
	uint32_t id;

	for (id = 0; s->fabric && id < s->sync->peers; id++) {
		answer = take_answer(s->sync, id);
		if (answer.cookie &&
		    famez_fabric_flushed(s->fabric, id, &answer) == -EAGAIN)
			keep_answer(s->sync, id, &answer);
	}
}

static int on_answers(sd_event_source *source, int fd, uint32_t events, void *context)
{
	eventfd_t count;

	(void)source;
	(void)events;
	eventfd_read(fd, &count);
	sync_look(context);
	return 0;
}

/* ---- Start and end -------------------------------------------------------------------- */

bool sync_start(struct server *s)
{
	struct sync *y = calloc(1, sizeof(*y));
	int err;

	s->sync = y;
	if (!y)
		goto no_memory;
	y->memory = s->memory.shared;
	y->peers = s->plan.layout.peers.count;
	y->flushes = calloc(y->peers, sizeof(*y->flushes));
	y->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&y->lock, NULL);
	pthread_cond_init(&y->wanted, NULL);
	if (!y->flushes || y->doorbell < 0 ||
	    sd_event_add_io(s->event, &y->source, y->doorbell, EPOLLIN, on_answers, s) < 0)
		goto no_memory;
	err = pthread_create(&y->thread, NULL, run, y);
	y->started = !err;
	if (y->started)
		return true;
	complain("no thread for syncs: %s", strerror(err));
	return false;
no_memory:
	complain("out of memory");
	return false;
}

void sync_stop(struct server *s)
{
	struct sync *y = s->sync;

	if (!y)
		return;
	pthread_mutex_lock(&y->lock);
	y->end = true;
	pthread_cond_signal(&y->wanted);
	pthread_mutex_unlock(&y->lock);
	if (y->started)
		pthread_join(y->thread, NULL);
	sd_event_source_disable_unref(y->source);
	if (y->doorbell >= 0)
		close(y->doorbell);
	free(y->flushes);
	free(y);
	s->sync = NULL;
}

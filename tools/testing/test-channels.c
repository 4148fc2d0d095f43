// SPDX-License-Identifier: GPL-2.0
/*
 * Channels on first use, by libfamez on a real switch that has too few for all pairs:
 * who asks gets them while there are some, and what the dead had is given again when
 * the living have let go of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <famez.h>
#include <famez/directory.h>
#include "plan.h"
#include "switch.h"

#define CLIENTS		63
#define SIZE		"8M"
#define CHANNELS	(CLIENTS * 16)			/* what the switch plans */
#define PAIRS		((CHANNELS - 2 * CLIENTS) / 2)	/* left for clients */
#define CROWD		32				/* has more pairs than that */
#define HANG_S		120

static struct switch_process sw;

static int setup(void **state)
{
	(void)state;
	return start_switch(&sw, SIZE, "63", "1");
}

static int teardown(void **state)
{
	(void)state;
	return stop_switch(&sw, SIGTERM);
}

/* ---- Peers ----------------------------------------------------------------------- */

struct member {
	struct famez *f;
	uint32_t id;
	uint32_t got;	/* messages */
};

static void join(struct member *m, int flags)
{
	struct famez_info info = { .size = sizeof(info) };

	assert_int_equal(famez_open(&m->f, sw.path, flags), 0);
	assert_int_equal(famez_get_info(m->f, &info), 0);
	m->id = info.id;
	m->got = 0;
}

/* Does what there is to do, and counts what came. */
static void serve(struct member *m)
{
	uint32_t from, text;
	size_t size;
	int err;

	while (!(err = famez_recv(m->f, &from, &text, sizeof(text), &size))) {
		assert_int_equal(size, sizeof(text));
		assert_int_equal(text, from << 16 | m->id);
		m->got++;
	}
	assert_int_equal(err, -EAGAIN);
}

/* Sends, with the other end at work. */
static int say(struct member *from, struct member *to)
{
	uint32_t text = from->id << 16 | to->id;
	time_t end = time(NULL) + HANG_S;
	int err;

	do {
		err = famez_send(from->f, to->id, &text, sizeof(text));
		serve(from);
		serve(to);
	} while (err == -EAGAIN && time(NULL) < end);
	return err;
}

/* One message in each pair.  Return: pairs that had a channel */
static uint32_t all_pairs(struct member *crowd, uint32_t n)
{
	uint32_t i, j, got = 0, pairs = 0;
	int err;

	for (i = 0; i < n; i++) {
		for (j = i + 1; j < n; j++) {
			err = say(&crowd[i], &crowd[j]);
			pairs += !err;
			if (err)
				assert_int_equal(err, -ENOBUFS);
		}
	}
	for (i = 0; i < n; i++) {
		serve(&crowd[i]);
		got += crowd[i].got;
	}
	assert_int_equal(got, pairs);
	return pairs;
}

/* ---- A crowd, in a process that can be killed ---------------------------------------- */

struct crowd {
	pid_t pid;
	int in;		/* to it: anything: end */
	int out;	/* from it: its numbers */
};

static void crowd_main(uint32_t *message_to, int in, int out)
{
	struct member crowd[CROWD];
	struct pollfd p = { .fd = in, .events = POLLIN };
	uint32_t i, pairs;

	alarm(HANG_S);
	for (i = 0; i < CROWD; i++)
		join(&crowd[i], FAMEZ_NONBLOCK);
	/* the first of it has its channel with somebody outside before all others */
	if (message_to) {
		uint32_t text = crowd[0].id << 16 | *message_to;
		int err;

		do {
			err = famez_send(crowd[0].f, *message_to, &text,
					 sizeof(text));
			serve(&crowd[0]);
		} while (err == -EAGAIN);
		assert_int_equal(err, 0);
	}
	pairs = all_pairs(crowd, CROWD);
	if (write(out, &pairs, sizeof(pairs)) != sizeof(pairs))
		end_child(1);
	poll(&p, 1, -1);
	end_child(0);
}

static void crowd_start(struct crowd *c, uint32_t *message_to)
{
	int in[2], out[2];

	assert_int_equal(pipe(in) | pipe(out), 0);
	c->pid = fork();
	if (!c->pid) {
		close(in[1]);
		close(out[0]);
		crowd_main(message_to, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
}

/* Does what there is to do, and reads nothing. */
static void glance(struct member *m)
{
	struct famez_peer_info *peers;
	size_t count;

	assert_int_equal(famez_get_peers(m->f, &peers, &count, sizeof(*peers)), 0);
	free(peers);
}

/* While @m works. */
static uint32_t crowd_pairs(struct crowd *c, struct member *m,
			    void (*work)(struct member *))
{
	struct pollfd p[2] = {
		{ .fd = c->out, .events = POLLIN },
		{ .fd = m ? famez_fd(m->f) : -1, .events = POLLIN },
	};
	uint32_t pairs = 0;

	do {
		assert_true(poll(p, 2, HANG_S * 1000) > 0);
		if (p[1].revents)
			work(m);
	} while (!p[0].revents);
	assert_int_equal(read(c->out, &pairs, sizeof(pairs)), sizeof(pairs));
	return pairs;
}

static void crowd_kill(struct crowd *c)
{
	int status;

	kill(c->pid, SIGKILL);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->in);
	close(c->out);
}

/* ---- The tests ------------------------------------------------------------------------ */

/* Nobody has a channel to anyone but the switch, until he wants one. */
static void test_first_use(void **state)
{
	struct member one, two;
	struct famez_info info = { .size = sizeof(info) };
	uint64_t ns;

	(void)state;
	join(&one, FAMEZ_NONBLOCK);
	join(&two, FAMEZ_NONBLOCK);
	assert_int_equal(famez_get_info(one.f, &info), 0);
	assert_int_equal(famez_ping(one.f, info.server_id, 1000 * HANG_S, &ns),
			 0);
	/* it is asked for, and comes while nobody waits */
	assert_int_equal(famez_send(one.f, two.id, "xxxx", 4), -EAGAIN);
	assert_int_equal(say(&one, &two), 0);
	assert_int_equal(two.got, 1);
	/* the way back is there as well */
	assert_int_equal(say(&two, &one), 0);
	assert_int_equal(one.got, 1);
	famez_close(one.f);
	famez_close(two.f);
}

/* Another process, to which one speaks first: it answers, hears the last word, and goes. */
static void speak(struct member *one)
{
	struct famez_event event = { .size = sizeof(event) };
	struct member echo;
	char text[4];
	uint32_t from;
	size_t size;
	int ids[2], status;
	pid_t pid;

	assert_int_equal(pipe(ids), 0);
	pid = fork();
	if (!pid) {
		alarm(HANG_S);
		join(&echo, 0);
		if (write(ids[1], &echo.id, sizeof(echo.id)) < 0 ||
		    famez_recv(echo.f, &from, text, sizeof(text), &size) ||
		    famez_send(echo.f, from, text, size) ||
		    famez_recv(echo.f, &from, text, sizeof(text), &size))
			end_child(1);
		famez_close(echo.f);
		end_child(0);
	}
	assert_int_equal(read(ids[0], &echo.id, sizeof(echo.id)),
			 sizeof(echo.id));
	/* what is sent before that is for its predecessor */
	do {
		assert_int_equal(famez_next_event(one->f, &event), 0);
	} while (event.peer != echo.id || event.type != FAMEZ_EVENT_UP);
	assert_int_equal(famez_send(one->f, echo.id, "here", 4), 0);
	assert_int_equal(famez_recv(one->f, &from, text, sizeof(text), &size),
			 0);
	assert_memory_equal(text, "here", 4);
	assert_int_equal(famez_send(one->f, echo.id, "bye", 4), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ids[0]);
	close(ids[1]);
}

/*
 * Who sleeps for a channel wakes when it is there.  That of the next one is new, most
 * often with the same id; nothing of the former was lost, and nothing is told of that.
 */
static void test_blocking(void **state)
{
	struct member one;
	int i;

	(void)state;
	join(&one, 0);
	for (i = 0; i < 20; i++)
		speak(&one);
	famez_close(one.f);
}

/*
 * A crowd takes all there are; another gets none, but for the switch; and when the
 * crowd is dead it gets them.
 */
static void test_exhausted(void **state)
{
	struct member one, two;
	struct famez_info info = { .size = sizeof(info) };
	struct crowd crowd;
	uint64_t ns;

	(void)state;
	crowd_start(&crowd, NULL);
	assert_int_equal(crowd_pairs(&crowd, NULL, NULL), PAIRS);
	join(&one, FAMEZ_NONBLOCK);
	join(&two, 0);
	assert_int_equal(say(&one, &one) == -EINVAL, true);
	assert_int_equal(famez_get_info(one.f, &info), 0);
	assert_int_equal(famez_ping(one.f, info.server_id, 1000 * HANG_S, &ns),
			 0);
	/* who may sleep is told as well */
	assert_int_equal(famez_send(two.f, one.id, "xxxx", 4), -ENOBUFS);
	famez_close(two.f);
	join(&two, FAMEZ_NONBLOCK);
	assert_int_equal(say(&one, &two), -ENOBUFS);
	assert_int_equal(say(&one, &two), -ENOBUFS);
	crowd_kill(&crowd);
	/* the switch hears of its end by and by */
	while (say(&one, &two) == -ENOBUFS)
		;
	assert_int_equal(two.got, 1);
	famez_close(one.f);
	famez_close(two.f);
}

/* What the dead had sent is read; their channels are not given again before. */
static void test_let_go(void **state)
{
	struct crowd crowd;
	struct member one;
	uint32_t pairs;

	(void)state;
	join(&one, FAMEZ_NONBLOCK);
	crowd_start(&crowd, &one.id);
	/* it takes the channel up */
	pairs = crowd_pairs(&crowd, &one, glance);
	assert_int_equal(pairs, PAIRS - 1);
	crowd_kill(&crowd);
	/* the next one has all but what we still hold */
	crowd_start(&crowd, NULL);
	pairs = crowd_pairs(&crowd, NULL, NULL);
	assert_int_equal(pairs, PAIRS - 1);
	crowd_kill(&crowd);
	serve(&one);
	assert_int_equal(one.got, 1);
	crowd_start(&crowd, NULL);
	assert_int_equal(crowd_pairs(&crowd, &one, serve), PAIRS);
	crowd_kill(&crowd);
	famez_close(one.f);
}

/* The memory of the switch. */
static uint8_t *map_memory(size_t *size)
{
	char name[64];
	void *memory;
	int fd;

	backing_name(name, sizeof(name), sw.pid);
	fd = shm_open(name, O_RDWR, 0);
	assert_true(fd >= 0);
	*size = lseek(fd, 0, SEEK_END);
	memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	close(fd);
	return memory;
}

/* A stranger takes all entries of a peer out of the directory, and has it look. */
static void spoil(uint32_t id)
{
	struct famez_peer *record;
	struct famez_layout l;
	struct famez_header h;
	struct famez_span span;
	size_t size, n = 0;
	uint8_t *memory = map_memory(&size);
	uint32_t i;

	memcpy(&h, memory + FAMEZ_HEADER_OFFSET, sizeof(h));
	assert_int_equal(famez_layout_read(&l, &h, size), 0);
	for (i = 0; i < l.directory.count; i++) {
		struct famez_direntry *e = (void *)(memory +
			l.directory.offset + i * l.directory.stride);

		if (!famez_directory_read(&l, memory, i, id, &span))
			continue;
		famez_store(&e->size, 0);
		n++;
	}
	assert_true(n >= 4);
	record = (void *)(memory + l.peers.offset + id * l.peers.stride);
	famez_store_release(&record->channels_epoch,
			    famez_load(&record->channels_epoch) + 100);
	munmap(memory, size);
}

/*
 * What is missing in the directory is not used; when the switch has put it right, all
 * goes on where it was: what was read does not come again, and nothing is lost.
 */
static void test_spoilt(void **state)
{
	struct member one, two, three;
	struct famez_info info = { .size = sizeof(info) };
	uint64_t ns;
	int i;

	(void)state;
	join(&one, FAMEZ_NONBLOCK);
	join(&two, FAMEZ_NONBLOCK);
	join(&three, FAMEZ_NONBLOCK);
	assert_int_equal(famez_get_info(one.f, &info), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(say(&one, &two), 0);
		assert_int_equal(say(&two, &one), 0);
	}
	spoil(one.id);
	/* a ring has it read the directory; and it asks the switch, who puts that right */
	assert_int_equal(say(&two, &one), 0);
	assert_int_equal(say(&one, &three), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(say(&one, &two), 0);
		assert_int_equal(say(&two, &one), 0);
	}
	assert_int_equal(famez_ping(one.f, info.server_id, 1000 * HANG_S, &ns),
			 0);
	serve(&one);
	assert_int_equal(one.got, 11);
	assert_int_equal(two.got, 10);
	assert_int_equal(three.got, 1);
	famez_close(one.f);
	famez_close(two.f);
	famez_close(three.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocking, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhausted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_let_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spoilt, setup, teardown),
	};

	return RUN_PLAN("channels", tests);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of the device in many hands: dup, fork, Unix sockets, threads,
 * processes, and those that are killed.  Runs in a guest; a peer sends every
 * message back (famez-flood -e).
 *
 * test-files ECHO-ID [MESSAGES]
 * test-files hold flight|mapping: holds nothing of the device but this, says
 * "holding", and waits to be killed
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

static uint32_t messages = 500;

static int exit_code(pid_t child)
{
	int status;

	assert_true(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Files passed on ---------------------------------------------------------- */

static void pass(int sock, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	struct iovec byte = { "", 1 };
	struct msghdr m = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(sock, &m, 0), 1);
}

static int passed(int sock)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char data;
	struct iovec byte = { &data, 1 };
	struct msghdr m = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &m, 0) != 1)
		return -1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void test_dup(void **state)
{
	int fd = open_device(0), other = dup(fd);

	(void)state;
	close(fd);
	provoke(other, "dup");
	take(other, "dup");
	close(other);
}

/* The message that one of them provokes, the other may have. */
static void test_fork(void **state)
{
	int fd = open_device(0);
	pid_t child = fork();

	(void)state;
	if (!child)
		_exit(send_to(fd, echo_id, "by the child", 12));
	take(fd, "by the child");
	assert_int_equal(exit_code(child), 0);
	child = fork();
	if (!child) {
		char data[16];
		uint32_t peer, length;

		_exit(recv_from(fd, &peer, data, 16, &length) || length != 13 ||
		      memcmp(data, "by the parent", 13));
	}
	assert_int_equal(send_to(fd, echo_id, "by the parent", 13), 0);
	/* the child's close, at its end, is not the last one */
	assert_int_equal(exit_code(child), 0);
	provoke(fd, "still open");
	take(fd, "still open");
	close(fd);
}

/* Another process has a file from a socket alone, opened by one that is dead. */
static void test_unix_socket(void **state)
{
	int pair[2];
	pid_t child;
	int fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	if (!child) {
		pass(pair[0], open(DEVICE, O_RDWR));
		_exit(0);
	}
	assert_int_equal(exit_code(child), 0);
	fd = passed(pair[1]);
	assert_true(fd >= 0);
	provoke(fd, "passed on");
	take(fd, "passed on");
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* O_NONBLOCK is the file's, and so of all who share it. */
static void test_fcntl(void **state)
{
	int fd = open_device(0), other = dup(fd);
	uint32_t peer, length;
	char data[16];

	(void)state;
	assert_int_equal(fcntl(other, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(recv_from(fd, &peer, data, 16, &length), EAGAIN);
	assert_int_equal(read(fd, data, 16), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(send_to(other, echo_id, "waited for", 10), 0);
	take(other, "waited for");
	assert_int_equal(lseek(fd, 0, SEEK_CUR), -1);
	assert_int_equal(errno, ESPIPE);
	close(fd);
	close(other);
}

/* Across an exec there is nothing but what was asked for. */
static void test_exec(void **state)
{
	int fd = open_device(0), shut = open_device(O_CLOEXEC);
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "[ -e /proc/self/fd/%d ] && [ ! -e /proc/self/fd/%d ]",
		 fd, shut);
	assert_int_equal(system(command), 0);
	close(fd);
	close(shut);
}

/* ---- Many at once ---------------------------------------------------------------- */

enum {
	SENDERS = 4,	/* each kind: threads, and processes */
	READERS = 4,
	KINDS = 2,
	STOP = 0xffffffff,
};

struct tag {
	uint32_t sender;
	uint32_t number;
};

/* In memory that all processes share: how often each message came. */
struct tally {
	atomic_uint bad;
	atomic_uint times[];
};

struct worker {
	struct tally *tally;
	int fd;
	uint32_t sender;
};

static void send_tagged(struct worker *w)
{
	for (uint32_t i = 0; i < messages; i++) {
		struct tag tag = { w->sender, i };

		if (send_to(w->fd, echo_id, &tag, sizeof(tag)))
			w->tally->bad++;
	}
}

static void receive_tagged(struct worker *w)
{
	uint32_t peer, length;
	struct tag tag;

	for (;;) {
		if (recv_from(w->fd, &peer, &tag, sizeof(tag), &length) ||
		    length != sizeof(tag) || peer != echo_id) {
			w->tally->bad++;
			return;
		}
		if (tag.sender == STOP)
			return;
		if (tag.sender < KINDS * SENDERS && tag.number < messages)
			w->tally->times[tag.sender * messages + tag.number]++;
		else
			w->tally->bad++;
	}
}

static void *sender_thread(void *worker)
{
	send_tagged(worker);
	return NULL;
}

static void *reader_thread(void *worker)
{
	receive_tagged(worker);
	return NULL;
}

static pid_t start_process(void (*work)(struct worker *w), struct worker *w)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		work(w);
		_exit(0);
	}
	return child;
}

/* Whether all use one file, or each has one of its own. */
static int file_for(int shared)
{
	return shared >= 0 ? shared : open_device(0);
}

static void many(int shared)
{
	size_t size = sizeof(struct tally) +
		      KINDS * SENDERS * messages * sizeof(atomic_uint);
	struct tally *tally = mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t sender[SENDERS], reader[READERS];
	pid_t sending[SENDERS], reading[READERS];
	struct worker w[KINDS * (SENDERS + READERS)];
	struct tag stop = { STOP, 0 };
	int control = file_for(shared);
	uint32_t i;

	assert_true(tally != MAP_FAILED);
	for (i = 0; i < KINDS * (SENDERS + READERS); i++)
		w[i] = (struct worker) { tally, file_for(shared), i };
	for (i = 0; i < SENDERS; i++)
		sending[i] = start_process(send_tagged, &w[i]);
	for (i = 0; i < READERS; i++)
		reading[i] = start_process(receive_tagged,
					   &w[KINDS * SENDERS + i]);
	for (i = 0; i < SENDERS; i++)
		pthread_create(&sender[i], NULL, sender_thread,
			       &w[SENDERS + i]);
	for (i = 0; i < READERS; i++)
		pthread_create(&reader[i], NULL, reader_thread,
			       &w[KINDS * SENDERS + READERS + i]);
	for (i = 0; i < SENDERS; i++) {
		assert_int_equal(exit_code(sending[i]), 0);
		pthread_join(sender[i], NULL);
	}
	/* behind all others: a word for each reader */
	for (i = 0; i < KINDS * READERS; i++)
		assert_int_equal(send_to(control, echo_id, &stop, sizeof(stop)),
				 0);
	for (i = 0; i < READERS; i++) {
		assert_int_equal(exit_code(reading[i]), 0);
		pthread_join(reader[i], NULL);
	}
	assert_int_equal(tally->bad, 0);
	for (i = 0; i < KINDS * SENDERS * messages; i++)
		assert_int_equal(tally->times[i], 1);
	munmap(tally, size);
	for (i = 0; i < KINDS * (SENDERS + READERS) && shared < 0; i++)
		close(w[i].fd);
	close(control);
}

static void test_one_file(void **state)
{
	(void)state;
	many(open_device(0));
}

static void test_many_files(void **state)
{
	(void)state;
	many(-1);
}

/* ---- Sleepers ------------------------------------------------------------------------ */

struct sleeper {
	int fd;
	atomic_int tid;
	int err;
	char data[16];
	uint32_t length;
};

/* Waits until a thread sleeps; it says its id right before it does. */
static void asleep(pid_t tid)
{
	char path[64], line[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	for (;;) {
		int fd = open(path, O_RDONLY);

		assert_true(fd >= 0);
		assert_true(read(fd, line, sizeof(line) - 1) > 0);
		close(fd);
		if (!strncmp(strrchr(line, ')'), ") S", 3))
			return;
		sched_yield();
	}
}

static void *sleep_in_recv(void *argument)
{
	struct sleeper *s = argument;
	uint32_t peer;

	s->tid = gettid();
	s->err = recv_from(s->fd, &peer, s->data, sizeof(s->data), &s->length);
	return NULL;
}

static pthread_t start_sleeper(struct sleeper *s)
{
	pthread_t thread;

	s->tid = 0;
	pthread_create(&thread, NULL, sleep_in_recv, s);
	while (!s->tid)
		sched_yield();
	asleep(s->tid);
	return thread;
}

static void nothing(int signal)
{
	(void)signal;
}

/* Closed under a sleeper, which goes on: to its message, or to a signal. */
static void test_close_while_asleep(void **state)
{
	struct sigaction action = { .sa_handler = nothing };
	struct sleeper s = { .fd = open_device(0) };
	int fd = open_device(0);
	pthread_t thread;

	(void)state;
	thread = start_sleeper(&s);
	close(s.fd);
	assert_int_equal(send_to(fd, echo_id, "awake", 5), 0);
	pthread_join(thread, NULL);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.length, 5);
	assert_memory_equal(s.data, "awake", 5);
	sigaction(SIGUSR1, &action, NULL);
	s.fd = open_device(0);
	thread = start_sleeper(&s);
	close(s.fd);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	assert_int_equal(s.err, EINTR);
	close(fd);
}

static void recv_sleep(int fd)
{
	uint32_t peer, length;

	recv_from(fd, &peer, &fd, sizeof(fd), &length);
}

static void read_sleep(int fd)
{
	char data[16];

	if (read(fd, data, sizeof(data)))
		_exit(1);
}

static void event_sleep(int fd)
{
	struct famez_event e = { .size = sizeof(e) };

	call(fd, FAMEZ_IOC_EVENT, &e);
}

static void poll_sleep(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI };

	poll(&p, 1, -1);
}

/* SIGKILL ends every sleep, and takes no message along. */
static void test_kill(void **state)
{
	static void (* const sleeps[])(int fd) = {
		recv_sleep, read_sleep, event_sleep, poll_sleep,
	};
	enum { SLEEPS = sizeof(sleeps) / sizeof(sleeps[0]) };
	int fd = open_device(0), ready[2], status;
	pid_t child[SLEEPS];
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	for (int i = 0; i < SLEEPS; i++) {
		child[i] = fork();
		if (!child[i]) {
			if (write(ready[1], "", 1) == 1)
				sleeps[i](fd);
			_exit(1);
		}
		assert_int_equal(read(ready[0], &byte, 1), 1);
		asleep(child[i]);
	}
	for (int i = 0; i < SLEEPS; i++) {
		assert_int_equal(kill(child[i], SIGKILL), 0);
		assert_true(waitpid(child[i], &status, 0) == child[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
	provoke(fd, "who is left?");
	take(fd, "who is left?");
	close(ready[0]);
	close(ready[1]);
	close(fd);
}

/* ---- Holding the device ------------------------------------------------------------------ */

static int hold(const char *what)
{
	int fd = open(DEVICE, O_RDWR), pair[2];

	if (!strcmp(what, "mapping")) {
		if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
			return 1;
	} else {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			return 1;
		pass(pair[0], fd);
	}
	close(fd);
	printf("holding\n");
	fflush(stdout);
	pause();
	return 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_fcntl),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_one_file),
		cmocka_unit_test(test_many_files),
		cmocka_unit_test(test_close_while_asleep),
		cmocka_unit_test(test_kill),
	};

	if (argc == 3 && !strcmp(argv[1], "hold"))
		return hold(argv[2]);
	if (argc < 2) {
		fprintf(stderr, "usage: test-files ECHO-ID [MESSAGES]\n");
		return 2;
	}
	echo_id = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		messages = strtoul(argv[2], NULL, 0);
	return RUN_PLAN("files", tests);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that use the bridge in every way while it goes away: each must be
 * told, none may hang.
 *
 * test-gone PEER [quiet]: says "ready" when all are at it, then waits for their
 * end.  PEER is up, and nobody reads its messages.  "quiet" leaves out the one
 * whom others ring all the time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/famez.h>

#define DEVICE	"/dev/famez_bridge"

static uint32_t peer;

static int send_to(int fd, uint32_t to, int flags)
{
	char data[4096] = "";
	struct famez_msg m = {
		.size = sizeof(m), .flags = flags, .peer = to,
		.length = sizeof(data), .data = (uintptr_t)data,
	};

	return ioctl(fd, FAMEZ_IOC_SEND, &m) ? errno : 0;
}

static int sleep_in_recv(int fd)
{
	char data[16];
	struct famez_msg m = {
		.size = sizeof(m), .length = sizeof(data),
		.data = (uintptr_t)data,
	};

	return ioctl(fd, FAMEZ_IOC_RECV, &m) && errno == ENODEV;
}

static int sleep_in_read(int fd)
{
	char data[16];

	return read(fd, data, sizeof(data)) < 0 && errno == ENODEV;
}

static int sleep_in_send(int fd)
{
	int err;

	do {
		err = send_to(fd, peer, 0);
	} while (!err);
	return err == ENODEV;
}

static int sleep_in_event(int fd)
{
	struct famez_event e = { .size = sizeof(e) };
	int err;

	do {
		err = ioctl(fd, FAMEZ_IOC_EVENT, &e) ? errno : 0;
	} while (!err);
	return err == ENODEV;
}

static int sleep_in_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	do {
		if (poll(&p, 1, -1) != 1)
			return 0;
	} while (!(p.revents & POLLHUP));
	return p.revents & POLLERR;
}

static int traffic(int fd)
{
	struct famez_ping p = {
		.size = sizeof(p), .peer = FAMEZ_DEST_SERVER,
		.timeout_ms = 3600000,
	};
	int err;

	do {
		err = ioctl(fd, FAMEZ_IOC_PING, &p) ? errno : 0;
	} while (!err);
	return err == ENODEV;
}

static sigjmp_buf out;

static void on_bus(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static int mapping(int fd)
{
	struct sigaction action = { .sa_handler = on_bus };
	volatile unsigned char *at;

	at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return 0;
	close(fd);	/* the mapping holds the device, too */
	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(out, 1))
		return 1;
	for (;;)
		for (unsigned int i = 0; i < 1 << 20; i += 4096)
			at[i]++;
}

static int (* const users[])(int fd) = {
	sleep_in_recv, sleep_in_read, sleep_in_send, sleep_in_event,
	sleep_in_poll, mapping, traffic,
};

int main(int argc, char **argv)
{
	enum { USERS = sizeof(users) / sizeof(users[0]) };
	int i, status, bad = 0, n = argc == 3 ? USERS - 1 : USERS;
	pid_t pid[USERS], child;

	if (argc < 2)
		return 2;
	peer = strtoul(argv[1], NULL, 0);
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int fd = open(DEVICE, O_RDWR);

			/* a hang is a failure, too, but a slow one */
			alarm(600);
			_exit(fd < 0 || !users[i](fd));
		}
	}
	/* the last to get there is the one that must fill a channel first */
	for (i = 0; i < 3; i++) {
		int fd = open(DEVICE, O_RDWR);

		while (send_to(fd, peer, FAMEZ_MSG_DONTWAIT) != EAGAIN)
			usleep(1000);
		close(fd);
		usleep(50000);
	}
	printf("ready\n");
	fflush(stdout);
	while ((child = wait(&status)) > 0) {
		for (i = 0; pid[i] != child; i++)
			;
		if (!status)
			continue;
		printf("user %d was not told: status %x\n", i, status);
		bad = 1;
	}
	printf("gone %s\n", bad ? "badly" : "well");
	return bad;
}

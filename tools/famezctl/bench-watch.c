// SPDX-License-Identifier: GPL-2.0
/*
 * Notices when the other side is silent. A timeout for each call would be
 * measured, too: so a timer looks now and then whether anything has moved.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include "bench.h"

static volatile sig_atomic_t moved, silent;

static void look(int sig)
{
	(void)sig;
	silent = !moved;
	moved = 0;
}

static void tick(time_t seconds)
{
	struct itimerval interval = {
		.it_interval.tv_sec = seconds,
		.it_value.tv_sec = seconds,
	};

	setitimer(ITIMER_REAL, &interval, NULL);
}

void watch_begin(void)
{
	/* no SA_RESTART: who sleeps for ever is to wake up */
	struct sigaction action = { .sa_handler = look };

	sigaction(SIGALRM, &action, NULL);
	silent = 0;
	moved = 1;
	tick(BENCH_SILENCE / 2);
}

void watch_end(void)
{
	tick(0);
}

bool watch_again(int *error)
{
	if (!*error)
		moved = 1;
	if (*error != -EINTR)
		return false;
	if (silent)
		*error = -ETIMEDOUT;
	return !silent;
}

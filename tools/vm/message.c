// SPDX-License-Identifier: GPL-2.0
/* Messages, numbers and the clock: what every verb needs. */
#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include "famez-vm.h"

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "famez-vm %s: ", verb);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(1);
}

void misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fprintf(stderr, "Try 'famez-vm %s --help'.\n", verb);
	exit(2);
}

void show_help(const char *text)
{
	fputs(text, stdout);
	exit(0);
}

unsigned long parse_number(const char *option, const char *text,
			   unsigned long least, unsigned long most)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < least ||
	    value > most)
		misuse("%s is '%s'; expected a number from %lu to %lu",
		       option, text, least, most);
	return value;
}

int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* How long poll() may sleep until @deadline */
int poll_wait(int64_t deadline)
{
	int64_t left = deadline - milliseconds();

	if (left < 0)
		return 0;
	return left < INT_MAX ? left : INT_MAX;
}

// SPDX-License-Identifier: GPL-2.0
/* What is printed, and when. */
#include <stdarg.h>
#include <stdio.h>

#include "server.h"

static int level = 1;

void log_level(int new_level)
{
	level = new_level;
}

void say(const char *format, ...)
{
	va_list args;

	if (level < 1)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void detail(const char *format, ...)
{
	va_list args;

	if (level < 2)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void complain(const char *format, ...)
{
	va_list args;

	fputs("famez-server: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "famezctl.h"

static void complain(const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program.name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	exit(FAILED);
}

void die_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	exit(USAGE);
}

void flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		die("cannot write to standard output: %s", strerror(errno));
}

/* What to do about an error of famez_open(). */
static const char *open_hint(int error)
{
	switch (error) {
	case -ENOENT:
		return program.no_path;
	case -EACCES:
	case -EPERM:
		return "be root or in the group of that file (famez)";
	case -ENODEV:
		return "it is neither a bridge's device nor a switch's socket";
	case -ECONNREFUSED:
		return "nobody serves this socket; start famez-server";
	case -EUSERS:
		return "the switch has no free id; end another peer, or give it more --clients";
	case -EPROTO:
		return "whoever serves it speaks no ivshmem protocol; name famez-server's socket";
	case -EBADMSG:
		return "the fabric's header is damaged; restart famez-server";
	case -EPROTONOSUPPORT:
		return "the fabric has another version's layout; use tools of that version";
	case -EMFILE:
		return "too many eventfds for this process; raise its limit (ulimit -n)";
	case -ETIMEDOUT:
		return "the switch does not answer; is it stopped?";
	default:
		return NULL;
	}
}

struct famez *open_device(int flags)
{
	const char *path = device ? device : program.default_path;
	const char *hint, *given = getenv("FAMEZ_DEVICE");
	struct famez *handle;
	int error;

	if (!device && given && *given)
		path = given;
	error = famez_open(&handle, path, flags);
	if (!error)
		return handle;
	hint = open_hint(error);
	die("cannot open %s: %s%s%s", path ? path : "the default device",
	    strerror(-error), hint ? "; " : "", hint ? hint : "");
}

bool in_guest(const struct famez *handle)
{
	struct stat st;

	return !fstat(famez_fd(handle), &st) && S_ISCHR(st.st_mode);
}

const char *error_text(int error)
{
	if (error == -EOPNOTSUPP)
		return "here is FAM alone, or FAM and doorbells, or mailslots without ports and events; such messages need one on famez-server, as "
		       FAMEZ_DEFAULT_DEVICE;
	return strerror(-error);
}

uint32_t find_peer(struct famez *handle, const char *dest)
{
	uint32_t peer;
	int error = famez_lookup(handle, dest, &peer);

	if (error == -EHOSTUNREACH)
		die("no peer '%s'; '%s peers' lists them", dest, program.name);
	if (error == -ENOTUNIQ)
		die("several peers are named '%s'; give the id instead ('%s peers')",
		    dest, program.name);
	if (error)
		die("cannot look up '%s': %s", dest, error_text(error));
	return peer;
}

static const char *peer_error(int error)
{
	switch (error) {
	case -EAGAIN:
		return "it has no room for a message now; without --nonblock, send waits";
	case -EHOSTUNREACH:
		return "no such peer on the fabric; the verb peers lists them";
	case -ENOTCONN:
		return "it is attached, but no driver or program runs there";
	case -ENOBUFS:
		return "the fabric has no channel to it; a larger famez-server --size has more";
	case -ECONNREFUSED:
		return "nobody there has opened that port";
	case -ECONNRESET:
		return "it restarted or closed the port, and messages were lost; try again";
	case -EINVAL:
		return "that is this peer itself";
	case -ENODEV:
		return "the switch or the device has gone; start it again";
	default:
		return error_text(error);
	}
}

void die_peer(const char *what, const char *dest, int error)
{
	die("%s '%s': %s", what, dest, peer_error(error));
}

static uint64_t digits(const char *text, char **end)
{
	bool hex = text[0] == '0' && tolower((unsigned char)text[1]) == 'x';

	*end = (char *)text;
	if (!isdigit((unsigned char)text[0]))	/* no sign, no space */
		return 0;
	errno = 0;
	return strtoull(text, end, hex ? 16 : 10);
}

uint64_t parse_number(const char *what, const char *text, uint64_t max)
{
	char *end;
	uint64_t number = digits(text, &end);

	if (end == text || *end || errno || number > max)
		die_usage("%s '%s': expected a number from 0 to %llu", what,
			  text, (unsigned long long)max);
	return number;
}

uint64_t parse_size(const char *what, const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t number = digits(text, &end);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) :
			   NULL;
	int shift = unit ? 10 * (unit - units + 1) : 0;

	if (end == text || errno || end[unit ? 1 : 0] ||
	    number > UINT64_MAX >> shift)
		die_usage("%s '%s': expected bytes, as 4096, 0x1000, 4K, 1M or 1G",
			  what, text);
	return number << shift;
}

double parse_seconds(const char *what, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= SECONDS_MAX))
		die_usage("%s '%s': expected seconds, as 2 or 0.5, up to %u",
			  what, text, SECONDS_MAX);
	return seconds;
}

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

char *read_input(FILE *in, size_t max, size_t *size, const char *why)
{
	size_t room = 0, used = 0, n;
	char *data = NULL;

	do {
		if (used == room) {
			/* one more than allowed, to notice it */
			room = room ? 2 * room : 8192;
			room = room > max + 1 ? max + 1 : room;
			data = realloc(data, room);
			if (!data)
				die("no memory for the input");
		}
		n = fread(data + used, 1, room - used, in);
		used += n;
		if (used > max)
			die("%s", why);
	} while (n);
	if (ferror(in))
		die("cannot read the input: %s", strerror(errno));
	*size = used;
	return data;
}

void print_escaped(const char *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		unsigned char c = data[i];

		if (c == '\\')
			fputs("\\\\", stdout);
		else if (c == '\n')
			fputs("\\n", stdout);
		else if (c == '\t')
			fputs("\\t", stdout);
		else if (c < ' ' || c > '~')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

// SPDX-License-Identifier: GPL-2.0
/* Numbers and strings, as people write and read them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static const char units[] = "KMGT";

/* 0 for no suffix, 10 for K, 20 for M ...; -1 for what is none */
static int suffix_shift(const char *suffix)
{
	const char *unit;

	if (!*suffix)
		return 0;
	unit = strchr(units, *suffix & ~0x20);
	if (!unit || !*unit || suffix[1])
		return -1;
	return 10 * (unit - units + 1);
}

enum parsed parse_number(const char *text, bool suffixes, uint64_t *value)
{
	char *end;
	int shift;

	/* strtoull() would take white space and signs */
	if (*text < '0' || *text > '9')
		return PARSED_GARBAGE;
	errno = 0;
	*value = strtoull(text, &end, 10);
	shift = suffix_shift(end);
	if (shift < 0 || (shift && !suffixes))
		return PARSED_GARBAGE;
	if (errno || *value > UINT64_MAX >> shift)
		return PARSED_TOO_LARGE;
	*value <<= shift;
	return PARSED;
}

const char *size_text(char *text, uint64_t size)
{
	unsigned int unit = 0;

	while (size && !(size & 1023) && unit < strlen(units)) {
		size >>= 10;
		unit++;
	}
	snprintf(text, SIZE_TEXT, "%" PRIu64 "%.*s", size, unit ? 1 : 0,
		 unit ? &units[unit - 1] : "");
	return text;
}

void printable(char *text, size_t room, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	size_t used = 0;
	size_t i;

	for (i = 0; i < size && used + 5 <= room; i++) {
		if (bytes[i] >= ' ' && bytes[i] <= '~')
			text[used++] = bytes[i];
		else
			used += sprintf(text + used, "\\x%02x", bytes[i]);
	}
	text[used] = '\0';
}

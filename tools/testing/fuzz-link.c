// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer's target for <famez/link.h>: whatever is read as a word of the link layer,
 * is written and read again as the same; what is answered fits, and is a word, too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <famez/link.h>

/* Written and read again, it is written as before. */
static void check_round(const struct famez_link *l)
{
	char text[FAMEZ_LINK_ROOM], other[FAMEZ_LINK_ROOM];
	uint32_t length = famez_link_write(l, text);
	struct famez_link again;

	if (!length || length >= sizeof(text) || text[length])
		abort();
	famez_link_read(&again, text, length);
	if (again.word != l->word || famez_link_write(&again, other) != length ||
	    strcmp(text, other))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct famez_component c = { .cclass = "Fuzzer" };
	struct famez_link l, answer;
	char *copy = malloc(size);

	if (!copy)
		abort();
	/* of its own size, so that a byte too much is seen */
	if (size)
		memcpy(copy, data, size);
	if (famez_link_read(&l, copy, size) > size)
		abort();
	free(copy);
	if (l.word)
		check_round(&l);
	if (famez_link_answer(&c, &l, true, &answer))
		check_round(&answer);
	return 0;
}

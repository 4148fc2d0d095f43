/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages for tests: a head that says which one it is, and behind it a body of
 * random length.  The head alone determines all of it, so a receiver makes the
 * message again, and compares.
 */
#ifndef FAMEZ_TESTING_MESSAGE_H
#define FAMEZ_TESTING_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <famez.h>

static inline uint32_t message_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static inline uint32_t message_hash(const uint8_t *data, size_t size)
{
	uint32_t h = 2166136261U;

	while (size--)
		h = (h ^ *data++) * 16777619U;
	return h;
}

/**
 * message_compose() - make a message
 * @message: where to, with room for @longest
 * @head: what it begins with
 * @least: bytes of @head
 * @longest: the longest message, no shorter than @least
 *
 * Return: its length
 */
static inline uint32_t message_compose(uint8_t *message, const void *head,
				       uint32_t least, uint32_t longest)
{
	uint32_t seed = message_hash(head, least) | 1, length, i;

	/* mostly short ones, as programs send; a few of the longest */
	length = message_random(&seed) % 8 ? 200 : longest;
	if (length > longest)
		length = longest;
	length = least + message_random(&seed) % (length - least + 1);
	memcpy(message, head, least);
	for (i = least; i < length; i++)
		message[i] = message_random(&seed);
	return length;
}

/** message_whole() - is it, to the last byte, what its head says? */
static inline bool message_whole(const uint8_t *message, size_t size,
				 uint32_t least, uint32_t longest)
{
	uint8_t expected[FAMEZ_MESSAGE_MAX];

	return size >= least &&
	       message_compose(expected, message, least, longest) == size &&
	       !memcmp(message, expected, size);
}

#endif /* FAMEZ_TESTING_MESSAGE_H */

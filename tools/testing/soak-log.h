/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the peers of a soak note in FAM, where it outlives them: how many messages
 * they sent and got.  famez-soak writes it, soak-judge reads it.
 *
 * A stream is what one peer sends to another during one pair of generations; its
 * messages are numbered from 0.  Each end has a record of it in its own area.
 * Only one program at a time writes an area, and it notes what it does as it
 * does it; so a record is true at whatever instant its writer is killed.
 */
#ifndef FAMEZ_TESTING_SOAK_LOG_H
#define FAMEZ_TESTING_SOAK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <famez.h>

#define SOAK_IDS	32	/* more peers than a soak has */
#define SOAK_RECORDS	8000	/* of one id, more than a soak makes */
#define SOAK_GENERATIONS 64	/* of one program, which lives through suspends */

enum soak_kind { SOAK_NONE, SOAK_SENT, SOAK_CAME };

/**
 * struct soak_head - what a message says of itself
 * @from: generation of its sender
 * @to: generation of its receiver, as the sender knew it
 * @number: in its stream
 */
struct soak_head {
	uint32_t from;
	uint32_t to;
	uint32_t number;
};

/**
 * struct soak_record - one end of a stream
 * @kind: enum soak_kind; written last
 * @peer: id of the other end
 * @from: as in the head of its messages
 * @to: likewise
 * @tried: SENT: messages that were tried; one more than @done while a send is
 *	under way, or for ever when a generation changed during it, or its sender
 *	was killed
 * @done: SENT: messages that were sent in this pair for certain; CAME: messages
 *	that came, in order and without a gap
 * @odd: CAME: messages that came otherwise
 * @odd_number: CAME: the first of them
 */
struct soak_record {
	uint32_t kind;
	uint32_t peer;
	uint32_t from;
	uint32_t to;
	uint32_t tried;
	uint32_t done;
	uint32_t odd;
	uint32_t odd_number;
};

/**
 * struct soak_area - what the programs of one id noted
 * @records: that are in use
 * @complaint: the first thing that was wrong
 * @record: the ends of streams
 */
struct soak_area {
	uint32_t records;
	char complaint[124];
	struct soak_record record[SOAK_RECORDS];
};

/**
 * struct soak_log - all of it, at the start of FAM
 * @quiet: nobody shall send any more
 * @area: by id
 */
struct soak_log {
	uint32_t quiet;
	uint32_t reserved[31];
	struct soak_area area[SOAK_IDS];
};

/* Others see what was stored before, too. */
static inline void soak_store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline uint32_t soak_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Guests, and programs on the host that say so by their name. */
static inline bool soak_takes_part(const struct famez_peer_info *peer)
{
	return peer->generation &&
	       (peer->kind == 2 || !strncmp(peer->name, "soak", 4));
}

#endif /* FAMEZ_TESTING_SOAK_LOG_H */

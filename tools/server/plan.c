// SPDX-License-Identifier: GPL-2.0
/* Where in the memory everything lies, and whether it fits. */
#include <famez/ring.h>

#include "server.h"

#define SMALL_MEMORY	(4ULL << 20)
#define FAM_ALIGN	(2ULL << 20)
#define LARGEST_RING	32768U
#define LIKED_RING	16384U
#define AREA_LIKED	(256ULL << 20)	/* of which every byte is allocated */

/* Up to so many, all pairs have a channel, if with a small ring; with more, who
 * talks gets one, and there are at least so many for each, those with us included.
 */
#define FEW_CLIENTS	62U
#define CLIENT_CHANNELS	16U

/* F.E.E.'s mailbox: 64 slots in its largest edition, 0 and the switch's too */
#define MAILSLOT_CLIENTS 62U

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t place(struct famez_place *table, uint64_t at, uint32_t count,
		      uint32_t stride)
{
	table->offset = round_up(at, 64);
	table->count = count;
	table->stride = stride;
	return table->offset + (uint64_t)count * stride;
}

/* Tables first, then channels. */
static uint64_t place_all(struct plan *p, uint32_t ring, uint32_t channels)
{
	struct famez_layout *l = &p->layout;
	uint32_t peers = p->clients + 2;
	uint64_t at = FAMEZ_SLOT_SIZE * (p->mailslots ? peers : 1);

	at = place(&l->peers, at, peers, sizeof(struct famez_peer));
	at = place(&l->bells, at, peers, 2 * FAMEZ_BELL_ROW(peers));
	at = place(&l->directory, at, channels, sizeof(struct famez_direntry));
	at = place(&l->regions, at, l->memory_size < SMALL_MEMORY ? 16 : 64,
		   sizeof(struct famez_region));
	p->ring = ring;
	p->end = place(&l->channels, at, channels,
		       round_up(sizeof(struct famez_channel) + ring, 64));
	return p->end;
}

/* A channel for each ordered pair of ids from 1 on, the switch's being the last. */
static uint32_t all_pairs(const struct plan *p)
{
	return (p->clients + 1) * p->clients;
}

/*
 * All pairs.  A quarter of the memory for the control area buys rings that are good
 * to have; for smaller ones up to half of it goes, while peers are few.
 */
static bool find_ring(struct plan *p)
{
	uint64_t size = p->layout.memory_size;
	uint32_t ring, pairs = all_pairs(p);

	p->all_pairs = true;
	for (ring = LARGEST_RING; ring >= LIKED_RING; ring /= 2)
		if (place_all(p, ring, pairs) <= smaller(size / 4, AREA_LIKED))
			return true;
	if (p->clients > FEW_CLIENTS)
		return false;
	for (ring = LARGEST_RING; ring >= FAMEZ_RING_MIN; ring /= 2)
		if (place_all(p, ring, pairs) <= size / 2)
			return true;
	return false;
}

/* Channels that fit into so many bytes, as far as there are pairs. */
static uint32_t fit(struct plan *p, uint32_t ring, uint64_t bytes)
{
	uint64_t none = place_all(p, ring, 0) + 64, each;

	each = p->layout.channels.stride + p->layout.directory.stride;
	if (bytes < none)
		return 0;
	return smaller((bytes - none) / each, all_pairs(p));
}

/*
 * Channels for those that ask.  Longer rings go before more than enough of them, and
 * these before a small control area.
 */
static bool find_pool(struct plan *p)
{
	uint64_t size = p->layout.memory_size;
	uint32_t ring, channels, least = p->clients * CLIENT_CHANNELS;

	p->all_pairs = false;
	least = smaller(least, all_pairs(p));
	for (ring = LIKED_RING; ring >= FAMEZ_RING_MIN; ring /= 2) {
		channels = fit(p, ring, smaller(size / 4, AREA_LIKED));
		if (channels < least)
			channels = smaller(fit(p, ring, size / 2), least);
		place_all(p, ring, channels);
		if (channels >= least)
			return true;
	}
	return false;
}

bool plan_make(struct plan *p, uint64_t size, uint32_t clients,
	       uint32_t vectors)
{
	struct famez_layout *l = &p->layout;

	*p = (struct plan){ .clients = clients };
	l->memory_size = size;
	l->server_id = clients + 1;
	l->vectors = vectors ? vectors : clients + 2;
	/* F.E.E.'s programs take the count of one for that of the other */
	p->mailslots = l->vectors == clients + 2 && clients <= MAILSLOT_CLIENTS;
	if (!find_ring(p) && !find_pool(p))
		return false;
	l->fam_offset = size < SMALL_MEMORY ? size / 2 :
			round_up(p->end, FAM_ALIGN);
	l->fam_size = size - l->fam_offset;
	return true;
}

static bool check_size(uint64_t size)
{
	char below[SIZE_TEXT], above[SIZE_TEXT], given[SIZE_TEXT];
	uint64_t power = FAMEZ_MEMORY_MIN;

	size_text(given, size);
	if (size < FAMEZ_MEMORY_MIN) {
		complain("--size %s: too small; the least is %s", given,
			 size_text(below, FAMEZ_MEMORY_MIN));
		return false;
	}
	/* off_t has 63 bits */
	if (size > 1ULL << 62) {
		complain("--size %s: too large for any file", given);
		return false;
	}
	while (power < size)
		power *= 2;
	if (power == size)
		return true;
	complain("--size %s: must be a power of two; the nearest are %s and %s",
		 given, size_text(below, power / 2), size_text(above, power));
	return false;
}

static bool check_counts(const struct options *o)
{
	if (!o->clients || o->clients > CLIENTS_MAX) {
		complain("--clients %llu: must be 1 to %u",
			 (unsigned long long)o->clients, CLIENTS_MAX);
		return false;
	}
	if (o->vectors > FAMEZ_VECTORS_MAX) {
		complain("--vectors %llu: must be 1 to %u",
			 (unsigned long long)o->vectors, FAMEZ_VECTORS_MAX);
		return false;
	}
	return true;
}

static void suggest(const struct options *o)
{
	uint32_t clients = o->clients;
	uint64_t size = o->size;
	char given[SIZE_TEXT], need[SIZE_TEXT];
	struct plan p;

	while (!plan_make(&p, size, o->clients, o->vectors))
		size *= 2;
	while (clients && !plan_make(&p, o->size, clients, o->vectors))
		clients--;
	complain("%u clients do not fit in half of %s: --size %s would do, or --clients %u",
		 (uint32_t)o->clients, size_text(given, o->size),
		 size_text(need, size), clients);
}

bool plan_options(struct plan *p, const struct options *o)
{
	if (!check_size(o->size) || !check_counts(o))
		return false;
	if (plan_make(p, o->size, o->clients, o->vectors))
		return true;
	suggest(o);
	return false;
}

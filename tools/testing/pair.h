/* SPDX-License-Identifier: GPL-2.0 */
/* A channel in plain memory, with both its ends: for tests of the ring. */
#ifndef FAMEZ_TESTING_PAIR_H
#define FAMEZ_TESTING_PAIR_H

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

#include "plan.h"
#include <famez/inbox.h>
#include <famez/outbox.h>

struct pair {
	struct famez_channel *channel;
	struct famez_outbox out;
	struct famez_inbox in;
	struct famez_ports ports;	/* the receiver's */
	sem_t to_rx, to_tx;	/* the doorbells, for two threads */
	unsigned long rings;
	uint64_t seed;
	char error[128];	/* the receiver's finding */
};

static inline void pair_make_box(struct pair *p, uint32_t slot)
{
	famez_inbox_set_box(&p->in, slot,
			    calloc(1, famez_inbox_box_bytes(&p->in, slot)));
}

static inline struct pair *pair_new(uint32_t size, uint32_t generation)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->channel = aligned_alloc(64, sizeof(*p->channel) + size);
	memset(p->channel, 0x5a, sizeof(*p->channel) + size);
	p->out.tx = (struct famez_tx){
		.mine = &p->channel->tx, .theirs = &p->channel->rx,
		.data = p->channel->data, .size = size,
	};
	p->in.rx = (struct famez_rx){
		.mine = &p->channel->rx, .theirs = &p->channel->tx,
		.data = p->channel->data, .size = size,
		.message_max = UINT32_MAX,	/* as long as the ring takes */
	};
	p->in.ports = &p->ports;
	p->ports.used = 1;
	pair_make_box(p, 0);
	assert_true(famez_out_pair(&p->out, generation, 8));
	assert_true(famez_inbox_pair(&p->in, 8, generation));
	famez_inbox_begin(&p->in);
	sem_init(&p->to_rx, 0, 0);
	sem_init(&p->to_tx, 0, 0);
	p->seed = generation;
	return p;
}

static inline void pair_free(struct pair *p)
{
	uint32_t slot;

	for (slot = 0; slot < FAMEZ_GRANTS; slot++)
		free(p->in.box[slot]);
	free(p->channel);
	free(p);
}

/* The next message to a port, from its box or from the ring. */
static inline int peek_port(struct pair *p, uint32_t slot, struct famez_message *m)
{
	int err;

	if (famez_inbox_peek_box(&p->in, slot, m))
		return 0;
	while (!(err = famez_inbox_peek_ring(&p->in, m)) &&
	       m->label.slot != slot)
		if (!famez_inbox_stash(&p->in, m))
			return -ENOSPC;
	return err;
}

#endif /* FAMEZ_TESTING_PAIR_H */

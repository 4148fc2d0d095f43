// SPDX-License-Identifier: LGPL-2.1
/* A peer of a fabric in user space: control area, peer table and bells. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fabric-impl.h"

static void *at(const struct famez_fabric *f, uint64_t offset)
{
	return (uint8_t *)f->config.memory + offset;
}

static struct famez_header *header(const struct famez_fabric *f)
{
	return at(f, FAMEZ_HEADER_OFFSET);
}

struct famez_peer *fabric_record(const struct famez_fabric *f, uint32_t id)
{
	return at(f, f->layout.peers.offset +
		     (uint64_t)id * f->layout.peers.stride);
}

/* The row of marks left for a receiver; the row of what it saw follows. */
static uint8_t *bell_row(const struct famez_fabric *f, uint32_t receiver)
{
	return at(f, f->layout.bells.offset +
		     (uint64_t)receiver * f->layout.bells.stride);
}

static uint32_t seen_row(const struct famez_fabric *f)
{
	return FAMEZ_BELL_ROW(f->layout.peers.count);
}

void fabric_ring(struct famez_fabric *f, uint32_t id)
{
	uint32_t armed = famez_load(&fabric_record(f, id)->vectors);
	uint8_t *row = bell_row(f, id) + f->config.id;

	/* nobody hears it: the switch reads the eventfds of who has left */
	if (famez_load(&fabric_record(f, id)->state) == FAMEZ_PEER_ABSENT)
		return;
	/* the count is the peer's to set, so it may be anything */
	if (!armed || armed > f->layout.vectors)
		armed = f->layout.vectors;
	famez_bell_raise(row, row + seen_row(f));
	f->config.ring(f->config.context, id, f->config.id % armed);
}

uint32_t fabric_state_of(const struct famez_fabric *f, uint32_t id)
{
	return fabric_has_table(f) ? famez_load(&fabric_record(f, id)->state) :
				     mail_state(f, id);
}

uint32_t fabric_generation_of(const struct famez_fabric *f, uint32_t id)
{
	if (!fabric_has_table(f) || fabric_state_of(f, id) == FAMEZ_PEER_ABSENT)
		return 0;
	return famez_load_acquire(&fabric_record(f, id)->generation);
}

/* Those whom we ring when we come, go, or change: the switch tells the others. */
static bool knows(const struct famez_fabric *f, uint32_t id)
{
	return id == f->layout.server_id || channel_there(&f->peers[id]);
}

void fabric_set_news(struct famez_fabric *f, struct peer *p, uint64_t news)
{
	f->newsy += !p->news && news;
	f->newsy -= p->news && !news;
	p->news = news;
}

bool famez_fabric_news(const struct famez_fabric *f)
{
	return f->newsy || f->post_news;
}

/* Sets the channels with a peer up for its generation. */
static int pair(struct famez_fabric *f, uint32_t id, uint32_t generation)
{
	int err;

	if (generation == f->peers[id].generation)
		return 0;
	err = channel_pair(f, id, generation);
	if (!err && knows(f, id))
		fabric_ring(f, id);
	return err;
}

void fabric_look_at_peer(struct famez_fabric *f, uint32_t id)
{
	struct famez_seen now;

	if (id == f->config.id)
		return;
	now.state = famez_load(&fabric_record(f, id)->state);
	now.generation = now.state == FAMEZ_PEER_ABSENT ?
			 0 : fabric_generation_of(f, id);
	if (pair(f, id, now.generation)) {
		/* out of memory: it stays down for us, until the next look */
		f->peers_epoch = famez_load(&header(f)->peers_epoch) - 1;
		return;
	}
	famez_events_note(&f->events, id, &f->peers[id].seen, &now,
			  f->peers_epoch);
}

static void look_at_all_peers(struct famez_fabric *f)
{
	uint32_t id;

	f->peers_epoch = famez_load_acquire(&header(f)->peers_epoch);
	famez_mb();	/* the epoch first: what changes later changes it again */
	for (id = 0; id < f->layout.peers.count; id++)
		fabric_look_at_peer(f, id);
}

void fabric_ring_self(struct famez_fabric *f, uint32_t id)
{
	uint8_t *row = bell_row(f, f->config.id) + id;

	famez_store_byte(row + seen_row(f), (uint8_t)~famez_load_byte(row));
	f->config.ring(f->config.context, f->config.id, 0);
}

/* Puts our half of our record right, and tells who may have seen it wrong. */
static void refresh_record(struct famez_fabric *f)
{
	struct famez_peer *mine = fabric_record(f, f->config.id);
	bool spoilt;
	uint32_t id;

	famez_restore(&mine->channels_seen, f->channels_seen);
	if (famez_restore(&mine->ask, f->asker.ask))
		fabric_ring(f, f->layout.server_id);
	spoilt = famez_restore(&mine->vectors, f->config.vectors);
	spoilt |= famez_restore(&mine->features, 0);
	spoilt |= famez_restore(&mine->generation, f->generation);
	for (id = 0; spoilt && id < f->layout.peers.count; id++)
		if (f->peers[id].generation && knows(f, id))
			fabric_ring(f, id);
}

int famez_fabric_service(struct famez_fabric *f)
{
	uint8_t *row;
	uint32_t id;

	if (!fabric_has_table(f)) {
		if (mail_lost(f))
			return -ENODEV;
		mail_service(f);
		return 0;
	}
	row = bell_row(f, f->config.id);
	if (le64toh(__atomic_load_n(&header(f)->fabric, __ATOMIC_RELAXED)) !=
	    f->layout.fabric)
		return -ENODEV;
	refresh_record(f);
	mail_service(f);
	if (famez_load(&header(f)->peers_epoch) != f->peers_epoch)
		look_at_all_peers(f);
	channels_look(f);
	for (id = 0; id < f->layout.peers.count; id++) {
		if (!(id & 7) && famez_bells_quiet(row + id,
						   row + id + seen_row(f))) {
			id += 7;
			continue;
		}
		if (!famez_bell_take(row + id, row + id + seen_row(f)))
			continue;
		fabric_look_at_peer(f, id);
		if (channel_service(f, id))
			fabric_ring_self(f, id);
	}
	return 0;
}

bool famez_fabric_region(const struct famez_fabric *f, uint32_t index,
			 struct famez_region_info *info)
{
	const struct famez_place *table = &f->layout.regions;
	const char *at = f->config.memory;

	at += table->offset + (uint64_t)index * table->stride;
	return index < table->count &&
	       famez_region_read(f->layout.fam_size, (const void *)at, info);
}

int famez_fabric_peer(const struct famez_fabric *f, uint32_t id,
		      struct famez_peer_info *info)
{
	const struct famez_peer *record;

	if (id >= f->layout.peers.count)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->id = id;
	if (!fabric_has_table(f)) {
		mail_info(f, info);
		return 0;
	}
	record = fabric_record(f, id);
	info->generation = fabric_generation_of(f, id);
	if (famez_load(&record->state) == FAMEZ_PEER_ABSENT)
		return 0;
	info->state = info->generation ? FAMEZ_PEER_UP : FAMEZ_PEER_ATTACHED;
	info->cid = famez_load(&record->cid);
	info->sid = famez_load(&record->sid);
	if (famez_fabric_is_old(f, id)) {
		info->state = FAMEZ_PEER_STATE_OLD;
		famez_slot_reads(famez_slot(f->config.memory, id), info->name, info->cclass);
	}
	if (!info->generation)
		return 0;
	info->kind = famez_load(&record->kind);
	info->vectors_armed = famez_load(&record->vectors);
	info->fam_use = famez_load(&record->fam_use);
	famez_copy_string(info->name, record->name);
	famez_copy_string(info->cclass, record->cclass);
	return 0;
}

uint64_t famez_fabric_events(const struct famez_fabric *f)
{
	return f->events.next;
}

int famez_fabric_event(const struct famez_fabric *f, uint64_t *cursor,
		       struct famez_event *event)
{
	__u64 at = *cursor;

	if (!famez_events_get(&f->events, &at, f->peers_epoch, event))
		return -EAGAIN;
	*cursor = at;
	return 0;
}

const struct famez_layout *famez_fabric_layout(const struct famez_fabric *f)
{
	return &f->layout;
}

uint32_t famez_fabric_generation(const struct famez_fabric *f)
{
	return f->generation;
}

uint32_t famez_fabric_paired(const struct famez_fabric *f, uint32_t id)
{
	return f->peers[id].generation;
}

uint32_t famez_fabric_longest(const struct famez_fabric *f)
{
	/* everyone has one to the switch, and all rings are as long */
	const struct famez_tx *tx = &f->peers[f->layout.server_id].out->tx;
	uint32_t longest = tx->data ? famez_ring_longest(tx->size) : 0;

	if (!fabric_has_table(f))
		return FAMEZ_MAIL_MAX;
	return longest < FAMEZ_MESSAGE_MAX ? longest : FAMEZ_MESSAGE_MAX;
}

static uint32_t random_generation(void)
{
	uint32_t generation = 0;

	while (!generation)
		if (getrandom(&generation, sizeof(generation), 0) < 0)
			return 0;
	return generation;
}

/* Our half of our record; the generation makes it valid, so it is last. */
static void publish(struct famez_fabric *f)
{
	struct famez_peer *mine = fabric_record(f, f->config.id);

	famez_peer_begin(mine);
	famez_store(&mine->vectors, f->config.vectors);
	famez_store(&mine->kind, f->config.kind);
	famez_store(&mine->fam_use, 0);
	famez_store(&mine->channels_seen, f->channels_seen);
	famez_asker_begin(&f->asker, mine);
	memset(mine->name, 0, sizeof(mine->name));
	strncpy(mine->name, f->config.name, sizeof(mine->name) - 1);
	memset(mine->cclass, 0, sizeof(mine->cclass));
	strncpy(mine->cclass, f->config.cclass, sizeof(mine->cclass) - 1);
	famez_store_release(&mine->generation, f->generation);
	famez_mb();
}

/* Marks of former times are for former generations. */
static void forget_bells(struct famez_fabric *f)
{
	uint8_t *row = bell_row(f, f->config.id);
	uint32_t id;

	for (id = 0; id < f->layout.peers.count; id++)
		famez_bell_take(row + id, row + id + seen_row(f));
}

static int read_layout(struct famez_fabric *f)
{
	const struct famez_fabric_config *config = &f->config;
	struct famez_header copy;
	int err = 0;

	if (config->mailbox) {
		f->layout = *config->mailbox;
	} else {
		famez_copy_in(&copy, config->header ? config->header : header(f),
			      sizeof(copy));
		err = famez_layout_read(&f->layout, &copy, config->size);
	}
	if (!err && (config->id >= f->layout.peers.count || !config->vectors ||
		     config->vectors > f->layout.vectors))
		err = -EINVAL;
	return err;
}

static int begin_mailslots(struct famez_fabric *f)
{
	mail_start(f);
	return f->post.slot ? 0 : -EINVAL;
}

static void begin(struct famez_fabric *f)
{
	channels_follow(f);
	forget_bells(f);
	publish(f);
	/* what is not up and has a class in its slot, is taken for an old one */
	mail_start(f);
	look_at_all_peers(f);
}

int famez_fabric_start(struct famez_fabric **fabric,
		       const struct famez_fabric_config *config)
{
	struct famez_fabric *f;
	uint32_t id;
	int err;

	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->config = *config;
	err = read_layout(f);
	if (err)
		goto free;
	err = -ENOMEM;
	f->ports.used = 1;
	f->peers = calloc(f->layout.peers.count, sizeof(*f->peers));
	f->generation = random_generation();
	if (!f->peers || !f->generation)
		goto free;
	f->none.in.ports = &f->ports;
	for (id = 0; id < f->layout.peers.count; id++) {
		f->peers[id].out = &f->none.out;
		f->peers[id].in = &f->none.in;
	}
	strncpy(f->component.cclass, config->cclass, sizeof(f->component.cclass) - 1);
	err = 0;
	if (fabric_has_table(f))
		begin(f);
	else
		err = begin_mailslots(f);
	if (err)
		goto free;
	*fabric = f;
	return 0;
free:
	free(f->peers);
	free(f);
	return err;
}

void famez_fabric_stop(struct famez_fabric *f)
{
	uint32_t id, slot;

	if (!f)
		return;
	/*
	 * The channels stay as they are: what we sent can still be read, and
	 * what is sent to us from here on is reported to its sender.
	 */
	mail_stop(f);
	if (fabric_has_table(f))
		famez_store_release(&fabric_record(f, f->config.id)->generation, 0);
	famez_mb();
	for (id = 0; id < f->layout.peers.count; id++) {
		if (f->peers[id].generation && knows(f, id))
			fabric_ring(f, id);
		for (slot = 0; slot < FAMEZ_GRANTS; slot++)
			free(f->peers[id].in->box[slot]);
		if (f->peers[id].out != &f->none.out)
			free((struct ends *)f->peers[id].out);
	}
	free(f->peers);
	free(f);
}

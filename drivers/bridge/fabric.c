// SPDX-License-Identifier: GPL-2.0
/* The fabric: control area, peer table, bells, and this start's generation. */
#include <linux/bitmap.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <famez/compat.h>

#include "bridge.h"
#include "trace.h"

/* of its own: a flush must not wait for memory, nor for anybody else's work */
static struct workqueue_struct *famez_wq;

/* One queue, always: of another, the work could run beside itself. */
void famez_begin_work(struct famez_bridge *b)
{
	mod_delayed_work(famez_wq, &b->work, 0);
}

/* ---- What is this memory? ------------------------------------------------- */

/* FAM alone: all of it, or what a famez fabric leaves of it. */
static const char *famez_fam_alone(struct famez_bridge *b, u32 config,
				   u64 offset, u64 memory_size)
{
	b->config = config;
	b->layout = (struct famez_layout) {
		.major = offset ? b->layout.major : 0,
		.minor = offset ? b->layout.minor : 0,
		.memory_size = memory_size,
		.fam_offset = offset,
		.fam_size = memory_size - offset,
	};
	return NULL;
}

/* F.E.E.'s mailbox */
static const char *famez_identify_mailbox(struct famez_bridge *b, u64 memory_size,
					  int vectors, const struct famez_mailbox *box)
{
	if (box->vectors > vectors)
		return "its switch rings more vectors; QEMU's vectors= is to be clients + 2";
	b->config = FAMEZ_CONFIG_MAILSLOTS;
	famez_mailbox_layout(&b->layout, box, memory_size);
	return NULL;
}

static const char *famez_identify_doorbell(struct famez_bridge *b,
					   const void *first, u64 memory_size,
					   int vectors, int header)
{
	struct famez_mailbox box;
	struct famez_slot0 globals;

	switch (header) {
	case 0:
		b->config = FAMEZ_CONFIG_FAMEZ;
		return NULL;
	case -EPROTONOSUPPORT:
		return famez_fam_alone(b, FAMEZ_CONFIG_NEWER,
				       b->layout.fam_offset, memory_size);
	case -EBADMSG:
		return "the control area is damaged, or of another size of memory";
	}
	famez_copy_in(&globals, first, sizeof(globals));
	if (famez_mailbox_read(&box, &globals, memory_size))
		return famez_identify_mailbox(b, memory_size, vectors, &box);
	/* not a byte of it is ours */
	famez_fam_alone(b, FAMEZ_CONFIG_RAW, 0, memory_size);
	b->layout.vectors = vectors;
	return NULL;
}

/*
 * Who uses FAM: a newer fabric's tables are not ours to read, and what no switch would
 * make so large is not gone through.  Then all of FAM may have a file system on it.
 */
static void famez_tables_set(struct famez_bridge *b, int header)
{
	if (header == -EPROTONOSUPPORT)
		b->tables.unknown = "who uses FAM cannot be told: the layout is newer";
	if (header)
		return;
	b->tables = (struct famez_tables) {
		.fam_size = b->layout.fam_size,
		.regions = b->layout.regions,
		.peers = b->layout.peers,
	};
	if (famez_tables_end(&b->tables) > SZ_64M)
		b->tables = (struct famez_tables) {
			.unknown = "who uses FAM cannot be told: tables of more than 64 MiB"
		};
}

const char *famez_fabric_identify(struct famez_bridge *b, const void *first,
				  u64 memory_size, int vectors)
{
	struct famez_header copy;
	bool famez;
	int err;

	/* the smallest BAR has 4096 bytes, so header and globals are in it */
	famez_copy_in(&copy, first + FAMEZ_HEADER_OFFSET, sizeof(copy));
	err = famez_layout_read(&b->layout, &copy, memory_size);
	famez_tables_set(b, err);
	if (vectors)
		return famez_identify_doorbell(b, first, memory_size, vectors,
					       err);
	/* a fabric's memory as a plain device's: its control area is not ours */
	famez = !err || err == -EPROTONOSUPPORT;
	return famez_fam_alone(b, FAMEZ_CONFIG_PLAIN,
			       famez ? b->layout.fam_offset : 0, memory_size);
}

/* ---- Places in the control area -------------------------------------------- */

static struct famez_header *famez_header(struct famez_bridge *b)
{
	return (void *)(b->control + FAMEZ_HEADER_OFFSET);
}

struct famez_peer *famez_record(struct famez_bridge *b, u32 id)
{
	return (void *)(b->control + b->layout.peers.offset +
			(u64)id * b->layout.peers.stride);
}

/* The marks left for a receiver; what it has seen of them follows. */
static u8 *famez_bell_row(struct famez_bridge *b, u32 receiver)
{
	return b->control + b->layout.bells.offset +
	       (u64)receiver * b->layout.bells.stride;
}

static u32 famez_seen(struct famez_bridge *b)
{
	return FAMEZ_BELL_ROW(b->layout.peers.count);
}

/* ---- Peers ------------------------------------------------------------------ */

u32 famez_peer_state(struct famez_bridge *b, u32 id)
{
	if (!famez_has_table(b))
		return famez_mail_state(b, id);
	return famez_load(&famez_record(b, id)->state);
}

u32 famez_peers_epoch(struct famez_bridge *b)
{
	if (!famez_has_table(b))
		return 0;
	return famez_load(&famez_header(b)->peers_epoch);
}

u32 famez_peer_generation(struct famez_bridge *b, u32 id)
{
	if (!famez_has_table(b))
		return 0;
	if (famez_peer_state(b, id) == FAMEZ_PEER_ABSENT)
		return 0;
	return famez_load_acquire(&famez_record(b, id)->generation);
}

void famez_peer_ids(struct famez_bridge *b, u32 id, u32 *cid, u32 *sid)
{
	if (!famez_has_table(b)) {
		famez_mail_ids(b, id, cid, sid);
		return;
	}
	*cid = famez_load(&famez_record(b, id)->cid);
	*sid = famez_load(&famez_record(b, id)->sid);
}

void famez_peer_info(struct famez_bridge *b, u32 id,
		     struct famez_peer_info *info)
{
	struct famez_peer *record;

	memset(info, 0, sizeof(*info));
	info->id = id;
	if (famez_peer_state(b, id) == FAMEZ_PEER_ABSENT)
		return;
	info->generation = famez_peer_generation(b, id);
	info->state = FAMEZ_PEER_ATTACHED;
	famez_peer_ids(b, id, &info->cid, &info->sid);
	if (!info->generation) {
		famez_mail_info(b, id, info);
		return;
	}
	record = famez_record(b, id);
	info->state = FAMEZ_PEER_UP;
	info->kind = famez_load(&record->kind);
	info->vectors_armed = famez_load(&record->vectors);
	info->fam_use = famez_load(&record->fam_use);
	famez_copy_string(info->name, record->name);
	famez_copy_string(info->cclass, record->cclass);
}

void famez_fabric_use(struct famez_bridge *b, u32 use)
{
	unsigned long flags;

	/* the work puts right what it finds there */
	spin_lock_irqsave(&b->bell_lock, flags);
	WRITE_ONCE(b->fam_use, use);
	if (famez_has_table(b) && !famez_lost(b))
		famez_store(&famez_record(b, b->id)->fam_use, use);
	spin_unlock_irqrestore(&b->bell_lock, flags);
	virt_mb();	/* of two that begin to use it, one sees the other */
}

bool famez_lost(struct famez_bridge *b)
{
	if (READ_ONCE(b->off))
		return true;
	if (b->config == FAMEZ_CONFIG_MAILSLOTS)
		return famez_mail_lost(b);
	return famez_has_table(b) &&
	       le64_to_cpu(READ_ONCE(famez_header(b)->fabric)) !=
	       b->layout.fabric;
}

/* Those whom we ring when we come, go, or change: the switch tells the others. */
static bool famez_knows(struct famez_bridge *b, u32 id)
{
	return id == b->layout.server_id ||
	       famez_channel_there(&b->remotes[id]);
}

/* ---- Bells ------------------------------------------------------------------ */

/* Under bell_lock, as others leave marks of ours, too; or in a panic. */
static void famez_ring_unlocked(struct famez_bridge *b, u32 id)
{
	u32 armed = famez_load(&famez_record(b, id)->vectors);
	u8 *row = famez_bell_row(b, id) + b->id;

	/* the peer writes it, so it may be anything */
	if (!armed || armed > b->layout.vectors)
		armed = b->layout.vectors;
	famez_count(&b->remotes[id].counters.tx_doorbells, 1);
	famez_bell_raise(row, row + famez_seen(b));
	famez_doorbell(b, id, b->id % armed);
}

bool famez_ring(struct famez_bridge *b, u32 id)
{
	unsigned long flags;

	if (famez_lost(b)) {
		WRITE_ONCE(b->missed, true);
		return false;
	}
	/* nobody hears it: the switch reads the eventfds of who has left */
	if (famez_peer_state(b, id) == FAMEZ_PEER_ABSENT)
		return true;
	spin_lock_irqsave(&b->bell_lock, flags);
	famez_ring_unlocked(b, id);
	spin_unlock_irqrestore(&b->bell_lock, flags);
	return true;
}

/*
 * A peer has left a mark, under bell_lock: wakes who may wait for that.  Return:
 * true when there is something to do in process context
 */
static bool famez_take_bell(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	bool work = READ_ONCE(r->generation) != famez_peer_generation(b, id) ||
		    famez_channel_calls(b, id) || famez_link_calls(b, id);

	famez_count(&r->counters.rx_doorbells, 1);
	set_bit(id, b->active);
	WRITE_ONCE(r->rings, r->rings + 1);
	wake_up_all(&r->wait);
	/* nobody sleeps who would look for all: those who poll must be told */
	if (!famez_port_wake_reader(b, READ_ONCE(r->slot))) {
		WRITE_ONCE(r->idle, true);
		work = true;
	}
	if (work)
		set_bit(id, b->rung);
	return work;
}

/* The marks that peers have left since, under bell_lock. */
static bool famez_take_bells(struct famez_bridge *b)
{
	u8 *row = famez_bell_row(b, b->id);
	u8 *seen = row + famez_seen(b);
	bool work = false;
	u32 id;

	for (id = 0; id < b->layout.peers.count; id++) {
		if (!(id & 7) && famez_bells_quiet(row + id, seen + id)) {
			id += 7;
			continue;
		}
		if (famez_bell_take(row + id, seen + id))
			work |= famez_take_bell(b, id);
	}
	return work;
}

/* Has a stranger written into our half of our record? */
static bool famez_record_spoilt(struct famez_bridge *b)
{
	struct famez_peer *mine = famez_record(b, b->id);

	return famez_load(&mine->generation) != READ_ONCE(b->generation) ||
	       famez_load(&mine->vectors) != b->vectors ||
	       famez_load(&mine->features) ||
	       famez_load(&mine->fam_use) != READ_ONCE(b->fam_use);
}

/* Is there something to do that no mark tells of?  The switch leaves none. */
static bool famez_fabric_calls(struct famez_bridge *b)
{
	struct famez_peer *mine = famez_record(b, b->id);

	return famez_peers_epoch(b) != READ_ONCE(b->peers_epoch) ||
	       famez_load(&mine->channels_epoch) !=
	       READ_ONCE(b->channels_epoch) ||
	       (READ_ONCE(b->asker.open) &&
		famez_asker_answered(&b->asker, mine)) ||
	       famez_record_spoilt(b);
}

/*
 * Whoever rang, and why: a mark says who.  A reader who sleeps is woken at once,
 * and does what there is to do for messages; the work does all else, and is not
 * begun for nothing.
 */
void famez_fabric_interrupt(struct famez_bridge *b, u32 vector)
{
	unsigned long flags;
	bool work;

	/* what was left by then is looked at when we start */
	if (!READ_ONCE(b->started))
		return;
	if (famez_lost(b)) {
		WRITE_ONCE(b->missed, true);
		famez_ports_wake(b);
		famez_begin_work(b);
		return;
	}
	if (!famez_has_table(b)) {
		if (famez_mail_interrupt(b, vector))
			famez_begin_work(b);
		return;
	}
	spin_lock_irqsave(&b->bell_lock, flags);
	work = famez_take_bells(b);
	spin_unlock_irqrestore(&b->bell_lock, flags);
	work |= famez_mail_interrupt(b, vector);
	if (work || famez_fabric_calls(b))
		famez_begin_work(b);
}

void famez_catch_up(struct famez_bridge *b)
{
	u32 id;

	if (!READ_ONCE(b->missed) || famez_lost(b))
		return;
	WRITE_ONCE(b->missed, false);
	smp_mb();	/* what is missed from here on is for the next */
	bitmap_fill(b->rung, b->layout.peers.count);
	bitmap_fill(b->active, b->layout.peers.count);
	bitmap_fill(b->mail_rung, b->layout.peers.count);
	famez_fabric_interrupt(b, 0);
	famez_ports_wake(b);
	/* nor was anybody rung, whatever it waits for */
	for (id = 0; id < b->layout.peers.count; id++)
		if (READ_ONCE(b->remotes[id].generation))
			famez_ring(b, id);
	famez_begin_work(b);
}

void famez_again(struct famez_bridge *b, u32 id)
{
	set_bit(id, b->rung);
	famez_begin_work(b);
}

static void famez_retry_work(struct work_struct *work)
{
	struct famez_bridge *b = container_of(to_delayed_work(work),
					      struct famez_bridge, retry);

	famez_begin_work(b);
}

void famez_retry(struct famez_bridge *b)
{
	queue_delayed_work(system_wq, &b->retry, HZ);
}

void famez_later(struct famez_bridge *b, u32 id)
{
	set_bit(id, b->rung);
	queue_delayed_work(famez_wq, &b->work, 1);
}

void famez_look_again(struct famez_bridge *b)
{
	u32 id;

	for_each_set_bit(id, b->active, b->layout.peers.count) {
		WRITE_ONCE(b->remotes[id].idle, true);
		set_bit(id, b->rung);
	}
	famez_begin_work(b);
}

void famez_wake_remote(struct famez_bridge *b, u32 id)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	WRITE_ONCE(b->remotes[id].rings, b->remotes[id].rings + 1);
	spin_unlock_irqrestore(&b->bell_lock, flags);
	wake_up_all(&b->remotes[id].wait);
}

void famez_fabric_wake(struct famez_bridge *b)
{
	unsigned long flags;
	u32 id;

	spin_lock_irqsave(&b->bell_lock, flags);
	WRITE_ONCE(b->wakes, b->wakes + 1);
	spin_unlock_irqrestore(&b->bell_lock, flags);
	wake_up_interruptible_all(&b->event_wait);
	wake_up_interruptible_all(&b->mail_wait);
	famez_ports_wake(b);
	for (id = 0; id < b->layout.peers.count; id++)
		famez_wake_remote(b, id);
}

/* ---- Work: in process context, one at a time --------------------------------- */

/* Tells programs of what has become of a peer. */
static void famez_note_peer(struct famez_bridge *b, u32 id,
			    const struct famez_seen *now)
{
	bool news;

	spin_lock(&b->events_lock);
	news = famez_events_note(&b->events, id, &b->remotes[id].seen, now,
				 famez_peers_epoch(b));
	spin_unlock(&b->events_lock);
	if (!news)
		return;
	trace_famez_peer(b->index, id, now->state, now->generation);
	wake_up_interruptible_all(&b->event_wait);
}

/* Sets the channels with a peer up for what the table says of it. */
static bool famez_pair_peer(struct famez_bridge *b, u32 id, u32 generation)
{
	if (generation == READ_ONCE(b->remotes[id].generation))
		return true;
	famez_link_restarts_of(b, id);
	if (famez_channel_pair(b, id, generation)) {
		/* no memory: it stays as it was for us, until we look again */
		set_bit(id, b->rung);
		famez_retry(b);
		return false;
	}
	if (famez_knows(b, id))
		famez_ring(b, id);
	if (generation && id == b->layout.server_id)
		famez_link_start(b);
	/* who waits for it may have looked before the channels were ready */
	famez_wake_remote(b, id);
	famez_ports_wake(b);
	return true;
}

void famez_look_at_peer(struct famez_bridge *b, u32 id)
{
	struct famez_seen now = { .generation = famez_peer_generation(b, id) };

	if (id == b->id)
		return;
	if (now.generation)
		now.state = FAMEZ_PEER_UP;
	else if (famez_peer_state(b, id) != FAMEZ_PEER_ABSENT)
		now.state = FAMEZ_PEER_ATTACHED;
	if (!famez_pair_peer(b, id, now.generation))
		return;
	if (now.generation)
		famez_sysfs_peer(b, id);
	/* afterwards: who hears of it can act on it */
	famez_note_peer(b, id, &now);
}

static void famez_look_at_all_peers(struct famez_bridge *b)
{
	u32 id;

	WRITE_ONCE(b->peers_epoch, famez_peers_epoch(b));
	virt_mb();	/* the epoch first: what changes later changes it again */
	for (id = 0; id < b->layout.peers.count; id++)
		famez_look_at_peer(b, id);
}

/* Puts our half of our record right, and tells who may have seen it wrong. */
static void famez_refresh_record(struct famez_bridge *b)
{
	struct famez_peer *mine = famez_record(b, b->id);
	bool spoilt;
	u32 id;

	famez_restore(&mine->channels_seen, b->channels_seen);
	famez_restore(&mine->ask, b->asker.ask);
	spin_lock_irq(&b->bell_lock);
	famez_restore(&mine->fam_use, b->fam_use);
	spin_unlock_irq(&b->bell_lock);
	spoilt = famez_restore(&mine->vectors, b->vectors);
	spoilt |= famez_restore(&mine->features, 0);
	spoilt |= famez_restore(&mine->generation, b->generation);
	for (id = 0; spoilt && id < b->layout.peers.count; id++)
		if (b->remotes[id].generation &&
		    famez_knows(b, id))
			famez_ring(b, id);
}

static void famez_serve(struct famez_bridge *b, u32 id)
{
	/* cleared first: a mark that comes now is for the next round */
	clear_bit(id, b->rung);
	smp_mb__after_atomic();	/* then look */
	famez_look_at_peer(b, id);
	famez_link_send(b, id);
	/* who waited for it to come up finds that it is gone again */
	if (!READ_ONCE(b->remotes[id].generation))
		famez_wake_remote(b, id);
	if (!famez_channel_service(b, id))
		return;
	/* more than its share: others first, and its readers may look, too */
	famez_again(b, id);
	famez_wake_remote(b, id);
	famez_ports_wake(b);
}

static void famez_fabric_look(struct famez_bridge *b)
{
	u32 id;

	/* an interrupt may have queued this while we stop */
	if (!READ_ONCE(b->started))
		return;
	if (famez_lost(b)) {
		famez_fabric_wake(b);
		return;
	}
	if (!famez_has_table(b)) {
		famez_mail_serve(b);
		return;
	}
	famez_catch_up(b);
	famez_refresh_record(b);
	if (famez_peers_epoch(b) != b->peers_epoch)
		famez_look_at_all_peers(b);
	famez_directory_look(b);
	famez_mail_look(b);
	for_each_set_bit(id, b->rung, b->layout.peers.count) {
		famez_serve(b, id);
		cond_resched();
	}
}

/* A flush may wait for this, and what frees memory for a flush. */
static void famez_fabric_work(struct work_struct *work)
{
	struct famez_bridge *b = container_of(to_delayed_work(work),
					      struct famez_bridge, work);
	unsigned int flags = memalloc_noio_save();

	famez_fabric_look(b);
	memalloc_noio_restore(flags);
}

/* ---- Start and stop ----------------------------------------------------------- */

static void famez_remote_init(struct famez_remote *r)
{
	init_waitqueue_head(&r->wait);
	init_waitqueue_head(&r->turn);
	mutex_init(&r->tx_lock);
}

static void famez_new_generation(struct famez_bridge *b)
{
	u32 generation;

	do {
		generation = get_random_u32();
	} while (!generation);
	WRITE_ONCE(b->generation, generation);
}

/* Everyone has a channel to the switch, and all rings are as long. */
static u32 famez_longest(const struct famez_bridge *b)
{
	const struct famez_tx *tx = &b->remotes[b->layout.server_id].out.tx;

	if (!tx->data)
		return 0;
	return min_t(u32, famez_ring_longest(tx->size), FAMEZ_MESSAGE_MAX);
}

int famez_fabric_init(struct famez_bridge *b)
{
	u32 i, n = b->layout.peers.count;

	b->remotes = kvcalloc(n, sizeof(*b->remotes), GFP_KERNEL);
	b->rung = bitmap_zalloc(n, GFP_KERNEL);
	b->active = bitmap_zalloc(n, GFP_KERNEL);
	b->wanted = bitmap_zalloc(n, GFP_KERNEL);
	b->mail_rung = bitmap_zalloc(n, GFP_KERNEL);
	if (!b->remotes || !b->rung || !b->active || !b->wanted || !b->mail_rung ||
	    famez_ports_alloc(b)) {
		famez_fabric_free(b);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		famez_remote_init(&b->remotes[i]);
	INIT_DELAYED_WORK(&b->work, famez_fabric_work);
	INIT_DELAYED_WORK(&b->retry, famez_retry_work);
	famez_flush_init(b);
	famez_new_generation(b);
	famez_own_name(b);
	if (!famez_has_table(b)) {
		b->message_max = FAMEZ_MAIL_MAX;
		return 0;
	}
	famez_directory_follow(b);
	b->message_max = famez_longest(b);
	return 0;
}

void famez_fabric_free(struct famez_bridge *b)
{
	u32 i, slot;

	for (i = 0; b->remotes && i < b->layout.peers.count; i++) {
		kfree(b->remotes[i].mails);
		for (slot = 0; slot < FAMEZ_GRANTS; slot++)
			kvfree(b->remotes[i].in.box[slot]);
	}
	famez_ports_free(b);
	kvfree(b->remotes);
	bitmap_free(b->rung);
	bitmap_free(b->active);
	bitmap_free(b->wanted);
	bitmap_free(b->mail_rung);
	b->remotes = NULL;
	b->rung = NULL;
	b->active = NULL;
	b->wanted = NULL;
	b->mail_rung = NULL;
}

/* Our half of our record; the generation makes it valid, so it goes last. */
static void famez_publish(struct famez_bridge *b)
{
	struct famez_peer *mine = famez_record(b, b->id);
	struct famez_component c;

	famez_link_component(b, &c);
	famez_peer_begin(mine);
	famez_store(&mine->vectors, b->vectors);
	famez_store(&mine->kind, FAMEZ_KIND_BRIDGE);
	famez_store(&mine->fam_use, READ_ONCE(b->fam_use));
	famez_store(&mine->channels_seen, b->channels_seen);
	famez_asker_begin(&b->asker, mine);
	strscpy_pad(mine->name, b->name, sizeof(mine->name));
	strscpy_pad(mine->cclass, c.cclass, sizeof(mine->cclass));
	famez_store_release(&mine->generation, b->generation);
	virt_mb();	/* of two that start, one sees the other */
}

void famez_fabric_start(struct famez_bridge *b)
{
	u32 id;

	if (!famez_has_table(b)) {
		famez_mail_start(b);
		WRITE_ONCE(b->started, true);
		famez_link_start(b);
		return;
	}
	famez_publish(b);
	/* who is not up and has a class in its slot, is taken for an old one */
	famez_mail_start(b);
	WRITE_ONCE(b->peers_epoch, famez_peers_epoch(b) - 1);
	WRITE_ONCE(b->started, true);
	for (id = 0; id < b->layout.peers.count; id++)
		if (id != b->id && famez_peer_generation(b, id) &&
		    famez_knows(b, id))
			famez_ring(b, id);
	/* what was left before interrupts were on has rung nobody */
	famez_fabric_interrupt(b, 0);
	flush_delayed_work(&b->work);
}

void famez_fabric_stop(struct famez_bridge *b)
{
	u32 id;

	/* the work must not put our generation right behind us */
	WRITE_ONCE(b->started, false);
	cancel_delayed_work_sync(&b->work);
	cancel_delayed_work_sync(&b->retry);
	/* which may have begun it once more */
	cancel_delayed_work_sync(&b->work);
	if (famez_lost(b))
		return;
	/*
	 * The channels stay as they are: what we sent can still be read, and
	 * what is sent to us from here on is reported to its sender.
	 */
	famez_mail_stop(b);
	if (!famez_has_table(b))
		return;
	famez_store_release(&famez_record(b, b->id)->generation, 0);
	virt_mb();	/* who is rung sees it */
	for (id = 0; id < b->layout.peers.count; id++)
		if (READ_ONCE(b->remotes[id].generation) &&
		    famez_knows(b, id))
			famez_ring(b, id);
}

/*
 * All channels are set down first: what had come is kept in the buffers, and
 * what was on its way to others is told as lost.
 */
void famez_fabric_restart(struct famez_bridge *b)
{
	u32 id;

	if (!famez_has_table(b)) {
		famez_fabric_start(b);
		return;
	}
	/* while a hibernated guest was off, they may have been given to others */
	famez_directory_forget(b);
	for (id = 0; id < b->layout.peers.count; id++) {
		if (!b->remotes[id].generation)
			continue;
		famez_link_restarts_of(b, id);
		famez_channel_pair(b, id, 0);
	}
	famez_new_generation(b);
	famez_fabric_start(b);
	famez_fabric_wake(b);
}

/*
 * The other CPUs have been stopped, perhaps with our locks held; no one else
 * changes our marks any more.
 */
void famez_fabric_panic(struct famez_bridge *b)
{
	u32 id;

	if (!READ_ONCE(b->started) || famez_lost(b) || !famez_has_table(b))
		return;
	famez_store(&famez_record(b, b->id)->fam_use, 0);
	famez_store_release(&famez_record(b, b->id)->generation, 0);
	virt_mb();	/* who is rung sees it */
	for (id = 0; id < b->layout.peers.count; id++)
		if (READ_ONCE(b->remotes[id].generation) &&
		    famez_knows(b, id))
			famez_ring_unlocked(b, id);
}

int famez_fabric_register(void)
{
	famez_wq = alloc_workqueue("famez", WQ_HIGHPRI | WQ_MEM_RECLAIM | FAMEZ_WQ_PERCPU, 0);
	return famez_wq ? 0 : -ENOMEM;
}

void famez_fabric_unregister(void)
{
	destroy_workqueue(famez_wq);
}

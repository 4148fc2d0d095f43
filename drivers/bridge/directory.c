// SPDX-License-Identifier: GPL-2.0
/* Which channels are ours: what the directory says, and what we ask the switch for. */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>

#include "bridge.h"

/* ---- Following the directory ----------------------------------------------------- */

static void famez_directory_scan(struct famez_bridge *b)
{
	struct famez_span span;
	u32 i, other;

	for (i = 0; i < b->layout.peers.count; i++) {
		b->remotes[i].found.out = NULL;
		b->remotes[i].found.in = NULL;
	}
	for (i = 0; i < b->layout.directory.count; i++) {
		/* a stranger may have made it as long as the memory */
		cond_resched();
		if (!famez_directory_read(&b->layout, b->control, i, b->id,
					  &span))
			continue;
		other = span.from == b->id ? span.to : span.from;
		other = array_index_nospec(other, b->layout.peers.count);
		famez_found_note(&b->remotes[other].found,
				 (void *)(b->control + span.offset), &span,
				 b->id);
	}
}

/* A guess, as the ends are not locked. */
static bool famez_moves(const struct famez_remote *r)
{
	return famez_found_new(&r->found, &r->out, &r->in);
}

void famez_directory_forget(struct famez_bridge *b)
{
	u32 id;

	famez_directory_scan(b);
	for (id = 0; id < b->layout.peers.count; id++)
		famez_channel_lose(b, id);
}

void famez_directory_follow(struct famez_bridge *b)
{
	struct famez_peer *mine = famez_record(b, b->id);
	u32 epoch = famez_load_acquire(&mine->channels_epoch);
	int err = 0;
	u32 id;

	famez_directory_scan(b);
	for (id = 0; id < b->layout.peers.count; id++) {
		/* of one that is gone, all that came is taken out first */
		if (READ_ONCE(b->started) && famez_moves(&b->remotes[id]))
			famez_look_at_peer(b, id);
		err |= famez_channel_move(b, id);
	}
	/* no memory: what is missing is looked for again */
	WRITE_ONCE(b->channels_epoch, err ? epoch - 1 : epoch);
	if (err)
		famez_retry(b);
	b->channels_seen = epoch;
	/* from here on, what we let go of may be another's */
	famez_store_release(&mine->channels_seen, epoch);
}

/* ---- Asking the switch ----------------------------------------------------------- */

int famez_channel_want(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	lockdep_assert_held(&r->tx_lock);
	/* one that nobody came for is old, and by now there may be some */
	if (r->refused && time_before(jiffies, r->refused + HZ)) {
		r->refused = 0;
		return -ENOBUFS;
	}
	r->wants = true;
	set_bit(id, b->wanted);
	famez_begin_work(b);
	return -EAGAIN;
}

static bool famez_switch_is_there(struct famez_bridge *b)
{
	return famez_peer_state(b, b->layout.server_id) != FAMEZ_PEER_ABSENT;
}

/* The switch, or its absence, has answered. */
static void famez_asker_close(struct famez_bridge *b)
{
	u32 id = array_index_nospec(FAMEZ_ASK_PEER(b->asker.ask),
				    b->layout.peers.count);
	struct famez_remote *r = &b->remotes[id];

	b->asker.open = false;
	mutex_lock(&r->tx_lock);
	/* who came since it was asked is not answered by that */
	if (r->out.tx.data || r->wants == b->for_sender) {
		clear_bit(id, b->wanted);
		r->refused = r->wants && !r->out.tx.data ? jiffies | 1 : 0;
		r->wants = false;
	}
	mutex_unlock(&r->tx_lock);
	/* a word that waits for it is told of a refusal, too */
	if (famez_link_calls(b, id))
		set_bit(id, b->rung);
	famez_wake_remote(b, id);
}

/* One ask at a time, each peer that is wanted in turn. */
static void famez_asker_next(struct famez_bridge *b)
{
	u32 i, id, n = b->layout.peers.count;
	u32 last = FAMEZ_ASK_PEER(b->asker.ask);

	if (bitmap_empty(b->wanted, n))
		return;
	for (i = 1; i <= n; i++) {
		id = array_index_nospec((last + i) % n, n);
		if (!test_bit(id, b->wanted))
			continue;
		/* it may have come meanwhile, since the other wanted it, too */
		if (b->remotes[id].out.tx.data && b->remotes[id].in.rx.data) {
			clear_bit(id, b->wanted);
			continue;
		}
		mutex_lock(&b->remotes[id].tx_lock);
		b->for_sender = b->remotes[id].wants;
		mutex_unlock(&b->remotes[id].tx_lock);
		famez_asker_ask(&b->asker, famez_record(b, b->id), id);
		b->asked_at = jiffies;
		famez_ring(b, b->layout.server_id);
		return;
	}
}

/* A stranger may have spoilt the question, the answer, or the bell. */
static void famez_asker_wait(struct famez_bridge *b)
{
	if (time_after_eq(jiffies, b->asked_at + HZ)) {
		b->asked_at = jiffies;
		famez_ring(b, b->layout.server_id);
	}
	famez_retry(b);
}

void famez_directory_look(struct famez_bridge *b)
{
	struct famez_peer *mine = famez_record(b, b->id);
	/* the answer first: what it is about is in the directory by then */
	bool answered = famez_asker_answered(&b->asker, mine);

	if (famez_load(&mine->channels_epoch) != b->channels_epoch)
		famez_directory_follow(b);
	if (b->asker.open && (answered || !famez_switch_is_there(b)))
		famez_asker_close(b);
	if (!b->asker.open)
		famez_asker_next(b);
	if (b->asker.open)
		famez_asker_wait(b);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * famez_bridge: one ivshmem device; with a doorbell, the peers that it reaches.
 *
 * Who calls whom: chardev, text, ioctl -> endpoint -> send, receive, ping ->
 * port, channel -> fabric -> pci; ioctl -> vectors -> pci.  PCI facts are in pci.c,
 * user pointers above send.c and receive.c, the control area is read through
 * <famez/layout.h>, <famez/outbox.h> and <famez/inbox.h>.
 *
 * Life: struct famez_bridge is freed by the last reference to its device, which
 * each open file holds.  The device's memory and interrupts go at remove, which
 * first makes every operation leave (famez_enter(), famez_leave()), so what is
 * inside may use them.  An operation sleeps inside, and is woken by remove; it
 * leaves before it touches user memory that may fault.  A suspend freezes it where
 * it sleeps; only a ping leaves, as it sleeps with a mutex.
 */
#ifndef _FAMEZ_BRIDGE_H
#define _FAMEZ_BRIDGE_H

#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/famez.h>
#include <linux/famez_fabric.h>
#include <famez/directory.h>
#include <famez/events.h>
#include <famez/mailslot.h>
#include <famez/regions.h>

struct eventfd_ctx;
struct famez_fam;
struct famez_names;
struct inode;
struct iov_iter;
struct mm_struct;
struct pci_dev;

/**
 * struct famez_counters - what is counted for a peer, a file each in sysfs
 * @tx_messages: messages sent to it
 * @tx_bytes: their bytes
 * @tx_doorbells: times that it was rung
 * @tx_pings: pings sent to it
 * @tx_waits: times that a sender slept, as there was no room
 * @tx_full: sends that failed for lack of room, at once or in time
 * @tx_resets: times that messages to it were lost, as it restarted
 * @tx_refused: sends that failed as nobody had the port
 * @tx_absent: sends that failed as it was not on the fabric
 * @tx_down: sends that failed as it had no driver or program
 * @tx_no_channel: sends that failed as there is no channel to it
 * @tx_too_long: sends that failed as the message was too long
 * @rx_messages: messages from it that programs have read
 * @rx_bytes: their bytes
 * @rx_doorbells: marks found that it had left before it rang
 * @rx_pings: its pings that came
 * @rx_discarded: messages that were dropped, as their port was closed
 * @rx_too_long: reads that failed as the program had no room for the message
 * @rx_garbage: times that its ring held garbage, and was emptied
 *
 * The tx_ are written under tx_lock, the rx_ under rx_lock, those of doorbells
 * under bell_lock; all are read without.
 */
struct famez_counters {
	unsigned long tx_messages;
	unsigned long tx_bytes;
	unsigned long tx_doorbells;
	unsigned long tx_pings;
	unsigned long tx_waits;
	unsigned long tx_full;
	unsigned long tx_resets;
	unsigned long tx_refused;
	unsigned long tx_absent;
	unsigned long tx_down;
	unsigned long tx_no_channel;
	unsigned long tx_too_long;
	unsigned long rx_messages;
	unsigned long rx_bytes;
	unsigned long rx_doorbells;
	unsigned long rx_pings;
	unsigned long rx_discarded;
	unsigned long rx_too_long;
	unsigned long rx_garbage;
};

/* Counts up what one writes and others read. */
static inline void famez_count(unsigned long *counter, unsigned long n)
{
	WRITE_ONCE(*counter, *counter + n);
}

/**
 * struct famez_vector - an interrupt vector
 * @b: its bridge
 * @number: which
 * @name: in /proc/interrupts
 * @interrupts: how many came; by its handler alone, read anywhere
 * @lock: for @listeners; taken in its handler, which is a thread on PREEMPT_RT
 * @listeners: eventfds of programs
 * @listening: how many
 */
struct famez_vector {
	struct famez_bridge *b;
	u32 number;
	char name[32];
	unsigned long interrupts;

	spinlock_t lock;	/* listeners */
	struct list_head listeners;
	u32 listening;
};

/**
 * struct famez_watch - an eventfd of a program that is signalled for a port
 * @list: in famez_port.watches
 * @eventfd: a reference
 */
struct famez_watch {
	struct list_head list;
	struct eventfd_ctx *eventfd;
};

/**
 * struct famez_window - memory of the device, mapped for the kernel
 * @at: where; NULL: it is not
 * @pages: by vmap_pfn(), not memremap()
 */
struct famez_window {
	void *at;
	bool pages;
};

/**
 * struct famez_port - a port of ours, and who waits at it
 * @wait: those who wait for a message, and those who poll
 * @events: counts what they should look at; changed under bell_lock, read anywhere
 * @sleepers: those who wait inside; under bell_lock
 * @watches: struct famez_watch of programs; under bell_lock
 * @boxed: ids in whose box for it there may be messages; under rx_lock
 * @first: whose message is looked for first; under rx_lock
 */
struct famez_port {
	wait_queue_head_t wait;
	unsigned int events;
	unsigned int sleepers;
	struct list_head watches;
	unsigned long *boxed;
	u32 first;
};

/**
 * struct famez_remote - another peer, and the channels with it
 * @generation: for which the channels are set up, 0: not up; changed under
 *	rx_lock and tx_lock, read anywhere
 * @seen: what the events have told of it; under events_lock
 * @rings: counts its marks, and what else its waiters should look at; changed
 *	under bell_lock, read anywhere
 * @wait: those who wait for @rings to change
 * @counters: what is counted
 * @shown: has a directory in sysfs; under dirs_lock
 * @found: its channels that the directory names; by the work alone, once started
 *
 * @tx_lock: the sending side; nests inside rx_lock, never held over a sleep
 * @sleepers: places of ports at which somebody sleeps for room, and has the
 *	events; under @tx_lock
 * @ring_turn: place + 1 of that one of them who waits for the ring; 0: nobody;
 *	under @tx_lock
 * @turns: counts changes of @sleepers; changed under @tx_lock, read anywhere
 * @turn: those who wait to be the next at their port
 * @out: channel to it; no data: there is none; under @tx_lock, and where it is also
 *	under bell_lock
 * @reset: messages to it were lost, which no sender has been told; under
 *	@tx_lock
 * @wants: a sender wants a channel to it; under @tx_lock
 * @refused: when the switch had no channel for it, which no sender has been told, in
 *	jiffies; 0: it did not; under @tx_lock
 *
 * @in: channel from it; under rx_lock, and where it is also under bell_lock
 * @slot: place of the port that its last message went to; changed under rx_lock,
 *	read anywhere, as a guess
 * @idle: nobody has read from its ring since the work last looked; cleared under
 *	rx_lock, set anywhere
 * @deferred: up to where it was to be emptied when the work put that off; under
 *	rx_lock
 * @busy: a reader has left it unarmed, as it had enough: @work wakes it; under
 *	rx_lock
 * @pong_due: bytes of @pong that wait for room, 0: none; under rx_lock
 * @pong: the ping that is to go back; under rx_lock
 *
 * @pinging: somebody has a ping out; under bell_lock
 * @ping: what it sent, 0: nobody waits; under bell_lock
 * @pong_time: when the answer came, 0: not yet; under bell_lock
 *
 * @link_due: what is to be said to it of the link layer; under link_lock, a look at
 *	whether there is something without
 * @mails: what came by its mailslot; NULL: nothing has; under rx_lock
 */
struct famez_remote {
	u32 generation;
	struct famez_seen seen;
	unsigned int rings;
	wait_queue_head_t wait;
	struct famez_counters counters;
	bool shown;
	struct famez_found found;

	struct mutex tx_lock;	/* the sending side */
	u64 sleepers;
	u32 ring_turn;
	unsigned int turns;
	wait_queue_head_t turn;
	struct famez_outbox out;
	bool reset;
	bool wants;
	unsigned long refused;

	struct famez_inbox in;
	u32 slot;
	bool idle;
	u32 deferred;
	bool busy;
	u32 pong_due;
	u8 pong[FAMEZ_PING_MAX];

	bool pinging;
	u64 ping;
	u64 pong_time;

	struct famez_link_due link_due;
	struct famez_mails *mails;
};

/**
 * struct famez_bridge - one device
 * @dev: the character device; frees this when it is released
 * @cdev: the same
 * @names: how devices of its kind are called
 * @index: number in the device's name
 * @node: in the list of all bridges, for a panic
 * @inode: of no file system; its mapping serves all opens, so that one call
 *	unmaps everything
 *
 * @pdev: the device; only between probe and remove, as all of the next
 * @regs: its registers
 * @memory: bus address of the shared memory
 * @control: the control area, mapped
 * @control_window: likewise
 * @fam: all of FAM, mapped; where that would not be write-back, or is of no use, it
 *	is not; only while there are operations inside
 * @vector: interrupt vectors
 * @vectors: how many are requested
 *
 * @ops: operations inside
 * @idle: the last of them has left
 * @gone: remove has begun, or it woke as another; before everyone is woken
 * @started: the generation is published; interrupts before that do nothing
 * @off: it woke as another: lost, whatever the memory says; written once
 * @missed: the fabric was lost when it was to be read or rung
 *
 * @config: %FAMEZ_CONFIG_FAMEZ or what else it is; constant
 * @layout: what the control area is, without messages only where FAM lies;
 *	constant, but for @taken, which is @work's
 * @tables: who uses FAM, of a fabric's memory; constant
 * @id: own id; constant
 * @generation: of this start; changed by resume, when nobody is inside but
 *	sleepers that are frozen
 * @message_max: longest message, in bytes; constant
 * @name: own name; constant
 *
 * @bell_lock: for the own bell rows; taken in interrupt context
 * @rung: ids whose marks the work has yet to look at
 * @active: ids whose channel is not armed: they may have messages; set anywhere,
 *	cleared under @rx_lock before arming
 * @sleeping: places of ports at which somebody sleeps inside; under @bell_lock
 * @work: does what marks ask for in process context
 *
 * @events_lock: for @events and all famez_remote.seen
 * @events: what happened to peers
 * @event_wait: those who wait for an event
 * @wakes: counts famez_fabric_wake(); under bell_lock, read anywhere
 *
 * @rx_lock: for the receiving side of all channels
 * @rx_waits: times that a reader found nothing, and waits; under @rx_lock, read
 *	anywhere
 * @ports: our ports, as the channels show them; changed under @rx_lock, its @used
 *	also under @bell_lock
 * @port: likewise, who waits at them
 * @peers_epoch: of the peer table as last looked through; changed by @work alone
 * @channels_epoch: as of which the directory was followed; likewise
 * @channels_seen: what our record says of that; likewise, and at the start
 * @wanted: ids with whom a sender wants a channel; set under their tx_lock, cleared by
 *	@work
 * @asker: which of them the switch is asked for; by @work alone, and at the start
 * @for_sender: somebody who sends is to be told the answer; by @work alone
 * @retry: begins @work once more, for what was not to be had
 * @asked_at: when it was last rung for that, in jiffies; likewise
 * @remotes: by id, layout.peers.count of them
 *
 * @link_lock: for @component and all famez_remote.link_due
 * @component: what we are for Gen-Z's link layer
 *
 * @mail_lock: for @post; nests inside rx_lock, and tx_lock inside it
 * @post: the own mailslot; its slot is NULL where there are none: set before anybody
 *	can send, read anywhere
 * @mail_told: where who waits for the message in it looks for what became of it; NULL:
 *	nobody does; under mail_lock
 * @mail_rung: ids whose mailslots the work has yet to look at
 * @mail_wait: those who wait for the own one
 *
 * @flush_lock: one flush at a time; what brings the answer, does not take it
 * @flushes: counts those that have begun; under @flush_lock, read anywhere
 * @flush_errors: counts those that failed; likewise
 * @flush_error: of the last one; under @flush_lock
 * @flush_cookie: what its answer has to say, 0: nobody waits; under bell_lock
 * @flush_answer: 0 or -errno, 1: there is none yet; changed under bell_lock, read
 *	anywhere
 *
 * @owner_lock: for all about who has the FAM
 * @owner: index in famez_owners, 0: none; under @owner_lock, read anywhere
 * @owner_shut: it changes no more, as remove has begun
 * @fam_device: what the owner's driver binds; NULL: none
 * @fam_sem: for @fam_paged and @fam_private, which stay while something is mapped or copied
 * @fam_paged: FAM may have struct pages, by whoever has it
 * @fam_private: it may be memory of this kernel's own, and is no program's
 * @fam_region: name of the region that an owner gets; empty: all of FAM
 * @fam_use: what our record says; changed under @owner_lock and @bell_lock, read
 *	anywhere
 *
 * @dirs_lock: for @dirs, @peers_dir, @vectors_dir
 * @dirs: directories of counters
 * @peers_dir: peers/, NULL while there is none
 * @vectors_dir: vectors/, likewise
 */
struct famez_bridge {
	struct device dev;
	struct cdev cdev;
	struct famez_names *names;
	int index;
	struct list_head node;
	struct inode *inode;

	struct pci_dev *pdev;
	void __iomem *regs;
	phys_addr_t memory;
	u8 *control;
	struct famez_window control_window;
	struct famez_window fam;
	struct famez_vector *vector;
	int vectors;

	struct percpu_ref ops;
	struct completion idle;
	bool gone;
	bool started;
	bool off;
	bool missed;

	u32 config;
	struct famez_layout layout;
	struct famez_tables tables;
	u32 id;
	u32 generation;
	u32 message_max;
	char name[FAMEZ_NAME_SIZE];

	spinlock_t bell_lock;	/* the own bell rows */
	unsigned long *rung;
	unsigned long *active;
	u64 sleeping;
	struct delayed_work work;

	spinlock_t events_lock;	/* events */
	struct famez_events events;
	wait_queue_head_t event_wait;
	unsigned int wakes;

	struct mutex rx_lock;	/* the receiving side of all channels */
	unsigned long rx_waits;
	struct famez_ports ports;
	struct famez_port port[FAMEZ_GRANTS];
	u32 peers_epoch;
	u32 channels_epoch;
	u32 channels_seen;
	unsigned long *wanted;
	struct famez_asker asker;
	bool for_sender;
	struct delayed_work retry;
	unsigned long asked_at;
	struct famez_remote *remotes;

	spinlock_t link_lock;	/* component, link_due */
	struct famez_component component;

	struct mutex mail_lock;	/* the own mailslot */
	struct famez_post post;
	int *mail_told;
	unsigned long *mail_rung;
	wait_queue_head_t mail_wait;

	struct mutex flush_lock;	/* one flush at a time */
	u32 flushes;
	u32 flush_errors;
	int flush_error;
	u64 flush_cookie;
	int flush_answer;

	struct mutex owner_lock;	/* who has the FAM */
	u32 owner;
	bool owner_shut;
	struct famez_fam *fam_device;
	struct rw_semaphore fam_sem;	/* fam_paged, fam_private */
	bool fam_paged;
	bool fam_private;
	char fam_region[FAMEZ_REGION_NAME];
	u32 fam_use;

	struct mutex dirs_lock;	/* directories in sysfs */
	struct list_head dirs;
	struct kobject *peers_dir;
	struct kobject *vectors_dir;
};

/* Has it famez's control area, with peers and channels? */
static inline bool famez_has_table(const struct famez_bridge *b)
{
	return b->config == FAMEZ_CONFIG_FAMEZ;
}

/* Are there peers to whom it speaks, by channels or by mailslots alone? */
static inline bool famez_has_messages(const struct famez_bridge *b)
{
	return famez_has_table(b) || b->config == FAMEZ_CONFIG_MAILSLOTS;
}

/* Does it ring, and is it rung?  If not, it has a FAM alone. */
static inline bool famez_has_doorbell(const struct famez_bridge *b)
{
	return famez_has_messages(b) || b->config == FAMEZ_CONFIG_RAW;
}

/*
 * Is there a channel with it?  Who has none hears of us by the switch alone.
 * Changed by the work; a guess elsewhere.
 */
static inline bool famez_channel_there(const struct famez_remote *r)
{
	return READ_ONCE(r->out.tx.data) || READ_ONCE(r->in.rx.data);
}

/* ---- pci.c ---- */

/**
 * famez_doorbell() - interrupt a peer
 * @b: the bridge
 * @peer: its id
 * @vector: which of its vectors
 *
 * Context: any, while inside
 */
void famez_doorbell(struct famez_bridge *b, u32 peer, u32 vector);

int famez_pci_register(void);
void famez_pci_unregister(void);

/* ---- window.c: the kernel's mappings ---- */

/**
 * famez_window_open() - map memory of the device, write-back if that can be had
 * @w: the mapping
 * @at: bus address
 * @bytes: how many; need not be whole pages
 *
 * Context: may sleep
 *
 * Return: 0 or -ENOMEM
 */
int famez_window_open(struct famez_window *w, phys_addr_t at, size_t bytes);

/** famez_window_open_any() - likewise, of any memory type */
int famez_window_open_any(struct famez_window *w, phys_addr_t at, size_t bytes);

/** famez_window_close() - unmap it; may sleep; nothing, if it is not mapped */
void famez_window_close(struct famez_window *w);

/** famez_fam_plain_memtype() - what pmem and dax get of it: %FAMEZ_MEMORY_WB and so on */
u32 famez_fam_plain_memtype(struct famez_bridge *b);

/** famez_window_open_fam() - map all of FAM at @b->fam, if that is of use */
void famez_window_open_fam(struct famez_bridge *b);

/* ---- region.c: the tables of who uses FAM; inside, or before famez_owner_stop() ---- */

/**
 * famez_regions() - regions, from a place in the table on
 * @b: the bridge
 * @index: the place; where to go on is left there
 * @infos: what they are
 * @room: how many there is room for
 *
 * Context: may sleep
 *
 * Return: how many; an error where that cannot be told
 */
int famez_regions(struct famez_bridge *b, u32 *index, struct famez_region_info *infos,
		  u32 room);

/**
 * famez_fam_conflict() - may pmem or dax have a part of FAM?
 * @b: the bridge
 * @use: %FAMEZ_USE_PMEM and so on
 * @want: the part
 *
 * Context: may sleep
 *
 * Return: NULL, or why not, as of regions and of what peers say
 */
const char *famez_fam_conflict(struct famez_bridge *b, u32 use,
			       const struct famez_region_info *want);

/**
 * famez_fam_in_use() - is any of it pmem or dax, by regions or peers? may sleep
 *
 * It is, if that cannot be told.
 */
bool famez_fam_in_use(struct famez_bridge *b, u64 offset, u64 length);

/* ---- memtype.c: what the page tables say ---- */

#define FAMEZ_MEMORY_ALIEN	U32_MAX	/* not the device's */

/**
 * famez_memtype_kernel() - of a mapping of the kernel
 * @at: where
 * @page_size: of the page there, in bytes, where one is; or NULL
 *
 * Return: %FAMEZ_MEMORY_WB and so on
 */
u32 famez_memtype_kernel(const void *at, u64 *page_size);

/** famez_memtype_user() - likewise of a program's; under mmap_lock */
u32 famez_memtype_user(struct mm_struct *mm, unsigned long address, u64 *page_size);

/* ---- fabric.c: control area, peers, bells ---- */

/**
 * famez_fabric_identify() - what memory is this?
 * @b: its config and layout are set, on 0
 * @first: its first bytes, mapped; 8192 or all, whichever is less
 * @memory_size: bytes of all of it
 * @vectors: that the device has, 0: no doorbell
 *
 * Reads, and never writes.
 *
 * Return: NULL; else what it is that cannot be used
 */
const char *famez_fabric_identify(struct famez_bridge *b, const void *first,
				  u64 memory_size, int vectors);

/** famez_record() - a peer's record; @id is below layout.peers.count */
struct famez_peer *famez_record(struct famez_bridge *b, u32 id);

/** famez_fabric_init() - allocate what @b needs for its peers; layout is set */
int famez_fabric_init(struct famez_bridge *b);
void famez_fabric_free(struct famez_bridge *b);

/** famez_fabric_start() - publish a generation; interrupts are on */
void famez_fabric_start(struct famez_bridge *b);

/**
 * famez_fabric_stop() - end the generation
 *
 * Context: may sleep; nobody is inside, or who is sleeps frozen
 */
void famez_fabric_stop(struct famez_bridge *b);

/** famez_fabric_restart() - after a stop: start another generation */
void famez_fabric_restart(struct famez_bridge *b);

/** famez_fabric_panic() - tell the peers; takes no lock, never sleeps */
void famez_fabric_panic(struct famez_bridge *b);

/** famez_fabric_interrupt() - acknowledge, mark, wake; interrupt context */
void famez_fabric_interrupt(struct famez_bridge *b, u32 vector);

/** famez_fabric_wake() - make everyone who waits for anything look again */
void famez_fabric_wake(struct famez_bridge *b);

/**
 * famez_ring() - leave our mark with a peer, and ring it; any context
 *
 * Return: false when the fabric is lost: then nobody was rung, and
 * famez_catch_up() comes back to it
 */
bool famez_ring(struct famez_bridge *b, u32 id);

/**
 * famez_catch_up() - do what was left while the fabric looked lost
 *
 * A stranger can write another fabric's number, and the right one again.  Who
 * waited meanwhile was told; what came meanwhile is looked at here.
 */
void famez_catch_up(struct famez_bridge *b);

/** famez_again() - there is more to do for a peer: have the work see to it */
void famez_again(struct famez_bridge *b, u32 id);

/** famez_retry() - have the work look in a second: something was not to be had */
void famez_retry(struct famez_bridge *b);

/** famez_look_at_peer() - take up what the table says of a peer; the work alone */
void famez_look_at_peer(struct famez_bridge *b, u32 id);

/** famez_later() - likewise, in a tick, unless something happens before */
void famez_later(struct famez_bridge *b, u32 id);

/** famez_look_again() - have the work look for all who wait at ports */
void famez_look_again(struct famez_bridge *b);

/** famez_wake_remote() - make those who wait for a peer look again */
void famez_wake_remote(struct famez_bridge *b, u32 id);

/**
 * famez_lost() - has another switch taken the memory?
 *
 * Then the control area is neither read nor written any more; FAM stays.  Without
 * one only what woke as another is lost.
 */
bool famez_lost(struct famez_bridge *b);

/** famez_peer_state() - FAMEZ_PEER_ABSENT and so on, as the switch says */
u32 famez_peer_state(struct famez_bridge *b, u32 id);

/** famez_peer_generation() - what a peer has published, 0: it is not up */
u32 famez_peer_generation(struct famez_bridge *b, u32 id);

/** famez_peers_epoch() - changes when a peer changes */
u32 famez_peers_epoch(struct famez_bridge *b);

/** famez_peer_info() - what the table says of a peer, checked and printable */
void famez_peer_info(struct famez_bridge *b, u32 id,
		     struct famez_peer_info *info);

/** famez_peer_ids() - CID and SID that the switch has given it, 0: none */
void famez_peer_ids(struct famez_bridge *b, u32 id, u32 *cid, u32 *sid);

/** famez_begin_work() - have @b->work run, as soon as it can; any context */
void famez_begin_work(struct famez_bridge *b);

/** famez_fabric_use() - tell peers how we use FAM; under owner_lock, or at shutdown */
void famez_fabric_use(struct famez_bridge *b, u32 use);

int famez_fabric_register(void);
void famez_fabric_unregister(void);

/* ---- channel.c: the two channels with each peer ---- */

/**
 * famez_channel_pair() - set the channels with a peer up for its generation
 * @b: the bridge
 * @id: the peer
 * @generation: 0: down
 *
 * Context: may sleep; takes rx_lock and tx_lock
 *
 * Return: 0 or -ENOMEM
 */
int famez_channel_pair(struct famez_bridge *b, u32 id, u32 generation);

/**
 * famez_channel_move() - have the channels with a peer where famez_remote.found says
 *
 * Context: the work, or before the start; may sleep
 *
 * Return: 0, or -ENOMEM: there are none now
 */
int famez_channel_move(struct famez_bridge *b, u32 id);

/**
 * famez_channel_lose() - use those channels no more that famez_remote.found has not
 *
 * Not a byte of them is written.  Context: nobody is inside
 */
void famez_channel_lose(struct famez_bridge *b, u32 id);

/* ---- directory.c: which channels are ours ---- */

/** famez_directory_forget() - after sleep: lose all channels that are others' now */
void famez_directory_forget(struct famez_bridge *b);

/** famez_directory_follow() - read it, and have all channels where it says */
void famez_directory_follow(struct famez_bridge *b);

/**
 * famez_directory_look() - the same, if it has changed; asks the switch for what
 * is wanted, and takes in its answer; the work alone
 */
void famez_directory_look(struct famez_bridge *b);

/**
 * famez_channel_want() - there is no channel to a peer; under its tx_lock
 *
 * Return: -EAGAIN: the switch will be asked, and who waits for the peer woken;
 * -ENOBUFS: it was asked, and has none
 */
int famez_channel_want(struct famez_bridge *b, u32 id);

/* ---- port.c: our ports ---- */

/** famez_ports_init() - before anybody can open the device */
void famez_ports_init(struct famez_bridge *b);

/** famez_ports_alloc() - port 0, once the layout is known; or -ENOMEM */
int famez_ports_alloc(struct famez_bridge *b);
void famez_ports_free(struct famez_bridge *b);

/**
 * famez_port_bind() - open a port
 * @b: the bridge, inside
 * @port: which, 1 to 65535; 0: any from FAMEZ_PORT_ANY_MIN on that is free
 * @window: bytes that each sender may have on their way to it, 0: as it comes
 *
 * Context: may sleep; takes rx_lock
 *
 * Return: its place (which one is in @b->ports), or -EADDRINUSE, -ENOSPC, -ENOMEM
 */
int famez_port_bind(struct famez_bridge *b, u32 port, u32 window);

/** famez_port_own() - is it open here?  Likewise */
bool famez_port_own(struct famez_bridge *b, u32 port);

/** famez_port_close() - discard what was not read; inside, takes rx_lock */
void famez_port_close(struct famez_bridge *b, u32 slot);

/** famez_make_boxes() - boxes for what a peer sends; under rx_lock; or -ENOMEM */
int famez_make_boxes(struct famez_bridge *b, u32 id);

/** famez_port_wake() - have those who wait at a port look; any context */
void famez_port_wake(struct famez_bridge *b, u32 slot);
void famez_ports_wake(struct famez_bridge *b);

/**
 * famez_port_wake_reader() - wake one port's readers, who will look for all
 * @b: the bridge
 * @slot: the port that it probably is for
 *
 * Context: any, under bell_lock
 *
 * Return: false when nobody sleeps inside; those who poll may not look at once
 */
bool famez_port_wake_reader(struct famez_bridge *b, u32 slot);

/** famez_port_sleep() - somebody goes to sleep inside, and looks when woken */
void famez_port_sleep(struct famez_bridge *b, u32 slot);
void famez_port_awake(struct famez_bridge *b, u32 slot);

/** famez_port_waited_for() - does somebody sleep, poll or watch there? */
bool famez_port_waited_for(struct famez_port *port);

/** famez_others_wait() - does somebody at another port? */
bool famez_others_wait(struct famez_bridge *b, u32 slot);

/** famez_watch_add() - signal an eventfd when a message may have come */
void famez_watch_add(struct famez_bridge *b, u32 slot, struct famez_watch *watch);
void famez_watch_remove(struct famez_bridge *b, struct famez_watch *watch);

/* ---- send.c ---- */

/**
 * struct famez_dest - where a message goes
 * @peer: id of the receiver
 * @port: its port
 * @sport: our port, 0: none
 */
struct famez_dest {
	u32 peer;
	u16 port;
	u16 sport;
};

/**
 * struct famez_parcel - a record to be sent
 * @type: %FAMEZ_TYPE_DATA and so on; %FAMEZ_TYPE_PAD: nothing is, it asks whether
 *	@dport is open
 * @sport: our port
 * @dport: the receiver's port
 * @turn: place + 1 of the port at which its sender is the one who sleeps
 * @from: its bytes, all of it
 */
struct famez_parcel {
	u16 type;
	u16 sport;
	u16 dport;
	u32 turn;
	struct iov_iter *from;
};

/** famez_check_dest() - can a message be sent to this id? or -errno */
int famez_check_dest(struct famez_bridge *b, u32 id);

/**
 * famez_channel_send() - send a message
 * @b: the bridge, inside
 * @dest: to whom
 * @from: the message, all of it; advanced on success
 * @timeout: jiffies to sleep at most while there is no room, 0: not at all
 *
 * Page faults are not taken: -EFAULT means that the caller leaves, faults @from
 * in and tries again.
 *
 * Return: 0 or an error as of FAMEZ_IOC_SEND; -EAGAIN, not -ETIMEDOUT, when the
 * time is over
 */
int famez_channel_send(struct famez_bridge *b, const struct famez_dest *dest,
		       struct iov_iter *from, long timeout);

/**
 * famez_channel_probe() - is a port open?
 * @b: the bridge
 * @dest: whose, and which; our own, too
 * @timeout: how long to sleep until that can be told, in jiffies
 *
 * Return: 0, or -errno as famez_channel_send()
 */
int famez_channel_probe(struct famez_bridge *b, const struct famez_dest *dest,
			long timeout);

/**
 * struct famez_outgoing - one of several messages to be sent
 * @dest: to whom
 * @from: the message
 */
struct famez_outgoing {
	struct famez_dest dest;
	struct iov_iter from;
};

/**
 * famez_channel_send_row() - send several messages, as far as there is room
 * @b: the bridge, inside
 * @row: the messages
 * @count: how many
 * @done: how many were sent
 *
 * Return: 0, or why not the next one, as famez_channel_send() without a timeout
 */
int famez_channel_send_row(struct famez_bridge *b, struct famez_outgoing *row,
			   u32 count, u32 *done);

/** famez_tx_kernel() - send something small of our own; never sleeps for room */
int famez_tx_kernel(struct famez_bridge *b, u32 id, u16 type, void *data,
		    size_t length);

/*
 * What is left of @timeout jiffies since @start.  Time runs on while a call that
 * is woken again and again does not sleep.
 */
static inline long famez_left(unsigned long start, long timeout)
{
	if (timeout == MAX_SCHEDULE_TIMEOUT)
		return timeout;
	return max(timeout - (long)(jiffies - start), 0L);
}

/* ---- receive.c ---- */

/**
 * struct famez_delivery - where a message goes
 * @to: the program's memory
 * @text: as "<sender>:<payload>"
 * @cid: likewise, the sender as "CID,SID" where it has been given one
 * @slot: place of the port that is read
 * @answer: tells the program of what was delivered, before it is taken out, as it
 *	must not be lost: called with page faults off, 0 or -EFAULT; and outside,
 *	with @fault, to have its memory there for another try.  May be NULL
 * @peer: the sender
 * @sport: its port
 * @length: bytes of the message, also on -EMSGSIZE
 */
struct famez_delivery {
	struct iov_iter *to;
	bool text;
	bool cid;
	u32 slot;
	int (*answer)(struct famez_delivery *d, bool fault);
	u32 peer;
	u16 sport;
	u32 length;
};

/** famez_channel_recv() - receive a message; as famez_channel_send() */
int famez_channel_recv(struct famez_bridge *b, struct famez_delivery *d,
		       long timeout);

/**
 * famez_channel_recv_row() - receive those messages that are there
 * @b: the bridge, inside
 * @d: where to; an array of pointers
 * @count: how many at most
 *
 * Return: how many; none also where famez_channel_recv() has to tell why
 */
u32 famez_channel_recv_row(struct famez_bridge *b, struct famez_delivery **d,
			   u32 count);

/** famez_channel_readable() - is there a message? if not, a mark will come */
bool famez_channel_readable(struct famez_bridge *b, u32 slot);

/**
 * famez_channel_service() - what a peer's mark may ask for; may sleep
 *
 * Return: true when there may be more, for which it is to be called again
 */
bool famez_channel_service(struct famez_bridge *b, u32 id);

/**
 * famez_channel_calls() - does a peer wait for famez_channel_service()?
 *
 * Context: any; takes no lock, so it may say yes for nothing
 */
bool famez_channel_calls(struct famez_bridge *b, u32 id);

/** famez_rx_empty() - move all that came into boxes; under rx_lock */
void famez_rx_empty(struct famez_bridge *b, u32 id);

/* ---- ping.c ---- */

/** famez_channel_ping() - measure a round trip; may sleep */
int famez_channel_ping(struct famez_bridge *b, u32 id, unsigned int timeout_ms,
		       u64 *nanoseconds);

/** famez_send_pong() - send an answer that is due; under rx_lock */
void famez_send_pong(struct famez_bridge *b, u32 id);

/** famez_rx_control() - a record that is not for a program; under rx_lock */
void famez_rx_control(struct famez_bridge *b, u32 id,
		      const struct famez_message *m);

/** famez_take_old_pong() - of one that says no more than that it is there */
void famez_take_old_pong(struct famez_bridge *b, u32 id);

/* ---- params.c: what the module was loaded with ---- */

/** famez_own_name() - sets the bridge's: the parameter, or what can be made of the hostname */
void famez_own_name(struct famez_bridge *b);

/** famez_own_class() - the class that components begin with */
const char *famez_own_class(void);

/** famez_first_owner() - the name of who has the FAM of each device at first */
const char *famez_first_owner(void);

/* ---- link.c: a component of Gen-Z's link layer ---- */

/** famez_link_init() - before anybody can ask */
void famez_link_init(struct famez_bridge *b);

/** famez_link_start() - the switch is up: begin to speak with it; any lock */
void famez_link_start(struct famez_bridge *b);

/**
 * famez_link_say() - say a word, now or when there is room
 * @b: the bridge
 * @id: to whom
 * @l: the word
 *
 * Context: any lock, may not wait
 *
 * Return: 0, or -EAGAIN: the last one still waits; a sender is woken when it has gone
 */
int famez_link_say(struct famez_bridge *b, u32 id, const struct famez_link *l);

/** famez_link_calls() - is something to be said to a peer that has rung? no lock */
bool famez_link_calls(struct famez_bridge *b, u32 id);

/** famez_link_send() - the work: say what is due, if there is room */
void famez_link_send(struct famez_bridge *b, u32 id);

/** famez_link_restarts_of() - before it is paired: what was due was for a peer's last start */
void famez_link_restarts_of(struct famez_bridge *b, u32 id);

/** famez_link_heard() - a peer has said this; under rx_lock */
void famez_link_heard(struct famez_bridge *b, u32 id, const struct famez_link *l);

/** famez_link_component() - a copy of what we are */
void famez_link_component(struct famez_bridge *b, struct famez_component *c);

/** famez_link_set_class() - 0, or -EINVAL: it can be none */
int famez_link_set_class(struct famez_bridge *b, const char *name, size_t length);

/**
 * famez_link_tell() - a program says a word
 * @b: the bridge, inside
 * @id: to whom
 * @text: the word
 * @length: bytes of it
 *
 * Return: 0; -EINVAL: it is none; -EHOSTUNREACH; -ENOTCONN; -ENODEV; -EBUSY: the last
 * one waits for room
 */
int famez_link_tell(struct famez_bridge *b, u32 id, const char *text, size_t length);

/** famez_link_find() - who has this CID and SID? 0 or -EHOSTUNREACH; inside */
int famez_link_find(struct famez_bridge *b, u32 cid, u32 sid, u32 *id);

/* ---- mail.c: F.E.E.'s mailslots ---- */

/** famez_mail_start() - where there are some, say in ours who we are; before messages */
void famez_mail_start(struct famez_bridge *b);

/** famez_mail_stop() - we are not any more */
void famez_mail_stop(struct famez_bridge *b);

/** famez_is_old() - does it know nothing newer? */
bool famez_is_old(struct famez_bridge *b, u32 id);

/** famez_mail_info() - if so, what its slot says of it */
void famez_mail_info(struct famez_bridge *b, u32 id, struct famez_peer_info *info);

/** famez_mail_lost() - famez_lost() of a server that knows mailslots alone; as all of these */
bool famez_mail_lost(struct famez_bridge *b);

/** famez_mail_state() - famez_peer_state() there */
u32 famez_mail_state(struct famez_bridge *b, u32 id);

/** famez_mail_ids() - famez_peer_ids() there */
void famez_mail_ids(struct famez_bridge *b, u32 id, u32 *cid, u32 *sid);

/** famez_mail_serve() - the work there */
void famez_mail_serve(struct famez_bridge *b);

/** famez_mail_interrupt() - a vector was rung; true: the work has to look */
bool famez_mail_interrupt(struct famez_bridge *b, u32 vector);

/** famez_mail_look() - the work: take what has come */
void famez_mail_look(struct famez_bridge *b);

/** famez_mail_next() - the next that came from a peer, if there is one; under rx_lock */
bool famez_mail_next(struct famez_bridge *b, u32 id, struct famez_message *m);

/** famez_mail_read() - a program has read it; under rx_lock */
void famez_mail_read(struct famez_bridge *b, u32 id);

/** famez_mail_kernel() - send something of our own; -EAGAIN: the work comes again */
int famez_mail_kernel(struct famez_bridge *b, u32 id, char *text, u32 length);

/**
 * famez_mail_send() - send a message
 * @b: the bridge, inside
 * @dest: to whom
 * @id: likewise, checked
 * @from: the message, all of it; advanced on success
 * @timeout: jiffies until it must have been read, 0: nobody waits for that
 *
 * Return: 0, or as FAMEZ_IOC_SEND; -EFAULT as famez_channel_send()
 */
int famez_mail_send(struct famez_bridge *b, const struct famez_dest *dest, u32 id,
		    struct iov_iter *from, long timeout);

/* ---- flush.c: FAM on the host's disk ---- */

/** famez_flush_init() - once the layout is known */
void famez_flush_init(struct famez_bridge *b);

/** famez_can_flush() - is there a switch that syncs? */
bool famez_can_flush(struct famez_bridge *b);

/**
 * famez_flush() - have the switch sync the memory
 *
 * Context: may sleep; not inside; famez_can_flush() says yes
 *
 * Return: 0 or -EIO
 */
int famez_flush(struct famez_bridge *b);

/** famez_take_flushed() - the switch's answer; under rx_lock */
void famez_take_flushed(struct famez_bridge *b, u32 id, const u8 *payload, u32 length);

/* ---- owner.c: who has the FAM ---- */

/** famez_owner_known() - is there such an owner? */
bool famez_owner_known(const char *name);

/** famez_owner_start() - as the module's parameter says; the device is there */
void famez_owner_start(struct famez_bridge *b);

/** famez_owner_stop() - nobody, from here on; may sleep */
void famez_owner_stop(struct famez_bridge *b);

/**
 * famez_owner_set() - give it to another
 * @b: the bridge
 * @name: "none", "pmem", "dax" or "ram"
 *
 * Context: may sleep; takes owner_lock
 *
 * Return: 0; -EINVAL: no such owner, or FAM or the region is not for that; -ENOENT:
 * there is no such region; -EBUSY: a peer's use, or a region, is in the way; -ENODEV:
 * the device goes; -ENOMEM.  It stays as it was then, but for -ENOMEM.
 */
int famez_owner_set(struct famez_bridge *b, const char *name);

/**
 * famez_owner_set_region() - what the next owner gets; none must have it now
 *
 * Return: 0; -EBUSY; -EINVAL, -ENAMETOOLONG: it cannot be a region's name
 */
int famez_owner_set_region(struct famez_bridge *b, const char *name, size_t length);

const char *famez_owner_name(struct famez_bridge *b);
ssize_t famez_owner_status(struct famez_bridge *b, char *buf);
ssize_t famez_owner_region(struct famez_bridge *b, char *buf);
ssize_t famez_owner_memtype(struct famez_bridge *b, char *buf);

/* ---- vectors.c: doorbells and interrupts, for programs' own protocols ---- */

/** famez_vector_init() - nobody listens; before its interrupts are on */
void famez_vector_init(struct famez_vector *v);

/** famez_vector_signal() - tell those who listen; in the vector's handler */
void famez_vector_signal(struct famez_vector *v);

/**
 * famez_vector_ring() - ring a peer, and nothing else
 * @b: the bridge, inside
 * @peer: whom
 * @vector: which of its vectors
 *
 * Return: as FAMEZ_IOC_RING
 */
int famez_vector_ring(struct famez_bridge *b, u32 peer, u32 vector);

/**
 * famez_vector_listen() - signal an eventfd at each interrupt
 * @b: the bridge, inside
 * @vector: which
 * @owner: who has at most one there
 * @fd: the eventfd; -1: none any more
 *
 * Context: may sleep.  What is replaced or taken away is not signalled any more
 * when this returns.
 *
 * Return: as FAMEZ_IOC_VECTOR
 */
int famez_vector_listen(struct famez_bridge *b, u32 vector, const void *owner,
			int fd);

/** famez_vectors_forget() - @owner listens no more; may sleep */
void famez_vectors_forget(struct famez_bridge *b, const void *owner);

/**
 * famez_vectors_end() - signal each eventfd a last time, and take it away
 *
 * famez_bridge.gone is set: who comes later is told that.
 */
void famez_vectors_end(struct famez_bridge *b);

/* ---- sysfs.c: what the device is, and what it has counted ---- */

extern const struct attribute_group *famez_groups[];
extern const struct attribute_group famez_link_group;	/* sysfs-link.c */

/** famez_sysfs_add() - directories of counters; after the device was added */
int famez_sysfs_add(struct famez_bridge *b);

/** famez_sysfs_remove() - take them out; may sleep; before the device goes */
void famez_sysfs_remove(struct famez_bridge *b);

/** famez_sysfs_peer() - a peer is up: a directory for it; may sleep */
void famez_sysfs_peer(struct famez_bridge *b, u32 id);

/* ---- mapping.c: one page cache mapping for all opens of a device ---- */

/** famez_mapping_inode() - a new inode of no file system, or an ERR_PTR */
struct inode *famez_mapping_inode(void);

int famez_mapping_register(void);
void famez_mapping_unregister(void);

/* ---- chardev.c ---- */

/** famez_enter() - begin to use the device; false: it has gone */
static inline bool famez_enter(struct famez_bridge *b)
{
	return percpu_ref_tryget_live(&b->ops);
}

static inline void famez_leave(struct famez_bridge *b)
{
	percpu_ref_put(&b->ops);
}

/** famez_bridge_alloc() - a bridge with one reference to its device */
struct famez_bridge *famez_bridge_alloc(struct pci_dev *pdev, bool doorbell);

/** famez_bridge_put() - give up what famez_bridge_alloc() gave */
void famez_bridge_put(struct famez_bridge *b);

/** famez_mappings_zap() - take all mappings out of programs; faults bring them back */
void famez_mappings_zap(struct famez_bridge *b);

/** famez_chardev_add() - let programs in */
int famez_chardev_add(struct famez_bridge *b);

/** famez_chardev_remove() - let nobody in, and everybody out; may sleep */
void famez_chardev_remove(struct famez_bridge *b);

/**
 * famez_chardev_shut() - let nobody begin anything more
 *
 * Does not wait for those inside, who may be frozen there: who hibernates is shut
 * down with programs asleep.
 */
void famez_chardev_shut(struct famez_bridge *b);

int famez_chardev_register(void);
void famez_chardev_unregister(void);

#endif /* _FAMEZ_BRIDGE_H */
